"""Both engines through the same door: what holds for one holds for the other, unless it says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from jitpbroker import mqtt
from jitpbroker.engine import Engine
from jitpbroker.engine.amqtt import AmqttEngine
from jitpbroker.engine.local import LocalEngine

if TYPE_CHECKING:
    from tests.broker.server.conftest import Broker, Dial, Identity, StartBroker


@pytest.fixture(params=[LocalEngine, AmqttEngine], ids=["local", "amqtt"])
def engine(request: pytest.FixtureRequest) -> Engine:
    make: Callable[[], Engine] = request.param
    return make()


@pytest.fixture
def broker(start_broker: StartBroker, engine: Engine) -> Broker:
    return start_broker(engine)


def test_the_first_connect_is_hung_up_on_and_the_second_admitted(
    broker: Broker, dial: Dial, device: Identity
) -> None:
    first = dial(broker, device)
    first.send(mqtt.Connect("device"))
    end = first.end()
    second = dial(broker, device)
    second.send(mqtt.Connect("device"), mqtt.Publish("a/b", b"1", qos=1, packet_id=7))

    assert end == "close_notify"
    assert second.packet() == mqtt.ConnAck()
    assert second.packet() == mqtt.PubAck(7)
