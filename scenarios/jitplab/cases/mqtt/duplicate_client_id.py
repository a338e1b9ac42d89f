"""Two devices of one name."""

from __future__ import annotations

from jitpbroker import mqtt
from jitplab.channel import Endpoint
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from jitplab.visit import Visit


@scenario(
    stopped_by="disconnect DUPLICATE_CLIENTID",
    checked_against="document",
    source="AWS IoT developer guide, life-cycle-events; aws-iot-device-sdk-python-v2 issue 236",
    twin="within-the-limits",
    needs=(Need.LOCAL_ENGINE,),
)
def duplicate_client_id(lab: Lab) -> Outcome:
    """A second client connects under the same client id; the first is thrown out.

    The newer connection wins. If both reconnect by themselves they throw each other out for ever.

    Cause. The client id was compiled in, or a test runs beside the device.
    Symptom. The first client's connection is closed by the peer, though it did nothing; it comes back and
    throws the other one out.
    Tell-tale. The disconnected event says DUPLICATE_CLIENTID, and two addresses take turns in the connected
    events.
    Cure. Give each device its own client id: the thing's name.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device)

    def both(_endpoint: Endpoint) -> Visit:
        first = lab.present(device, chain, account, mqtt.Connect("same", 60))
        second = lab.present(device, chain, account, mqtt.Connect("same", 60))  # the one fault
        ended = first.ended()
        lab.foretell("the second stays", None, second.ended())
        return Visit("completed", connack=0, closed_by=ended)

    call = lab.call(chain, account, both, by="the first of two")

    lab.foretell("the first was closed by", "close_notify", str(call.visit.closed_by))
    return lab.outcome()
