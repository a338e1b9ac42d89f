"""How MQTT 3.1.1 learns that a policy does not allow something: one test for each way, the wire first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jitpbroker import mqtt
from jitpbroker.admission.profiles import AWS_2026, turned_by_name
from jitpbroker.registry.jsontext import Json

if TYPE_CHECKING:
    from tests.broker.server.conftest import Dial, Identity
    from tests.broker.server.desk.conftest import Account, Enter, Knock, OpenAccount

ARN = "arn:aws:iot:us-east-1:123456789012:"


def allow(action: str, resource: str = "*", **more: Json) -> dict[str, Json]:
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": resource if resource == "*" else ARN + resource,
        **more,
    }


CONNECT = allow("iot:Connect")


def refusals(account: Account, event_type: str) -> list[Json]:
    """Topics (or nothing) of the entries that CloudWatch would show for what was refused."""
    entries = [entry for entry in account.logged(event_type) if entry["status"] == "Failure"]
    assert all(entry["reason"] == "AUTHORIZATION_FAILURE" for entry in entries)
    return [entry.get("topicName") for entry in entries]


def test_a_certificate_without_a_policy_is_closed_on_without_connack(
    account: Account, knock: Knock, device: Identity
) -> None:
    """Evidence: document - MiniStack pull request 1755, measured on AWS."""
    account.register(device)

    assert knock(account, device) == "close_notify"
    assert account.refused().action == "iot:Connect"
    assert "no policy is attached" in account.refused().why
    assert refusals(account, "Connect") == [None]
    assert account.last_end().reason == "AUTH_ERROR"


def test_a_client_id_that_is_not_allowed_is_closed_on_without_connack(
    account: Account, knock: Knock, enter: Enter, device: Identity
) -> None:
    """Evidence: document - paho.mqtt.rust issue 119 (close_notify seen), mongoose-os issue 178."""
    account.register(device, allow("iot:Connect", "client/${iot:Certificate.Subject.CommonName}"))

    assert knock(account, device, "somebody else") == "close_notify"
    assert enter(account, device, "device").ping() == mqtt.PingResp()
    assert account.refused().resource == f"{ARN}client/somebody else"


@pytest.mark.parametrize(
    "granted, will, action",
    [
        ((), mqtt.Will("wills/device", b""), "iot:Publish"),
        ((allow("iot:Publish"),), mqtt.Will("wills/device", b"", retain=True), "iot:RetainPublish"),
    ],
)
def test_a_last_will_that_is_not_allowed_is_closed_on_without_connack(
    account: Account,
    knock: Knock,
    enter: Enter,
    device: Identity,
    granted: tuple[dict[str, Json], ...],
    will: mqtt.Will,
    action: str,
) -> None:
    """Evidence: assumed - that AWS asks about the will's topic at CONNECT is MiniStack's reading."""
    account.register(device, CONNECT, *granted)

    assert knock(account, device, will=will) == "close_notify"
    assert account.refused().action == action
    account.grant(device, allow(action, "topic/wills/device"))
    assert enter(account, device, will=will).ping() == mqtt.PingResp()


@pytest.mark.parametrize("qos", [0, 1])
def test_a_publish_that_is_not_allowed_closes_without_puback(
    account: Account, enter: Enter, device: Identity, qos: int
) -> None:
    """Evidence: document - aws-iot-device-sdk-python-v2 issue 260, both levels of service."""
    account.register(device, CONNECT, allow("iot:Publish", "topic/mine"))
    client = enter(account, device)
    client.send(mqtt.Publish("theirs", b"", qos=qos, packet_id=3 if qos else None))

    assert client.end() == "close_notify"
    assert (account.refused().action, account.refused().resource) == ("iot:Publish", f"{ARN}topic/theirs")
    assert refusals(account, "Publish-In") == ["theirs"]
    assert account.last_end().reason == "CLIENT_ERROR"


def test_a_retained_publish_needs_its_own_permission(
    account: Account, enter: Enter, device: Identity
) -> None:
    """Evidence: document - developer guide, iot-policy-actions, iot:RetainPublish."""
    account.register(device, CONNECT, allow("iot:Publish"))
    client = enter(account, device)
    plain = client.publish("a", b"1")
    client.send(mqtt.Publish("a", b"2", qos=1, retain=True, packet_id=4))

    assert plain == mqtt.PubAck(9)
    assert client.end() == "close_notify"
    assert account.refused().action == "iot:RetainPublish"


def test_a_subscribe_that_is_not_allowed_closes_without_suback(
    account: Account, enter: Enter, device: Identity
) -> None:
    """Evidence: document - aws-iot-device-sdk-js issue 125, an AWS engineer calls it expected; issue 112."""
    account.register(device, CONNECT, allow("iot:Subscribe", "topicfilter/mine/*"))
    client = enter(account, device)
    allowed = client.subscribe("mine/#")
    client.send(mqtt.Subscribe(2, (mqtt.Subscription("mine/a"), mqtt.Subscription("theirs/#"))))

    assert allowed == mqtt.SubAck(1, (1,))
    assert client.end() == "close_notify"
    assert account.refused().resource == f"{ARN}topicfilter/theirs/#"
    assert refusals(account, "Subscribe") == ["theirs/#"]


@pytest.mark.parametrize("topic_filter", ["$SYS/#", "$aws/rules/r/#", "$share/group/a"])
def test_a_reserved_filter_closes_without_suback_whatever_the_policy(
    account: Account, enter: Enter, device: Identity, topic_filter: str
) -> None:
    """Evidence: document - developer guide, reserved-topics: such an attempt may end the connection; shared
    subscriptions are AWS's and are refused here because they are not emulated.
    """
    account.register(device, allow("iot:*"))
    client = enter(account, device)
    client.send(mqtt.Subscribe(1, (mqtt.Subscription(topic_filter),)))

    assert client.end() == "close_notify"
    assert account.last_end().reason == "CLIENT_ERROR"
    assert account.last_end().why.startswith(f"SUBSCRIBE's filter {topic_filter!r}")


@pytest.mark.parametrize("topic", ["$SYS/a", "$aws/events/presence/connected/x", "$elsewhere"])
def test_a_reserved_topic_closes_without_puback_whatever_the_policy(
    account: Account, enter: Enter, device: Identity, topic: str
) -> None:
    """Evidence: document - developer guide, reserved-topics."""
    account.register(device, allow("iot:*"))
    client = enter(account, device)
    client.send(mqtt.Publish(topic, b"", qos=1, packet_id=3))

    assert client.end() == "close_notify"
    assert account.last_end().why == f"PUBLISH's topic {topic!r} is reserved: clients cannot publish there"


def test_what_may_not_be_received_is_left_out_in_silence(
    account: Account, enter: Enter, device: Identity
) -> None:
    """Evidence: document - developer guide, pub-sub-policy: deny the topic by iot:Receive, not the filter."""
    deny: dict[str, Json] = {"Effect": "Deny", "Action": "iot:Receive", "Resource": f"{ARN}topic/a/secret"}
    account.register(device, allow("iot:*"), deny)
    client = enter(account, device)
    client.subscribe("a/#")
    client.send(mqtt.Publish("a/secret", b"1"), mqtt.Publish("a/open", b"2"))

    assert client.packet() == mqtt.Publish("a/open", b"2")
    assert client.ping() == mqtt.PingResp()
    assert account.refused().resource == f"{ARN}topic/a/secret"
    assert refusals(account, "Publish-Out") == ["a/secret"]


def test_a_deny_on_a_filter_does_not_stop_a_wider_one(
    account: Account, enter: Enter, device: Identity
) -> None:
    """Evidence: document - developer guide, pub-sub-policy: + and # are letters in a policy."""
    deny: dict[str, Json] = {
        "Effect": "Deny",
        "Action": "iot:Subscribe",
        "Resource": f"{ARN}topicfilter/a/restricted/#",
    }
    account.register(device, allow("iot:*"), deny)
    client = enter(account, device)
    wide = client.subscribe("a/#")
    client.send(mqtt.Subscribe(2, (mqtt.Subscription("a/restricted/#"),)))

    assert wide == mqtt.SubAck(1, (1,))
    assert client.end() == "close_notify"


@pytest.mark.parametrize("clean", [True, False])
def test_a_persistent_session_can_be_granted_by_condition(
    account: Account, knock: Knock, enter: Enter, device: Identity, clean: bool
) -> None:
    """Evidence: document - developer guide, connect-policy, iot:ConnectAttributes."""
    only_will: Json = {"ForAllValues:StringEquals": {"iot:ConnectAttributes": ["LastWill"]}}
    account.register(device, allow("iot:Connect", Condition=only_will), allow("iot:Publish"))
    will = mqtt.Will("w", b"")

    if clean:
        assert enter(account, device, clean_session=True, will=will).ping() == mqtt.PingResp()
    else:
        assert knock(account, device, clean_session=False, will=will) == "close_notify"
        assert "it is PersistentConnect, LastWill" in account.refused().why


def test_without_such_a_condition_a_persistent_session_is_allowed(
    account: Account, enter: Enter, device: Identity
) -> None:
    """Evidence: assumed - the guide asks for a grant, allow-all policies in the field do without."""
    account.register(device, CONNECT)

    assert enter(account, device, clean_session=False).ping() == mqtt.PingResp()


def test_a_policy_that_changes_counts_at_once(account: Account, enter: Enter, device: Identity) -> None:
    """Evidence: assumed - AWS takes a few minutes, an emulator need not."""
    account.register(device, CONNECT)
    client = enter(account, device)
    account.grant(device, allow("iot:Publish"))

    assert client.publish("a", b"") == mqtt.PubAck(9)


def test_an_exclusive_thing_gives_its_name_to_any_client_id(
    account: Account, knock: Knock, enter: Enter, device: Identity
) -> None:
    """Evidence: document - developer guide, exclusive-thing."""
    account.register(
        device,
        allow("iot:Connect", Condition={"Bool": {"iot:Connection.Thing.IsAttached": "true"}}),
        allow("iot:Publish", "topic/${iot:Connection.Thing.ThingName}"),
    )
    account.call(lambda: account.registry.things.create("meter-1", at=account.time[0]))
    before = knock(account, device, "any id")
    arn = f"{ARN}cert/{device.certificate_id}"
    account.call(lambda: account.registry.things.attach("meter-1", arn, exclusive=True))
    client = enter(account, device, "any id")

    assert before == "close_notify"
    assert client.publish("meter-1", b"") == mqtt.PubAck(9)


# -- switched the other way ----------------------------------------------------------------------------


def test_a_refused_connect_is_answered_where_that_is_switched_on(
    open_account: OpenAccount, dial: Dial, device: Identity
) -> None:
    """Evidence: document - floci pull request 3180 answers so; no capture of AWS does."""
    account = open_account(profile=turned_by_name(AWS_2026, "connack", "not-authorized"))
    answers = []
    for register in (False, True):
        if register:
            account.register(device)
        client = dial(account, device)
        client.send(mqtt.Connect("device"))
        answers.append((client.packet(), client.end()))

    assert answers == [(mqtt.ConnAck(mqtt.ConnectReturnCode.NOT_AUTHORIZED), "close_notify")] * 2


def test_a_refused_subscribe_is_answered_where_that_is_switched_on(
    open_account: OpenAccount, enter: Enter, device: Identity
) -> None:
    """Evidence: document - OASIS MQTT 3.1.1 section 3.9.3."""
    account = open_account(profile=turned_by_name(AWS_2026, "subscribe", "suback-failure"))
    account.register(device, CONNECT, allow("iot:Publish"), allow("iot:Subscribe", "topicfilter/mine"))
    client = enter(account, device)
    client.send(mqtt.Subscribe(2, (mqtt.Subscription("mine"), mqtt.Subscription("theirs"))))
    answer = client.packet()
    client.send(mqtt.Publish("mine", b"", qos=1, packet_id=5))

    assert answer == mqtt.SubAck(2, (0x80, 0x80))
    assert client.packet() == mqtt.PubAck(5)
    assert client.ping() == mqtt.PingResp()
    assert account.refused().resource == f"{ARN}topicfilter/theirs"
