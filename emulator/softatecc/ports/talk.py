"""One client's connection: bytes in, steps of a conversation, bytes out.

Rules of this file:
1. A conversation knows its format and no sockets; this shell knows sockets and no format.
2. No client holds up the others: after a few steps it is their turn, and who does not read his answers is
   not read from either.
3. While a part is busy the connection waits; nothing is lost meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

#: Steps of one client before others get their turn.
_STEPS: Final = 16


class StreamError(ValueError):
    """The client does not speak this format; ``str()`` says what it sent."""


class Conversation(Protocol):
    """What one client and one or several parts say to each other."""

    @property
    def busy_for(self) -> float:
        """Seconds to wait before the next step."""
        ...

    def feed(self, octets: bytes) -> None:
        """Take what the client sent."""
        ...

    def step(self) -> bytes | None:
        """Do the next thing; what to send, often nothing, or None where it is the client's turn.

        Raises:
            StreamError: the client does not speak this format.
        """
        ...


class Connection(asyncio.Protocol):
    """One client.

    Args:
        open_conversation: makes the client's conversation.
        connections: whoever is connected; this client while it is.
        failed: told what stops the whole device.
        tell: told what a person should read.
    """

    def __init__(
        self,
        open_conversation: Callable[[], Conversation],
        connections: set[Connection],
        failed: Callable[[Exception], None],
        tell: Callable[[str], None],
    ) -> None:
        self._open_conversation = open_conversation
        self._connections = connections
        self._failed = failed
        self._tell = tell
        self._transport: asyncio.Transport | None = None
        self._conversation: Conversation | None = None
        self._next: asyncio.Handle | None = None
        self._unread = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)
        self._conversation = self._open_conversation()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; so is what it had asked for."""
        self._connections.discard(self)
        if self._next is not None:
            self._next.cancel()
        if exc is not None:
            self._tell(f"a client is gone: {exc}")

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """The client said something."""
        assert self._conversation is not None
        self._conversation.feed(data)
        if self._next is None and not self._unread:
            self._go_on()

    def pause_writing(self) -> None:
        """The client does not read."""
        self._unread = True

    def resume_writing(self) -> None:
        """It reads again."""
        self._unread = False
        if self._next is None:
            self._go_on()

    def _go_on(self) -> None:
        assert self._conversation is not None
        assert self._transport is not None
        self._next = None
        if self._transport.is_closing():
            return
        try:
            for _ in range(_STEPS):
                if self._conversation.busy_for:
                    break
                octets = self._conversation.step()
                if octets is None:
                    self._transport.resume_reading()
                    return
                self._transport.write(octets)
                if self._unread:
                    self._transport.pause_reading()
                    return
        except StreamError as error:
            self._tell(f"a client is turned away: {error}")
            self._transport.abort()
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the device must not answer on
            self._transport.abort()
            self._failed(error)
            return
        self._transport.pause_reading()
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(self._conversation.busy_for, self._go_on)
