"""An ACTIVE certificate that may nothing."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="policy iot:Connect",
    checked_against="document",
    source=(
        "MiniStack pull request 1755, measured on AWS: an ACTIVE certificate without a policy is closed on"
    ),
    twin="what-the-policy-allows",
    like=("client-id-is-not-the-thing-name",),
)
def no_policy_at_all(lab: Lab) -> Outcome:
    """The certificate is ACTIVE and no policy is attached to it.

    What no policy allows is denied, connecting included.

    Cause. The certificate was registered by hand and the second command, attach-policy, was forgotten.
    Symptom. Closed without CONNACK although the certificate is ACTIVE.
    Tell-tale. `aws iot list-attached-policies --target CERT-ARN` is empty; with a policy that does not fit
    it is not.
    Cure. `aws iot attach-policy --policy-name NAME --target CERT-ARN`.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device, policy=False)  # the one fault

    call = lab.connect(device, chain, account)

    lab.foretell("connack", None, call.visit.connack)
    lab.foretell("status after", "ACTIVE", call.status_after)
    return lab.outcome()
