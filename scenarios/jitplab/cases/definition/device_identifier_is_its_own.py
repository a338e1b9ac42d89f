"""The subject's own key where the issuer's belongs."""

from __future__ import annotations

from jitplab import anatomy
from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="every_link_is_signed",
    checked_against="vendor-library",
    source="cryptoauthlib issue 370 (known by its summary); rebuilt with cryptoauthlib 20260505",
    twin="right-slot",
    like=("template-identifier-is-not-replaced",),
)
def device_identifier_is_its_own(lab: Lab) -> Outcome:
    """The device certificate names its own key as its issuer's.

    The firmware hands the device's public key to the library where the signer's is asked for. Both are 64
    bytes, and nothing is compared.

    Cause. The argument `ca_public_key` of `atcacert_read_cert` is the key that was read last.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. `openssl x509 -text`: authority and subject key identifier of the device certificate are the
    same; in template-identifier-is-not-replaced they differ.
    Cure. Hand over the signer's key, slot 11.
    """
    device = lab.device()
    good = lab.rebuild_chain(device)
    leaf = lab.bench.library.read_cert(device.device_definition, device.public_key)  # the one fault

    lab.connect(device, Chain(leaf, good.signer))

    own = anatomy.field_bytes(leaf, "subjectKeyIdentifier")
    lab.foretell("identifiers are the same", True, own == anatomy.field_bytes(leaf, "authorityKeyIdentifier"))
    differ = anatomy.names_that_differ(leaf, device.certificate)
    lab.foretell("device differs in", ["authorityKeyIdentifier"], differ)
    return lab.outcome()
