"""AWS's quotas, one by one: the wire first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from jitpbroker import mqtt
from jitpbroker.admission.profiles import AWS_2026, turned_by_name
from jitpbroker.admission.rate import AWS_QUOTAS, AccountQuotas
from jitpbroker.gate import Event
from jitpbroker.registry.jsontext import Json
from jitpbroker.trace import Authorization

if TYPE_CHECKING:
    from tests.broker.server.conftest import Identity, Issue, RawClient
    from tests.broker.server.desk.conftest import Account, Enter, Knock, OpenAccount

EVERYTHING: dict[str, Json] = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}


@pytest.fixture
def member(account: Account, enter: Enter, device: Identity) -> RawClient:
    """An admitted client that may do everything."""
    account.register(device, EVERYTHING)
    return enter(account, device)


def tick(account: Account, **units: float) -> None:
    """Time passes, and the engine hears of it."""
    account.later(**units)
    account.call(lambda: account.server.engine.tick(account.time[0]))


def tell(account: Account, count: int) -> None:
    """The service publishes 0, 1, … with QoS 1 on topic a."""

    def publish() -> None:
        for number in range(count):
            account.server.engine.publish(Event("a", str(number).encode()))

    account.call(publish)


def messages(client: RawClient, count: int) -> list[mqtt.Publish]:
    packets = [client.packet() for _ in range(count)]
    out = [packet for packet in packets if isinstance(packet, mqtt.Publish)]
    assert len(out) == count, packets
    return out


# -- packets ---------------------------------------------------------------------------------------------


def test_a_payload_of_128_kib_is_taken_and_one_byte_more_closes(account: Account, member: RawClient) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    taken = member.publish("a", bytes(128 * 1024))
    member.send(mqtt.Publish("a", bytes(128 * 1024 + 1), qos=1, packet_id=2))

    assert taken == mqtt.PubAck(9)
    assert member.end() == "close_notify"
    assert account.last_end().reason == "CLIENT_ERROR"
    assert account.last_end().why == "PUBLISH carries 131073 bytes, AWS IoT allows 131072"


@pytest.mark.parametrize(
    "good, bad, words",
    [
        ("a" * 256, "a" * 257, "has 257 bytes, AWS IoT allows 256"),
        ("a/b/c/d/e/f/g/h", "a/b/c/d/e/f/g/h/i", "has 8 slashes, AWS IoT allows 7"),
        ("$aws/rules/r/b/c/d/e/f/g/h/i", "$aws/rules/r/b/c/d/e/f/g/h/i/j", "has 8 slashes"),
    ],
)
def test_a_topic_is_as_long_and_as_deep_as_allowed(
    account: Account, member: RawClient, good: str, bad: str, words: str
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    taken = member.publish(good, b"")
    member.send(mqtt.Publish(bad, b"", qos=1, packet_id=2))

    assert taken == mqtt.PubAck(9)
    assert member.end() == "close_notify"
    assert words in account.last_end().why


@pytest.mark.parametrize("client_id, words", [("x" * 129, "has 129 bytes"), ("$x", "starts with $")])
def test_a_client_id_that_is_too_long_or_reserved_is_closed_on(
    account: Account, knock: Knock, enter: Enter, device: Identity, client_id: str, words: str
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    account.register(device, EVERYTHING)

    assert knock(account, device, client_id) == "close_notify"
    assert enter(account, device, "x" * 128).ping() == mqtt.PingResp()
    assert any(words in str(record) for record in account.call(lambda: list(account.trace)))


@pytest.mark.parametrize(
    "packet",
    [
        mqtt.Publish("a", b"", qos=2, packet_id=1),
        mqtt.Subscribe(1, (mqtt.Subscription("a", 2),)),
    ],
)
def test_qos_2_is_not_spoken(account: Account, member: RawClient, packet: mqtt.Packet) -> None:
    """Evidence: document - AWS IoT developer guide, mqtt: no answer is sent; that it closes is inferred."""
    member.send(packet)

    assert member.end() == "close_notify"
    assert "QoS 2, which AWS IoT does not support; use QoS 1" in account.last_end().why


def test_eight_filters_fit_into_a_subscribe_and_nine_close(account: Account, member: RawClient) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    filters = tuple(mqtt.Subscription(f"t/{number}") for number in range(9))
    member.send(mqtt.Subscribe(1, filters[:8]))
    taken = member.packet()
    member.send(mqtt.Subscribe(2, filters))

    assert taken == mqtt.SubAck(1, (0,) * 8)
    assert member.end() == "close_notify"
    assert account.last_end().why == "SUBSCRIBE has 9 filters, AWS IoT allows 8"


def test_a_connect_of_128_kib_is_taken_and_one_byte_more_closes(
    account: Account, knock: Knock, enter: Enter, device: Identity
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    account.register(device, EVERYTHING)
    will = mqtt.Will("w", bytes(60_000))
    user = "u" * 60_000
    empty = mqtt.Connect("device", will=will, user_name=user, password=b"")
    header = 4  # a byte of type, three of length
    spare = 128 * 1024 - (len(mqtt.encode(empty)) - header)
    client = enter(account, device, will=will, user_name=user, password=bytes(spare))
    end = knock(account, device, will=will, user_name=user, password=bytes(spare + 1))

    assert client.ping() == mqtt.PingResp()
    assert end == "close_notify"
    assert "131073" in str(account.call(lambda: list(account.trace)))


# -- connections -----------------------------------------------------------------------------------------


def test_a_connection_bears_fifty_subscriptions_those_it_resumed_included(
    account: Account, enter: Enter, device: Identity
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    account.register(device, EVERYTHING)
    first = enter(account, device, clean_session=False)
    for number in range(50):
        first.subscribe(f"t/{number}")
    first.send(mqtt.Disconnect())
    first.end()
    again = enter(account, device, clean_session=False)
    known = again.subscribe("t/7")
    again.send(mqtt.Subscribe(2, (mqtt.Subscription("t/50"),)))

    assert known == mqtt.SubAck(1, (1,))
    assert again.end() == "close_notify"
    assert account.last_end().why == "51 subscriptions, AWS IoT allows 50"


def test_a_client_id_connects_once_a_second_where_that_is_switched_on(
    open_account: OpenAccount, knock: Knock, enter: Enter, device: Identity
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    account = open_account(profile=turned_by_name(AWS_2026, "connect-rate", "one-per-second"))
    account.register(device, EVERYTHING)
    first = enter(account, device)
    end = knock(account, device)
    account.later(seconds=1)

    assert end == "close_notify"
    assert account.last_end().reason == "THROTTLED"
    assert first.ping() == mqtt.PingResp()
    assert enter(account, device).ping() == mqtt.PingResp()


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can be turned on, so that a keep-alive of twenty minutes takes none."""

    leapt = 0.0

    def time(self) -> float:
        return super().time() + self.leapt


def leap(account: Account, seconds: float) -> None:
    """The broker's time goes on, and what is due happens before this returns."""

    def jump() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, LeapingLoop)
        loop.leapt += seconds

    for each in (jump, lambda: None, lambda: None):
        account.call(each)


@pytest.mark.parametrize(
    "asked, in_force",
    [
        (1, 30),
        (29, 30),
        (30, 30),
        (31, 31),
        (1199, 1199),
        (1200, 1200),
        (1201, 1200),
        (65535, 1200),
        (0, 1200),
    ],
)
def test_a_keep_alive_is_held_between_30_and_1200_seconds_and_ends_after_one_and_a_half(
    open_account: OpenAccount, enter: Enter, device: Identity, asked: int, in_force: int
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    account = open_account(loop=LeapingLoop)
    account.register(device, EVERYTHING)
    client = enter(account, device, keep_alive=asked)
    leap(account, in_force * 1.5 - 10)
    still_there = account.call(lambda: account.server.client_ids)
    leap(account, 11)

    assert client.end() == "close_notify"
    assert still_there == {"device"}
    assert account.last_end().reason == "MQTT_KEEP_ALIVE_TIMEOUT"
    assert account.last_end().why == f"no packet for {in_force * 1.5:g} s, that is 1.5 keep-alives"


def test_a_keep_alive_begins_anew_with_every_packet(
    open_account: OpenAccount, enter: Enter, device: Identity
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    account = open_account(loop=LeapingLoop)
    account.register(device, EVERYTHING)
    client = enter(account, device, keep_alive=30)
    for _ in range(3):
        leap(account, 40)
        assert client.ping() == mqtt.PingResp()
    leap(account, 46)

    assert client.end() == "close_notify"


# -- the account -----------------------------------------------------------------------------------------


def test_an_account_connects_so_often_a_second_and_no_more(
    open_account: OpenAccount, knock: Knock, enter: Enter, device: Identity
) -> None:
    """AWS's number is 500; whoever takes over a client id counts, too.

    Evidence: document - AWS General Reference, IoT Core quotas; that one more is hung up on is inferred.
    """
    account = open_account(quotas=AccountQuotas(connects=3))
    account.register(device, EVERYTHING)
    clients = [enter(account, device, client_id) for client_id in ("a", "b", "b")]
    end = knock(account, device, "one too many")
    throttled = account.last_end()
    account.later(seconds=1)

    assert AWS_QUOTAS.connects == 500
    assert end == "close_notify"
    assert (throttled.reason, throttled.why) == (
        "THROTTLED",
        "the account has had 3 CONNECTs in one second, the most AWS IoT allows",
    )
    assert clients[0].ping() == enter(account, device, "one too many").ping() == mqtt.PingResp()


def test_an_account_registers_fifteen_certificates_a_second_where_the_quotas_hold(
    open_account: OpenAccount, knock: Knock, enter: Enter, signer: Identity, issue: Issue
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas; that the sixteenth is hung up on and
    leaves nothing behind is inferred.
    """
    account = open_account(profile=turned_by_name(AWS_2026, "quotas", "aws"))
    account.register_ca(signer)
    devices = [issue(f"device-{number}", signer) for number in range(16)]
    ends = [knock(account, device, f"c{number}") for number, device in enumerate(devices)]
    throttled, stranger = account.last_end(), account.status(devices[-1])
    account.later(seconds=1)
    ends.append(knock(account, devices[-1]))

    assert ends == ["close_notify"] * 17
    assert throttled.reason == "THROTTLED"
    assert throttled.why.startswith("the account has had 15 certificates registered in one second")
    assert stranger is None
    assert enter(account, devices[-1]).ping() == mqtt.PingResp()
    assert len(account.things()) == 16


def test_a_certificate_that_waits_for_activation_does_not_count_again(
    open_account: OpenAccount, knock: Knock, signer: Identity, issue: Issue
) -> None:
    """Evidence: assumed - it was registered at its first CONNECT."""
    account = open_account(quotas=AccountQuotas(registrations=1))
    account.register_ca(signer, None)
    waiting = issue("waiting", signer)
    for _ in range(3):
        knock(account, waiting)
    again = account.last_end().reason
    knock(account, issue("other", signer))

    assert again == "JITR_REGISTERED"
    assert account.last_end().reason == "THROTTLED"


def test_an_account_has_as_many_connections_as_allowed_and_a_client_that_comes_back_takes_its_own_place(
    open_account: OpenAccount, knock: Knock, enter: Enter, device: Identity
) -> None:
    """AWS's number is 500,000, more than this machine has ports.

    Evidence: document - AWS General Reference, IoT Core quotas; that one more is hung up on is inferred.
    """
    account = open_account(quotas=AccountQuotas(connections=2))
    account.register(device, EVERYTHING)
    first, second = enter(account, device, "first"), enter(account, device, "second")
    end = knock(account, device, "third")
    throttled = account.last_end()
    back = enter(account, device, "second")
    replaced = second.end()
    first.send(mqtt.Disconnect())
    first.end()

    assert AWS_QUOTAS.connections == 500_000
    assert end == replaced == "close_notify"
    assert (throttled.reason, throttled.why) == (
        "THROTTLED",
        "the account has 2 connections, the most AWS IoT allows",
    )
    assert back.ping() == enter(account, device, "third").ping() == mqtt.PingResp()


def test_strangers_use_up_nobodys_connects(
    open_account: OpenAccount, knock: Knock, enter: Enter, device: Identity, issue: Issue
) -> None:
    """Evidence: assumed - own choice: AWS does not say who counts."""
    account = open_account(quotas=AccountQuotas(connects=1))
    account.register(device, EVERYTHING)
    stranger = issue("stranger")

    assert [knock(account, stranger) for _ in range(3)] == ["close_notify"] * 3
    assert enter(account, device).ping() == mqtt.PingResp()


# -- messages --------------------------------------------------------------------------------------------


def test_what_exceeds_a_hundred_messages_a_second_is_discarded_and_the_connection_stays(
    open_account: OpenAccount, enter: Enter, device: Identity
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    account = open_account(limits=mqtt.AWS_LIMITS)
    account.register(device, EVERYTHING)
    client = enter(account, device)
    client.send(*(mqtt.Publish("a", b"", qos=1, packet_id=number) for number in range(1, 131)))
    client.send(mqtt.PingReq())
    answers = [client.packet() for _ in range(101)]
    account.later(seconds=1)

    assert answers == [*(mqtt.PubAck(number) for number in range(1, 101)), mqtt.PingResp()]
    assert client.publish("a", b"") == mqtt.PubAck(9)
    discarded = [r for r in account.records(Authorization) if isinstance(r, Authorization) and not r.allowed]
    assert len(discarded) == 30
    assert discarded[0].action == "iot:Publish"
    assert discarded[0].why == (
        "discarded, no policy was asked: more than 100 messages in one second, in and out"
    )


def test_what_a_client_would_get_beyond_that_is_discarded_too_and_sent_again_if_it_was_qos_1(
    open_account: OpenAccount, enter: Enter, device: Identity
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas, outbound publishes; the second chance is
    that of any message nobody acknowledged.
    """
    account = open_account(limits=mqtt.Limits(publishes_per_second=2))
    account.register(device, EVERYTHING)
    client = enter(account, device)
    client.subscribe("a")
    tell(account, 4)
    first, pinged = messages(client, 2), client.ping()
    client.send(*(mqtt.PubAck(message.packet_id or 0) for message in first))
    client.ping()
    tick(account, seconds=20)

    assert [message.payload for message in first] == [b"0", b"1"]
    assert pinged == mqtt.PingResp()
    assert [(m.payload, m.dup) for m in messages(client, 2)] == [(b"2", True), (b"3", True)]
    assert account.refused().action == "iot:Receive"


def test_bytes_beyond_the_throughput_wait_and_none_is_lost(
    open_account: OpenAccount, enter: Enter, device: Identity
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas; that the excess waits is inferred."""
    account = open_account(limits=mqtt.Limits(throughput=400_000))
    account.register(device, EVERYTHING)
    client = enter(account, device)
    client.send(*(mqtt.Publish("a", bytes(50_000), qos=1, packet_id=n) for n in range(1, 11)))

    assert [client.packet() for _ in range(10)] == [mqtt.PubAck(n) for n in range(1, 11)]
    assert client.ping() == mqtt.PingResp()
