"""Log entries, field by field, and the levels that let them through."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.rule import AuthnReason
from jitpbroker.logs import (
    Entry,
    Log,
    LogLevel,
    LogOptions,
    authn_error_entry,
    authorization_entry,
    provisioning_entry,
)
from jitpbroker.registry import counting_ids
from jitpbroker.trace import Authorization, Decision, Provisioning

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
ARN = "arn:aws:iot:us-east-1:123456789012:"
TRACE_ID = "00000000-0000-0000-0000-000000000001"


def written(stream: io.StringIO, entry: Entry, **levels: LogLevel) -> list[object]:
    event_levels = {"Connection.AuthNError": levels["authn"]} if "authn" in levels else {}
    options = LogOptions("123456789012", levels.get("default", LogLevel.INFO), event_levels)
    Log(stream, options, counting_ids()).write(entry)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def authorization(action: str, resource: str, *, allowed: bool) -> Entry:
    record = Authorization(NOW, "testclient", "c" * 64, action, ARN + resource, allowed, "because")
    return authorization_entry(record, source_ip="192.0.2.7", source_port=50000)


def authn_error() -> Entry:
    record = Decision(
        NOW, "192.0.2.7:50000", "testclient", "aws-2026", "refuse", "c" * 64, None, "r", "why", ("r",)
    )
    attempt = Attempt((), "broker.local", None, "testclient", NOW, source_ip="192.0.2.7", source_port=50000)
    return authn_error_entry(record, attempt, AuthnReason.DEVICE_CERTIFICATE_NOT_REGISTERED)


def test_an_admitted_connect_is_an_info_line(stream: io.StringIO) -> None:
    assert written(stream, authorization("iot:Connect", "client/testclient", allowed=True)) == [
        {
            "timestamp": "2026-11-24 12:00:00.123",
            "logLevel": "INFO",
            "traceId": TRACE_ID,
            "accountId": "123456789012",
            "status": "Success",
            "eventType": "Connect",
            "protocol": "MQTT",
            "clientId": "testclient",
            "principalId": "c" * 64,
            "sourceIp": "192.0.2.7",
            "sourcePort": 50000,
        }
    ]


def test_a_refused_connect_gives_the_reason_users_see(stream: io.StringIO) -> None:
    (line,) = written(stream, authorization("iot:Connect", "client/testclient", allowed=False))

    assert isinstance(line, dict)
    assert (line["logLevel"], line["status"]) == ("ERROR", "Failure")
    assert (line["reason"], line["details"]) == ("AUTHORIZATION_FAILURE", "Authorization Failure")


@pytest.mark.parametrize(
    "action, resource, event_type, topic",
    [
        ("iot:Publish", "topic/a/b", "Publish-In", "a/b"),
        ("iot:RetainPublish", "topic/a:b/c", "Publish-In", "a:b/c"),
        ("iot:Subscribe", "topicfilter/a/#", "Subscribe", "a/#"),
        ("iot:Receive", "topic/a", "Publish-Out", "a"),
    ],
)
def test_other_actions_have_their_own_event_type_and_a_topic(
    stream: io.StringIO, action: str, resource: str, event_type: str, topic: str
) -> None:
    (line,) = written(stream, authorization(action, resource, allowed=True))

    assert isinstance(line, dict)
    assert (line["eventType"], line["topicName"]) == (event_type, topic)


@pytest.mark.parametrize(
    "why, level, status, details",
    [
        (None, "INFO", "Success", "The device was provisioned."),
        ("no Country", "ERROR", "Failure", "no Country"),
    ],
)
def test_a_template_run_is_logged_with_its_certificate(
    stream: io.StringIO, why: str | None, level: str, status: str, details: str
) -> None:
    record = Provisioning(NOW, "c" * 64, "d" * 64, why is None, "ACTIVE", "pu02", (), why)

    (line,) = written(stream, provisioning_entry(record))

    assert isinstance(line, dict)
    assert (line["eventType"], line["logLevel"], line["status"]) == ("ProvisionDevice", level, status)
    assert (line["deviceCertificateId"], line["details"]) == ("c" * 64, details)


def test_an_authentication_error_is_written_when_switched_on(stream: io.StringIO) -> None:
    assert written(stream, authn_error(), authn=LogLevel.ERROR) == [
        {
            "timestamp": "2026-11-24 12:00:00.123",
            "logLevel": "ERROR",
            "traceId": TRACE_ID,
            "accountId": "123456789012",
            "status": "Failure",
            "eventType": "Connection.AuthNError",
            "authenticationType": "AWS_X509",
            "protocol": "MQTT",
            "clientId": "testclient",
            "principalId": "c" * 64,
            "serverNameIndication": "broker.local",
            "sourceIp": "192.0.2.7",
            "sourcePort": 50000,
            "reason": "DEVICE_CERTIFICATE_NOT_REGISTERED",
            "details": "why",
        }
    ]


@pytest.mark.parametrize("default", LogLevel)
def test_an_authentication_error_is_not_written_until_asked_for(
    stream: io.StringIO, default: LogLevel
) -> None:
    assert written(stream, authn_error(), default=default) == []


@pytest.mark.parametrize("level", LogLevel)
def test_an_entry_is_written_from_its_level_on(stream: io.StringIO, level: LogLevel) -> None:
    success = authorization("iot:Connect", "client/x", allowed=True)
    failure = authorization("iot:Connect", "client/x", allowed=False)

    assert len(written(stream, success, default=level)) == (level >= LogLevel.INFO)
    assert len(written(stream, failure, default=level)) == (level >= LogLevel.INFO) + (
        level >= LogLevel.ERROR
    )


def test_times_are_written_in_utc_whatever_their_zone(stream: io.StringIO) -> None:
    at = NOW.astimezone(timezone(timedelta(hours=9)))
    record = Provisioning(
        at, "c" * 64, "d" * 64, succeeded=True, certificate_status="ACTIVE", thing_name=None, policy_names=()
    )

    (line,) = written(stream, provisioning_entry(record))

    assert isinstance(line, dict)
    assert line["timestamp"] == "2026-11-24 12:00:00.123"
