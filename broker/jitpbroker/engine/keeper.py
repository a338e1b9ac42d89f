"""Who remembers what the default engine may not lose: the seam behind ``--state``.

Rules of this seam:
1. Only persistent sessions are told; a message is told with a number that is its own for ever.
2. Calls say what is so from now on. Whether it has been written is for whoever sends the acknowledgement to
   make sure of: nothing told in one turn of the event loop may be acknowledged before it is safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from jitpbroker.gate import Principal
from jitpbroker.mqtt import Publish


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A QoS 1 message of a persistent session.

    Attributes:
        number: its own; later messages have higher ones.
        message: its ``packet_id`` is set once it was sent.
        sent: when it was sent first.
    """

    number: int
    message: Publish
    sent: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A persistent session as it was when it was written.

    Attributes:
        principal: whose it is.
        left_at: when its client left; ``None`` while it was there.
        filters: QoS by topic filter.
        messages: in the order of their numbers.
    """

    principal: Principal
    left_at: datetime | None
    filters: Mapping[str, int] = field(default_factory=dict)
    messages: tuple[KeptMessage, ...] = ()


class Keeper(Protocol):
    """Takes down what has to outlive the process."""

    def session(self, principal: Principal, left_at: datetime | None) -> None:
        """A persistent session began, was resumed or left."""
        ...

    def forget(self, client_id: str) -> None:
        """A persistent session is over, its filters and messages with it."""
        ...

    def subscribed(self, client_id: str, topic_filter: str, qos: int) -> None:
        """A persistent session has a filter."""
        ...

    def unsubscribed(self, client_id: str, topic_filter: str) -> None:
        """A persistent session has given a filter back."""
        ...

    def message(self, client_id: str, kept: KeptMessage) -> None:
        """A message waits for a persistent session, or is on its way to it."""
        ...

    def done(self, client_id: str, number: int) -> None:
        """A message was acknowledged or dropped."""
        ...

    def retain(self, topic: str, message: Publish | None) -> None:
        """A topic's retained message; ``None`` for none any more."""
        ...
