"""Microchip's kit protocol, version 1, on a pseudo terminal: what a development kit's serial port says.

Rules of this file:
1. A request is a line, ``target:verb(hex)``; its answer is a line, ``status(hex)``, status 00 for success.
   ``board:device(NN)`` names part NN and its 8-bit address, ``E:physical:select(AA)`` chooses one, ``E:w()``
   wakes it, ``E:t(packet)`` sends it a packet, ``E:i()`` idles it and ``E:s()`` puts it to sleep.
   Evidence: vendor-library - cryptoauthlib lib/hal/kit_protocol.c.
2. NULs and carriage returns count for nothing: cryptoauthlib ends its lines with the one or the other.
   Evidence: vendor-library - cryptoauthlib lib/hal/kit_protocol.c.
3. What is not understood is answered with status C0 and nothing else.
   Evidence: assumed - the library takes any status but 00 as a failure.
"""

from __future__ import annotations

import asyncio
import os
import re
import tty
from collections.abc import Callable, Sequence
from typing import Final

from softatecc.packet import LARGEST_GROUP, WAKE_RESPONSE
from softatecc.wire import I2cPort, Power, WordAddress

_LINE: Final = re.compile(rb"(?P<verb>[A-Za-z:]+)\((?P<hex>(?:[0-9A-Fa-f]{2})*)\)")
_DONE, _FAILED = "00", "C0"
#: No line of the protocol is longer: a packet as hex, and what stands around it.
_LONGEST_LINE: Final = 2 * LARGEST_GROUP + 64
_AT_ONCE: Final = 4096


class Conversation:
    """One program with the parts of a kit.

    Args:
        ports: the parts; the first is chosen until another is.
    """

    def __init__(self, ports: Sequence[I2cPort]) -> None:
        self._ports = tuple(ports)
        self._chosen = self._ports[0]
        self._pending = b""
        self._packet: bytes | None = None
        self._due = False

    @property
    def busy_for(self) -> float:
        """Seconds to wait before the next step."""
        return self._chosen.busy_for

    def feed(self, octets: bytes) -> None:
        """Take what the program sent."""
        self._pending = (self._pending + octets.translate(None, b"\x00\r"))[-_LONGEST_LINE * 16 :]

    def step(self) -> bytes | None:
        """Do the next thing; what to send, often nothing, or None where it is the program's turn."""
        if self._due:
            return self._response()
        if self._packet is not None:
            return self._send(self._packet)
        line, end, rest = self._pending.partition(b"\n")
        if not end:
            return None
        self._pending = rest

        return self._answer(line)

    def _answer(self, line: bytes) -> bytes:
        match = _LINE.fullmatch(line)
        if match is None:
            return _said(_FAILED)
        octets = bytes.fromhex(match["hex"].decode())
        match match["verb"].lower():
            case b"board:device":
                return self._device(octets)
            case b"e:physical:select" | b"e:p:s":
                return self._select(octets)
            case b"e:w":
                self._chosen.wake()
                self._due = True
                return b""
            case b"e:t":
                self._packet = octets
                return b""
            case b"e:i":
                self._chosen.write(WordAddress.IDLE)
                return _said(_DONE)
            case b"e:s":
                self._chosen.write(WordAddress.SLEEP)
                return _said(_DONE)
        return _said(_FAILED)

    def _device(self, octets: bytes) -> bytes:
        number = octets[0] if octets else 0
        if number >= len(self._ports):
            return b"no_device 00(00)\n"
        port = self._ports[number]
        name = port.chip.model.revision.name.removeprefix("AT")

        return f"{name} TWI {number:02X}({port.address << 1:02X})\n".encode()

    def _select(self, octets: bytes) -> bytes:
        for port in self._ports:
            if octets == bytes((port.address << 1,)):
                self._chosen = port
                return _said(_DONE)
        return _said(_FAILED)

    def _send(self, packet: bytes) -> bytes:
        if self._chosen.power is not Power.AWAKE:
            self._chosen.wake()
            return b""
        self._packet = None
        self._due = self._chosen.write(WordAddress.COMMAND, packet)

        return b"" if self._due else _said(_FAILED)

    def _response(self) -> bytes:
        self._due = False
        self._chosen.write(WordAddress.RESET)  # half a packet is dropped, a whole answer read again
        group = self._chosen.read(LARGEST_GROUP)
        if group is None or not len(WAKE_RESPONSE) <= group[0] <= LARGEST_GROUP:
            return _said(_FAILED)

        return _said(_DONE, group[: group[0]])


def _said(status: str, octets: bytes = b"") -> bytes:
    return f"{status}({octets.hex().upper()})\n".encode()


class Terminal:
    """A pseudo terminal with a conversation on it.

    Args:
        conversation: what is said.
        failed: told what stops the whole device.

    Attributes:
        path: what a program opens.
    """

    def __init__(self, conversation: Conversation, failed: Callable[[Exception], None]) -> None:
        self._conversation = conversation
        self._failed = failed
        # Our own end stays open: without it a program that closes the terminal would end it for the next.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._master, self._readable)
        self._next: asyncio.Handle | None = None

    def close(self) -> None:
        """Take the terminal away."""
        self._loop.remove_reader(self._master)
        if self._next is not None:
            self._next.cancel()
        os.close(self._master)
        os.close(self._slave)

    def _readable(self) -> None:
        self._conversation.feed(os.read(self._master, _AT_ONCE))
        if self._next is None:
            self._go_on()

    def _go_on(self) -> None:
        self._next = None
        try:
            while not self._conversation.busy_for:
                octets = self._conversation.step()
                if octets is None:
                    return
                if octets:
                    self._write(octets)
        except Exception as error:  # noqa: BLE001 - whatever it is, the device must not answer on
            self._failed(error)
            return
        self._next = self._loop.call_later(self._conversation.busy_for, self._go_on)

    def _write(self, octets: bytes) -> None:
        try:
            os.write(self._master, octets)
        except BlockingIOError:
            return  # a serial line nobody reads loses what is said on it
