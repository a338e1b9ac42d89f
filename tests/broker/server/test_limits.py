"""What one client may cost, and that nobody else pays for it."""

from __future__ import annotations

import gc
import socket
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from jitpbroker import mqtt, trace
from jitpbroker.peer import Peer

if TYPE_CHECKING:
    from tests.broker.server.conftest import Broker, Dial, Identity, Join, StartBroker


def ends(broker: Broker) -> list[tuple[str, str, str]]:
    return [
        (record.by, record.reason, record.why)
        for record in broker.records(trace.Disconnect)
        if isinstance(record, trace.Disconnect)
    ]


def test_a_client_that_sends_no_connect_is_let_go(
    start_broker: StartBroker, dial: Dial, device: Identity, version: int
) -> None:
    broker = start_broker(limits=mqtt.Limits(connect_timeout=0.1))
    client = dial(broker, device, version=version)

    assert client.end() == "close_notify"
    assert broker.gate.attempts == []
    assert ends(broker) == [
        ("server", "CONNECT_TIMEOUT", "no verdict on a CONNECT within 0.1 s: awaiting CONNECT")
    ]


def test_a_connect_that_drips_in_gains_no_time(
    start_broker: StartBroker, dial: Dial, device: Identity
) -> None:
    broker = start_broker(limits=mqtt.Limits(connect_timeout=0.2))
    client = dial(broker, device)
    packet = mqtt.encode(mqtt.Connect("device"))
    client.send(packet[:1])
    client.send(packet[1:-1])

    assert client.end() == "close_notify"
    assert ends(broker)[0][1] == "CONNECT_TIMEOUT"


def test_an_admitted_client_outlives_the_time_for_connect(start_broker: StartBroker, join: Join) -> None:
    broker = start_broker(limits=mqtt.Limits(connect_timeout=0.1))
    client = join(broker, "device")
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw:
        raw.settimeout(0.3)
        with suppress(TimeoutError):
            raw.recv(1)

    assert client.ping() == mqtt.PingResp()


def test_one_more_stranger_than_allowed_is_dropped_at_the_door(
    start_broker: StartBroker, dial: Dial, join: Join, device: Identity
) -> None:
    broker = start_broker(max_pending=2)
    member = join(broker, "member")  # admitted: no longer counted
    waiting = [dial(broker, device) for _ in range(2)]
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw:
        try:
            dropped = raw.recv(1)
        except ConnectionResetError:
            dropped = b""
    waiting[0].shutdown()
    waiting[0].end()
    late = join(broker, "late")

    assert dropped == b""
    assert member.ping() == late.ping() == mqtt.PingResp()
    assert (
        "server",
        "TOO_MANY_CONNECTIONS",
        "2 connections wait to be admitted, which is the limit",
    ) in ends(broker)


def test_a_subscriber_that_does_not_read_is_let_go_and_the_publisher_is_not(
    start_broker: StartBroker, join: Join
) -> None:
    broker = start_broker(max_backlog=256 * 1024)
    sleeper, speaker = join(broker, "sleeper"), join(broker, "speaker")
    sleeper.subscribe("a", qos=0)
    payload = bytes(128 * 1024)
    acknowledged = 0
    while "sleeper" in broker.thread.call(lambda: broker.server.client_ids):
        speaker.send(mqtt.Publish("a", payload, qos=1, packet_id=9))
        assert speaker.packet() == mqtt.PubAck(9)
        acknowledged += 1

    assert acknowledged > 2
    assert speaker.ping() == mqtt.PingResp()
    ((by, reason, why),) = ends(broker)
    assert (by, reason) == ("server", "THROTTLED")
    assert "bytes wait for a client that does not read them" in why


def test_pings_without_end_do_not_fill_the_memory(start_broker: StartBroker, join: Join) -> None:
    broker = start_broker(max_backlog=64 * 1024)
    flooder, bystander = join(broker, "flooder"), join(broker, "bystander")
    flood = mqtt.encode(mqtt.PingReq()) * 20_000
    with suppress(ConnectionError):
        while "flooder" in broker.thread.call(lambda: broker.server.client_ids):
            flooder.send(flood)

    assert bystander.ping() == mqtt.PingResp()
    assert ends(broker)[0][1] == "THROTTLED"


def test_a_connection_that_has_ended_leaves_the_memory_by_itself(
    broker: Broker, dial: Dial, join: Join, device: Identity
) -> None:
    """Thousands of short visits would otherwise wait for the garbage collector, keys of sessions and all."""
    admitted, stranger = join(broker, "member"), dial(broker, device)
    halfway = dial(broker, device, handshake=False)
    peers: list[weakref.ref[Peer]] = []
    while len(peers) < 3:  # the one that says nothing may still wait to be accepted
        peers = broker.thread.call(lambda: [weakref.ref(peer) for peer in broker.server._connections])
    gc.disable()
    try:
        admitted.send(mqtt.Disconnect())
        ends = [admitted.end()]
        stranger.shutdown()
        ends.append(stranger.end())
        halfway.reset()
        for client in (admitted, stranger):
            client.socket.close()
        broker.thread.settle()
        left = broker.thread.call(lambda: [peer() for peer in peers])
    finally:
        gc.enable()

    assert ends == ["close_notify", "close_notify"]
    assert left == [None] * 3
