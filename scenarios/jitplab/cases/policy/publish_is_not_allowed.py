"""A policy that does not allow it."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.documents import allow
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.registered_device import foretell_hang_up, send_when_registered
from jitplab.scenario import scenario


@scenario(
    stopped_by="policy iot:Publish",
    checked_against="document",
    source="aws-iot-device-sdk-python-v2 issue 260; AWS IoT developer guide, iot-policy-actions",
    twin="what-the-policy-allows",
    like=("subscribe-is-not-allowed",),
    needs=(Need.LOCAL_ENGINE,),
)
def publish_is_not_allowed(lab: Lab) -> Outcome:
    """The policy does not allow the topic that the device publishes to.

    With MQTT 3.1.1 AWS has no way to say no to a PUBLISH but to close.

    Cause. A topic was renamed in the firmware and not in the policy, or `topic/` was forgotten in the
    resource.
    Symptom. CONNACK 0, then a close instead of the PUBACK; SDKs reconnect and try for ever.
    Tell-tale. The log shows eventType Publish-In, reason AUTHORIZATION_FAILURE, with the topic. A
    subscription that is refused looks the same; the log names Subscribe then.
    Cure. Allow iot:Publish on `topic/…` of what is published.
    """
    script = (mqtt.Publish("here", b"1", qos=1, packet_id=1),)
    call = send_when_registered(
        lab, script, allow("iot:Connect"), allow("iot:Publish", resource="topic/elsewhere")
    )  # the one fault

    foretell_hang_up(lab, call)
    return lab.outcome()
