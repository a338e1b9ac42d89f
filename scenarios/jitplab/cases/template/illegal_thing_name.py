"""A template that cannot run."""

from __future__ import annotations

from jitplab.documents import COMMON_NAME, template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="template InvalidRequestException",
    checked_against="document",
    source="AWS's service model, ThingName; aws-iot-device-sdk-embedded-C issue 343",
    twin="right-slot",
    like=(
        "parameter-not-in-the-subject",
        "role-lacks-permission",
        "policy-that-does-not-exist",
        "template-is-no-json",
    ),
)
def illegal_thing_name(lab: Lab) -> Outcome:
    """The name that the template makes is not a thing name.

    A thing's name has letters, digits, colon, underscore and hyphen. The template joins the common name
    with " Ltd.", whose space and dot are none of these.

    Cause. Names for people were used as names for machines.
    Symptom. The first connection is closed, as every first one is; so is each later one. The certificate
    stays PENDING_ACTIVATION.
    Tell-tale. CloudTrail shows InvalidRequestException from CreateThing; the regular expression is
    `[a-zA-Z0-9:_-]{1,128}`.
    Cure. Use an attribute that fits, such as the chip's serial number, or Fn::Join it from parts.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    faulty = template(
        thing_name={"Fn::Join": ["", [COMMON_NAME, " Ltd."]]},  # the one fault
        parameters=("CommonName",),
    )
    account.register_ca(lab.signer.certificate, faulty)
    lab.connect(device, chain, account)
    again = lab.connect(device, chain, account)

    lab.foretell("connack", None, again.visit.connack)
    lab.foretell("status after", "PENDING_ACTIVATION", again.status_after)

    return lab.outcome()
