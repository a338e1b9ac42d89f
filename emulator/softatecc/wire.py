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
6. With a clock the chip is busy for as long as a command may take and acknowledges nothing meanwhile,
   nor in the 1.5 ms after a wake.
   Evidence: document - public 608 Trust data sheets, I2C interface: a busy part does not acknowledge.
   Left awake too long it falls asleep by itself, whatever it was doing.
   Evidence: document - public 608 Trust data sheets, watchdog.
   Without a clock it answers at once and stays awake: never wrong, only fast.
7. What a command changed for good is kept before its answer can be read (`settle`).
"""

from collections.abc import Callable
from enum import IntEnum, StrEnum

from softatecc.chip import Chip
from softatecc.packet import LARGEST_GROUP, encode_response
from softatecc.status import Status
from softatecc.timing import WAKE_TIME, Clock, execution_time, watchdog_time

_SMALLEST_COUNT = 4
#: What an open-drain bus reads when nobody drives it (508A data sheet: reads past the buffer).
_NOBODY = 0xFF

#: Says how many accesses a command's execution leaves unanswered, by opcode.
BusyPolls = Callable[[int], int]
#: Keeps what the chip holds for good; what it raises stops the answer.
Settle = Callable[[Chip], None]

#: Answers to what was never executed, which takes no command's time.
_NOT_BEGUN = frozenset(
    encode_response(bytes((status,)))
    for status in (Status.COMMUNICATION_ERROR, Status.WATCHDOG_ABOUT_TO_EXPIRE)
)


def _nothing_to_keep(chip: Chip) -> None:
    """A chip whose memory ends with the process."""


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
        clock: measures busy times and the watchdog; no time passes where None.
        settle: called after every command, before its answer can be read.

    Attributes:
        chip: the chip.
    """

    def __init__(
        self,
        chip: Chip,
        *,
        busy_polls: BusyPolls | None = None,
        clock: Clock | None = None,
        settle: Settle = _nothing_to_keep,
    ) -> None:
        self.chip = chip
        self._power = Power.ASLEEP
        self._clock = clock
        self._settle = settle
        self._busy_until = 0.0
        self._asleep_at = 0.0
        self._busy_polls = busy_polls
        self._busy = 0
        self._input = b""
        self._output = b""
        self._pointer = 0

    @property
    def address(self) -> int:
        """The 7-bit address the chip answers to."""
        self._notice_the_time()
        return self.chip.i2c_address

    @property
    def power(self) -> Power:
        """Whether it listens."""
        self._notice_the_time()
        return self._power

    @property
    def busy_for(self) -> float:
        """Seconds until it acknowledges again; 0 without a clock."""
        return 0.0 if self._clock is None else max(0.0, self._busy_until - self._clock())

    def wake(self) -> None:
        """SDA low for 60 us, as a general call at 100 kHz makes it; awake already, it has no effect."""
        if self.power is Power.AWAKE:
            return
        self.chip.wake()
        self._power = Power.AWAKE
        self._put(self.chip.wake_response)
        if self._clock is not None:
            now = self._clock()
            limit = watchdog_time(self.chip.configuration.chip_mode, self.chip.model)
            self._asleep_at = now + limit / 1000
            self._busy_until = now + WAKE_TIME / 1000

    def acknowledges(self) -> bool:
        """Whether the chip acknowledges its address just now; what a scan of the bus asks."""
        return self._listens()

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
                self._power = Power.ASLEEP
                self._put(b"")
            case WordAddress.IDLE:
                self.chip.idle()
                self._power = Power.IDLE
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

    def _notice_the_time(self) -> None:
        """Fall asleep if the watchdog has expired since anybody last looked."""
        if self._clock is None or self._power is not Power.AWAKE or self._clock() < self._asleep_at:
            return
        self.chip.watchdog_expires()
        self._power = Power.ASLEEP
        self._put(b"")

    def _listens(self) -> bool:
        if self._busy:
            self._busy -= 1
            return False
        return self.power is Power.AWAKE and not self.busy_for

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
        packet, self._input = self._input, b""
        self._put(self._answer(packet))
        if self._busy_polls is not None and len(packet) > 1:
            self._busy = self._busy_polls(packet[1])

    def _answer(self, packet: bytes) -> bytes:
        if self._clock is None:
            group = self.chip.exchange(packet)
        else:
            now = self._clock()
            mode = self.chip.configuration.chip_mode
            group = self.chip.exchange(packet, milliseconds_left=(self._asleep_at - now) * 1000)
            opcode = None if group in _NOT_BEGUN or len(packet) == 1 else packet[1]
            self._busy_until = now + execution_time(opcode, mode) / 1000
        self._settle(self.chip)

        return group
