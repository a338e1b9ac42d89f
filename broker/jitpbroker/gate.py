"""The one door between a connection and everything that may judge it.

The engines and the server know this protocol only; ``jitpbroker.admission.desk.FrontDesk`` answers it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from jitpbroker.admission.attempt import Attempt
from jitpbroker.mqtt.packets import ConnectReturnCode
from jitpbroker.trace import JsonValue

#: Kept, since json.dumps makes one of its own for each call that asks for a form of its own.
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """A message the service itself publishes, such as ``$aws/events/certificates/registered/<ca>``.

    Two are equal that say the same on the same topic.

    Attributes:
        topic: where.
        says: the payload, or what makes what becomes JSON on one line should anybody want to hear it: of most
            lifecycle events nobody does. Asked at once or never.
    """

    topic: str
    says: bytes | Callable[[], Mapping[str, JsonValue]]

    @property
    def payload(self) -> bytes:
        """The message's bytes."""
        return self.says if isinstance(self.says, bytes) else _ENCODER.encode(self.says()).encode()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and (self.topic, self.payload) == (other.topic, other.payload)

    def __hash__(self) -> int:
        return hash(self.topic)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is on the other end of an admitted connection."""

    certificate_id: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """Answer CONNACK 0 and go on."""

    principal: Principal
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close with close_notify; without a ``return_code`` the client is told nothing, not even by CONNACK."""

    reason: str  # one upper-case word, as in trace.Disconnect.reason
    why: str
    events: tuple[Event, ...] = ()
    return_code: ConnectReturnCode | None = None


class Gate(Protocol):
    """Admission and authorization as an engine sees them. Pure apart from registry, trace and log.

    What the service publishes about a client (``disconnected``, ``subscribed``, ``unsubscribed``) is handed
    back as events; whoever asks publishes them. No client's permission is needed for that.
    """

    @property
    def denies_by_suback(self) -> bool:
        """Whether a SUBSCRIBE that is not allowed is answered by SUBACK 0x80 instead of the end."""
        ...

    def connect(self, attempt: Attempt) -> Admitted | HangUp:
        """Judge a CONNECT; may register and provision on the way. Never raises on client input."""
        ...

    def may_publish(self, principal: Principal, topic: str, *, retain: bool, at: datetime) -> str | None:
        """``None`` when allowed, else one sentence saying why not."""
        ...

    def may_subscribe(self, principal: Principal, topic_filter: str, *, at: datetime) -> str | None:
        """``None`` when allowed, else one sentence saying why not."""
        ...

    def may_receive(self, principal: Principal, topic: str, *, at: datetime) -> str | None:
        """``None`` when allowed, else one sentence saying why not."""
        ...

    def disconnected(
        self, principal: Principal, *, client_initiated: bool, reason: str, at: datetime
    ) -> tuple[Event, ...]:
        """An admitted connection ended; ``reason`` is AWS's disconnectReason.

        Called once for each admitted connection; of two with one client id, for the older one first.
        """
        ...

    def subscribed(
        self, principal: Principal, topic_filters: tuple[str, ...], *, at: datetime
    ) -> tuple[Event, ...]:
        """A permitted SUBSCRIBE was answered."""
        ...

    def unsubscribed(
        self, principal: Principal, topic_filters: tuple[str, ...], *, at: datetime
    ) -> tuple[Event, ...]:
        """An UNSUBSCRIBE was answered."""
        ...

    def discarded(self, principal: Principal, topic: str, *, inbound: bool, why: str, at: datetime) -> None:
        """A message was dropped for want of quota, room or time; ``inbound``: one that the client sent."""
        ...
