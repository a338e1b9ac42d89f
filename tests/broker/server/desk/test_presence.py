"""What the service tells about its clients, as a subscriber hears it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jitpbroker import mqtt
from jitpbroker.registry import counting_ids
from jitpbroker.registry.jsontext import Json
from jitpbroker.registry.settings import EventConfigurations
from jitpbroker.registry_events import RegistryEvents

if TYPE_CHECKING:
    from tests.broker.server.conftest import Dial, Identity, Issue, RawClient
    from tests.broker.server.desk.conftest import Account, Enter, Knock

NOW_MS = 1_795_521_600_000
EVERYTHING: dict[str, Json] = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}


def heard(client: RawClient) -> tuple[str, dict[str, Json]]:
    """The next message: its topic below ``$aws/events/``, and what it says."""
    message = client.packet()
    assert isinstance(message, mqtt.Publish)
    payload: dict[str, Json] = json.loads(message.payload)
    return message.topic.removeprefix("$aws/events/"), payload


@pytest.fixture
def watcher(account: Account, enter: Enter, issue: Issue) -> RawClient:
    """Somebody who hears every presence event."""
    identity = issue("watcher")
    account.register(identity, EVERYTHING)
    client = enter(account, identity, "watcher")
    client.subscribe("$aws/events/presence/+/+")
    return client


def test_a_client_is_announced_when_it_comes_and_when_it_goes(
    account: Account, enter: Enter, device: Identity, watcher: RawClient
) -> None:
    """Evidence: document - AWS IoT developer guide, life-cycle-events."""
    account.register(device, EVERYTHING)
    client = enter(account, device, "pu02")
    came = heard(watcher)
    client.send(mqtt.Disconnect())
    client.end()
    went = heard(watcher)

    facts = {
        "clientId": "pu02",
        "timestamp": NOW_MS,
        "sessionIdentifier": came[1]["sessionIdentifier"],
        "principalIdentifier": device.certificate_id,
        "versionNumber": 0,
    }
    assert came == (
        "presence/connected/pu02",
        {**facts, "eventType": "connected", "ipAddress": "127.0.0.1"},
    )
    assert went == (
        "presence/disconnected/pu02",
        {
            **facts,
            "eventType": "disconnected",
            "clientInitiatedDisconnect": True,
            "disconnectReason": "CLIENT_INITIATED_DISCONNECT",
        },
    )
    assert account.last_end().reason == "CLIENT_INITIATED_DISCONNECT"


def lose(client: RawClient) -> None:
    client.reset()


def break_a_rule(client: RawClient) -> None:
    client.send(mqtt.Connect("again"))


def ask_too_much(client: RawClient) -> None:
    client.send(mqtt.Publish("forbidden", b"", qos=0))


@pytest.mark.parametrize(
    "act, reason",
    [(lose, "CONNECTION_LOST"), (break_a_rule, "CLIENT_ERROR"), (ask_too_much, "CLIENT_ERROR")],
)
def test_the_reason_of_an_end_is_told(
    account: Account, enter: Enter, device: Identity, watcher: RawClient, act: object, reason: str
) -> None:
    """Evidence: document - life-cycle-events, disconnectReason; CLIENT_ERROR under 3.1.1 is MiniStack's."""
    account.register(device, {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"})
    client = enter(account, device, "pu02")
    heard(watcher)
    assert callable(act)
    act(client)
    topic, payload = heard(watcher)

    assert topic == "presence/disconnected/pu02"
    assert (payload["disconnectReason"], payload["clientInitiatedDisconnect"]) == (reason, False)
    assert account.last_end().reason == reason


def test_of_two_connections_with_one_client_id_the_older_ones_end_is_told_first(
    account: Account, enter: Enter, device: Identity, watcher: RawClient
) -> None:
    """Evidence: document - life-cycle-events, DUPLICATE_CLIENTID."""
    account.register(device, EVERYTHING)
    older = enter(account, device, "twin")
    account.later(seconds=2)
    newer = enter(account, device, "twin")
    told = [heard(watcher) for _ in range(3)]

    assert older.end() == "close_notify"
    assert [topic for topic, _ in told] == [
        "presence/connected/twin",
        "presence/disconnected/twin",
        "presence/connected/twin",
    ]
    sessions = [payload["sessionIdentifier"] for _, payload in told]
    assert sessions[0] == sessions[1] != sessions[2]
    assert [payload["versionNumber"] for _, payload in told] == [0, 0, 1]
    assert told[1][1]["disconnectReason"] == "DUPLICATE_CLIENTID"
    assert newer.ping() == mqtt.PingResp()
    (entry,) = account.logged("Disconnect")
    assert (entry["clientId"], entry["reason"], entry["status"]) == ("twin", "DUPLICATE_CLIENT_ID", "Success")


def test_a_client_without_permission_to_connect_is_announced_as_failed(
    account: Account, knock: Knock, device: Identity, watcher: RawClient
) -> None:
    """Evidence: document - life-cycle-events names connect_failed; its payload is MiniStack's."""
    account.register(device)
    end = knock(account, device, "pu02")
    topic, payload = heard(watcher)

    assert end == "close_notify"
    assert topic == "presence/connect_failed/pu02"
    assert payload == {
        "clientId": "pu02",
        "timestamp": NOW_MS,
        "eventType": "connect_failed",
        "principalIdentifier": device.certificate_id,
        "connectFailureReason": "AUTHORIZATION_FAILED",
        "ipAddress": "127.0.0.1",
    }
    assert account.last_end().reason == "AUTH_ERROR"


def test_the_first_connect_of_just_in_time_provisioning_announces_no_presence(
    account: Account, knock: Knock, device: Identity, signer: Identity, watcher: RawClient
) -> None:
    """Evidence: assumed - the client was never connected, so nothing is told of its presence."""
    account.register_ca(signer)
    watcher.subscribe("$aws/events/certificates/registered/+")
    end = knock(account, device)
    topic, payload = heard(watcher)

    assert end == "close_notify"
    assert topic.startswith("certificates/registered/")
    assert payload["certificateId"] == device.certificate_id
    assert watcher.ping() == mqtt.PingResp()


def test_taking_and_giving_back_filters_is_told(
    account: Account, enter: Enter, device: Identity, watcher: RawClient
) -> None:
    """Evidence: document - life-cycle-events, subscribe and unsubscribe events."""
    account.register(device, EVERYTHING)
    watcher.subscribe("$aws/events/subscriptions/+/pu02")
    client = enter(account, device, "pu02")
    connected = heard(watcher)[1]
    client.send(mqtt.Subscribe(1, (mqtt.Subscription("a"), mqtt.Subscription("b/#", 1))))
    client.send(mqtt.Unsubscribe(2, ("a",)))
    answers = [client.packet(), client.packet()]
    taken, returned = heard(watcher), heard(watcher)

    assert answers == [mqtt.SubAck(1, (0, 1)), mqtt.UnsubAck(2)]
    facts = {
        "clientId": "pu02",
        "timestamp": NOW_MS,
        "sessionIdentifier": connected["sessionIdentifier"],
        "principalIdentifier": device.certificate_id,
    }
    assert taken == (
        "subscriptions/subscribed/pu02",
        {**facts, "eventType": "subscribed", "topics": ["a", "b/#"]},
    )
    assert returned == (
        "subscriptions/unsubscribed/pu02",
        {**facts, "eventType": "unsubscribed", "topics": ["a"]},
    )


def test_an_exclusive_thing_is_named_in_every_event(
    account: Account, enter: Enter, device: Identity, watcher: RawClient
) -> None:
    """Evidence: document - AWS IoT developer guide, exclusive-thing."""
    account.register(device, EVERYTHING)

    def bind() -> None:
        account.registry.things.create("meter-1", at=account.time[0])
        arn = account.registry.arns.cert(device.certificate_id)
        account.registry.things.attach("meter-1", arn, exclusive=True)

    account.call(bind)
    watcher.subscribe("$aws/events/subscriptions/+/another id")
    client = enter(account, device, "another id")
    client.subscribe("a")
    client.reset()
    told = [heard(watcher)[1] for _ in range(3)]

    assert [payload["eventType"] for payload in told] == ["connected", "subscribed", "disconnected"]
    assert {payload["thingName"] for payload in told} == {"meter-1"}


@pytest.mark.parametrize(
    "topic", ["$aws/events/presence/connected/pu02", "$aws/events/x", "$SYS/x", "$aws/x"]
)
def test_nobody_but_the_service_publishes_there(
    account: Account, enter: Enter, device: Identity, topic: str
) -> None:
    """Evidence: document - AWS IoT developer guide, reserved-topics."""
    account.register(device, EVERYTHING)
    client = enter(account, device)
    client.send(mqtt.Publish(topic, b"{}", qos=1, packet_id=1))

    assert client.end() == "close_notify"
    end = account.last_end()
    assert end.reason == "CLIENT_ERROR"
    assert "is reserved: clients cannot publish there" in end.why


def test_an_event_reaches_only_those_whose_policy_lets_them_receive_it(
    account: Account, dial: Dial, enter: Enter, device: Identity, issue: Issue
) -> None:
    """Evidence: document - AWS IoT developer guide, iot-policy-actions, iot:Receive."""
    deaf = issue("deaf")
    account.register(
        deaf, EVERYTHING, {"Effect": "Deny", "Action": "iot:Receive", "Resource": "*/presence/*"}
    )
    listener = enter(account, deaf, "deaf")
    listener.subscribe("$aws/events/presence/+/+")
    account.register(device, EVERYTHING)
    enter(account, device, "pu02")

    assert listener.ping() == mqtt.PingResp()
    assert account.refused().action == "iot:Receive"


def test_what_a_template_makes_is_announced_where_registry_events_are_switched_on(
    account: Account, enter: Enter, knock: Knock, signer: Identity, device: Identity, issue: Issue
) -> None:
    """Evidence: document - AWS IoT developer guide, registry-events; that a template's thing is announced
    like any other is inferred.
    """
    identity = issue("watcher")
    account.register(identity, EVERYTHING)
    client = enter(account, identity, "watcher")
    client.subscribe("$aws/events/thing/+/created")

    def switch_on() -> None:
        RegistryEvents(
            account.registry,
            lambda event: account.server.publish((event,)),
            now=lambda: account.time[0],
            new_id=counting_ids(),
        )
        account.registry.event_configurations = EventConfigurations({"THING": True})

    account.call(switch_on)
    account.register_ca(signer)
    end = knock(account, device)
    topic, payload = heard(client)

    assert end == "close_notify"
    assert topic == "thing/device/created"
    assert (payload["operation"], payload["thingName"]) == ("CREATED", "device")
    assert payload["attributes"] == {"version": "v1"}
