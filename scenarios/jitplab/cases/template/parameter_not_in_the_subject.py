"""A template that cannot run."""

from __future__ import annotations

from jitplab.documents import COMMON_NAME, template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="template MissingParameter",
    checked_against="document",
    source="AWS IoT developer guide, jit-provisioning; aws-iot-jitp-sample-scripts issue 2",
    twin="right-slot",
    like=(
        "role-lacks-permission",
        "illegal-thing-name",
        "policy-that-does-not-exist",
        "template-is-no-json",
    ),
)
def parameter_not_in_the_subject(lab: Lab) -> Outcome:
    """The template declares a parameter that the device's subject does not have.

    A declared parameter needs a value, from the certificate's subject or as its Default. Country is
    declared, and the subject has none.

    Cause. A template of another project was taken over with all its Parameters.
    Symptom. The first connection is closed, as every first one is; so is each later one. The certificate
    stays PENDING_ACTIVATION.
    Tell-tale. `aws iot describe-certificate` says PENDING_ACTIVATION; the metric ProvisionThing.ClientError
    rises. No thing exists: with a role that lacks permission there is none either, but CloudTrail shows the
    refused call.
    Cure. Drop the parameter, give it a Default, or issue certificates that have the attribute.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    faulty = template(thing_name=COMMON_NAME, parameters=("CommonName", "Country"))  # the one fault
    account.register_ca(lab.signer.certificate, faulty)
    lab.connect(device, chain, account)
    again = lab.connect(device, chain, account)

    lab.foretell("connack", None, again.visit.connack)
    lab.foretell("status after", "PENDING_ACTIVATION", again.status_after)
    lab.foretell("things", [], list(account.thing_names()))
    return lab.outcome()
