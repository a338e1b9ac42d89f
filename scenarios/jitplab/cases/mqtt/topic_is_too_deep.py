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
    source="AWS General Reference, IoT Core quotas",
    twin="within-the-limits",
    like=("qos-2-is-not-spoken", "payload-is-too-large", "publish-to-a-reserved-topic"),
    needs=(Need.LOCAL_ENGINE,),
)
def topic_is_too_deep(lab: Lab) -> Outcome:
    """The topic has eight slashes.

    AWS allows seven; Basic Ingest's own prefix does not count.

    Cause. Topics mirror a deep tree of names.
    Symptom. CONNACK 0, then a close after the message.
    Tell-tale. Disconnect's reason in the lifecycle event is CLIENT_ERROR, where a policy's no leaves
    AUTHORIZATION_FAILURE in the log; which of the limits it was, only the packet tells: its topic.
    Cure. Use a flatter topic.
    """
    call = send_when_registered(
        lab, (mqtt.Publish("a/b/c/d/e/f/g/h/i", b"1", qos=1, packet_id=1),)
    )  # the one fault

    foretell_hang_up(lab, call)
    return lab.outcome()
