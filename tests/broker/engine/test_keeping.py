"""What the default engine does as time passes, and how much it lets pile up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from jitpbroker import mqtt
from jitpbroker.engine import unheard
from jitpbroker.engine.local import LocalEngine
from jitpbroker.engine.session import Keeping
from jitpbroker.gate import Principal

if TYPE_CHECKING:
    from tests.broker.engine.conftest import Attach

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def after(**units: float) -> datetime:
    return NOW + timedelta(**units)


@pytest.fixture
def discarded(engine: LocalEngine) -> list[tuple[str, str, str]]:
    """What the engine has dropped: client id, topic, why."""
    heard: list[tuple[str, str, str]] = []

    def note(principal: Principal, topic: str, why: str) -> None:
        heard.append((principal.client_id, topic, why))

    engine.discarded = note
    return heard


def test_what_nobody_acknowledged_is_sent_again_after_a_while(attach: Attach, engine: LocalEngine) -> None:
    """Evidence: assumed - AWS sends again within the hour; when, nobody says."""
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("a")
    speaker.publish("a", b"1", qos=1)
    (first,) = listener.messages()
    engine.tick(after(seconds=19))
    early = listener.messages()
    engine.tick(after(seconds=20))
    (again,) = listener.messages()
    engine.tick(after(seconds=39))
    soon = listener.messages()
    listener.acknowledge(again.packet_id or 0)
    engine.tick(after(seconds=60))

    assert (early, soon) == ([], [])
    assert (again.dup, again.packet_id, again.payload) == (True, first.packet_id, b"1")
    assert listener.messages() == []


def test_after_an_hour_an_unacknowledged_message_is_given_up_and_makes_room(
    attach: Attach, engine: LocalEngine, discarded: list[tuple[str, str, str]]
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas: redelivery for up to an hour."""
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("a")
    for number in range(101):
        speaker.publish("a", str(number).encode(), qos=1)
    listener.messages()
    engine.tick(after(hours=1))

    assert [message.payload for message in listener.messages()] == [b"100"]
    assert discarded == [("listener", "a", "nobody acknowledged it for 1:00:00")] * 100


def test_stored_messages_come_at_ten_a_second_and_live_ones_after_them(
    attach: Attach, engine: LocalEngine
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas, persistent sessions."""
    device, speaker = attach("device", clean_session=False), attach("speaker")
    device.subscribe("a")
    engine.detach(device, NOW, publish_will=False)
    engine.tick(NOW)
    for number in range(25):
        speaker.publish("a", str(number).encode(), qos=1)
    back = attach("device", clean_session=False)
    at_once = back.messages()
    speaker.publish("a", b"live", qos=1)
    back.acknowledge(at_once[0].packet_id or 0)
    held = back.messages()
    engine.tick(after(seconds=0.5))
    half = back.messages()
    engine.tick(after(seconds=1.5))
    second = back.messages()
    engine.tick(after(seconds=60))
    rest = back.messages()

    assert [message.payload for message in at_once] == [str(n).encode() for n in range(10)]
    assert held == []
    assert [message.payload for message in half] == [str(n).encode() for n in range(10, 15)]
    assert [message.payload for message in second] == [str(n).encode() for n in range(15, 25)] + [b"live"]
    assert [message.dup for message in rest] == [True] * 25


def test_a_clock_that_was_set_back_hands_out_nothing_twice(attach: Attach, engine: LocalEngine) -> None:
    device, speaker = attach("device", clean_session=False), attach("speaker")
    device.subscribe("a")
    engine.tick(NOW)
    engine.detach(device, NOW, publish_will=False)
    for _ in range(11):
        speaker.publish("a", qos=1)
    back = attach("device", clean_session=False)
    engine.tick(after(hours=-1))

    assert len(back.messages()) == 10


def test_a_session_nobody_came_back_to_is_forgotten_as_time_passes(
    attach: Attach, engine: LocalEngine
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas: one hour."""
    device = attach("device", clean_session=False)
    device.subscribe("a")
    engine.detach(device, NOW, publish_will=False)
    engine.tick(after(minutes=59))
    before = set(engine._sessions)
    engine.tick(after(hours=1))

    assert (before, set(engine._sessions)) == ({"device"}, set())


def test_the_51st_filter_ends_the_connection_those_of_a_resumed_session_included(
    attach: Attach, engine: LocalEngine
) -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas: 50 subscriptions per connection."""
    device = attach("device", clean_session=False)
    for number in range(50):
        device.subscribe(f"t/{number}")
    engine.detach(device, NOW, publish_will=False)
    back = attach("device", clean_session=False)
    back.subscribe("t/7")
    known = back.hung_up
    back.subscribe("t/50")

    assert known is None
    assert back.sent[1:] == [mqtt.SubAck(1, (1,))]
    assert back.hung_up == (mqtt.DisconnectReason.CLIENT_ERROR, "51 subscriptions, AWS IoT allows 50")


@pytest.mark.parametrize(
    "keeping, why",
    [
        (Keeping(waiting=2), "2 QoS 1 messages wait for a client that is away"),
        (Keeping(waiting_bytes=25), "20 bytes of QoS 1 messages wait for a client that is away"),
        (
            Keeping(all_waiting_bytes=25),
            "20 bytes of all clients' QoS 1 messages wait for a client that is away",
        ),
    ],
)
def test_what_finds_no_room_for_a_client_that_is_away_is_dropped_and_told(
    attach: Attach, keeping: Keeping, why: str
) -> None:
    engine = LocalEngine(keeping=keeping)
    heard: list[str] = []
    engine.discarded = lambda _principal, _topic, reason: heard.append(reason)
    device, speaker = attach("device", to=engine, clean_session=False), attach("speaker", to=engine)
    device.subscribe("a")
    engine.detach(device, NOW, publish_will=False)
    for _ in range(3):
        speaker.publish("a", bytes(10), qos=1)
    back = attach("device", to=engine, clean_session=False)

    assert heard == [why]
    assert len(back.messages()) == 2
    assert engine._waiting_bytes == 0


def test_forgetting_a_session_frees_what_waited_for_it(attach: Attach, engine: LocalEngine) -> None:
    device, speaker = attach("device", clean_session=False), attach("speaker")
    device.subscribe("a")
    engine.detach(device, NOW, publish_will=False)
    speaker.publish("a", bytes(10), qos=1)
    held = engine._waiting_bytes
    attach("device", clean_session=True)

    assert (held, engine._waiting_bytes) == (10, 0)


def test_an_engine_that_nobody_listens_to_drops_in_silence(engine: LocalEngine) -> None:
    assert engine.discarded is unheard
    engine.discarded(Principal("certificate", "device"), "a", "why")
