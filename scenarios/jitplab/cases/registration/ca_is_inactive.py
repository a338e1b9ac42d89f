"""A CA certificate that was switched off."""

from __future__ import annotations

from jitpbroker.registry.entities import CaStatus
from jitplab.account import case_template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="ca_is_active",
    checked_against="document",
    source=(
        "AWS IoT developer guide, manage-your-CA-certs: an inactive CA certificate registers no "
        "new certificate"
    ),
    twin="right-slot",
    like=("auto-registration-is-disabled",),
)
def ca_is_inactive(lab: Lab) -> Outcome:
    """The signer is registered, but its status is INACTIVE.

    A CA certificate is registered INACTIVE unless `--set-as-active` is given; forgetting that looks like
    every other refusal.

    Cause. `register-ca-certificate` was called without `--set-as-active`, or somebody deactivated the
    certificate.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `aws iot describe-ca-certificate` says `"status": "INACTIVE"`. With autoRegistrationStatus
    DISABLE, which looks the same on the wire, it says ACTIVE there.
    Cure. `aws iot update-ca-certificate --certificate-id ID --new-status ACTIVE`.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    account.register_ca(lab.signer.certificate, case_template(), status=CaStatus.INACTIVE)  # the one fault

    call = lab.connect(device, chain, account)

    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
