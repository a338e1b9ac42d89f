"""The healthy twin of what the limits stop."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    admitted=True,
    checked_against="document",
    source="AWS General Reference, IoT Core quotas",
    twin="payload-is-too-large",
    needs=(Need.LOCAL_ENGINE,),
)
def within_the_limits(lab: Lab) -> Outcome:
    """A client that keeps to every limit: 128 KiB, eight filters, seven slashes, QoS 1.

    All of it at its very edge.

    Cause. None.
    Symptom. None: everything is answered.
    Tell-tale. Each answer is on the wire.
    Cure. None needed.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device)
    filters = tuple(mqtt.Subscription(f"f/{number}", 1) for number in range(8))

    call = lab.connect(
        device,
        chain,
        account,
        connect=mqtt.Connect("c" * 128, 60, will=mqtt.Will("w", b"gone", qos=1)),
        script=(
            mqtt.Subscribe(1, filters),
            mqtt.Publish("a/b/c/d/e/f/g/h", bytes(128 * 1024), qos=1, packet_id=2),
        ),
    )

    lab.foretell("answers", ["SUBACK 1 1 1 1 1 1 1 1", "PUBACK"], list(call.visit.answers))
    return lab.outcome()
