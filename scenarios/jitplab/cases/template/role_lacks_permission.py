"""A template that cannot run."""

from __future__ import annotations

from jitplab.account import ROLE_ARN
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="template AccessDenied",
    checked_against="document",
    source="users' CloudTrail write-ups of stuck devices; AWS IoT developer guide, provision-wo-cert",
    twin="right-slot",
    like=(
        "parameter-not-in-the-subject",
        "illegal-thing-name",
        "policy-that-does-not-exist",
        "template-is-no-json",
    ),
)
def role_lacks_permission(lab: Lab) -> Outcome:
    """The template's role may not create things.

    Every call of a template is made under the role in the registration config. What that role may not, does
    not happen, and only CloudTrail knows.

    Cause. The role was made for another service, or without AWSIoTThingsRegistration.
    Symptom. The first connection is closed, as every first one is; so is each later one. The certificate
    stays PENDING_ACTIVATION.
    Tell-tale. CloudTrail shows AccessDenied for the assumed role. A missing parameter, which looks the same
    on the wire, leaves no call there at all.
    Cure. Attach the managed policy AWSIoTThingsRegistration to the role, and let it trust
    iot.amazonaws.com.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(roles={ROLE_ARN: frozenset({"iot:UpdateCertificate"})})  # the one fault
    lab.connect(device, chain, account)
    again = lab.connect(device, chain, account)

    lab.foretell("connack", None, again.visit.connack)
    lab.foretell("status after", "PENDING_ACTIVATION", again.status_after)
    lab.foretell("things", [], list(account.thing_names()))
    return lab.outcome()
