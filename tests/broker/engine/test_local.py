"""The default engine's delivery rules."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from jitpbroker import mqtt
from jitpbroker.engine.local import LocalEngine
from jitpbroker.engine.session import Keeping
from jitpbroker.gate import Event
from jitpbroker.trace import JsonValue

if TYPE_CHECKING:
    from tests.broker.engine.conftest import Attach

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def test_an_attached_client_is_answered_by_connack(attach: Attach) -> None:
    assert attach("device").sent == [mqtt.ConnAck()]


def test_a_message_without_subscribers_is_only_acknowledged(attach: Attach) -> None:
    speaker = attach("speaker")
    speaker.publish("a", qos=1)

    assert speaker.sent[1:] == [mqtt.PubAck(9)]


@pytest.mark.parametrize("published", [0, 1])
@pytest.mark.parametrize("subscribed", [0, 1])
def test_fault_7_the_lower_qos_of_publish_and_subscription_counts(
    attach: Attach, published: int, subscribed: int
) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("a", subscribed)
    speaker.publish("a", qos=published)

    assert [message.qos for message in listener.messages()] == [min(published, subscribed)]


def test_fault_7_subscribing_again_replaces_the_qos(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("a", 0)
    listener.subscribe("a", 1)
    speaker.publish("a", qos=1)
    raised = [message.qos for message in listener.messages()]
    listener.subscribe("a", 0)
    speaker.publish("a", qos=1)
    lowered = [message.qos for message in listener.messages()]

    assert (raised, lowered) == ([1], [0])


def test_overlapping_filters_deliver_once_with_the_highest_qos(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("a/+", 0)
    listener.subscribe("a/b", 1)
    listener.subscribe("#", 0)
    speaker.publish("a/b", qos=1)

    assert [message.qos for message in listener.messages()] == [1]


def test_a_delivery_is_not_marked_retained(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("a")
    speaker.publish("a", retain=True)

    assert [message.retain for message in listener.messages()] == [False]


def test_a_client_hears_its_own_message(attach: Attach) -> None:
    client = attach("device")
    client.subscribe("a")
    client.publish("a")

    assert len(client.messages()) == 1


def test_unsubscribing_is_acknowledged_even_for_filters_never_held(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("a")
    listener.engine.receive(listener, mqtt.Unsubscribe(5, ("a", "never/held")))
    speaker.publish("a")

    assert listener.sent[-1] == mqtt.UnsubAck(5)
    assert listener.messages() == []


def test_the_services_own_events_are_published_with_qos_1(attach: Attach, engine: LocalEngine) -> None:
    listener = attach("listener")
    listener.subscribe("$aws/events/#")
    engine.publish(Event("$aws/events/x", b"{}"))

    assert [(m.topic, m.payload, m.qos) for m in listener.messages()] == [("$aws/events/x", b"{}", 1)]


def test_an_event_is_worked_out_for_listeners_only(attach: Attach, engine: LocalEngine) -> None:
    asked: list[str] = []

    def event(topic: str) -> Event:
        def says() -> dict[str, JsonValue]:
            asked.append(topic)
            return {}

        return Event(topic, says)

    attach("listener").subscribe("$aws/events/heard/#")
    engine.publish(event("$aws/events/unheard/x"))
    engine.publish(event("$aws/events/heard/x"))

    assert asked == ["$aws/events/heard/x"]


def test_a_forbidden_message_is_left_out_whatever_its_qos(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    listener.forbidden.add("a")
    listener.subscribe("a")
    for qos in (0, 1):
        speaker.publish("a", qos=qos)

    assert listener.messages() == []


# -- the window ----------------------------------------------------------------------------------


def test_a_hundred_messages_are_in_flight_and_the_next_waits_for_an_acknowledgement(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("a")
    for number in range(102):
        speaker.publish("a", str(number).encode(), qos=1)
    first = listener.messages()
    listener.acknowledge(first[0].packet_id or 0)
    listener.acknowledge(first[0].packet_id or 0)  # again: not in flight any more, so nothing follows
    listener.acknowledge(65535)  # never sent

    assert [message.payload for message in first] == [str(number).encode() for number in range(100)]
    assert len({message.packet_id for message in first}) == 100
    assert [message.payload for message in listener.messages()] == [b"100"]


def test_packet_ids_go_round_and_skip_those_in_flight(attach: Attach, engine: LocalEngine) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("a")
    speaker.publish("a", b"stuck", qos=1)
    (stuck,) = listener.messages()
    engine._sessions["listener"].last_packet_id = 65533
    seen = []
    for _ in range(4):
        speaker.publish("a", qos=1)
        (message,) = listener.messages()
        assert message.packet_id is not None
        seen.append(message.packet_id)
        listener.acknowledge(message.packet_id)

    assert stuck.packet_id == 1
    assert seen == [65534, 65535, 2, 3]


def test_a_client_that_never_acknowledges_is_let_go(attach: Attach) -> None:
    engine = LocalEngine(mqtt.Limits(in_flight=2), keeping=Keeping(waiting=3))
    listener, speaker = attach("listener", to=engine), attach("speaker", to=engine)
    listener.subscribe("a")
    for _ in range(5):
        speaker.publish("a", qos=1)
    patient = listener.hung_up
    speaker.publish("a", qos=1)

    assert patient is None
    assert listener.hung_up == (
        mqtt.DisconnectReason.THROTTLED,
        "3 QoS 1 messages wait for a client that does not acknowledge",
    )


# -- retained messages ---------------------------------------------------------------------------


def test_a_retained_message_is_replaced_and_forgotten(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    speaker.publish("a", b"1", retain=True)
    speaker.publish("a", b"2", retain=True)
    listener.subscribe("a")
    kept = listener.messages()
    speaker.publish("a", b"", retain=True)
    listener.messages()
    listener.subscribe("a")

    assert [(message.payload, message.retain) for message in kept] == [(b"2", True)]
    assert listener.messages() == []


def test_a_retained_message_comes_after_suback_with_the_lower_qos(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    speaker.publish("a", b"kept", qos=1, retain=True)
    listener.subscribe("a", 0)

    assert listener.sent[1:] == [mqtt.SubAck(1, (0,)), mqtt.Publish("a", b"kept", qos=0, retain=True)]


def test_nothing_is_retained_below_the_dollar_sign(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    speaker.publish("$aws/things/t/shadow/update", qos=1, retain=True)
    listener.subscribe("$aws/things/t/shadow/update")

    assert speaker.sent[1:] == [mqtt.PubAck(9)]
    assert listener.messages() == []


def test_retained_messages_have_a_limit(attach: Attach) -> None:
    engine = LocalEngine(keeping=Keeping(retained=1))
    speaker = attach("speaker", to=engine)
    speaker.publish("a", retain=True)
    speaker.publish("a", b"replaced", retain=True)
    speaker.publish("b", qos=1, retain=True)

    assert mqtt.PubAck(9) not in speaker.sent
    assert speaker.hung_up == (
        mqtt.DisconnectReason.THROTTLED,
        "1 retained messages are held, which is this broker's limit",
    )


# -- wills ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("due", [True, False])
def test_the_will_is_published_when_it_is_due(attach: Attach, engine: LocalEngine, due: bool) -> None:
    listener = attach("listener")
    listener.subscribe("wills/+")
    device = attach("device", will=mqtt.Will("wills/device", b"gone", qos=1))
    engine.detach(device, NOW, publish_will=due)

    assert [message.payload for message in listener.messages()] == ([b"gone"] if due else [])


def test_a_will_can_be_retained(attach: Attach, engine: LocalEngine) -> None:
    device = attach("device", will=mqtt.Will("wills/device", b"gone", retain=True))
    engine.detach(device, NOW, publish_will=True)
    listener = attach("listener")
    listener.subscribe("wills/device")

    assert [(message.payload, message.retain) for message in listener.messages()] == [(b"gone", True)]


# -- sessions ------------------------------------------------------------------------------------


def test_fault_6_an_unacknowledged_message_is_sent_again_to_a_session_that_returns(
    attach: Attach, engine: LocalEngine
) -> None:
    device, speaker = attach("device", clean_session=False), attach("speaker")
    device.subscribe("a")
    speaker.publish("a", b"1", qos=1)
    (sent,) = device.messages()
    engine.detach(device, NOW, publish_will=False)
    speaker.publish("a", b"2", qos=1)
    speaker.publish("a", b"lost", qos=0)
    back = attach("device", clean_session=False)

    assert back.sent[0] == mqtt.ConnAck(session_present=True)
    again, queued = back.messages()
    assert (again.payload, again.dup, again.packet_id) == (b"1", True, sent.packet_id)
    assert (queued.payload, queued.dup) == (b"2", False)


def test_a_clean_session_ends_the_kept_one(attach: Attach, engine: LocalEngine) -> None:
    device, speaker = attach("device", clean_session=False), attach("speaker")
    device.subscribe("a")
    engine.detach(device, NOW, publish_will=False)
    clean = attach("device", clean_session=True)
    speaker.publish("a", qos=1)

    assert clean.sent == [mqtt.ConnAck(session_present=False)]


def test_a_clean_session_leaves_nothing_behind(attach: Attach, engine: LocalEngine) -> None:
    device, speaker = attach("device"), attach("speaker")
    device.subscribe("a")
    engine.detach(device, NOW, publish_will=False)
    speaker.publish("a", qos=1)
    back = attach("device", clean_session=False)

    assert back.sent == [mqtt.ConnAck(session_present=False)]


@pytest.mark.parametrize("away,present", [(timedelta(minutes=59), True), (timedelta(hours=1), False)])
def test_a_session_is_kept_for_an_hour(
    attach: Attach, engine: LocalEngine, away: timedelta, present: bool
) -> None:
    device = attach("device", clean_session=False)
    engine.detach(device, NOW, publish_will=False)

    assert attach("device", at=NOW + away, clean_session=False).sent == [
        mqtt.ConnAck(session_present=present)
    ]


def test_a_session_that_is_away_holds_only_so_much(attach: Attach) -> None:
    engine = LocalEngine(keeping=Keeping(waiting=2))
    device, speaker = attach("device", to=engine, clean_session=False), attach("speaker", to=engine)
    device.subscribe("a")
    engine.detach(device, NOW, publish_will=False)
    for number in range(4):
        speaker.publish("a", str(number).encode(), qos=1)
    back = attach("device", to=engine, clean_session=False)

    assert [message.payload for message in back.messages()] == [b"0", b"1"]


def test_what_became_forbidden_while_a_session_was_away_is_not_delivered(
    attach: Attach, engine: LocalEngine
) -> None:
    device, speaker = attach("device", clean_session=False), attach("speaker")
    device.subscribe("#")
    device.forbidden.add("secret")
    speaker.publish("secret", qos=1)
    speaker.publish("open", qos=1)

    assert [message.topic for message in device.messages()] == ["open"]


# -- the cache and the end -----------------------------------------------------------------------


def test_more_topics_than_the_cache_holds_change_nothing(attach: Attach) -> None:
    listener, speaker = attach("listener"), attach("speaker")
    listener.subscribe("t/+")
    for number in range(2500):
        speaker.publish(f"t/{number}")

    assert [message.topic for message in listener.messages()] == [f"t/{number}" for number in range(2500)]


def test_closing_forgets_everything(attach: Attach, engine: LocalEngine) -> None:
    device = attach("device", clean_session=False)
    device.publish("a", retain=True)
    engine.detach(device, NOW, publish_will=False)
    asyncio.run(engine.start())
    asyncio.run(engine.close())
    back = attach("device", clean_session=False)
    back.subscribe("a")

    assert back.sent == [mqtt.ConnAck(session_present=False), mqtt.SubAck(1, (1,))]
