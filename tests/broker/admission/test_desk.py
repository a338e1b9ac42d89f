"""The desk as the engines see it: answers, events, records, and what changes between two CONNECTs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.desk import FrontDesk, Job
from jitpbroker.admission.profiles import AWS_2026, Profile
from jitpbroker.gate import Admitted, Event, Gate, HangUp, Principal
from jitpbroker.registry import CaStatus, CertificateStatus, Registry
from jitpbroker.registry.jsontext import Json
from jitpbroker.trace import Authorization, Decision, Provisioning, Trace
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


def test_the_desk_is_a_gate(desk: FrontDesk) -> None:
    gate: Gate = desk

    assert gate is desk


def test_the_registered_event_says_what_aws_says(connect: Connect, register_ca: RegisterCa, pki: Pki) -> None:
    register_ca(pki["signer"])

    (event,) = hung_up(connect(pki["device"], pki["signer"])).events

    assert event.topic == f"$aws/events/certificates/registered/{pki['signer'].id}"
    assert read(event) == {
        "certificateId": pki["device"].id,
        "caCertificateId": pki["signer"].id,
        "timestamp": NOW_MS,
        "certificateStatus": "PENDING_ACTIVATION",
        "awsAccountId": "123456789012",
        "certificateRegistrationTimestamp": None,
        "sourceIp": "127.0.0.1",
    }


def test_without_a_template_the_certificate_waits_and_every_connect_says_so_again(
    connect: Connect, register_ca: RegisterCa, pki: Pki, registry: Registry, trace: Trace
) -> None:
    register_ca(pki["signer"], body=None)

    first = hung_up(connect(pki["device"], pki["signer"]))
    second = hung_up(connect(pki["device"], pki["signer"], at=NOW + timedelta(seconds=5)))

    assert (first.reason, second.reason) == ("JITR_REGISTERED", "JITR_REGISTERED")
    again = read(second.events[0])
    assert again["certificateRegistrationTimestamp"] == str(NOW_MS)
    assert again["timestamp"] == NOW_MS + 5000
    device = registry.certificates.get(pki["device"].id)
    assert device is not None
    assert device.status is CertificateStatus.PENDING_ACTIVATION
    assert [type(record) for record in trace] == [Decision, Decision]


def test_a_waiting_certificate_activated_by_hand_connects(
    connect: Connect, register_ca: RegisterCa, pki: Pki, registry: Registry
) -> None:
    register_ca(pki["signer"], body=None)
    connect(pki["device"], pki["signer"])
    device = registry.certificates.set_status(pki["device"].id, CertificateStatus.ACTIVE, at=NOW)
    registry.policies.create(
        "p", json.dumps({"Version": "2012-10-17", "Statement": allow("iot:*", "*")}), at=NOW
    )
    registry.policies.attach("p", device.arn)

    answer = admitted(connect(pki["device"]))

    assert answer.principal == Principal(pki["device"].id, "testclient")


def test_a_waiting_certificate_is_provisioned_once_the_template_is_put_right(
    connect: Connect, register_ca: RegisterCa, pki: Pki, registry: Registry, template: Callable[[str], str]
) -> None:
    register_ca(pki["signer"], body=template("bad-03"))
    connect(pki["device"], pki["signer"])
    config = registry.cas.get(pki["signer"].id)
    assert config is not None
    assert config.registration_config is not None
    right = type(config.registration_config)(template("01"), config.registration_config.role_arn)
    registry.cas.update(pki["signer"].id, at=NOW, registration_config=right)

    connect(pki["device"], pki["signer"])

    assert isinstance(connect(pki["device"], pki["signer"]), Admitted)


def test_a_waiting_certificate_whose_ca_was_switched_off_is_refused(
    connect: Connect, register_ca: RegisterCa, pki: Pki, registry: Registry, trace: Trace
) -> None:
    register_ca(pki["signer"], body=None)
    connect(pki["device"], pki["signer"])
    registry.cas.update(pki["signer"].id, at=NOW, status=CaStatus.INACTIVE)

    answer = hung_up(connect(pki["device"], pki["signer"]))

    assert answer.events == ()
    decision = trace[-1]
    assert isinstance(decision, Decision)
    assert decision.rule == "ca_is_active"


def test_an_active_certificate_survives_its_ca_being_switched_off(
    connect: Connect, register_ca: RegisterCa, pki: Pki, registry: Registry
) -> None:
    register_ca(pki["signer"])
    connect(pki["device"], pki["signer"])
    registry.cas.update(pki["signer"].id, at=NOW, status=CaStatus.INACTIVE)

    assert isinstance(connect(pki["device"], pki["signer"]), Admitted)


def test_a_delayed_job_leaves_the_certificate_pending_until_it_runs(
    registry: Registry, register_ca: RegisterCa, trace: Trace, pki: Pki, attempt: AttemptOf
) -> None:
    jobs: list[Job] = []
    desk = FrontDesk(registry, trace, schedule=lambda job, _at: jobs.append(job))
    register_ca(pki["signer"])
    chain = attempt(pki["device"], pki["signer"])

    first = desk.connect(chain)
    second = desk.connect(chain)
    waiting = registry.certificates.get(pki["device"].id)
    for job in jobs:
        job(NOW + timedelta(seconds=2))

    assert hung_up(first).reason == hung_up(second).reason == "JITP_REGISTERED"
    assert waiting is not None
    assert waiting.status is CertificateStatus.PENDING_ACTIVATION
    assert len(jobs) == 2
    (record,) = [each for each in trace if isinstance(each, Provisioning)]
    assert record.at == NOW + timedelta(seconds=2)
    assert isinstance(desk.connect(chain), Admitted)


def test_a_delayed_job_finds_the_certificate_deleted(
    registry: Registry, register_ca: RegisterCa, trace: Trace, pki: Pki, attempt: AttemptOf
) -> None:
    jobs: list[Job] = []
    desk = FrontDesk(registry, trace, schedule=lambda job, _at: jobs.append(job))
    register_ca(pki["signer"])
    desk.connect(attempt(pki["device"], pki["signer"]))
    registry.certificates.delete(pki["device"].id)

    jobs[0](NOW)

    assert registry.certificates.get(pki["device"].id) is None
    assert not [each for each in trace if isinstance(each, Provisioning)]


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


def test_two_desks_fed_alike_say_alike(
    pki: Pki, attempt: AttemptOf, template: Callable[[str], str], register_ca: RegisterCa, registry: Registry
) -> None:
    register_ca(pki["signer"])
    traces = (Trace(), Trace())
    chain = attempt(pki["device"], pki["signer"])
    first = [FrontDesk(registry, traces[0]).connect(chain), FrontDesk(registry, traces[0]).connect(chain)]
    other = Registry(other_endpoints=["other.iot.example"])
    ca = registry.cas.get(pki["signer"].id)
    assert ca is not None
    other.cas.register(
        ca.certificate,
        at=ca.creation_date,
        status=ca.status,
        auto_registration=ca.auto_registration,
        registration_config=ca.registration_config,
    )
    second = [FrontDesk(other, traces[1]).connect(chain), FrontDesk(other, traces[1]).connect(chain)]

    assert first == second
    assert list(traces[0]) == list(traces[1])
    assert registry.snapshot() == other.snapshot()
