"""A policy that does not allow it."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.documents import allow
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.registered_device import send_when_registered
from jitplab.scenario import scenario


@scenario(
    stopped_by="policy iot:Receive",
    checked_against="document",
    source="AWS IoT developer guide, iot-policy-actions; amazon-freertos issues 1119 and 1842",
    twin="what-the-policy-allows",
    needs=(Need.LOCAL_ENGINE,),
)
def receive_is_not_allowed(lab: Lab) -> Outcome:
    """The policy allows the subscription and not the messages.

    Receive is asked for each message. A no is not told to anybody: the message is left out.

    Cause. iot:Receive is missing; iot:Subscribe alone gives no message.
    Symptom. SUBACK comes, messages do not. The connection stays.
    Tell-tale. The metric PublishOut.AuthError rises; nothing on the wire differs from a topic that nobody
    publishes to.
    Cure. Allow iot:Receive on `topic/…`.
    """
    script = (
        mqtt.Subscribe(1, (mqtt.Subscription("here", 1),)),
        mqtt.Publish("here", b"1", qos=1, packet_id=2),
    )
    call = send_when_registered(
        lab, script, allow("iot:Connect", "iot:Subscribe", "iot:Publish")
    )  # the one fault

    lab.foretell("answers", ["SUBACK 1", "PUBACK"], call.visit.answers)
    lab.foretell("closed_by", None, call.visit.closed_by)
    return lab.outcome()
