"""A part that another process serves, in the format of wolfSSL's ATECC608Sim.

Rules of this file:
1. The format has no acknowledge and no read pointer: a packet goes out, its answer comes back.
2. What the format cannot carry is answered as the chip would: a packet shorter than its count is never
   answered, one that is longer is garbled.
3. Nothing waits for ever.
"""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlsplit

from softatecc.packet import LARGEST_GROUP, WAKE_RESPONSE
from softatecc.transports import NoResponse
from softatecc.wire import WordAddress

_DEFAULT_PORT: Final = 8608
_SMALLEST_COUNT: Final = 4
#: Longer than any command takes in real time (SelfTest at the slowest clock, 2.3 s).
_PATIENCE: Final = 10.0


class TcpTransport:
    """One connection; the registers behind it are its own.

    Args:
        host: where the part is served.
        port: likewise.

    Raises:
        NoResponse: nothing listens there.
    """

    def __init__(self, host: str, port: int) -> None:
        self._where = f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=_PATIENCE)
        except OSError as error:
            raise NoResponse(
                f"no part answers at {self._where}: {error.strerror or error}; `jitplab device --tcp` "
                "serves one"
            ) from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def wake(self) -> bytes:
        """Word address 00; the format has no answer to it, so this is what the chip then shows."""
        self._send(bytes((WordAddress.RESET,)))

        return WAKE_RESPONSE

    def exchange(self, packet: bytes) -> bytes:
        """Send a packet, receive its answer.

        Raises:
            NoResponse: the packet is shorter than its count says, or the connection is gone.
        """
        count = packet[0] if packet else LARGEST_GROUP
        if _SMALLEST_COUNT <= count <= LARGEST_GROUP and len(packet) != count:
            if len(packet) < count:
                raise NoResponse(
                    f"the chip waits for more than the {len(packet)} bytes sent; send a whole packet"
                )
            packet = b"\x00"  # the stream would take the surplus for the next word address
        elif len(packet) != count:
            packet = packet[:1]
        self._send(bytes((WordAddress.COMMAND,)) + packet)
        head = self._receive(1)

        return head + self._receive(head[0] - 1)

    def idle(self) -> None:
        """Word address 02."""
        self._send(bytes((WordAddress.IDLE,)))

    def sleep(self) -> None:
        """Word address 01."""
        self._send(bytes((WordAddress.SLEEP,)))

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _send(self, octets: bytes) -> None:
        try:
            self._socket.sendall(octets)
        except OSError as error:
            raise self._gone(error) from None

    def _receive(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            try:
                more = self._socket.recv(count - len(octets))
            except OSError as error:
                raise self._gone(error) from None
            if not more:
                raise NoResponse(f"the part at {self._where} has ended the connection; is it still served?")
            octets += more
        return octets

    def _gone(self, error: OSError) -> NoResponse:
        return NoResponse(f"the part at {self._where} does not answer: {error.strerror or error}")


def open_url(url: str) -> TcpTransport:
    """Open ``tcp://HOST:PORT``.

    Raises:
        ValueError: no such URL.
        NoResponse: nothing listens there.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORT
    except ValueError as error:
        raise ValueError(f"{url!r} is no TCP address: {error}; write tcp://127.0.0.1:8608") from None
    if not host or parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{url!r} is no TCP address; write tcp://127.0.0.1:8608")

    return TcpTransport(host, port)
