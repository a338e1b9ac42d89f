"""The wrong link of the chain."""

from __future__ import annotations

from jitplab import anatomy
from jitplab.account import case_template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="issuer_is_known",
    checked_against="document",
    source=(
        "AWS IoT developer guide, device-certs-your-own: the CA that signs device certificates is"
        " the one to register"
    ),
    twin="right-slot",
    like=("self-signed-device-certificate",),
)
def ca_registered_at_the_wrong_level(lab: Lab) -> Outcome:
    """The owner registered the root; the signer, which issues device certificates, was not registered.

    AWS builds no chain to a root. It looks for a registered CA certificate whose name is the leaf's issuer,
    and the leaf's issuer is the signer.

    Cause. The registration script took the first certificate of the file, or "the CA" was understood as the
    root.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `aws iot list-ca-certificates` shows one certificate; the subject of its PEM (`aws iot
    describe-ca-certificate`) is not what `openssl x509 -noout -issuer -in device.pem` prints. A self-signed
    device certificate looks the same on the wire; there issuer and subject of the leaf agree.
    Cure. Register the certificate that signs the devices: `aws iot register-ca-certificate --ca-certificate
    file://signer.pem`.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    account.register_ca(lab.root.certificate, case_template())  # the one fault: the signer is missing

    call = lab.connect(device, chain, account)

    lab.foretell(
        "the leaf names itself as issuer",
        False,
        anatomy.field_bytes(chain.device, "issuer") == anatomy.field_bytes(chain.device, "subject"),
    )
    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
