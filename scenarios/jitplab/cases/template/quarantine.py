"""A template that lets nobody in."""

from __future__ import annotations

from jitplab.documents import COMMON_NAME, template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="certificate_is_not_inactive",
    checked_against="document",
    source="AWS IoT developer guide, provision-template: the certificate's Status may be INACTIVE",
    twin="right-slot",
    like=("certificate-was-deactivated",),
)
def quarantine(lab: Lab) -> Outcome:
    """The template registers devices and leaves them INACTIVE.

    Some owners want every new device looked at first. Whoever takes over their template without knowing
    sees a device that is registered, has a thing and a policy, and never connects.

    Cause. `"Status": "INACTIVE"` in the template's certificate resource.
    Symptom. The first connection is closed, as every first one is; so is each later one, although the
    certificate, its thing and its policy are all there.
    Tell-tale. `aws iot describe-certificate` says INACTIVE right after the first connection. Had somebody
    deactivated it later, lastModifiedDate would be later, too.
    Cure. `aws iot update-certificate --new-status ACTIVE` for each device, or ACTIVE in the template.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    kept_out = template(
        thing_name=COMMON_NAME, parameters=("CommonName",), status="INACTIVE"
    )  # the one fault
    account.register_ca(lab.signer.certificate, kept_out)
    first = lab.connect(device, chain, account)

    second = lab.connect(device, chain, account)

    lab.foretell("status after the first", "INACTIVE", first.status_after)
    lab.foretell("things", 1, len(account.thing_names()))
    lab.foretell("status after the second", "INACTIVE", second.status_after)
    return lab.outcome()
