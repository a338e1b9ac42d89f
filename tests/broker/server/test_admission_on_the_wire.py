"""What a client sees of an admission: CONNACK, or close_notify and nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitpbroker import mqtt, trace

if TYPE_CHECKING:
    from tests.broker.server.conftest import Broker, Dial, Identity


def test_the_first_connect_ends_in_close_notify_without_a_connack(
    broker: Broker, dial: Dial, device: Identity, version: int
) -> None:
    client = dial(broker, device, version=version)
    client.send(mqtt.Connect("testclient", keep_alive=60))

    assert client.end() == "close_notify"
    (end,) = broker.records(trace.Disconnect)
    assert isinstance(end, trace.Disconnect)
    assert (end.by, end.reason, end.client_id) == ("server", "PENDING_ACTIVATION", "testclient")


def test_the_second_connect_is_answered_by_connack_0(
    broker: Broker, dial: Dial, device: Identity, version: int
) -> None:
    first = dial(broker, device, version=version)
    first.send(mqtt.Connect("testclient"))
    first.end()
    second = dial(broker, device, version=version)
    second.send(mqtt.Connect("testclient"))

    assert second.packet() == mqtt.ConnAck(return_code=0, session_present=False)
    assert len(broker.gate.attempts) == 2
