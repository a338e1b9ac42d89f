"""What reaches CloudWatch: nothing in 2021, something since June 2026, and never more than AWS could know."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.gate import Admitted, HangUp
from jitpbroker.logs import Log, LogOptions
from jitpbroker.registry import CertificateStatus, Registry, counting_ids
from jitpbroker.trace import Trace
from jitpbroker.x509 import Certificate

Pki: TypeAlias = Mapping[str, Certificate]
Connect: TypeAlias = Callable[..., Admitted | HangUp]
RegisterCa: TypeAlias = Callable[..., object]


def lines(cloudwatch: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in cloudwatch.getvalue().splitlines()]


@pytest.mark.parametrize("profile", ["aws-2021"], indirect=True)
def test_in_2021_a_refused_chain_leaves_no_entry(
    connect: Connect, register_ca: RegisterCa, pki: Pki, cloudwatch: io.StringIO
) -> None:
    register_ca(pki["signer"])

    connect(pki["device"], pki["wrong signer"])
    connect(pki["device"])

    assert lines(cloudwatch) == []


@pytest.mark.parametrize("profile", ["aws-2026"], indirect=True)
def test_since_2026_a_refused_chain_leaves_one_entry(
    connect: Connect, register_ca: RegisterCa, pki: Pki, cloudwatch: io.StringIO
) -> None:
    register_ca(pki["signer"])

    answer = connect(pki["device"], pki["wrong signer"])

    (line,) = lines(cloudwatch)
    assert isinstance(answer, HangUp)
    assert line["eventType"] == "Connection.AuthNError"
    assert line["reason"] == "DEVICE_CERTIFICATE_NOT_REGISTERED"
    assert line["principalId"] == pki["device"].id
    assert line["serverNameIndication"] == "broker.local"
    assert line["details"] == answer.why


@pytest.mark.parametrize("profile", ["aws-2026"], indirect=True)
@pytest.mark.parametrize("sni", [None, "127.0.0.1"])
def test_without_a_server_name_nobody_knows_whose_log_it_is(
    connect: Connect, register_ca: RegisterCa, pki: Pki, cloudwatch: io.StringIO, sni: str | None
) -> None:
    register_ca(pki["signer"])

    connect(pki["device"], pki["wrong signer"], sni=sni)

    assert lines(cloudwatch) == []


@pytest.mark.parametrize("profile", ["aws-2026"], indirect=True)
@pytest.mark.parametrize(
    "status, reason",
    [
        (CertificateStatus.INACTIVE, "DEVICE_CERTIFICATE_INACTIVE"),
        (CertificateStatus.REVOKED, "DEVICE_CERTIFICATE_REVOKED"),
        (CertificateStatus.PENDING_TRANSFER, "DEVICE_CERTIFICATE_INACTIVE"),
    ],
)
def test_the_reason_tells_the_certificates_status(
    connect: Connect,
    registry: Registry,
    pki: Pki,
    cloudwatch: io.StringIO,
    status: CertificateStatus,
    reason: str,
) -> None:
    registry.certificates.register(pki["device"], at=pki["device"].not_before, status=status)

    connect(pki["device"])

    assert [line["reason"] for line in lines(cloudwatch)] == [reason]


@pytest.mark.parametrize("profile", ["aws-2026"], indirect=True)
def test_another_accounts_endpoint_and_no_certificate_have_reasons_of_their_own(
    connect: Connect, pki: Pki, cloudwatch: io.StringIO
) -> None:
    connect(pki["device"], sni="other.iot.example")
    connect()

    assert [line["reason"] for line in lines(cloudwatch)] == ["SNI_MISUSED", "NOT_AUTHENTICATED"]


def test_without_opting_in_nothing_is_written(
    registry: Registry,
    register_ca: RegisterCa,
    pki: Pki,
    cloudwatch: io.StringIO,
    attempt: Callable[..., Attempt],
) -> None:
    register_ca(pki["signer"])
    quiet = Log(cloudwatch, LogOptions("123456789012"), counting_ids())

    FrontDesk(registry, Trace(), log=quiet).connect(attempt(pki["device"], pki["wrong signer"]))

    assert lines(cloudwatch) == []


def test_onboarding_leaves_provision_device_then_connect(
    connect: Connect, desk: FrontDesk, register_ca: RegisterCa, pki: Pki, cloudwatch: io.StringIO
) -> None:
    register_ca(pki["signer"])

    connect(pki["device"], pki["signer"])
    answer = connect(pki["device"], pki["signer"])
    assert isinstance(answer, Admitted)
    desk.may_publish(answer.principal, "a/b", retain=False, at=pki["device"].not_before)
    desk.may_publish(answer.principal, "a/b", retain=True, at=pki["device"].not_before)

    assert [(line["eventType"], line["status"]) for line in lines(cloudwatch)] == [
        ("ProvisionDevice", "Success"),
        ("Connect", "Success"),
        ("Publish-In", "Success"),
        ("Publish-In", "Failure"),
    ]


def test_a_failing_template_leaves_its_sentence(
    connect: Connect,
    register_ca: RegisterCa,
    pki: Pki,
    cloudwatch: io.StringIO,
    template: Callable[[str], str],
) -> None:
    register_ca(pki["signer"], body=template("bad-03"))

    connect(pki["device"], pki["signer"])

    (line,) = lines(cloudwatch)
    assert (line["eventType"], line["status"]) == ("ProvisionDevice", "Failure")
    assert "has no Country" in str(line["details"])
