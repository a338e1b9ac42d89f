"""A policy that does not allow it."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.documents import allow
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="policy iot:Publish",
    checked_against="assumed",
    source=(
        "that AWS asks about the will's topic at CONNECT is MiniStack's reading; "
        "aws-iot-device-sdk-python-v2 issue 113"
    ),
    twin="what-the-policy-allows",
    like=("retained-will-is-not-allowed",),
    needs=(Need.LOCAL_ENGINE,),
)
def will_is_not_allowed(lab: Lab) -> Outcome:
    """The last will goes to a topic that the policy does not allow.

    The will is a promise to publish, and is judged at CONNECT. So the connection fails before the device
    has said anything.

    Cause. The will's topic was not thought of when the policy was written.
    Symptom. Closed without CONNACK although the certificate is ACTIVE and connects without the will.
    Tell-tale. Take the will out and it connects: the scenario does that, too.
    Cure. Allow iot:Publish on the will's topic.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(
        chain.device,
        allow("iot:Connect"),
        allow("iot:Publish", resource="topic/elsewhere"),
    )  # the one fault
    without = lab.connect(device, chain, account, connect=mqtt.Connect("d", 60))
    lab.foretell("connack without the will", 0, without.visit.connack)

    call = lab.connect(
        device, chain, account, connect=mqtt.Connect("d", 60, will=mqtt.Will("here/will", b"gone"))
    )

    lab.foretell("connack", None, call.visit.connack)
    return lab.outcome()
