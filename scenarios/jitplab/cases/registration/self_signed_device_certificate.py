"""A certificate that vouches for itself."""

from __future__ import annotations

from jitplab import anatomy, pki
from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="issuer_is_known",
    checked_against="document",
    source=(
        "AWS IoT developer guide, jit-provisioning: a certificate is registered by the CA that signed it"
    ),
    twin="hand-made-v1-certificate",
    part=Part.NONE,
    like=("ca-registered-at-the-wrong-level",),
)
def self_signed_device_certificate(lab: Lab) -> Outcome:
    """The device presents a self-signed certificate.

    Nothing is wrong with the handshake: the device holds the key of what it shows. But no registered CA
    bears the leaf's issuer name, which is the leaf's own.

    Cause. A library made the certificate because none was found, or `openssl req -x509` was used for the
    device.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `openssl x509 -noout -issuer -subject` prints the same name twice.
    Cure. Have the registered CA sign a request of the device, or register the certificate by hand with
    `register-certificate-without-ca`.
    """
    itself = pki.make_root(pki.KeySource(lab.settings.seed), "self-made", ca=False)  # the one fault
    chain = Chain(itself.certificate, None)

    call = lab.connect_with_key(itself.certificate, itself.key, lab.account(), chain=chain)

    same = anatomy.field_bytes(chain.device, "issuer") == anatomy.field_bytes(chain.device, "subject")
    lab.foretell("the leaf names itself as issuer", True, same)
    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
