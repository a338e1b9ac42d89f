"""A new key under an old name."""

from __future__ import annotations

from jitplab import pki
from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="every_link_is_signed",
    checked_against="document",
    source=(
        "RegisterCertificate's CertificateValidationException in AWS's service model: the CA has "
        "to have signed it"
    ),
    twin="right-slot",
    part=Part.NONE,
)
def signer_was_rekeyed(lab: Lab) -> Outcome:
    """The signer got a new key under its old name; the account still has the old one.

    The leaf is sent alone, with SNI. Its issuer's name leads to the registered certificate, whose key did
    not sign it.

    Cause. The issuing CA was renewed with a new key and the same subject, and only the factory was told.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `openssl verify -partial_chain -CAfile registered.pem device.pem` fails with a signature
    error although the names agree. Were the new signer sent along, the rule would be
    presented_ca_is_registered.
    Cure. Register the new certificate too; ten CA certificates may share a subject.
    """
    renewed = pki.make_signer(pki.KeySource(lab.settings.seed), lab.root, key_name="renewed signer")
    key = lab.key("device of the renewed signer")
    serial = lab.serial("device of the renewed signer").to_bytes(16)
    leaf = pki.make_device_certificate(
        renewed, key.public_key, common_name="renewed", serial=serial
    )  # the one fault

    call = lab.connect_with_key(leaf, key, lab.account("aws-2026"), chain=Chain(leaf, None))

    registered = lab.signer.key.public_key
    lab.foretell("signed by the registered key", False, pki.signature_verifies(leaf, registered))
    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
