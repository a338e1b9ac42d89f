"""A defect of cryptoauthlib 3.7.9 and later."""

from __future__ import annotations

from jitplab import anatomy
from jitplab.chain import Slot
from jitplab.firmware import ca_key_of_3_7_9
from jitplab.identifiers import match
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="presented_ca_is_registered",
    checked_against="vendor-library",
    source=(
        "cryptoauthlib issue 410; on 2026-11-26 the body of atca_mbedtls_cert_add of 3.8.0 (sdist 20260505), "
        "compiled onto the stock wheel: both certificates byte for byte as here"
    ),
    twin="right-slot",
    like=("wrong-slot-root-key", "signer-key-from-the-wrong-slot"),
)
def identifier_of_72_bytes(lab: Lab) -> Outcome:
    """The library hashes the 72 bytes that the definition's count names, and not the key's 64.

    Firmware, chip and slots are as they were when it worked; only the library is newer. A key of 64 bytes
    followed by eight zero bytes is hashed into the authority key identifier of both certificates.

    Cause. cryptoauthlib 3.7.9 or later, and a CA key location with the conventional count of 72.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. `jitplab explain` names the derivation, SHA1(04|X|Y|00*8), of the *right* key. In the case it
    is the right derivation of the wrong key.
    Cure. Set the CA key's location to count 64, or patch the length.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device, get_ca_key=ca_key_of_3_7_9)  # the one fault

    lab.connect(device, chain)

    aki = anatomy.field_bytes(chain.signer or b"", "authorityKeyIdentifier") or b""
    found = match(aki, lab.keys_at_hand())
    lab.foretell(
        "device differs in",
        ["authorityKeyIdentifier"],
        anatomy.names_that_differ(chain.device, device.certificate),
    )
    lab.foretell("derivation", "SHA1(04|X|Y|00*8)", found.derivation if found else None)
    lab.foretell("of the key in slot", int(Slot.ROOT_PUBLIC_KEY), found.slot if found else None)
    return lab.outcome()
