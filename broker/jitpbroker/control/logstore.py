"""Log events kept for CloudWatch's read side: a bounded number, in the order they were written.

Rules of this file:
1. Memory is bounded by number and by size; the oldest event gives way, as under a retention of its own.
2. An event is what AWS IoT wrote, to the letter: one JSON line.
3. What the account's logging options silence never gets in.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TextIO

from jitpbroker.logs import LOG_GROUP
from jitpbroker.registry.settings import LEVELS
from jitpbroker.registry.store import Registry

#: Evidence: assumed - own choice.
MOST_EVENTS: Final = 10_000
MOST_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One log event; times are milliseconds since 1970.

    Attributes:
        id: counts from 0 and is never used again.
        group: the log group.
        timestamp: when it happened, as the entry says.
        ingested: when it got here.
    """

    id: int
    group: str
    timestamp: int
    ingested: int
    message: str


class LogStore:
    """Log events of all groups of one account, in one bounded queue."""

    def __init__(self, *, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self._events: deque[LogEvent] = deque()
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._bytes = 0
        self._written = 0

    def __iter__(self) -> Iterator[LogEvent]:
        return iter(tuple(self._events))

    def __len__(self) -> int:
        return len(self._events)

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._bytes

    def add(self, message: str, *, timestamp: int, ingested: int, group: str = LOG_GROUP) -> None:
        """Keep an event; the oldest are dropped while there are too many, or too large ones."""
        self._events.append(LogEvent(self._written, group, timestamp, ingested, message))
        self._written += 1
        self._bytes += len(message.encode())
        while len(self._events) > self._most_events or self._bytes > self._most_bytes:
            self._bytes -= len(self._events.popleft().message.encode())


class LogStream:
    """The text stream `jitpbroker.logs.Log` writes its lines to; the account's V2 options decide here.

    `Log` is given options that let everything through, since an entry's level depends on what stands in it:
    its event type, and the client, address, certificate or thing group it is about.

    Evidence: document - AWS's service model, SetV2LoggingOptions and SetV2LoggingLevel.

    Args:
        registry: whose options count; its things say which groups a client's thing is in.
        store: where entries go.
        also: a file that gets them as well, if any.
        now: the time.
    """

    def __init__(
        self, registry: Registry, store: LogStore, also: TextIO | None, now: Callable[[], datetime]
    ) -> None:
        self._registry = registry
        self._store = store
        self._also = also
        self._now = now

    def write(self, line: str) -> None:
        """Keep one entry, or drop it when the options say so."""
        entry = json.loads(line)
        facts = {key: str(value) for key, value in entry.items() if value is not None}
        level = self._registry.logging.level_of(facts["eventType"], self._targets(facts))
        if LEVELS.index(facts["logLevel"]) > LEVELS.index(level):
            return
        if self._also is not None:
            self._also.write(line)
        written = datetime.fromisoformat(facts["timestamp"]).replace(tzinfo=UTC)
        event = self._registry.logging.events.get(facts["eventType"])
        self._store.add(
            line.rstrip("\n"),
            timestamp=_ms(written),
            ingested=_ms(self._now()),
            group=(event.destination if event is not None else None) or LOG_GROUP,
        )

    def flush(self) -> None:
        """Pass the wish on."""
        if self._also is not None:
            self._also.flush()

    def _targets(self, facts: dict[str, str]) -> dict[str, frozenset[str]]:
        """By targetType, what the entry is about."""
        things = self._registry.things
        client, principal = facts.get("clientId"), facts.get("principalId")
        thing = things.get(client) if client is not None else None
        out = {
            "CLIENT_ID": client,
            "SOURCE_IP": facts.get("sourceIp"),
            "PRINCIPAL_ID": principal,
        }
        named = {kind: frozenset({name}) for kind, name in out.items() if name is not None}
        return {**named, "THING_GROUP": frozenset(thing.groups if thing is not None else ())}


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
