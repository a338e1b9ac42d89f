"""Several parts on one I2C bus, and the bytes that carry its transactions to us.

Rules of this file:
1. A part hears its own address; a general call (address 0) holds SDA low long enough to wake every part,
   and nobody acknowledges it.
   Evidence: vendor-library - cryptoauthlib lib/hal/hal_linux_i2c_userspace.c wakes so.
2. One transaction is one request: operation, 7-bit address, length (low byte first), and for a write the
   bytes. The answer is one byte, acknowledged or not, and after an acknowledged read the bytes.
3. This encoding is between `i2c_preload.c` and us; it promises nothing to anybody else.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from softatecc.ports.talk import StreamError
from softatecc.wire import I2cPort

WRITE: Final = ord("W")
READ: Final = ord("R")
ACKNOWLEDGED: Final = b"\x00"
NOT_ACKNOWLEDGED: Final = b"\x01"
GENERAL_CALL: Final = 0
#: What Linux takes in one transaction (drivers/i2c/i2c-dev.c).
LONGEST: Final = 8192
_HIGHEST_ADDRESS: Final = 0x7F
_HEADER: Final = struct.Struct("<BBH")


class Bus:
    """Parts by address.

    Args:
        ports: the parts; where two answer to one address the first does.
    """

    def __init__(self, ports: Sequence[I2cPort]) -> None:
        self.ports = tuple(ports)

    def write(self, address: int, octets: bytes) -> bool:
        """One write transaction; whether it was acknowledged.

        Args:
            address: 7 bits.
            octets: the word address and what follows it; nothing at all probes the address.
        """
        if address == GENERAL_CALL:
            for each in self.ports:
                each.wake()
            return False
        port = self._addressed(address)
        if port is None:
            return False

        return port.write(octets[0], octets[1:]) if octets else port.acknowledges()

    def read(self, address: int, count: int) -> bytes | None:
        """One read transaction; None when it was not acknowledged."""
        port = self._addressed(address)
        return None if port is None else port.read(count)

    def _addressed(self, address: int) -> I2cPort | None:
        return next((port for port in self.ports if port.address == address), None)


class Transactions:
    """The bytes of one connection, cut into transactions.

    Args:
        bus: what they are for.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._pending = b""

    @property
    def busy_for(self) -> float:
        """Never: a busy part does not acknowledge, and the client asks again."""
        return 0.0

    def feed(self, octets: bytes) -> None:
        """Take what the client sent."""
        self._pending += octets

    def step(self) -> bytes | None:
        """Carry out the next transaction; its answer, or None where it is the client's turn.

        Raises:
            StreamError: what came is no transaction.
        """
        if len(self._pending) < _HEADER.size:
            return None
        operation, address, length = _HEADER.unpack_from(self._pending)
        if operation not in (WRITE, READ) or address > _HIGHEST_ADDRESS or length > LONGEST:
            raise StreamError(
                f"{self._pending[: _HEADER.size].hex()} does not begin a transaction; only the preload "
                "library speaks here"
            )
        end = _HEADER.size + (length if operation == WRITE else 0)
        if len(self._pending) < end:
            return None
        body, self._pending = self._pending[_HEADER.size : end], self._pending[end:]
        if operation == WRITE:
            return ACKNOWLEDGED if self._bus.write(address, body) else NOT_ACKNOWLEDGED
        octets = self._bus.read(address, length)

        return NOT_ACKNOWLEDGED if octets is None else ACKNOWLEDGED + octets
