"""A template by name that does not run."""

from __future__ import annotations

from jitplab.account import case_template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="template InvalidTemplate",
    checked_against="document",
    source=(
        "CreateProvisioningTemplate in AWS's service model: enabled is false unless asked for; "
        "the sentence is MiniStack's"
    ),
    twin="right-slot",
    like=("template-is-no-json",),
)
def template_was_switched_off(lab: Lab) -> Outcome:
    """The CA provisions by a template's name, and that template is not enabled.

    Templates made with create-provisioning-template are off until somebody says `--enabled`.

    Cause. `aws iot create-provisioning-template` was called without `--enabled`.
    Symptom. The first connection is closed, as every first one is; so is each later one. The certificate
    stays PENDING_ACTIVATION.
    Tell-tale. `aws iot describe-provisioning-template` says `"enabled": false`. A template
    that is no JSON looks the same; it can only be one that was handed in inline, without a name.
    Cure. `aws iot update-provisioning-template --template-name NAME --enabled`.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    account.register_ca_by_template_name(
        lab.signer.certificate, case_template(), enabled=False
    )  # the one fault

    lab.connect(device, chain, account)
    again = lab.connect(device, chain, account)

    lab.foretell("status after", "PENDING_ACTIVATION", again.status_after)
    return lab.outcome()
