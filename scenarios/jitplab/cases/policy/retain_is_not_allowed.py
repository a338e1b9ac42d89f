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
    stopped_by="policy iot:RetainPublish",
    checked_against="document",
    source="AWS IoT developer guide, mqtt, retained messages; aws-iot-device-sdk-js-v2 issue 133",
    twin="what-the-policy-allows",
    needs=(Need.LOCAL_ENGINE,),
)
def retain_is_not_allowed(lab: Lab) -> Outcome:
    """The policy allows publishing and not retaining.

    A PUBLISH with the retain flag needs iot:RetainPublish beside iot:Publish.

    Cause. Retained messages came to AWS IoT in 2021; policies from before do not know them.
    Symptom. CONNACK 0, then a close instead of the PUBACK, for retained messages only.
    Tell-tale. The same message without the retain flag is acknowledged: the scenario sends both.
    Cure. Allow iot:RetainPublish on the topic.
    """
    script = (
        mqtt.Publish("here", b"1", qos=1, packet_id=1),
        mqtt.Publish("here", b"1", qos=1, retain=True, packet_id=2),
    )
    call = send_when_registered(lab, script, allow("iot:Connect", "iot:Publish"))  # the one fault

    foretell_hang_up(lab, call, ["PUBACK"])
    return lab.outcome()
