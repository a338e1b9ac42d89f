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
    source="AWS IoT developer guide, reserved-topics",
    twin="within-the-limits",
    like=("payload-is-too-large", "qos-2-is-not-spoken", "topic-is-too-deep"),
    needs=(Need.LOCAL_ENGINE,),
)
def publish_to_a_reserved_topic(lab: Lab) -> Outcome:
    """The client publishes below $aws, where it may not.

    Topics that begin with a dollar sign are the service's own; some, such as shadows, are open, lifecycle
    events are not.

    Cause. A test imitates the service's events.
    Symptom. CONNACK 0, then a close after the message, whatever the policy allows.
    Tell-tale. The policy allows everything, and it is refused all the same. So are messages beyond a limit;
    here the packet's topic begins with `$aws/`, and the same message on another topic is acknowledged.
    Cure. Use a topic of your own.
    """
    call = send_when_registered(
        lab, (mqtt.Publish("$aws/events/presence/connected/d", b"1", qos=1, packet_id=1),)
    )  # the one fault

    foretell_hang_up(lab, call)
    return lab.outcome()
