"""The chip on an I2C bus: word addresses, the output buffer's read pointer, who is asleep.

Rules of this file (public 608 Trust data sheets, I2C interface):
1. The first byte after ``address+W`` is the word address: 00 rewinds, 01 sleeps, 02 idles, 03 brings
   bytes of a command.
   Evidence: document - public 608 Trust data sheets, I2C word addresses.
   The others are reserved; here they are acknowledged and nothing follows.
   Evidence: assumed - no source says what silicon does with them.
2. Asleep and idle the chip acknowledges nothing; only a wake ends that.
3. The read pointer persists over separate reads; 00 rewinds it.
   Evidence: silicon - bus captures read the count alone, then the rest.
   Past the end the bus reads FF.
   Evidence: document - 508A data sheet.
4. A command is complete when as many bytes came as its count says; until then nothing can be read.
   Evidence: document - public 608 Trust data sheets, I2C interface.
5. The answer to a wake stays readable until the first byte of a command.
   Evidence: vendor-library - cryptoauthlib lib/hal/atca_hal.c (hal_check_wake).
6. There is no watchdog yet: a chip left awake stays awake.
"""

from collections.abc import Callable
from enum import IntEnum, StrEnum

from softatecc.chip import Chip
from softatecc.packet import LARGEST_GROUP, WAKE_RESPONSE

_SMALLEST_COUNT = 4
#: What an open-drain bus reads when nobody drives it (508A data sheet: reads past the buffer).
_NOBODY = 0xFF

#: Says how many accesses a command's execution leaves unanswered, by opcode.
BusyPolls = Callable[[int], int]


class WordAddress(IntEnum):
    """First byte of a write."""

    RESET = 0x00
    SLEEP = 0x01
    IDLE = 0x02
    COMMAND = 0x03


class Power(StrEnum):
    """Whether the chip listens."""

    ASLEEP = "asleep"
    IDLE = "idle"
    AWAKE = "awake"


class I2cPort:
    """One chip as a bus controller meets it; after power-up it is asleep.

    Args:
        chip: the chip.
        busy_polls: how many accesses after a command are not acknowledged, by opcode; never where None.

    Attributes:
        chip: the chip.
        power: whether it listens.
    """

    def __init__(self, chip: Chip, *, busy_polls: BusyPolls | None = None) -> None:
        self.chip = chip
        self.power = Power.ASLEEP
        self._busy_polls = busy_polls
        self._busy = 0
        self._input = b""
        self._output = b""
        self._pointer = 0

    @property
    def address(self) -> int:
        """The 7-bit address the chip answers to."""
        return self.chip.i2c_address

    def wake(self) -> None:
        """SDA low for 60 us, as a general call at 100 kHz makes it; awake already, it has no effect."""
        if self.power is Power.AWAKE:
            return
        self.chip.wake()
        self.power = Power.AWAKE
        self._put(WAKE_RESPONSE)

    def write(self, word_address: int, data: bytes = b"") -> bool:
        """One write transaction.

        Args:
            word_address: the first byte, see `WordAddress`.
            data: the bytes after it.

        Returns:
            whether the chip acknowledged its address.
        """
        if not self._listens():
            return False
        match word_address:
            case WordAddress.RESET:
                self._pointer = 0
                self._input = b""
            case WordAddress.SLEEP:
                self.chip.sleep()
                self.power = Power.ASLEEP
                self._put(b"")
            case WordAddress.IDLE:
                self.chip.idle()
                self.power = Power.IDLE
                self._put(b"")
            case WordAddress.COMMAND:
                self._take(data)
            case _:
                pass
        return True

    def read(self, count: int) -> bytes | None:
        """One read transaction.

        Args:
            count: how many bytes the controller clocks out.

        Returns:
            the bytes from the read pointer on, or None when the address was not acknowledged.
        """
        if not self._listens() or self._input:
            return None
        octets = self._output[self._pointer : self._pointer + count]
        self._pointer += len(octets)

        return octets.ljust(count, bytes((_NOBODY,)))

    def _listens(self) -> bool:
        if self._busy:
            self._busy -= 1
            return False
        return self.power is Power.AWAKE

    def _put(self, group: bytes) -> None:
        self._output, self._pointer, self._input = group, 0, b""

    def _take(self, data: bytes) -> None:
        """Collect a command; several transactions may bring it (508A data sheet, word address 03)."""
        if not data:
            return
        # One buffer serves both directions: the first byte of a command overwrites the last answer.
        self._output, self._pointer = b"", 0
        self._input += data
        count = self._input[0]
        if _SMALLEST_COUNT <= count <= LARGEST_GROUP and len(self._input) < count:
            return
        packet = self._input
        self._put(self.chip.exchange(packet))
        if self._busy_polls is not None and len(packet) > 1:
            self._busy = self._busy_polls(packet[1])
