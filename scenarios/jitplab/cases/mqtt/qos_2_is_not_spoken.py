"""A limit of AWS IoT."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="disconnect CLIENT_ERROR",
    checked_against="document",
    source="AWS IoT developer guide, mqtt: QoS 2 is not supported; espMqttClient issue 116",
    twin="within-the-limits",
    like=("payload-is-too-large", "topic-is-too-deep", "publish-to-a-reserved-topic"),
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
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device)

    call = lab.connect(
        device,
        chain,
        account,
        connect=mqtt.Connect("d", 60),
        script=(mqtt.Publish("a", b"1", qos=2, packet_id=1),),
    )  # the one fault

    lab.foretell("connack", 0, call.visit.connack)
    lab.foretell("answers", [], list(call.visit.answers))
    lab.foretell("closed_by", "close_notify", str(call.visit.closed_by))
    return lab.outcome()
