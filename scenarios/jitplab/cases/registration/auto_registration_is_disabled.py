"""Just-in-time registration that nobody switched on."""

from __future__ import annotations

from jitpbroker.registry.entities import AutoRegistration
from jitplab.account import case_template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="ca_auto_registers",
    checked_against="document",
    source="AWS IoT developer guide, auto-register-device-cert",
    twin="right-slot",
    like=("ca-is-inactive",),
)
def auto_registration_is_disabled(lab: Lab) -> Outcome:
    """The signer is registered and ACTIVE, but its auto-registration is disabled.

    A template alone does nothing: whether unknown certificates are registered at all is a switch of its
    own.

    Cause. `register-ca-certificate` was called without `--allow-auto-registration`.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `aws iot describe-ca-certificate` says `"autoRegistrationStatus": "DISABLE"`; with an
    inactive CA certificate it says ENABLE there, and INACTIVE as status.
    Cure. `aws iot update-ca-certificate --certificate-id ID --new-auto-registration-status ENABLE`.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    account.register_ca(
        lab.signer.certificate, case_template(), auto_registration=AutoRegistration.DISABLE
    )  # the one fault

    call = lab.connect(device, chain, account)

    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
