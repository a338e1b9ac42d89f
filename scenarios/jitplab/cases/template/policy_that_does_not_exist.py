"""A template that cannot run."""

from __future__ import annotations

from jitplab.documents import COMMON_NAME, template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="template PolicyNotFound",
    checked_against="document",
    source=(
        "AWS IoT developer guide, provision-template; that nothing is rolled back is inferred "
        "from users' CloudTrail"
    ),
    twin="right-slot",
    like=(
        "only-the-first-thing-works",
        "parameter-not-in-the-subject",
        "role-lacks-permission",
        "illegal-thing-name",
        "template-is-no-json",
    ),
)
def policy_that_does_not_exist(lab: Lab) -> Outcome:
    """The template names a policy that nobody created.

    PolicyName refers to a policy of the account; a template does not create it.

    Cause. The policy exists in another Region, or under another name.
    Symptom. The first connection is closed, as every first one is; so is each later one. The certificate
    stays PENDING_ACTIVATION.
    Tell-tale. The thing exists and the certificate is PENDING_ACTIVATION: the run stopped between the two.
    `aws iot get-policy --policy-name NAME` answers ResourceNotFoundException. With one name for all things
    the first device works and the policy is there.
    Cure. Create the policy, or put a PolicyDocument into the template.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    named = template(
        thing_name=COMMON_NAME, parameters=("CommonName",), policy={"PolicyName": "nobody-made-me"}
    )  # the one fault
    account.register_ca(lab.signer.certificate, named)
    lab.connect(device, chain, account)
    again = lab.connect(device, chain, account)

    lab.foretell("connack", None, again.visit.connack)
    lab.foretell("status after", "PENDING_ACTIVATION", again.status_after)
    lab.foretell("things left behind", 1, len(account.thing_names()))
    return lab.outcome()
