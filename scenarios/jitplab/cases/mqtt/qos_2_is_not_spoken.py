"""A limit of AWS IoT."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.registered_device import foretell_hang_up, send_when_registered
from jitplab.scenario import scenario


@scenario(
    stopped_by="disconnect CLIENT_ERROR",
    checked_against="document",
    source="AWS IoT developer guide, mqtt: QoS 2 is not supported; mqtt_client issue 232",
    twin="within-the-limits",
    like=("payload-is-too-large", "topic-is-too-deep", "publish-to-a-reserved-topic", "will-of-qos-2"),
    needs=(Need.LOCAL_ENGINE,),
)
def qos_2_is_not_spoken(lab: Lab) -> Outcome:
    """The client publishes with QoS 2.

    AWS IoT speaks QoS 0 and 1. A QoS 2 PUBLISH gets no PUBREC but a close.

    Cause. A library's default, or a broker change from one that speaks it.
    Symptom. CONNACK 0, then a close after the first message.
    Tell-tale. Disconnect's reason in the lifecycle event is CLIENT_ERROR, where a policy's no leaves
    AUTHORIZATION_FAILURE in the log; which of the limits it was, only the packet tells: QoS 2 in its first
    byte.
    Cure. Publish with QoS 1.
    """
    call = send_when_registered(lab, (mqtt.Publish("a", b"1", qos=2, packet_id=1),))  # the one fault

    foretell_hang_up(lab, call)
    return lab.outcome()
