"""Registration without provisioning."""

from __future__ import annotations

from jitpbroker.registry.entities import AutoRegistration
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="disconnect JITR_REGISTERED",
    checked_against="document",
    source=("AWS IoT developer guide, auto-register-device-cert: without a template the owner activates"),
    twin="right-slot",
)
def registered_but_never_activated(lab: Lab) -> Outcome:
    """The CA has no template: devices are registered, and nobody activates them.

    That is just-in-time *registration*. AWS publishes an event and waits for a Lambda function of the
    owner, which there is none of.

    Cause. The registration config was forgotten, or removed by `--remove-auto-registration`.
    Symptom. Every connection is closed without CONNACK; the certificate is in the registry,
    PENDING_ACTIVATION.
    Tell-tale. `aws iot describe-ca-certificate` has no registrationConfig. On
    `$aws/events/certificates/registered/CA-ID` a message comes at each CONNECT.
    Cure. Give the CA certificate a template, or activate certificates and attach policies from the event.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    account.register_ca(
        lab.signer.certificate, auto_registration=AutoRegistration.ENABLE
    )  # the one fault: no template
    lab.connect(device, chain, account)

    again = lab.connect(device, chain, account)

    lab.foretell("status after", "PENDING_ACTIVATION", again.status_after)
    lab.foretell("things", [], list(account.thing_names()))
    return lab.outcome()
