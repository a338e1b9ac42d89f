"""CloudWatch log entries as AWS IoT writes them to ``AWSIotLogsV2``: one JSON object per line.

Rules of this file:
1. An entry is made from a trace record and the attempt it belongs to, by a pure function.
2. Refused authentication leaves a Connection.AuthNError entry only in a profile that has it, only when
   switched on, and never for a client that sent no server name. Otherwise it leaves nothing, as in 2021.
3. Levels are the customer's; an entry below its event's level is not written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final, TextIO

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.rule import AuthnReason
from jitpbroker.registry.ids import IdSource
from jitpbroker.trace import Authorization, Decision, JsonValue, Provisioning

LOG_GROUP: Final = "AWSIotLogsV2"


class LogLevel(IntEnum):
    """LogLevel of AWS's service model, from the quietest to the loudest.

    Evidence: document - the service model that AWS publishes with botocore 1.44.5.
    """

    DISABLED = 0
    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4


@dataclass(frozen=True, slots=True)
class LogOptions:
    """SetV2LoggingOptions.

    Evidence: document - AWS What's New 2026-06-03: Connection.AuthNError is off until asked for.
    """

    account: str
    default_level: LogLevel = LogLevel.INFO
    event_levels: Mapping[str, LogLevel] = field(default_factory=dict)

    def level_of(self, event_type: str) -> LogLevel:
        """How loud entries of this type may be."""
        quiet = LogLevel.DISABLED if event_type == "Connection.AuthNError" else self.default_level
        return self.event_levels.get(event_type, quiet)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, without the attributes all entries share (account and trace id)."""

    level: LogLevel
    succeeded: bool
    event_type: str
    timestamp: str
    fields: Mapping[str, JsonValue]

    def line(self, *, account: str, trace_id: str) -> str:
        """The entry as AWS writes it.

        Evidence: document - AWS IoT developer guide, cwl-format, common attributes.
        """
        entry: dict[str, JsonValue] = {
            "timestamp": self.timestamp,
            "logLevel": self.level.name,
            "traceId": trace_id,
            "accountId": account,
            "status": "Success" if self.succeeded else "Failure",
            "eventType": self.event_type,
            **self.fields,
        }
        return json.dumps(entry, ensure_ascii=False)


_EVENT_TYPES: Final = {
    "iot:Connect": "Connect",
    "iot:Publish": "Publish-In",
    "iot:RetainPublish": "Publish-In",
    "iot:Subscribe": "Subscribe",
    "iot:Receive": "Publish-Out",
}


_LOG_REASONS: Final = {"DUPLICATE_CLIENTID": "DUPLICATE_CLIENT_ID"}


def authorization_entry(record: Authorization, *, source_ip: str, source_port: int) -> Entry:
    """Connect, Publish-In, Publish-Out or Subscribe: the policies were asked.

    Evidence: document - developer guide, cwl-format; the failure's fields and its reason are those of
    entries that users pasted into public issues.
    """
    fields: dict[str, JsonValue] = {
        "protocol": "MQTT",
        "clientId": record.client_id,
        "principalId": record.certificate_id,
        "sourceIp": source_ip,
        "sourcePort": source_port,
    }
    if record.action != "iot:Connect":
        fields["topicName"] = record.resource.split(":", 5)[-1].partition("/")[2]
    if not record.allowed:
        fields |= {"reason": "AUTHORIZATION_FAILURE", "details": "Authorization Failure"}
    level = LogLevel.INFO if record.allowed else LogLevel.ERROR
    return Entry(level, record.allowed, _EVENT_TYPES[record.action], _timestamp(record), fields)


def disconnect_entry(
    client_id: str, certificate_id: str, reason: str, at: datetime, *, source_ip: str, source_port: int
) -> Entry:
    """Disconnect: an admitted client is gone.

    Evidence: document - developer guide, cwl-format, Disconnect; its example writes DUPLICATE_CLIENT_ID where
    the lifecycle event has DUPLICATE_CLIENTID.
    """
    fields: dict[str, JsonValue] = {
        "protocol": "MQTT",
        "clientId": client_id,
        "principalId": certificate_id,
        "sourceIp": source_ip,
        "sourcePort": source_port,
        "reason": _LOG_REASONS.get(reason, reason),
    }
    return Entry(LogLevel.INFO, True, "Disconnect", _written(at), fields)  # noqa: FBT003


def provisioning_entry(record: Provisioning) -> Entry:
    """ProvisionDevice: a template ran.

    Evidence: assumed - AWS lists the type for fleet provisioning and says that just-in-time errors reach the
    log, without naming a type for them.
    """
    fields: dict[str, JsonValue] = {
        "deviceCertificateId": record.certificate_id,
        "details": record.why or "The device was provisioned.",
    }
    level = LogLevel.INFO if record.succeeded else LogLevel.ERROR
    return Entry(level, record.succeeded, "ProvisionDevice", _timestamp(record), fields)


def authn_error_entry(record: Decision, attempt: Attempt, reason: AuthnReason) -> Entry:
    """Connection.AuthNError: admission refused.

    Evidence: document - AWS What's New 2026-06-03 and developer guide, cwl-format; which of our rules leads
    to which of AWS's reasons is inferred.
    """
    fields: dict[str, JsonValue] = {
        "authenticationType": "AWS_X509",
        "protocol": "MQTT",
        "clientId": attempt.client_id,
        "principalId": record.certificate_id,
        "serverNameIndication": attempt.sni,
        "sourceIp": attempt.source_ip,
        "sourcePort": attempt.source_port,
        "reason": reason.value,
        "details": record.why,
    }
    return Entry(LogLevel.ERROR, False, "Connection.AuthNError", _timestamp(record), fields)  # noqa: FBT003


def _timestamp(record: Authorization | Decision | Provisioning) -> str:
    return _written(record.at)


def _written(at: datetime) -> str:
    """``YYYY-MM-DD hh:mm:ss.mmm`` in UTC."""
    return at.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


class Log:
    """Writes the entries that the options let through, one line each, to a text stream."""

    def __init__(self, stream: TextIO, options: LogOptions, new_id: IdSource) -> None:
        self._stream = stream
        self._options = options
        self._new_id = new_id

    def write(self, entry: Entry) -> None:
        """Write ``entry``, or drop it when its event type's level is quieter."""
        if entry.level > self._options.level_of(entry.event_type):
            return
        line = entry.line(account=self._options.account, trace_id=self._new_id())
        self._stream.write(line + "\n")
        self._stream.flush()
