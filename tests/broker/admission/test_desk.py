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
from jitpbroker.registry import CaStatus, CertificateMode, CertificateStatus, Registry
from jitpbroker.registry.jsontext import Json
from jitpbroker.trace import Decision, Provisioning, Trace
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


def test_a_device_certificate_takes_its_cas_mode(
    connect: Connect, register_ca: RegisterCa, pki: Pki, registry: Registry
) -> None:
    register_ca(pki["signer"], mode=CertificateMode.SNI_ONLY)
    connect(pki["device"], pki["signer"])

    device = registry.certificates.get(pki["device"].id)

    assert device is not None
    assert device.certificate_mode is CertificateMode.SNI_ONLY


def test_an_ipv6_peer_is_written_in_brackets(desk: FrontDesk, trace: Trace) -> None:
    desk.connect(Attempt((), None, None, "c", NOW, source_ip="::1", source_port=8))

    decision = trace[-1]
    assert isinstance(decision, Decision)
    assert decision.peer == "[::1]:8"


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


def test_a_desk_without_a_log_tells_of_an_end_all_the_same(
    registry: Registry, trace: Trace, register_ca: RegisterCa, pki: Pki, attempt: AttemptOf
) -> None:
    desk = FrontDesk(registry, trace)
    register_ca(pki["signer"])
    chain = attempt(pki["device"], pki["signer"])
    desk.connect(chain)
    principal = admitted(desk.connect(chain)).principal
    (event,) = desk.disconnected(principal, client_initiated=False, reason="CONNECTION_LOST", at=NOW)

    assert read(event)["disconnectReason"] == "CONNECTION_LOST"
    assert desk.disconnected(principal, client_initiated=False, reason="CONNECTION_LOST", at=NOW) == ()
