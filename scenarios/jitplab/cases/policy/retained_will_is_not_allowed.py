"""A policy that does not allow it."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.documents import allow
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="policy iot:RetainPublish",
    checked_against="assumed",
    source=(
        "aws-iot-device-sdk-python-v2 issue 113 for messages; that a retained will is asked about at CONNECT "
        "is inferred"
    ),
    twin="what-the-policy-allows",
    like=("will-is-not-allowed",),
    needs=(Need.LOCAL_ENGINE,),
)
def retained_will_is_not_allowed(lab: Lab) -> Outcome:
    """The last will is to be retained, and the policy allows publishing only.

    A retained message takes iot:RetainPublish beside iot:Publish, and a will is judged at CONNECT. So a flag
    in CONNECT, not a topic, keeps the device out.

    Cause. The client library's status feature retains its will; the policy was written for messages.
    Symptom. Closed without CONNACK although the certificate is ACTIVE and its policy allows the will's topic.
    Tell-tale. The same will without its retain flag connects: the scenario does that, too. Bit 5 of the
    CONNECT's flags is the flag.
    Cure. Allow iot:RetainPublish on the will's topic, or do not retain the will.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(
        chain.device,
        allow("iot:Connect"),
        allow("iot:Publish", resource="topic/d/state"),
    )  # the one fault
    passing = mqtt.Will("d/state", b"offline")
    allowed = lab.connect(device, chain, account, connect=mqtt.Connect("d", 60, will=passing))
    lab.foretell("connack where the will is not retained", 0, allowed.visit.connack)

    retained = mqtt.Will("d/state", b"offline", retain=True)
    call = lab.connect(device, chain, account, connect=mqtt.Connect("d", 60, will=retained))

    lab.foretell("connack", None, call.visit.connack)
    return lab.outcome()
