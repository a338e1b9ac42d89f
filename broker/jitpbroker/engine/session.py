"""What the default engine knows of one client id, and how much of it may pile up.

Rules of this file:
1. What waits is counted in messages and in bytes; what exceeds either is not taken.
2. Messages stored while a client was away are handed out at a pace of their own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jitpbroker.engine import Client
from jitpbroker.gate import Principal
from jitpbroker.mqtt import Publish

MAX_PACKET_ID = 0xFFFF
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long and how much the engine keeps.

    Attributes:
        session: a persistent session lives so long after its client left. Evidence: document - AWS General
            Reference, IoT Core quotas: one hour by default.
        retry: an unacknowledged message is sent again after this time. Evidence: assumed - AWS does send
            again and does not say when.
        give_up: an unacknowledged message is dropped after this time. Evidence: document - AWS General
            Reference: redelivery for up to one hour.
        stored_per_second: the pace at which stored messages are handed out. Evidence: document - AWS General
            Reference: ten a second.
        waiting: QoS 1 messages that may wait for one client. Evidence: assumed - own choice.
        waiting_bytes: their payloads together. Evidence: assumed - own choice.
        all_waiting_bytes: those of all clients. Evidence: assumed - own choice.
        retained: retained messages. Evidence: assumed - own choice.
    """

    session: timedelta = timedelta(hours=1)
    retry: timedelta = timedelta(seconds=20)
    give_up: timedelta = timedelta(hours=1)
    stored_per_second: int = 10
    waiting: int = 1000
    waiting_bytes: int = 16 * MIB
    all_waiting_bytes: int = 256 * MIB
    retained: int = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A QoS 1 message that has not been sent; ``number`` is its own for ever."""

    message: Publish
    number: int


@dataclass(slots=True)
class Sent:
    """A QoS 1 message on its way."""

    message: Publish
    number: int
    first: datetime
    latest: datetime


@dataclass(slots=True)
class Session:
    """One client id; ``client`` is ``None`` while it is away.

    Attributes:
        persistent: whether it outlives its connection, and the process where somebody keeps it.
        stored: how many of the waiting messages came while the client was away; they stand in front.
        pace: how many of them may go out before time has passed.
        waiting_bytes: payloads of what waits.
    """

    principal: Principal
    client: Client | None
    persistent: bool = False
    filters: dict[str, int] = field(default_factory=dict)
    in_flight: dict[int, Sent] = field(default_factory=dict)
    waiting: deque[Waiting] = field(default_factory=deque)
    waiting_bytes: int = 0
    stored: int = 0
    pace: int = 0
    last_packet_id: int = 0
    left_at: datetime | None = None

    def next_packet_id(self) -> int:
        """The next free one; the window is far smaller than the 65535 there are."""
        packet_id = self.last_packet_id % MAX_PACKET_ID + 1
        while packet_id in self.in_flight:
            packet_id = packet_id % MAX_PACKET_ID + 1
        self.last_packet_id = packet_id
        return packet_id
