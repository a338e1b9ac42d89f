"""Certificates that are ACTIVE: presence, last wills, and what each action is asked about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.admission.profiles import AWS_2026, Profile
from jitpbroker.gate import Admitted, Event, HangUp, Principal
from jitpbroker.registry import CertificateStatus, Registry
from jitpbroker.registry.jsontext import Json
from jitpbroker.trace import Authorization, Trace
from jitpbroker.x509 import Certificate

Pki: TypeAlias = Mapping[str, Certificate]
Connect: TypeAlias = Callable[..., Admitted | HangUp]
RegisterCa: TypeAlias = Callable[..., object]
AttemptOf: TypeAlias = Callable[..., Attempt]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOW_MS = 1_795_521_600_000


@pytest.fixture
def profile() -> Profile:
    return AWS_2026


def read(event: Event) -> dict[str, Json]:
    payload: dict[str, Json] = json.loads(event.payload)
    return payload


def admitted(answer: Admitted | HangUp) -> Admitted:
    assert isinstance(answer, Admitted), answer
    return answer


def hung_up(answer: Admitted | HangUp) -> HangUp:
    assert isinstance(answer, HangUp), answer
    return answer


@pytest.fixture
def by_hand(registry: Registry, pki: Pki) -> Callable[..., Principal]:
    """Register the device by hand with one policy made of these statements."""

    def register(*statements: dict[str, Json], client_id: str = "testclient") -> Principal:
        device = registry.certificates.register(pki["device"], at=NOW, status=CertificateStatus.ACTIVE)
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        registry.policies.create("by-hand", document, at=NOW)
        registry.policies.attach("by-hand", device.arn)
        return Principal(device.id, client_id)

    return register


def allow(action: str, resource: str, **more: Json) -> dict[str, Json]:
    arn = resource if resource == "*" else f"arn:aws:iot:us-east-1:123456789012:{resource}"
    return {"Effect": "Allow", "Action": action, "Resource": arn, **more}


def test_connect_attributes_are_known_at_connect_only(
    connect: Connect, desk: FrontDesk, by_hand: Callable[..., Principal], pki: Pki
) -> None:
    persistent: Json = {"ForAnyValue:StringEquals": {"iot:ConnectAttributes": "PersistentConnect"}}
    principal = by_hand(allow("iot:*", "*", Condition=persistent))

    answer = connect(pki["device"], clean_session=False)

    assert isinstance(answer, Admitted)
    assert desk.may_publish(principal, "t", retain=False, at=NOW) is not None


def test_an_active_certificate_without_a_policy_is_hung_up_on(
    connect: Connect, registry: Registry, pki: Pki, trace: Trace
) -> None:
    registry.certificates.register(pki["device"], at=NOW, status=CertificateStatus.ACTIVE)

    answer = hung_up(connect(pki["device"]))

    assert answer.reason == "AUTH_ERROR"
    assert answer.why.startswith("no policy is attached")
    (event,) = answer.events
    assert event.topic == "$aws/events/presence/connect_failed/testclient"
    assert read(event) == {
        "clientId": "testclient",
        "timestamp": NOW_MS,
        "eventType": "connect_failed",
        "principalIdentifier": pki["device"].id,
        "connectFailureReason": "AUTHORIZATION_FAILED",
        "ipAddress": "127.0.0.1",
    }
    record = trace[-1]
    assert isinstance(record, Authorization)
    assert not record.allowed
    assert record.resource == "arn:aws:iot:us-east-1:123456789012:client/testclient"


def test_presence_is_announced_and_counted_per_client_id(
    connect: Connect, desk: FrontDesk, by_hand: Callable[..., Principal], pki: Pki
) -> None:
    principal = by_hand(allow("iot:Connect", "*"))

    first = admitted(connect(pki["device"])).events
    second = admitted(connect(pki["device"])).events
    ended = [
        desk.disconnected(principal, client_initiated=False, reason=reason, at=NOW)
        for reason in ("DUPLICATE_CLIENTID", "CONNECTION_LOST", "CONNECTION_LOST")
    ]

    assert first[0].topic == "$aws/events/presence/connected/testclient"
    assert read(first[0]) == {
        "clientId": "testclient",
        "timestamp": NOW_MS,
        "eventType": "connected",
        "sessionIdentifier": "00000000-0000-0000-0000-000000000001",
        "principalIdentifier": pki["device"].id,
        "ipAddress": "127.0.0.1",
        "versionNumber": 0,
    }
    assert read(second[0])["versionNumber"] == 1
    assert ended[0][0].topic == "$aws/events/presence/disconnected/testclient"
    assert read(ended[0][0]) == {
        "clientId": "testclient",
        "timestamp": NOW_MS,
        "eventType": "disconnected",
        "sessionIdentifier": "00000000-0000-0000-0000-000000000001",
        "principalIdentifier": pki["device"].id,
        "clientInitiatedDisconnect": False,
        "disconnectReason": "DUPLICATE_CLIENTID",
        "versionNumber": 0,
    }
    assert read(ended[1][0])["versionNumber"] == 1
    assert ended[2] == ()


@pytest.mark.parametrize("client_id", ["a+b", "a#"])
def test_client_ids_that_no_topic_can_carry_get_no_presence_events(
    connect: Connect, by_hand: Callable[..., Principal], pki: Pki, client_id: str
) -> None:
    by_hand(allow("iot:Connect", "*"))

    assert admitted(connect(pki["device"], client_id=client_id)).events == ()


def test_an_exclusive_thing_is_named_in_presence_events_and_decides_for_any_client_id(
    connect: Connect, registry: Registry, by_hand: Callable[..., Principal], pki: Pki
) -> None:
    by_hand(allow("iot:Connect", "*", Condition={"Bool": {"iot:Connection.Thing.IsAttached": "true"}}))
    registry.things.create("meter7", at=NOW)

    before = connect(pki["device"])
    registry.things.attach("meter7", registry.arns.cert(pki["device"].id), exclusive=True)
    after = admitted(connect(pki["device"]))

    assert isinstance(before, HangUp)
    assert read(after.events[0])["thingName"] == "meter7"


def test_a_policy_on_a_parent_group_counts_for_its_childrens_things(
    connect: Connect, registry: Registry, pki: Pki
) -> None:
    device = registry.certificates.register(pki["device"], at=NOW, status=CertificateStatus.ACTIVE)
    top, middle, low = (registry.things.create_group(name, at=NOW) for name in ("top", "middle", "low"))
    registry.things.create("testclient", at=NOW, groups=("low", "middle"))
    registry.things.attach("testclient", device.arn)
    document = json.dumps({"Version": "2012-10-17", "Statement": allow("iot:Connect", "*")})
    registry.policies.create("group-policy", document, at=NOW)
    registry.policies.attach("group-policy", top.arn)

    alone = connect(pki["device"])
    registry.things.replace_group(replace(low, parent="middle"))
    registry.things.replace_group(replace(middle, parent="top"))
    below = connect(pki["device"])
    registry.things.replace_group(replace(top, parent="low"))  # a circle, which AWS would not let come about

    assert isinstance(alone, HangUp)
    assert isinstance(below, Admitted)
    assert isinstance(connect(pki["device"]), Admitted)


def test_a_policy_on_the_things_group_counts_while_the_thing_is_attached(
    connect: Connect, registry: Registry, pki: Pki
) -> None:
    device = registry.certificates.register(pki["device"], at=NOW, status=CertificateStatus.ACTIVE)
    group = registry.things.create_group("all", at=NOW)
    registry.things.create("testclient", at=NOW, groups=("all",))
    document = json.dumps({"Version": "2012-10-17", "Statement": allow("iot:Connect", "*")})
    registry.policies.create("group-policy", document, at=NOW)
    registry.policies.attach("group-policy", group.arn)

    detached = connect(pki["device"])
    registry.things.attach("testclient", device.arn)
    attached = connect(pki["device"])

    assert isinstance(detached, HangUp)
    assert isinstance(attached, Admitted)


def test_what_was_answered_holds_until_the_registry_changes_and_no_longer(
    desk: FrontDesk, connect: Connect, by_hand: Callable[..., Principal], pki: Pki, registry: Registry
) -> None:
    principal = by_hand(allow("iot:*", "*"))
    admitted(connect(pki["device"]))
    arn = registry.arns.cert(principal.certificate_id)

    def publish() -> str | None:
        twice = {desk.may_publish(principal, "t", retain=False, at=NOW) for _ in range(2)}
        (answer,) = twice
        return answer

    assert publish() is None
    registry.policies.detach("by-hand", arn)
    assert str(publish()).startswith("no policy is attached")
    registry.policies.attach("by-hand", arn)
    assert publish() is None
    denial = {"Effect": "Deny", "Action": "iot:Publish", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": denial})
    registry.policies.add_version("by-hand", document, at=NOW, set_as_default=True)
    assert publish() == (
        "statement 1 of policy by-hand denies iot:Publish on arn:aws:iot:us-east-1:123456789012:topic/t"
    )


def test_answers_that_are_kept_have_a_limit(
    desk: FrontDesk, connect: Connect, by_hand: Callable[..., Principal], pki: Pki
) -> None:
    principal = by_hand(allow("iot:*", "*"))
    admitted(connect(pki["device"]))
    refused = [desk.may_publish(principal, f"t/{number}", retain=False, at=NOW) for number in range(3000)]

    assert refused == [None] * 3000
    assert len(desk._authorizer._answers) <= 1024


@pytest.mark.parametrize(
    "actions, retain, refused_action",
    [
        (["iot:Connect"], False, "iot:Publish"),
        (["iot:Connect", "iot:Publish"], False, None),
        (["iot:Connect", "iot:Publish"], True, "iot:RetainPublish"),
        (["iot:Connect", "iot:Publish", "iot:RetainPublish"], True, None),
    ],
)
def test_a_last_will_needs_what_its_publication_needs(
    connect: Connect,
    by_hand: Callable[..., Principal],
    pki: Pki,
    trace: Trace,
    actions: list[str],
    refused_action: str | None,
    *,
    retain: bool,
) -> None:
    by_hand(*(allow(action, "*") for action in actions))

    answer = connect(pki["device"], will_topic="last/will", will_retain=retain)

    if refused_action is None:
        assert isinstance(answer, Admitted)
    else:
        assert isinstance(answer, HangUp)
        record = trace[-1]
        assert isinstance(record, Authorization)
        assert (record.action, record.resource.rpartition(":")[2]) == (refused_action, "topic/last/will")


@pytest.mark.parametrize(
    "facts, allowed",
    [
        ({}, True),
        ({"clean_session": False}, True),
        ({"will_topic": "t"}, False),
        ({"clean_session": False, "will_topic": "t"}, False),
    ],
)
def test_connect_attributes_are_a_condition_key(
    connect: Connect, by_hand: Callable[..., Principal], pki: Pki, facts: dict[str, object], *, allowed: bool
) -> None:
    only_persistent: Json = {"ForAllValues:StringEquals": {"iot:ConnectAttributes": ["PersistentConnect"]}}
    by_hand(allow("iot:Connect", "*", Condition=only_persistent), allow("iot:Publish", "*"))

    assert isinstance(connect(pki["device"], **facts), Admitted) is allowed


def test_each_action_is_asked_about_its_own_resource(
    connect: Connect, desk: FrontDesk, by_hand: Callable[..., Principal], pki: Pki
) -> None:
    principal = by_hand(
        allow("iot:Connect", "client/testclient"),
        allow("iot:Publish", "topic/up/*"),
        allow("iot:RetainPublish", "topic/up/kept"),
        allow("iot:Subscribe", "topicfilter/down/#"),
        allow("iot:Receive", "topic/down/*"),
    )
    connect(pki["device"])

    assert desk.may_publish(principal, "up/x", retain=False, at=NOW) is None
    assert desk.may_publish(principal, "up/kept", retain=True, at=NOW) is None
    assert desk.may_subscribe(principal, "down/#", at=NOW) is None
    assert desk.may_receive(principal, "down/x", at=NOW) is None
    refusals = [
        desk.may_publish(principal, "up/x", retain=True, at=NOW),
        desk.may_publish(principal, "down/x", retain=False, at=NOW),
        desk.may_subscribe(principal, "down/+", at=NOW),
        desk.may_receive(principal, "up/x", at=NOW),
    ]
    prefix = "none of by-hand allows"
    arn = "on arn:aws:iot:us-east-1:123456789012:"
    assert refusals == [
        f"{prefix} iot:RetainPublish {arn}topic/up/x",
        f"{prefix} iot:Publish {arn}topic/down/x",
        f"{prefix} iot:Subscribe {arn}topicfilter/down/+",
        f"{prefix} iot:Receive {arn}topic/up/x",
    ]


def test_a_certificate_that_was_deleted_meanwhile_may_nothing(
    connect: Connect, desk: FrontDesk, registry: Registry, by_hand: Callable[..., Principal], pki: Pki
) -> None:
    principal = by_hand(allow("iot:*", "*"))
    connect(pki["device"])
    registry.certificates.set_status(pki["device"].id, CertificateStatus.INACTIVE, at=NOW)
    registry.certificates.delete(pki["device"].id)

    why = desk.may_publish(principal, "t", retain=False, at=NOW)

    assert why == f"certificate {pki['device'].id} is no longer registered"


def test_a_certificate_for_two_client_ids_keeps_their_sessions_apart(
    connect: Connect, by_hand: Callable[..., Principal], pki: Pki
) -> None:
    by_hand(allow("iot:Connect", "*"))

    one = admitted(connect(pki["device"], client_id="one")).events
    two = admitted(connect(pki["device"], client_id="two")).events

    assert read(one[0])["versionNumber"] == read(two[0])["versionNumber"] == 0
    assert read(one[0])["sessionIdentifier"] != read(two[0])["sessionIdentifier"]


def test_filters_taken_and_given_back_are_told_with_the_session(
    connect: Connect, desk: FrontDesk, registry: Registry, pki: Pki
) -> None:
    device = registry.certificates.register(pki["device"], at=NOW, status=CertificateStatus.ACTIVE)
    document = json.dumps({"Version": "2012-10-17", "Statement": allow("iot:Connect", "*")})
    registry.policies.create("p", document, at=NOW)
    registry.policies.attach("p", device.arn)
    answer = admitted(connect(pki["device"]))
    (taken,) = desk.subscribed(answer.principal, ("a", "b/#"), at=NOW)
    (returned,) = desk.unsubscribed(answer.principal, ("a",), at=NOW)

    assert taken.topic == "$aws/events/subscriptions/subscribed/testclient"
    assert returned.topic == "$aws/events/subscriptions/unsubscribed/testclient"
    assert (read(taken)["topics"], read(returned)["topics"]) == (["a", "b/#"], ["a"])
    assert read(taken)["sessionIdentifier"] == read(answer.events[0])["sessionIdentifier"]


def test_what_was_discarded_is_written_down_though_no_policy_was_asked(desk: FrontDesk, trace: Trace) -> None:
    desk.discarded(Principal("certificate", "device"), "a/b", inbound=False, why="too much", at=NOW)
    desk.discarded(Principal("certificate", "device"), "a/b", inbound=True, why="too much", at=NOW)

    records = [record for record in trace if isinstance(record, Authorization)]
    assert [record.action for record in records] == ["iot:Receive", "iot:Publish"]
    assert not any(record.allowed for record in records)
    assert records[0].why == "discarded, no policy was asked: too much"
