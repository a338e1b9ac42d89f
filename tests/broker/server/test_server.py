"""A connection's life from the server's side, and the server's own."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import uvloop
from OpenSSL import SSL
from tests.broker.server.conftest import NOW

from jitpbroker import mqtt, trace
from jitpbroker.credentials import ServerCredentials
from jitpbroker.engine.local import LocalEngine
from jitpbroker.server import Server, Settings
from jitpbroker.thread import BrokerThread

if TYPE_CHECKING:
    from tests.broker.server.conftest import Broker, Dial, FakeGate, Identity, Join, StartBroker


def last_end(broker: Broker) -> trace.Disconnect:
    record = broker.records(trace.Disconnect)[-1]
    assert isinstance(record, trace.Disconnect)
    return record


def test_the_facts_of_a_connect_reach_the_gate(broker: Broker, dial: Dial, device: Identity) -> None:
    client = dial(broker, device)
    client.send(mqtt.Connect("device", clean_session=False, will=mqtt.Will("wills/device", b"", retain=True)))
    client.end()
    (attempt,) = broker.gate.attempts
    address = client.socket.getsockname()

    assert (attempt.client_id, attempt.clean_session) == ("device", False)
    assert (attempt.will_topic, attempt.will_retain) == ("wills/device", True)
    assert (attempt.source_ip, attempt.source_port) == address
    assert attempt.at == NOW


def test_the_connect_is_in_the_trace_byte_for_byte_but_for_the_password(
    broker: Broker, dial: Dial, device: Identity
) -> None:
    client = dial(broker, device)
    packet = mqtt.Connect("device", user_name="u", password=b"secret")
    client.send(packet)
    client.end()
    (record,) = broker.records(trace.Connect)

    assert isinstance(record, trace.Connect)
    assert record.packet == mqtt.encode(replace(packet, password=b"******"))
    assert record.client_id == "device"


def test_a_connect_cut_into_bytes_is_still_one_connect(broker: Broker, dial: Dial, device: Identity) -> None:
    client = dial(broker, device)
    for byte in mqtt.encode(mqtt.Connect("device")):
        client.send(bytes([byte]))

    assert client.end() == "close_notify"
    assert [attempt.client_id for attempt in broker.gate.attempts] == ["device"]


def test_packets_are_heard_however_tcp_carries_them(
    broker: Broker, dial: Dial, device: Identity, version: int
) -> None:
    """Several records in one segment, and a record that ends in the next."""
    broker.gate.open_to_all = True
    client = dial(broker, device, version=version)
    for packet in (mqtt.Connect("device"), mqtt.PingReq(), mqtt.PingReq()):
        client.tls.sendall(mqtt.encode(packet))
    stream = client.tls.bio_read(65536)
    client.tls.sendall(mqtt.encode(mqtt.PingReq()))
    stream += client.tls.bio_read(65536)
    client.socket.sendall(stream[:-7])
    answers = [client.packet() for _ in range(3)]
    client.socket.sendall(stream[-7:])
    answers.append(client.packet())

    assert answers == [mqtt.ConnAck(), *[mqtt.PingResp()] * 3]


def test_a_connect_may_come_in_the_segment_that_ends_a_tls_1_3_handshake(
    broker: Broker, dial: Dial, device: Identity
) -> None:
    client = dial(broker, device, handshake=False)
    with suppress(SSL.WantReadError):
        client.tls.do_handshake()
    client.flush()
    while not client.tls.total_renegotiations() and client.tls.get_finished() is None:
        client.tls.bio_write(client.socket.recv(65536))
        with suppress(SSL.WantReadError):
            client.tls.do_handshake()
    client.send(mqtt.Connect("device"))  # the client's Finished goes with it

    assert client.end() == "close_notify"
    assert [attempt.client_id for attempt in broker.gate.attempts] == ["device"]


def test_what_is_no_tls_after_the_handshake_ends_the_connection_at_once(
    broker: Broker, dial: Dial, device: Identity, version: int
) -> None:
    client = dial(broker, device, version=version)
    client.socket.sendall(b"GET / HTTP/1.1\r\n")  # as a record, it would have some eight thousand bytes

    with pytest.raises(SSL.Error):  # its alert
        client._read()
    broker.thread.settle()
    assert (last_end(broker).by, last_end(broker).reason) == ("network", "CONNECTION_LOST")  # no time-out
    assert "OpenSSL: " in last_end(broker).why


def test_an_empty_client_id_is_filled_in(start_broker: StartBroker, dial: Dial, device: Identity) -> None:
    broker = start_broker(assign_client_id=lambda: "assigned")
    broker.gate.open_to_all = True
    client = dial(broker, device)
    client.send(mqtt.Connect(""))

    assert client.packet() == mqtt.ConnAck()
    assert broker.gate.attempts[0].client_id == "assigned"
    assert broker.thread.call(lambda: broker.server.client_ids) == {"assigned"}


def test_ids_made_by_the_server_differ(broker: Broker, dial: Dial, device: Identity) -> None:
    broker.gate.open_to_all = True
    for _ in range(2):
        client = dial(broker, device)
        client.send(mqtt.Connect(""))
        client.packet()

    assert len({attempt.client_id for attempt in broker.gate.attempts}) == 2


def test_a_connect_refused_by_itself_is_traced_and_nobody_is_asked(
    broker: Broker, dial: Dial, device: Identity
) -> None:
    client = dial(broker, device)
    client.send(mqtt.Connect("$reserved"))

    assert client.end() == "close_notify"
    assert broker.gate.attempts == []
    assert len(broker.records(trace.Connect)) == 1
    assert last_end(broker).why == "the client id '$reserved' starts with $, which AWS IoT reserves"


def test_an_empty_client_id_with_a_session_is_answered_by_return_code_2(
    broker: Broker, dial: Dial, device: Identity
) -> None:
    client = dial(broker, device)
    client.send(mqtt.Connect("", clean_session=False))

    assert client.packet() == mqtt.ConnAck(mqtt.ConnectReturnCode.IDENTIFIER_REJECTED)
    assert client.end() == "close_notify"


def test_a_second_connect_closes(broker: Broker, join: Join) -> None:
    client = join(broker, "device")
    client.send(mqtt.Connect("device"))

    assert client.end() == "close_notify"
    assert last_end(broker).reason == "CLIENT_ERROR"


def test_disconnect_is_the_clients_own_end(broker: Broker, join: Join) -> None:
    client = join(broker, "device")
    client.send(mqtt.Disconnect())

    assert client.end() == "close_notify"
    end = last_end(broker)
    assert (end.by, end.reason) == ("client", "CLIENT_INITIATED_DISCONNECT")


def test_every_connection_leaves_one_handshake_and_one_end(
    broker: Broker, dial: Dial, join: Join, device: Identity
) -> None:
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as raw:
        raw.sendall(b"nonsense" * 8)
        while raw.recv(1024):
            pass
    refused = dial(broker, device)
    refused.send(mqtt.Connect("refused"))
    refused.end()
    polite = join(broker, "polite")
    polite.send(mqtt.Disconnect(), mqtt.PingReq())
    polite.end()
    polite.shutdown()
    broken = join(broker, "broken")
    broken.send(b"\xf0\x00", mqtt.Publish("a", b"1"))
    broken.end()

    assert len(broker.records(trace.Handshake)) == 4
    assert len(broker.records(trace.Disconnect)) == 4


def test_a_fault_of_ours_ends_one_connection_and_surfaces(
    broker: Broker, dial: Dial, join: Join, device: Identity
) -> None:
    bystander = join(broker, "bystander")
    broker.gate.fault = RuntimeError("the gate has a bug")
    client = dial(broker, device)
    client.send(mqtt.Connect("device"))

    assert client.end() == "close_notify"
    assert bystander.ping() == mqtt.PingResp()
    end = last_end(broker)
    assert (end.reason, end.why) == ("SERVER_ERROR", "the broker failed: RuntimeError('the gate has a bug')")
    with pytest.raises(RuntimeError, match="the gate has a bug"):
        broker.thread.__exit__(None, None, None)
    assert broker.thread.stop() == []


def test_a_client_can_be_disconnected_from_outside(broker: Broker, join: Join) -> None:
    client = join(broker, "device")
    reason = mqtt.DisconnectReason.SERVER_INITIATED_DISCONNECT
    why = "the certificate was revoked"
    found = broker.thread.call(lambda: broker.server.disconnect("device", reason, why))
    again = broker.thread.call(lambda: broker.server.disconnect("device", reason, "once more"))

    assert client.end() == "close_notify"
    assert (found, again) == (True, False)
    assert last_end(broker).why == why


def test_closing_the_broker_says_goodbye_to_everybody(
    broker: Broker, dial: Dial, join: Join, device: Identity
) -> None:
    member, stranger = join(broker, "member"), dial(broker, device)
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10):
        failures = broker.thread.stop()

    assert failures == []
    assert member.end() == stranger.end() == "close_notify"
    reasons = {r.reason for r in broker.trace if isinstance(r, trace.Disconnect)}
    assert reasons == {"SERVER_INITIATED_DISCONNECT"}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", broker.port), timeout=10)


# -- server and thread ---------------------------------------------------------------------------


def make(gate: FakeGate, credentials: ServerCredentials, settings: Settings | None = None) -> Server:
    return Server(gate, LocalEngine(), trace.Trace(), credentials, now=lambda: NOW, settings=settings)


def test_a_server_that_has_not_started_has_no_port(credentials: ServerCredentials, broker: Broker) -> None:
    server = make(broker.gate, credentials)

    with pytest.raises(RuntimeError, match="start it first"):
        _ = server.port


def test_a_server_can_be_closed_before_it_has_started_and_twice(
    credentials: ServerCredentials, broker: Broker
) -> None:
    server = make(broker.gate, credentials)

    async def run() -> int:
        await server.close()
        await server.start()
        port = server.port
        await server.close()
        await server.close()
        return port

    assert asyncio.run(run()) > 0


def test_a_port_that_is_taken_is_reported_where_the_block_begins(
    credentials: ServerCredentials, broker: Broker
) -> None:
    server = make(broker.gate, credentials, Settings(port=broker.port))

    with pytest.raises(OSError, match="address already in use"), BrokerThread(server):
        pass  # never entered


def test_a_call_returns_its_result_or_raises(broker: Broker) -> None:
    def fail() -> None:
        raise LookupError("nothing here")

    assert broker.thread.call(lambda: 42) == 42
    with pytest.raises(LookupError, match="nothing here"):
        broker.thread.call(fail)


def test_the_blocks_own_error_is_not_replaced(credentials: ServerCredentials, broker: Broker) -> None:
    server = make(broker.gate, credentials)

    with pytest.raises(ZeroDivisionError), BrokerThread(server):
        raise ZeroDivisionError


def test_another_kind_of_event_loop_serves_as_well(
    broker: Broker, credentials: ServerCredentials, dial: Dial, device: Identity
) -> None:
    """uvloop's transports are not asyncio's, and its listener has to be closed in another way."""
    server = make(broker.gate, credentials)
    with BrokerThread(server, uvloop.new_event_loop) as thread:
        first = dial(thread, device)
        first.send(mqtt.Connect("device"))
        end = first.end()
        second = dial(thread, device)
        second.send(mqtt.Connect("device"), mqtt.Publish("a", b"1", qos=1, packet_id=7))
        answers = [second.packet(), second.packet()]

    assert end == "close_notify"
    assert answers == [mqtt.ConnAck(), mqtt.PubAck(7)]
    assert second.end() == "close_notify"
