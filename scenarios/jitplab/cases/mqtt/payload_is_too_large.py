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
    source="AWS General Reference, IoT Core quotas; aws-iot-device-sdk-cpp-v2 issue 110",
    twin="within-the-limits",
    like=("qos-2-is-not-spoken", "topic-is-too-deep", "publish-to-a-reserved-topic"),
    needs=(Need.LOCAL_ENGINE,),
)
def payload_is_too_large(lab: Lab) -> Outcome:
    """The payload has one byte more than 128 KiB.

    The limit counts the payload alone.

    Cause. A log or an image is sent in one piece.
    Symptom. CONNACK 0, then a close after the message.
    Tell-tale. Disconnect's reason in the lifecycle event is CLIENT_ERROR, where a policy's no leaves
    AUTHORIZATION_FAILURE in the log; which of the limits it was, only the packet tells: its length.
    Cure. Split it, or hand it over by S3.
    """
    call = send_when_registered(
        lab, (mqtt.Publish("a", bytes(128 * 1024 + 1), qos=1, packet_id=1),)
    )  # the one fault

    foretell_hang_up(lab, call)
    return lab.outcome()
