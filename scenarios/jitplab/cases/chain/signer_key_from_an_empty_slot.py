"""A public key that is no key."""

from __future__ import annotations

from dataclasses import replace

from jitplab import anatomy, pki
from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.certificate import DeviceLocation, DeviceZone

_EMPTY_SLOT = 8


@scenario(
    refused_by="every_link_is_signed",
    checked_against="vendor-library",
    source=(
        "measured with cryptoauthlib 20260505 and these definitions: success; mbedTLS's parser answered "
        "-0x4C80 to the result"
    ),
    twin="right-slot",
    like=("signer-left-out",),
)
def signer_key_from_an_empty_slot(lab: Lab) -> Outcome:
    """The firmware reads the signer's public key from slot 8, which nobody ever wrote.

    What it reads are FF bytes, no point on the curve. cryptoauthlib puts them into both certificates as it
    would any key. Only mbedTLS, which has to parse the signer, refuses it; the firmware does not look at
    that return value and sends the device certificate alone.

    Cause. `public_key_dev_loc` of the signer's definition names an empty slot.
    Symptom. Every call of cryptoauthlib returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. `atca_mbedtls_cert_add` returned -0x4C80, the parser's; `openssl x509 -noout -pubkey` of the
    rebuilt signer fails. In signer-left-out the device certificate is as issued; here its authority key
    identifier is not.
    Cure. Read slot 11, and look at return values.
    """
    device = lab.device()
    where = DeviceLocation(DeviceZone.DATA, _EMPTY_SLOT, 0, 72)
    wrong = replace(device.signer_definition, public_key=where)
    chain = lab.rebuild_chain(device, signer_definition=wrong, signer_key_slot=_EMPTY_SLOT)  # the one fault

    parsed = _parses(chain.signer or b"")
    sent = chain if parsed else Chain(chain.device, signer=None)
    lab.connect(device, sent, lab.account("aws-2026"))

    key = anatomy.field_bytes(chain.signer or b"", "subjectPublicKey") or b""
    differ = anatomy.names_that_differ(chain.device, device.certificate)
    lab.foretell("the signer's key", "ff" * 64, key.hex())
    lab.foretell("an X.509 parser takes the signer", False, parsed)
    lab.foretell("device differs in", ["authorityKeyIdentifier"], differ)
    return lab.outcome()


def _parses(certificate: bytes) -> bool:
    """Whether somebody who needs the public key can have it."""
    try:
        pki.public_key_from(certificate)
    except ValueError:
        return False
    return True
