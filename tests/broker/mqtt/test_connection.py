"""The server's side of a connection, driven without a socket; times are seconds of a clock the test owns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker import mqtt

LIMITS = mqtt.Limits()
START = 1000.0


def connection(limits: mqtt.Limits = LIMITS) -> mqtt.Connection:
    return mqtt.Connection(limits, START)


def feed(conn: mqtt.Connection, *packets: mqtt.Packet | bytes, now: float = START) -> list[mqtt.Event]:
    data = b"".join(p if isinstance(p, bytes) else mqtt.encode(p) for p in packets)
    return list(conn.receive_data(data, now))


def opened(limits: mqtt.Limits = LIMITS, keep_alive: int = 60) -> mqtt.Connection:
    conn = connection(limits)
    feed(conn, mqtt.Connect("device", keep_alive))
    conn.send(mqtt.ConnAck(), START)
    return conn


def only_violation(events: list[mqtt.Event]) -> mqtt.Violation:
    (event,) = events
    assert isinstance(event, mqtt.Violation)
    return event


def objection(packet: mqtt.Connect) -> mqtt.Violation | None:
    (event,) = feed(connection(), packet)
    assert isinstance(event, mqtt.ConnectArrived)
    return event.objection


def test_a_connect_is_handed_over_with_its_bytes() -> None:
    conn = connection()
    packet = mqtt.Connect("device", 60)

    assert feed(conn, packet) == [mqtt.ConnectArrived(packet, mqtt.encode(packet), None)]
    assert conn.state is mqtt.State.AWAITING_VERDICT


def test_a_passwords_bytes_never_leave_the_connection() -> None:
    (event,) = feed(connection(), mqtt.Connect("device", user_name="u", password=b"secret"))

    assert isinstance(event, mqtt.ConnectArrived)
    assert event.raw.endswith(b"\x00\x06******")
    assert event.packet.password == b"secret"


def test_the_first_packet_must_be_connect() -> None:
    violation = only_violation(feed(connection(), mqtt.PingReq()))

    assert violation.reason == "CLIENT_ERROR"
    assert violation.why == "the first packet is PINGREQ, it must be CONNECT [MQTT-3.1.0-1]"
    assert violation.answer is None


def test_a_connect_of_256_megabytes_is_refused_on_its_header() -> None:
    violation = only_violation(feed(connection(), bytes.fromhex("10 ffffff7f")))

    assert violation.why == "CONNECT declares 268435455 bytes, the limit is 131072"


@pytest.mark.parametrize("level", [3, 5])
def test_another_protocol_version_is_answered_by_return_code_1(level: int) -> None:
    conn = connection()
    violation = only_violation(feed(conn, bytes.fromhex(f"10 0c 0004 4d515454 {level:02x} 02 0000 0000")))

    assert violation.answer == mqtt.ConnAck(mqtt.ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION)
    assert conn.send(violation.answer, START).hex() == "20020001"
    assert conn.state is mqtt.State.CLOSED


def test_nothing_is_read_before_the_verdict_and_everything_after_it() -> None:
    conn = connection()
    arrived = feed(conn, mqtt.Connect("device"), mqtt.PingReq(), mqtt.Publish("a", b"1"))
    waiting = conn.buffered
    conn.send(mqtt.ConnAck(), START)

    assert len(arrived) == 1
    assert waiting == len(mqtt.encode(mqtt.PingReq()) + mqtt.encode(mqtt.Publish("a", b"1")))
    assert feed(conn) == [mqtt.PingReq(), mqtt.Publish("a", b"1")]
    assert conn.buffered == 0


def test_a_verdict_given_between_two_events_lets_reading_go_on() -> None:
    conn = connection()
    seen = []
    for event in conn.receive_data(mqtt.encode(mqtt.Connect("d")) + mqtt.encode(mqtt.PingReq()), START):
        seen.append(event)
        if isinstance(event, mqtt.ConnectArrived):
            conn.send(mqtt.ConnAck(), START)

    assert seen[1:] == [mqtt.PingReq()]


def test_a_closed_connection_reads_nothing() -> None:
    conn = opened()
    conn.close()

    assert feed(conn, mqtt.PingReq()) == []
    assert conn.deadline is None
    assert conn.time_out(START + 1e9) is None


def test_the_rest_of_the_bytes_is_dropped_when_an_event_closes_the_connection() -> None:
    conn = opened()
    events = conn.receive_data(mqtt.encode(mqtt.PingReq()) * 2, START)
    first = next(events)
    conn.close()

    assert first == mqtt.PingReq()
    assert list(events) == []


def test_disconnect_is_the_last_packet() -> None:
    conn = opened()

    assert feed(conn, mqtt.Disconnect(), mqtt.PingReq()) == [mqtt.Disconnect()]
    assert conn.state is mqtt.State.CLOSED


def test_packets_before_a_broken_one_still_count() -> None:
    events = feed(opened(), mqtt.Publish("a", b"1"), b"\xf0\x00")

    assert events[0] == mqtt.Publish("a", b"1")
    assert "packet type 15 is reserved" in only_violation(events[1:]).why


# -- what refuses a CONNECT by itself ------------------------------------------------------------


def test_an_empty_client_id_may_be_assigned_but_not_with_a_session() -> None:
    refused = objection(mqtt.Connect("", clean_session=False))

    assert objection(mqtt.Connect("")) is None
    assert refused is not None
    assert refused.answer == mqtt.ConnAck(mqtt.ConnectReturnCode.IDENTIFIER_REJECTED)
    assert "[MQTT-3.1.3-8]" in refused.why


@pytest.mark.parametrize(
    "packet,sentence",
    [
        (mqtt.Connect("a" * 129), "the client id has 129 bytes, AWS IoT allows 128"),
        (mqtt.Connect("ü" * 65), "the client id has 130 bytes"),
        (mqtt.Connect("$x"), "starts with $"),
        (mqtt.Connect("a", will=mqtt.Will("w", b"", qos=2)), "the will asks for QoS 2"),
        (mqtt.Connect("a", will=mqtt.Will("$SYS/w", b"")), "the will topic '$SYS/w' is reserved"),
    ],
)
def test_aws_refuses_such_a_connect_in_silence(packet: mqtt.Connect, sentence: str) -> None:
    refused = objection(packet)

    assert refused is not None
    assert refused.answer is None
    assert refused.reason == "CLIENT_ERROR"
    assert sentence in refused.why


def test_the_longest_client_id_and_a_sound_will_are_taken() -> None:
    assert objection(mqtt.Connect("a" * 128, will=mqtt.Will("w", b"gone", qos=1, retain=True))) is None


# -- what closes an open connection --------------------------------------------------------------

TOO_MANY = mqtt.Subscribe(1, tuple(mqtt.Subscription(f"t/{n}") for n in range(9)))


@pytest.mark.parametrize(
    "packet,sentence",
    [
        (mqtt.Connect("device"), "a second CONNECT on one connection [MQTT-3.1.0-2]"),
        (mqtt.ConnAck(), "CONNACK is a server's packet"),
        (mqtt.SubAck(1, (0,)), "SUBACK is a server's packet"),
        (mqtt.PingResp(), "PINGRESP is a server's packet"),
        (mqtt.Publish("a", b"", qos=2, packet_id=1), "PUBLISH asks for QoS 2"),
        (mqtt.Publish("$SYS/a", b""), "PUBLISH's topic '$SYS/a' is reserved"),
        (mqtt.Publish("a", bytes(131_073)), "PUBLISH carries 131073 bytes, AWS IoT allows 131072"),
        (mqtt.Publish("a", bytes(131_500)), "PUBLISH declares 131503 bytes"),
        (mqtt.Subscribe(1, (mqtt.Subscription("a", 2),)), "SUBSCRIBE asks for QoS 2"),
        (mqtt.Subscribe(1, (mqtt.Subscription("$SYS/#"),)), "SUBSCRIBE's filter '$SYS/#' is reserved"),
        (TOO_MANY, "SUBSCRIBE has 9 filters, AWS IoT allows 8"),
    ],
)
def test_aws_closes_on_such_a_packet(packet: mqtt.Packet, sentence: str) -> None:
    conn = opened()
    violation = only_violation(feed(conn, packet))

    assert sentence in violation.why
    assert violation.reason == "CLIENT_ERROR"
    assert conn.state is mqtt.State.CLOSED


@pytest.mark.parametrize(
    "packet",
    [
        mqtt.Publish("a" * 256, bytes(131_072), qos=1, packet_id=1),
        mqtt.Publish("$aws/rules/r/t", b""),
        mqtt.PubAck(1),
        mqtt.Subscribe(1, TOO_MANY.subscriptions[:8]),
        mqtt.Unsubscribe(1, ("a",)),
        mqtt.PingReq(),
    ],
)
def test_aws_takes_such_a_packet(packet: mqtt.Packet) -> None:
    assert feed(opened(), packet) == [packet]


def test_the_51st_subscription_of_a_connection_closes_it() -> None:
    conn = opened()
    for batch in range(0, 48, 8):
        filters = tuple(mqtt.Subscription(f"t/{n}") for n in range(batch, batch + 8))
        feed(conn, mqtt.Subscribe(1, filters))
    again = feed(conn, mqtt.Subscribe(2, (mqtt.Subscription("t/0"), mqtt.Subscription("t/48"))))
    given_back = feed(conn, mqtt.Unsubscribe(3, ("t/0",)))
    fifty = feed(conn, mqtt.Subscribe(4, (mqtt.Subscription("t/49"), mqtt.Subscription("t/50"))))
    violation = only_violation(feed(conn, mqtt.Subscribe(5, (mqtt.Subscription("t/51"),))))

    assert [len(events) for events in (again, given_back, fifty)] == [1, 1, 1]
    assert violation.why == "51 subscriptions, AWS IoT allows 50"


# -- time ----------------------------------------------------------------------------------------


def test_a_client_that_never_sends_connect_runs_out_of_time() -> None:
    conn = connection()
    deadline = conn.deadline
    early = conn.time_out(START + 9.9)
    violation = conn.time_out(START + 10.0)

    assert deadline == START + 10.0
    assert early is None
    assert violation is not None
    assert violation.reason == "CONNECT_TIMEOUT"
    assert violation.why == "no verdict on a CONNECT within 10 s: awaiting CONNECT"
    assert conn.state is mqtt.State.CLOSED


def test_connect_sent_byte_by_byte_gains_no_time() -> None:
    conn = connection()
    feed(conn, b"\x10", now=START + 9)

    assert conn.deadline == START + 10.0


@pytest.mark.parametrize(
    "asked,in_force",
    [(0, 1200), (1, 30), (29, 30), (30, 30), (31, 31), (1200, 1200), (1201, 1200), (65535, 1200)],
)
def test_keep_alive_is_clamped_as_aws_does(asked: int, in_force: int) -> None:
    conn = opened(keep_alive=asked)

    assert conn.keep_alive == in_force
    assert conn.deadline == START + 1.5 * in_force


def test_silence_for_one_and_a_half_keep_alives_ends_the_connection() -> None:
    conn = opened(keep_alive=60)
    feed(conn, mqtt.PingReq(), now=START + 50)
    alive = conn.time_out(START + 139)
    violation = conn.time_out(START + 140)

    assert alive is None
    assert violation is not None
    assert violation.reason == "MQTT_KEEP_ALIVE_TIMEOUT"
    assert violation.why == "no packet for 90 s, that is 1.5 keep-alives"


def test_a_packet_that_never_ends_does_not_keep_a_connection_alive() -> None:
    conn = opened(keep_alive=60)
    feed(conn, mqtt.encode(mqtt.Publish("a", bytes(100)))[:50], now=START + 80)

    assert conn.deadline == START + 90


def test_the_keep_alive_starts_at_connack() -> None:
    conn = connection()
    feed(conn, mqtt.Connect("device", 60))
    conn.send(mqtt.ConnAck(), START + 5)

    assert conn.deadline == START + 95


# -- sending -------------------------------------------------------------------------------------


def test_packets_are_sent_as_they_are_encoded() -> None:
    assert opened().send(mqtt.PingResp(), START) == mqtt.encode(mqtt.PingResp())


def test_sending_out_of_turn_is_a_bug_and_says_so() -> None:
    awaiting, open_one, closed = connection(), opened(), opened()
    closed.close()
    judged = connection()
    feed(judged, mqtt.Connect("device"))

    for conn, packet in (
        (awaiting, mqtt.ConnAck()),
        (judged, mqtt.PingResp()),
        (open_one, mqtt.ConnAck()),
        (closed, mqtt.PingResp()),
    ):
        with pytest.raises(RuntimeError, match="cannot be sent while"):
            conn.send(packet, START)


@given(data=st.lists(st.binary(max_size=60), max_size=5), prefix=st.booleans())
def test_arbitrary_bytes_end_in_at_most_one_violation(data: list[bytes], prefix: bool) -> None:
    conn = opened(replace(LIMITS, payload=100)) if prefix else connection()
    events = [event for chunk in data for event in conn.receive_data(chunk, START)]
    violations = [event for event in events if isinstance(event, mqtt.Violation)]

    assert len(violations) <= 1
    if violations:
        assert events[-1] is violations[0]
        assert "\n" not in violations[0].why
