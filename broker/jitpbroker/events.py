"""Messages the service itself publishes, on topics that begin with ``$aws/events``.

Times are milliseconds since 1970; payloads are JSON on one line, and worked out only for a listener.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from jitpbroker.gate import Event
from jitpbroker.registry.entities import CaCertificate, DeviceCertificate
from jitpbroker.trace import JsonValue

_Payload: TypeAlias = "Callable[[], Mapping[str, JsonValue]]"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def epoch_ms(moment: datetime) -> int:
    """``moment`` as AWS's events write it; exact, unlike a float's timestamp."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def registered(
    device: DeviceCertificate, ca: CaCertificate, *, account: str, source_ip: str, at: datetime, again: bool
) -> Event:
    """A certificate was registered just in time, or came back while it still waits for activation.

    Evidence: document - developer guide, auto-register-device-cert; ``sourceIp``, and the null on the first
    event, are MiniStack's.
    """
    first_seen = str(epoch_ms(device.creation_date)) if again else None
    payload: dict[str, JsonValue] = {
        "certificateId": device.id,
        "caCertificateId": ca.id,
        "timestamp": epoch_ms(at),
        "certificateStatus": device.status.value,
        "awsAccountId": account,
        "certificateRegistrationTimestamp": first_seen,
        "sourceIp": source_ip,
    }
    return Event(f"$aws/events/certificates/registered/{ca.id}", lambda: payload)


def connected(
    client_id: str,
    certificate_id: str,
    *,
    session_id: str,
    version: int,
    source_ip: str,
    thing_name: Callable[[], str | None],
    at: datetime,
) -> tuple[Event, ...]:
    """A client was admitted.

    Evidence: document - developer guide, life-cycle-events; ``thingName`` comes with an exclusive thing only.
    """
    return _presence(
        "connected",
        client_id,
        lambda: {
            "timestamp": epoch_ms(at),
            "eventType": "connected",
            "sessionIdentifier": session_id,
            "principalIdentifier": certificate_id,
            "ipAddress": source_ip,
            "versionNumber": version,
            **_thing(thing_name),
        },
    )


def disconnected(
    client_id: str,
    certificate_id: str,
    *,
    session_id: str,
    version: int,
    thing_name: Callable[[], str | None],
    client_initiated: bool,
    reason: str,
    at: datetime,
) -> tuple[Event, ...]:
    """An admitted client is gone; ``reason`` is AWS's disconnectReason.

    Evidence: document - developer guide, life-cycle-events.
    """
    return _presence(
        "disconnected",
        client_id,
        lambda: {
            "timestamp": epoch_ms(at),
            "eventType": "disconnected",
            "sessionIdentifier": session_id,
            "principalIdentifier": certificate_id,
            "clientInitiatedDisconnect": client_initiated,
            "disconnectReason": reason,
            "versionNumber": version,
            **_thing(thing_name),
        },
    )


def subscription_changed(
    kind: Literal["subscribed", "unsubscribed"],
    client_id: str,
    certificate_id: str,
    topic_filters: tuple[str, ...],
    *,
    session_id: str,
    thing_name: Callable[[], str | None],
    at: datetime,
) -> tuple[Event, ...]:
    """A client took filters, or gave them back; whether it had held them makes no difference.

    Evidence: document - developer guide, life-cycle-events, subscribe and unsubscribe events.
    """
    return _event_of(
        "subscriptions",
        kind,
        client_id,
        lambda: {
            "timestamp": epoch_ms(at),
            "eventType": kind,
            "sessionIdentifier": session_id,
            "principalIdentifier": certificate_id,
            "topics": list(topic_filters),
            **_thing(thing_name),
        },
    )


def connect_failed(client_id: str, certificate_id: str, *, source_ip: str, at: datetime) -> tuple[Event, ...]:
    """A client was known but its policies did not let it in.

    Evidence: document - developer guide, life-cycle-events, names the event; its payload is MiniStack's.
    """
    return _presence(
        "connect_failed",
        client_id,
        lambda: {
            "timestamp": epoch_ms(at),
            "eventType": "connect_failed",
            "principalIdentifier": certificate_id,
            "connectFailureReason": "AUTHORIZATION_FAILED",
            "ipAddress": source_ip,
        },
    )


def _presence(kind: str, client_id: str, rest: _Payload) -> tuple[Event, ...]:
    return _event_of("presence", kind, client_id, rest)


def _event_of(family: str, kind: str, client_id: str, rest: _Payload) -> tuple[Event, ...]:
    """Nothing for client ids that no topic can carry (developer guide, life-cycle-events)."""
    if "+" in client_id or "#" in client_id:
        return ()
    return (Event(f"$aws/events/{family}/{kind}/{client_id}", lambda: {"clientId": client_id, **rest()}),)


def _thing(find: Callable[[], str | None]) -> dict[str, JsonValue]:
    name = find()
    return {} if name is None else {"thingName": name}
