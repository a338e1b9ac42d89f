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
    source="AWS General Reference, IoT Core quotas; ESP RainMaker documentation",
    twin="within-the-limits",
    needs=(Need.LOCAL_ENGINE,),
)
def nine_filters_in_a_subscribe(lab: Lab) -> Outcome:
    """A SUBSCRIBE asks for nine filters at once.

    Eight fit into a packet; fifty are allowed in all.

    Cause. All subscriptions are sent in one packet after connecting.
    Symptom. CONNACK 0, then a close instead of the SUBACK.
    Tell-tale. Eight of the same filters in one packet and the ninth in another are taken.
    Cure. Send several SUBSCRIBE packets.
    """
    call = send_when_registered(
        lab, (mqtt.Subscribe(1, tuple(mqtt.Subscription(f"f/{n}") for n in range(9))),)
    )  # the one fault

    foretell_hang_up(lab, call)
    return lab.outcome()
