"""Accepted sockets straight on the event loop, where it watches file descriptors.

asyncio's own accept takes a task, three turns of the loop and a transport of a dozen attributes for each
connection, a quarter of what a whole visit costs in Python. Loops of another kind (Windows' proactor; uvloop,
whose transports are C) go on with theirs: `listen` chooses.

Rules of this file:
1. A `Stream` keeps asyncio's contract between transport and protocol: ``connection_made`` first,
   ``connection_lost`` last and once, never from inside a call of the protocol's.
2. What the operating system does not take at once waits in one buffer, which is the caller's to bound.
3. A machine out of file descriptors accepts again a second later.
4. A protocol that fails loses its connection, and the loop's exception handler hears why.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

_READ_SIZE: Final = 32 * 1024  # glibc tidies its heap whenever 64 KiB are given back
_MORE: Final[int] = getattr(socket, "MSG_MORE", 0)  # Linux': the next call's segment takes these bytes along
_ACCEPTS_PER_TURN: Final = 16
_BACKLOG: Final = 512
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_REST: Final = 1.0  # seconds

#: Turns of the event loop between asyncio's accept and ``connection_made``: a task, its transport, its call.
_ACCEPT_STEPS: Final = 3


class Listener(Protocol):
    """Whatever accepts connections."""

    @property
    def port(self) -> int:
        """The port listened on."""
        ...

    async def close(self) -> None:
        """Accept nothing more; what has been accepted reaches its protocol."""
        ...


async def listen(protocol: Callable[[], asyncio.Protocol], host: str, port: int) -> Listener:
    """Accept connections for protocols that ``protocol`` makes; port 0 is any free one.

    Raises:
        OSError: the address cannot be bound.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, asyncio.SelectorEventLoop):
        return _Elsewhere(await loop.create_server(protocol, host, port))
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, kind, number, _name, address in dict.fromkeys(found):
            sockets.append(_bound(family, kind, number, address))
    except OSError:
        for each in sockets:
            each.close()
        raise
    return _Acceptor(loop, sockets, protocol)


_SEND_BUFFER = 64 * 1024


def _bound(family: int, kind: int, number: int, address: tuple[str | int | bytes, ...]) -> socket.socket:
    listening = socket.socket(family, kind, number)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it: what a client leaves unread must not pile up in the kernel by megabytes
        # before our own backlog limit can see it.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited, too
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.setblocking(False)  # noqa: FBT003 - it takes no keyword
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, (error.strerror or str(error)).lower()) from None
    return listening


class _Acceptor:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sockets: list[socket.socket],
        protocol: Callable[[], asyncio.Protocol],
    ) -> None:
        self._loop = loop
        self._sockets = sockets
        self._protocol = protocol
        self._rests: dict[socket.socket, asyncio.TimerHandle] = {}
        for listening in sockets:
            self._watch(listening)

    @property
    def port(self) -> int:
        port: int = self._sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        for rest in self._rests.values():
            rest.cancel()
        for listening in self._sockets:
            self._loop.remove_reader(listening)
            listening.close()

    def _watch(self, listening: socket.socket) -> None:
        self._rests.pop(listening, None)
        self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                accepted, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._loop.remove_reader(listening)
                self._rests[listening] = self._loop.call_later(_REST, self._watch, listening)
                return
            accepted.setblocking(False)  # noqa: FBT003 - as above
            Stream(self._loop, accepted, address, self._protocol())


class _Elsewhere:
    """A listener of the loop's own."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Close once nothing is on its way from accept to its protocol.

        asyncio (3.11) loses a connection whose listener closes between its accept and its transport.
        """
        loop = asyncio.get_running_loop()
        for listening in self._server.sockets:
            with suppress(NotImplementedError):  # Windows' loop has no readers
                loop.remove_reader(listening.fileno())
        for _ in range(_ACCEPT_STEPS):
            await asyncio.sleep(0)
        self._server.close()


class Stream(asyncio.Transport):
    """One accepted connection."""

    __slots__ = (
        "_address",
        "_buffer",
        "_closing",
        "_descriptor",
        "_eof_wanted",
        "_loop",
        "_lost",
        "_protocol",
        "_reading",
        "_socket",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        accepted: socket.socket,
        address: tuple[str, int],
        protocol: asyncio.Protocol,
    ) -> None:
        self._loop = loop
        self._socket = accepted
        self._descriptor = accepted.fileno()  # a selector that misses a socket makes its whole repr first
        self._address = address
        self._protocol = protocol
        self._buffer: bytearray | None = None
        self._reading = False
        self._closing = False
        self._eof_wanted = False
        self._lost = False
        protocol.connection_made(self)
        self.resume_reading()

    def get_extra_info(self, name: str, default: object = None) -> object:
        """``peername`` is all there is to know."""
        return self._address if name == "peername" else default

    def is_closing(self) -> bool:
        """Whether ``close`` or ``abort`` has been called, or the connection is lost."""
        return self._closing

    def is_reading(self) -> bool:
        """Whether the socket is read."""
        return self._reading

    def get_write_buffer_size(self) -> int:
        """Bytes that wait for the operating system."""
        return 0 if self._buffer is None else len(self._buffer)

    def pause_reading(self) -> None:
        """Take nothing more from the socket for now."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._descriptor)

    def resume_reading(self) -> None:
        """Take from the socket again."""
        if not (self._reading or self._closing):
            self._reading = True
            self._loop.add_reader(self._descriptor, self._readable)

    def can_write_eof(self) -> bool:
        """It can."""
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send now what the operating system takes, the rest when it takes more."""
        if self._closing or self._eof_wanted:
            return
        if self._buffer is not None:
            self._buffer += data
            return
        self._send(data, 0)

    def write_last(self, data: bytes) -> None:
        """Send ``data``, then FIN, in one segment where that can be."""
        if data and self._buffer is None and not (self._closing or self._eof_wanted):
            self._send(data, _MORE)
        elif data:
            self.write(data)
        self.write_eof()

    def _send(self, data: bytes | bytearray | memoryview, flags: int) -> None:
        try:
            sent = self._socket.send(data, flags)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.abort()
            return
        if sent < len(data):
            self._buffer = bytearray(data[sent:])
            self._loop.add_writer(self._descriptor, self._writable)

    def write_eof(self) -> None:
        """FIN after what is unsent."""
        self._eof_wanted = True
        if self._buffer is None and not self._closing:
            with suppress(OSError):  # the peer may have left already; then there is nobody to tell
                self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End the connection once everything is sent."""
        if self._closing:
            return
        self.pause_reading()
        self._closing = True
        if self._buffer is None:
            self._lose()

    def abort(self) -> None:
        """End the connection now."""
        self.pause_reading()
        self._closing = True
        if self._buffer is not None:
            self._buffer = None
            self._loop.remove_writer(self._descriptor)
        self._lose()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.abort()
            return
        try:
            if data:
                self._protocol.data_received(data)
            else:
                self._protocol.eof_received()
                self.close()
        except Exception as error:  # noqa: BLE001 - a fault of the protocol ends this connection; it is reported
            self._loop.call_exception_handler(
                {"message": f"a connection of {self._address[0]} failed", "exception": error}
            )
            self.abort()

    def _writable(self) -> None:
        assert self._buffer is not None, "there is a writer only while something waits"
        try:
            sent = self._socket.send(self._buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.abort()
            return
        del self._buffer[:sent]
        if self._buffer:
            return
        self._buffer = None
        self._loop.remove_writer(self._descriptor)
        if self._closing:
            self._lose()
        elif self._eof_wanted:
            with suppress(OSError):  # the peer may have left already
                self._socket.shutdown(socket.SHUT_WR)

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._loop.call_soon(self._gone)

    def _gone(self) -> None:
        self._protocol.connection_lost(None)
        del self._protocol  # which knows us: only the garbage collector would find the two
        self._socket.close()
