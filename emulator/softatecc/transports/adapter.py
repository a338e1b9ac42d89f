"""Any transport as a device on an I2C bus, for cryptoauthlib, which wants wake, write and read.

Rules of this file:
1. A command is executed when its last byte is written; its answer waits here until it is read.
2. What the transport raises beside `NoResponse` passes through; a missing answer is one not acknowledged.
"""

from __future__ import annotations

from softatecc.packet import LARGEST_GROUP
from softatecc.transports import NoResponse, Transport
from softatecc.wire import Power, WordAddress

_SMALLEST_COUNT = 4
_DEFAULT_ADDRESS = 0x60
_NOBODY = b"\xff"


class TransportDevice:
    """A transport with the face of an I2C device.

    Args:
        transport: the way to the chip.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._power = Power.ASLEEP
        self._input = b""
        self._output = b""
        self._pointer = 0

    @property
    def address(self) -> int:
        """The address the library is told; the transport knows the true one."""
        return _DEFAULT_ADDRESS

    def wake(self) -> None:
        """Wake the chip; awake already, it has no effect."""
        if self._power is Power.AWAKE:
            return
        try:
            self._put(self._transport.wake())
        except NoResponse:
            return
        self._power = Power.AWAKE

    def write(self, word_address: int, data: bytes = b"") -> bool:
        """One write transaction; whether it was acknowledged."""
        if self._power is not Power.AWAKE:
            return False
        match word_address:
            case WordAddress.RESET:
                self._pointer, self._input = 0, b""
            case WordAddress.SLEEP:
                self._transport.sleep()
                self._power = Power.ASLEEP
            case WordAddress.IDLE:
                self._transport.idle()
                self._power = Power.IDLE
            case WordAddress.COMMAND if data:
                return self._take(data)
            case _:
                pass
        return True

    def read(self, count: int) -> bytes | None:
        """One read transaction; None when it was not acknowledged."""
        if self._power is not Power.AWAKE or self._input:
            return None
        octets = self._output[self._pointer : self._pointer + count]
        self._pointer += len(octets)

        return octets.ljust(count, _NOBODY)

    def _take(self, data: bytes) -> bool:
        self._output, self._pointer = b"", 0
        self._input += data
        count = self._input[0]
        if _SMALLEST_COUNT <= count <= LARGEST_GROUP and len(self._input) < count:
            return True
        packet, self._input = self._input, b""
        try:
            self._put(self._transport.exchange(packet))
        except NoResponse:
            return False
        return True

    def _put(self, group: bytes) -> None:
        self._output, self._pointer, self._input = group, 0, b""
