"""Sessions, windows, retained messages and wills, as a client meets them: the wire first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from jitpbroker import mqtt
from jitpbroker.engine.local import LocalEngine
from jitpbroker.engine.session import Keeping
from jitpbroker.gate import Event
from jitpbroker.registry.jsontext import Json

if TYPE_CHECKING:
    from tests.broker.server.conftest import Dial, Identity, Issue, RawClient
    from tests.broker.server.desk.conftest import Account, Enter, OpenAccount

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


def test_a_hundred_messages_are_in_flight_and_no_more(account: Account, member: RawClient) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    member.subscribe("a")
    tell(account, 101)
    first = messages(member, 100)
    pinged = member.ping()
    member.send(mqtt.PubAck(first[0].packet_id or 0))

    assert pinged == mqtt.PingResp()
    assert [message.payload for message in messages(member, 1)] == [b"100"]


def test_what_is_not_acknowledged_comes_again(account: Account, member: RawClient) -> None:
    """Evidence: assumed - AWS sends again for up to an hour; when, nobody says."""
    member.subscribe("a")
    tell(account, 1)
    (first,) = messages(member, 1)
    tick(account, seconds=20)
    (again,) = messages(member, 1)
    member.send(mqtt.PubAck(first.packet_id or 0))
    member.ping()
    tick(account, seconds=20)

    assert (first.dup, again.dup, again.packet_id) == (False, True, first.packet_id)
    assert member.ping() == mqtt.PingResp()


def test_a_persistent_session_gets_what_it_missed_ten_a_second(
    account: Account, enter: Enter, device: Identity
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    account.register(device, EVERYTHING)
    client = enter(account, device, clean_session=False)
    client.subscribe("a")
    client.send(mqtt.Disconnect())
    client.end()
    tell(account, 12)
    tick(account, seconds=1)
    back = enter(account, device, clean_session=False)
    first, pinged = messages(back, 10), back.ping()
    tick(account, seconds=1)

    assert [message.payload for message in first] == [str(n).encode() for n in range(10)]
    assert pinged == mqtt.PingResp()
    assert [message.payload for message in messages(back, 2)] == [b"10", b"11"]


@pytest.mark.parametrize("away, present", [(timedelta(minutes=59), True), (timedelta(hours=1), False)])
def test_a_persistent_session_lives_for_an_hour(
    account: Account, enter: Enter, dial: Dial, device: Identity, away: timedelta, present: bool
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    account.register(device, EVERYTHING)
    client = enter(account, device, clean_session=False)
    client.send(mqtt.Disconnect())
    client.end()
    account.later(seconds=away.total_seconds())
    back = dial(account, device)
    back.send(mqtt.Connect("device", clean_session=False))

    assert back.packet() == mqtt.ConnAck(session_present=present)


def test_what_piles_up_for_a_client_that_is_away_is_bounded_and_told(
    open_account: OpenAccount, enter: Enter, device: Identity
) -> None:
    """Evidence: assumed - own choice."""
    account = open_account(engine=LocalEngine(keeping=Keeping(waiting_bytes=3)))
    account.register(device, EVERYTHING)
    client = enter(account, device, clean_session=False)
    client.subscribe("a")
    client.send(mqtt.Disconnect())
    client.end()
    tell(account, 5)
    back = enter(account, device, clean_session=False)

    assert [message.payload for message in messages(back, 3)] == [b"0", b"1", b"2"]
    assert back.ping() == mqtt.PingResp()
    refused = account.refused()
    assert (refused.action, refused.resource.rpartition("/")[2]) == ("iot:Receive", "a")
    assert refused.why.endswith("3 bytes of QoS 1 messages wait for a client that is away")


def test_a_retained_message_goes_to_its_exact_topic_only(account: Account, member: RawClient) -> None:
    """Evidence: document - AWS IoT developer guide, mqtt, retained messages."""
    member.publish("a/b", b"kept", retain=True)
    by_wildcard, silence = member.subscribe("a/+"), member.ping()
    by_name = member.subscribe("a/b")

    assert (by_wildcard, silence, by_name) == (mqtt.SubAck(1, (1,)), mqtt.PingResp(), mqtt.SubAck(1, (1,)))
    (message,) = messages(member, 1)
    assert (message.payload, message.retain) == (b"kept", True)


def test_a_retained_will_is_kept_for_who_comes_later(
    account: Account, member: RawClient, enter: Enter, issue: Issue
) -> None:
    """Evidence: document - AWS IoT developer guide, mqtt, last will and iot:RetainPublish."""
    other = issue("other")
    account.register(other, EVERYTHING)
    lost = enter(account, other, "lost", will=mqtt.Will("wills/lost", b"gone", qos=1, retain=True))
    member.subscribe("wills/+")
    lost.reset()
    (live,) = messages(member, 1)
    member.subscribe("wills/lost")
    (kept,) = messages(member, 1)

    assert (live.payload, live.retain) == (b"gone", False)
    assert (kept.payload, kept.retain) == (b"gone", True)
