"""Listens at the client's socket: what went over each connection, and the secrets that TLS drew for it.

Rules of this file:
1. A tap changes nothing: bytes pass as they are, errors pass as they are.
2. Secrets are those of single connections, as ``SSLKEYLOGFILE`` has them. They open what was recorded and
   nothing else; no key of a certificate is among them.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

_TICK: Final = timedelta(microseconds=1)


class Moment(Enum):
    """What can happen on a connection."""

    OPENED = "opened"
    SENT = "sent"
    RECEIVED = "received"
    CLOSED = "closed"  # by the client
    ENDED = "ended"  # by the peer: the end of its stream
    RESET = "reset"  # by the peer


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, when, and the bytes it was about."""

    at: datetime
    what: Moment
    data: bytes = field(default=b"", repr=False)


@dataclass(slots=True)
class Conversation:
    """One connection, from its opening on."""

    events: list[Event]

    def has(self, what: Moment) -> bool:
        """Whether that happened."""
        return any(event.what is what for event in self.events)


class Tap:
    """Records connections; a context manager while their secrets lie in a file of their own.

    Args:
        now: the clock, UTC; events get times that never stand still.

    Attributes:
        conversations: every connection so far, in order.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.conversations: list[Conversation] = []
        self._now = now
        self._last = datetime.fromtimestamp(0, UTC)
        self._folder = tempfile.TemporaryDirectory(prefix="jitplab-")  # mode 0700

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    @property
    def keylog(self) -> Path:
        """Where TLS libraries write the secrets of a connection, in the form of ``SSLKEYLOGFILE``."""
        return Path(self._folder.name) / "secrets"

    def secrets(self) -> bytes:
        """The secrets so far, a line each."""
        lines = self.keylog.read_bytes().splitlines() if self.keylog.exists() else []
        return b"".join(line + b"\n" for line in lines if line and not line.startswith(b"#"))

    def listen(self, connected: socket.socket) -> TappedSocket:
        """The socket with this tap on it."""
        conversation = Conversation([])
        self.conversations.append(conversation)
        self.note(conversation, Moment.OPENED)
        return TappedSocket(connected, lambda what, data=b"": self.note(conversation, what, data))

    def note(self, conversation: Conversation, what: Moment, data: bytes = b"") -> None:
        """Something happened."""
        self._last = max(self._now(), self._last + _TICK)
        conversation.events.append(Event(self._last, what, data))


class TappedSocket:
    """A connected socket, and whoever wants to hear what passes."""

    def __init__(self, connected: socket.socket, hear: Callable[..., None]) -> None:
        self._socket = connected
        self._hear = hear
        self._ended: set[Moment] = set()

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of a socket."""
        return getattr(self._socket, name)

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)
        self._hear(Moment.SENT, bytes(data))

    def send(self, data: bytes) -> int:
        """Send some of it; how much it was."""
        count = self._socket.send(data)
        self._hear(Moment.SENT, bytes(data[:count]))
        return count

    def recv(self, size: int) -> bytes:
        """The next bytes, none at the end of the stream."""
        try:
            data = self._socket.recv(size)
        except ConnectionResetError:
            self._end(Moment.RESET)
            raise
        if data:
            self._hear(Moment.RECEIVED, data)
        else:
            self._end(Moment.ENDED)
        return data

    def close(self) -> None:
        """Close it."""
        self._socket.close()
        self._end(Moment.CLOSED)

    def _end(self, how: Moment) -> None:
        if how not in self._ended:  # a second close, or another read at the end, is nothing new
            self._ended.add(how)
            self._hear(how)
