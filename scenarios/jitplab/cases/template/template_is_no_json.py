"""A template that cannot run."""

from __future__ import annotations

from jitplab.account import case_template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="template InvalidTemplate",
    checked_against="assumed",
    source="CreateProvisioningTemplate's sentence; that inline bodies are read late is assumed",
    twin="right-slot",
    like=(
        "template-was-switched-off",
        "parameter-not-in-the-subject",
        "role-lacks-permission",
        "illegal-thing-name",
        "policy-that-does-not-exist",
    ),
)
def template_is_no_json(lab: Lab) -> Outcome:
    """The template is no JSON.

    An inline template is not read when the CA certificate is registered; that is assumed here, since AWS
    does not say. It fails when the first device comes.

    Cause. A trailing comma, or a shell that ate the quotes.
    Symptom. The first connection is closed, as every first one is; so is each later one. The certificate
    stays PENDING_ACTIVATION.
    Tell-tale. `aws iot describe-ca-certificate` gives the template back as it was taken; pipe
    `.registrationConfig.templateBody` through a JSON reader. Where it gives a templateName instead, see
    whether that template is enabled.
    Cure. `aws iot create-provisioning-template --type JITP` checks a template when it is handed in; then
    register the CA certificate by templateName.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    account.register_ca(lab.signer.certificate, case_template() + ",")  # the one fault
    lab.connect(device, chain, account)
    again = lab.connect(device, chain, account)

    lab.foretell("connack", None, again.visit.connack)
    lab.foretell("status after", "PENDING_ACTIVATION", again.status_after)

    return lab.outcome()
