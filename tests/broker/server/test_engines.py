"""Both engines through the same door: what holds for one holds for the other, unless a test says so.

The faults are those of amqtt 0.12.1 run alone (the numbers of the shared reference's list); behind this
server most cannot be reached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from jitpbroker import mqtt, trace
from jitpbroker.engine import Engine
from jitpbroker.engine.amqtt import AmqttEngine
from jitpbroker.engine.local import LocalEngine

if TYPE_CHECKING:
    from tests.broker.server.conftest import Broker, Dial, Identity, Issue, Join, StartBroker

PUBACK = mqtt.PubAck(9)


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


def test_a_message_goes_to_who_subscribed_and_to_nobody_else(broker: Broker, join: Join) -> None:
    listener, other, speaker = join(broker, "listener"), join(broker, "other"), join(broker, "speaker")
    granted = listener.subscribe("a/+")
    other.subscribe("b/+")
    acknowledged = speaker.publish("a/b", b"hello")

    assert granted == mqtt.SubAck(1, (1,))
    assert acknowledged == PUBACK
    message = listener.packet()
    assert isinstance(message, mqtt.Publish)
    assert (message.topic, message.payload, message.qos, message.retain) == ("a/b", b"hello", 1, False)
    assert other.heard_nothing(speaker)


def test_unsubscribing_ends_the_flow(broker: Broker, join: Join) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    listener.subscribe("a")
    listener.send(mqtt.Unsubscribe(2, ("a",)))
    answer = listener.packet()
    speaker.publish("a", b"1")

    assert answer == mqtt.UnsubAck(2)
    assert listener.heard_nothing(speaker)


def test_the_verdicts_event_reaches_a_subscriber(
    broker: Broker, join: Join, dial: Dial, issue: Issue
) -> None:
    newcomer = issue("newcomer")
    listener = join(broker, "listener")
    listener.subscribe("$aws/events/certificates/registered/+")
    broker.gate.open_to_all = False
    unknown = dial(broker, newcomer)
    unknown.send(mqtt.Connect("newcomer"))

    message = listener.packet()
    assert isinstance(message, mqtt.Publish)
    assert message.topic == "$aws/events/certificates/registered/ca"
    assert message.payload == newcomer.certificate_id.encode()


def test_a_leading_wildcard_sees_no_event(broker: Broker, join: Join, dial: Dial, issue: Issue) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    listener.subscribe("#")
    broker.gate.open_to_all = False
    unknown = dial(broker, issue("newcomer"))
    unknown.send(mqtt.Connect("newcomer"))
    unknown.end()

    assert listener.heard_nothing(speaker)


def test_a_filter_with_a_hash_does_not_match_its_parent(broker: Broker, join: Join) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    listener.subscribe("a/#")
    speaker.publish("a", b"parent")
    speaker.publish("a/b", b"child")

    message = listener.packet()
    assert isinstance(message, mqtt.Publish)
    assert message.payload == b"child"


def test_a_forbidden_delivery_is_left_out_without_a_word(broker: Broker, join: Join) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    broker.gate.refused_topics.add("receive a/secret as listener")
    listener.subscribe("a/+")
    speaker.publish("a/secret", b"1")
    speaker.publish("a/open", b"2")

    message = listener.packet()
    assert isinstance(message, mqtt.Publish)
    assert message.topic == "a/open"


def test_the_will_is_published_when_a_client_is_lost(broker: Broker, join: Join) -> None:
    listener = join(broker, "listener")
    listener.subscribe("wills/+")
    lost = join(broker, "lost", will=mqtt.Will("wills/lost", b"gone", qos=1))
    lost.reset()

    message = listener.packet()
    assert isinstance(message, mqtt.Publish)
    assert (message.topic, message.payload) == ("wills/lost", b"gone")


def test_the_will_is_not_published_after_disconnect(broker: Broker, join: Join) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    listener.subscribe("wills/+")
    polite = join(broker, "polite", will=mqtt.Will("wills/polite", b"gone", qos=1))
    polite.send(mqtt.Disconnect())
    end = polite.end()

    assert end == "close_notify"
    assert listener.heard_nothing(speaker)


def test_a_retained_message_meets_its_exact_topic_only(broker: Broker, join: Join) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    speaker.publish("a/b", b"kept", retain=True)
    by_wildcard = listener.subscribe("a/+")
    silence = listener.heard_nothing(speaker)
    by_name = listener.subscribe("a/b")

    assert by_wildcard == by_name == mqtt.SubAck(1, (1,))
    assert silence
    message = listener.packet()
    assert isinstance(message, mqtt.Publish)
    assert (message.topic, message.payload, message.retain) == ("a/b", b"kept", True)


def test_the_largest_payload_goes_through_whole(broker: Broker, join: Join) -> None:
    payload = bytes(range(256)) * 512
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    listener.subscribe("a")
    speaker.publish("a", payload)

    message = listener.packet()
    assert isinstance(message, mqtt.Publish)
    assert message.payload == payload


@pytest.mark.parametrize("engine,qos", [(LocalEngine(), 0), (AmqttEngine(), 1)], ids=["local", "amqtt"])
def test_amqtt_delivers_with_the_subscriptions_qos_as_its_engine_admits(
    broker: Broker, join: Join, qos: int
) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    listener.subscribe("a", qos=1)
    speaker.send(mqtt.Publish("a", b"1", qos=0))

    message = listener.packet()
    assert isinstance(message, mqtt.Publish)
    assert message.qos == qos


# -- the faults, by their number in the list -----------------------------------------------------


def test_fault_1_a_stranger_with_a_members_client_id_disturbs_nothing(
    broker: Broker, join: Join, dial: Dial, issue: Issue
) -> None:
    victim, speaker = join(broker, "victim"), join(broker, "speaker")
    victim.subscribe("a")
    broker.gate.open_to_all = False
    stranger = dial(broker, issue("stranger"))
    stranger.send(mqtt.Connect("victim", clean_session=True))
    refused = stranger.end()
    speaker.publish("a", b"still there")

    assert refused == "close_notify"
    message = victim.packet()
    assert isinstance(message, mqtt.Publish)
    assert message.payload == b"still there"


def test_fault_2_a_client_without_subscriptions_receives_no_retained_message(
    broker: Broker, join: Join
) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    listener.subscribe("a")
    speaker.publish("a", b"kept", retain=True)
    newcomer = join(broker, "newcomer")

    assert newcomer.heard_nothing(speaker)


def test_fault_2_a_retained_message_needs_permission_like_any_other(broker: Broker, join: Join) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    speaker.publish("a", b"kept", retain=True)
    broker.gate.refused_topics.add("receive a as listener")
    listener.subscribe("a")

    assert listener.heard_nothing(speaker)


def test_fault_3_a_silent_client_is_let_go_and_its_will_published(
    start_broker: StartBroker, engine: Engine, join: Join
) -> None:
    limits = mqtt.Limits(keep_alive_floor=1, keep_alive_factor=0.2)
    broker = start_broker(engine, limits=limits)
    listener = join(broker, "listener", keep_alive=1200)
    listener.subscribe("wills/+")
    silent = join(broker, "silent", keep_alive=1, will=mqtt.Will("wills/silent", b"gone", qos=1))

    message = listener.packet()
    assert silent.end() == "close_notify"
    assert isinstance(message, mqtt.Publish)
    assert message.topic == "wills/silent"
    (end,) = broker.records(trace.Disconnect)
    assert isinstance(end, trace.Disconnect)
    assert (end.reason, end.by) == ("MQTT_KEEP_ALIVE_TIMEOUT", "server")


def test_fault_4_a_reserved_topic_leaves_no_dead_connection_behind(broker: Broker, join: Join) -> None:
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    listener.subscribe("$aws/things/t/shadow/update")
    listener.subscribe("a")
    to_a_rule = speaker.publish("$aws/rules/r/a", b"1")
    to_a_shadow = speaker.publish("$aws/things/t/shadow/update", b"2")
    afterwards = speaker.publish("a", b"3")
    messages = (listener.packet(), listener.packet())
    payloads = sorted(message.payload for message in messages if isinstance(message, mqtt.Publish))
    speaker.send(mqtt.Publish("$SYS/a", b"4", qos=1, packet_id=10))

    assert [to_a_rule, to_a_shadow, afterwards] == [PUBACK, PUBACK, PUBACK]
    assert payloads == [b"2", b"3"]
    assert speaker.end() == "close_notify"


@pytest.mark.parametrize("qos", [0, 1])
def test_fault_5_a_forbidden_publish_is_not_acknowledged(broker: Broker, join: Join, qos: int) -> None:
    broker.gate.refused_topics.add("publish a")
    listener, speaker = join(broker, "listener"), join(broker, "speaker")
    listener.subscribe("a")
    speaker.send(mqtt.Publish("a", b"1", qos=qos, packet_id=9 if qos else None))

    assert speaker.end() == "close_notify"
    assert listener.heard_nothing(join(broker, "another speaker"))
    (end,) = broker.records(trace.Disconnect)
    assert isinstance(end, trace.Disconnect)
    assert (end.reason, end.why) == ("CLIENT_ERROR", "the fake gate refuses to publish a")


def test_fault_5_a_forbidden_subscribe_is_not_acknowledged(broker: Broker, join: Join) -> None:
    broker.gate.refused_topics.add("subscribe b")
    listener = join(broker, "listener")
    listener.send(mqtt.Subscribe(1, (mqtt.Subscription("a", 1), mqtt.Subscription("b", 1))))

    assert listener.end() == "close_notify"
    (end,) = broker.records(trace.Disconnect)
    assert isinstance(end, trace.Disconnect)
    assert (end.reason, end.why) == ("CLIENT_ERROR", "the fake gate refuses to subscribe b")


def test_fault_8_a_second_connection_with_one_client_id_ends_the_first(broker: Broker, join: Join) -> None:
    listener = join(broker, "listener")
    listener.subscribe("wills/+")
    older = join(broker, "twin", will=mqtt.Will("wills/twin", b"ousted", qos=1))
    newer = join(broker, "twin")

    assert older.end() == "close_notify"
    assert newer.publish("a", b"1") == PUBACK
    message = listener.packet()
    assert isinstance(message, mqtt.Publish)
    assert message.payload == b"ousted"
    (end,) = broker.records(trace.Disconnect)
    assert isinstance(end, trace.Disconnect)
    assert (end.reason, end.by) == ("DUPLICATE_CLIENTID", "server")


def test_fault_8_a_wildcard_in_a_publish_closes(broker: Broker, join: Join) -> None:
    speaker = join(broker, "speaker")
    speaker.send(mqtt.Publish("a/+", b"1"))

    assert speaker.end() == "close_notify"
    (end,) = broker.records(trace.Disconnect)
    assert isinstance(end, trace.Disconnect)
    assert end.why == "PUBLISH's topic 'a/+' contains a wildcard, which only filters may [MQTT-3.3.2-2]"


def test_fault_9_a_huge_header_is_refused_at_once(broker: Broker, dial: Dial, device: Identity) -> None:
    client = dial(broker, device)
    client.send(bytes.fromhex("10 ffffff7f"))

    assert client.end() == "close_notify"
    assert broker.gate.attempts == []


def test_fault_10_mqtt_5_is_refused_in_words(broker: Broker, dial: Dial, device: Identity) -> None:
    client = dial(broker, device)
    client.send(bytes.fromhex("10 0e 0004 4d515454 05 02 003c 00 0001 61"))

    assert client.packet() == mqtt.ConnAck(mqtt.ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION)
    assert client.end() == "close_notify"
    assert broker.gate.attempts == []
