"""With a state to keep, nothing is acknowledged, not even by closing politely, before it is written."""

from __future__ import annotations

from tests.broker.server.conftest import Dial, Identity, Join, StartBroker

from jitpbroker import mqtt
from jitpbroker.store.errors import StateError
from jitpbroker.trace import Disconnect


class Disk:
    """Counts commits and can be full."""

    def __init__(self) -> None:
        self.full = False
        self.commits = 0

    def commit(self) -> None:
        self.commits += 1
        if self.full:
            raise StateError("the disk is full")


def test_a_client_is_told_nothing_that_could_not_be_written(
    start_broker: StartBroker, join: Join, dial: Dial, device: Identity
) -> None:
    disk = Disk()
    broker = start_broker(commit=disk.commit)
    client = join(broker, "device")
    client.send(mqtt.Publish("a", b"1", 1, packet_id=1))
    assert client.packet() == mqtt.PubAck(1)

    disk.full = True
    client.send(mqtt.Publish("a", b"2", 1, packet_id=2))

    assert client.end() != "close_notify"
    newcomer = dial(broker, device)
    newcomer.send(mqtt.Connect("newcomer"))
    assert newcomer.end() != "close_notify"

    disk.full = False
    assert join(broker, "device") is not None
    assert disk.commits > 3
    (first, *_) = broker.records(Disconnect)
    assert isinstance(first, Disconnect)
    assert (first.by, first.why) == ("server", "the broker could not write its state: the disk is full")


def test_a_burst_costs_one_commit(start_broker: StartBroker, join: Join) -> None:
    """Fifty messages in one record are handled in one turn of the event loop, and acknowledged in one."""
    disk = Disk()
    client = join(start_broker(commit=disk.commit), "device")
    before = disk.commits

    client.send(*(mqtt.Publish("a", b"1", 1, packet_id=number) for number in range(1, 51)))
    acknowledged = [client.packet() for _ in range(50)]
    commits = disk.commits - before

    assert acknowledged == [mqtt.PubAck(number) for number in range(1, 51)]
    assert commits < 25  # one, and one more for every second that passes meanwhile
