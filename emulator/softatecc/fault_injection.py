"""Things going wrong on the bus, when a script says so.

Rules of this file:
1. `FaultyDevice` stands between a bus controller and a device and does nothing until an `Injection` is
   due; then it does what a disturbed line, a failing supply or a defective part would do, and no more.
2. An injection is due at a command, or at any, after some have passed, as many times as it says; what was
   done is kept in `log`.
3. A defect of the part (a failing random number generator, a failing self test) is set in the part, which
   then answers by its own rules; it stays until `heal`.

What a brown-out leaves of a write is up to the script.
Evidence: assumed - no public source says how much of a write survives.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from softatecc.packet import LARGEST_GROUP, WAKE_RESPONSE, Opcode, command_name, encode_response
from softatecc.state import Contents
from softatecc.status import Status
from softatecc.transports import NoResponse
from softatecc.wire import I2cPort, WordAddress

_NOBODY = 0xFF
_FOREVER = 1 << 30
_WATCHDOG_GROUP = encode_response(bytes((Status.WATCHDOG_ABOUT_TO_EXPIRE,)))


class Fault(StrEnum):
    """What can go wrong."""

    LOST_WAKE = "the wake pulse is not heard"
    NACK = "the command is not acknowledged and does not arrive"
    REQUEST_CRC = "the last byte of the command arrives flipped"
    RESPONSE_CRC = "the last byte of the response arrives flipped"
    TRUNCATED = "the response stops after some bytes, the rest of the bus reads FF"
    WATCHDOG = "the watchdog expires while the command runs: no answer, registers lost"
    WATCHDOG_WARNING = "too little watchdog time is left: EE, and the command is not executed"
    HEALTH_TEST = "the random number generator fails its health test from now on"
    SELF_TEST = "a self test fails from now on, and its failure is in the register"
    STUCK_BUSY = "the part stays busy after the command: executed, but nothing is acknowledged"
    BROWN_OUT = "the supply fails in the middle of the command"


#: What is done when a command is written; the others have a moment of their own.
_AT_A_COMMAND = frozenset(Fault) - {Fault.LOST_WAKE, Fault.HEALTH_TEST, Fault.SELF_TEST}
#: The self test that `Fault.SELF_TEST` fails: RNG, bit 0 of SelfTest's mode.
_RNG_TEST = 0x01


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault, and when it happens.

    Attributes:
        fault: which.
        opcode: at this command only; at any where None.
        skip: let so many pass first.
        times: how often.
        octets: `Fault.TRUNCATED`: bytes of the response that still arrive. `Fault.BROWN_OUT`: bytes of what
            the command changes that are still written; None writes all of them.
        accesses: `Fault.STUCK_BUSY`: how many accesses are not acknowledged; None for all to come.
    """

    fault: Fault
    opcode: Opcode | None = None
    skip: int = 0
    times: int = 1
    octets: int | None = 0
    accesses: int | None = None


@dataclass(slots=True)
class _Armed:
    """An injection under way."""

    what: Injection
    passed: int = 0
    done: int = 0

    def due(self, opcode: int | None) -> bool:
        """Count an occasion; whether the fault happens now."""
        if self.what.opcode is not None and opcode != self.what.opcode:
            return False
        self.passed += 1
        if self.passed <= self.what.skip or self.done >= self.what.times:
            return False
        self.done += 1
        return True


class FaultyDevice:
    """A device on a bus on which things go wrong; itself a device on a bus.

    Args:
        device: the emulated device.
        injections: what goes wrong; more can be added by `inject`.

    Attributes:
        log: what went wrong so far, a sentence each.
    """

    def __init__(self, device: I2cPort, *injections: Injection) -> None:
        self._device = device
        self._armed: list[_Armed] = []
        self._busy = 0
        self._spoil: Injection | None = None
        self._answer: bytes | None = None
        self._at = 0
        self.log: list[str] = []
        for each in injections:
            self.inject(each)

    def inject(self, injection: Injection) -> None:
        """Arm a fault; defects of the part (rule 3) act at once."""
        chip = self._device.chip
        match injection.fault:
            case Fault.HEALTH_TEST:
                chip.faults.health_test_fails = True
            case Fault.SELF_TEST:
                chip.faults.self_test_failures |= _RNG_TEST
                chip.volatile.failed_tests |= _RNG_TEST
            case _:
                self._armed.append(_Armed(injection))
                return
        self.log.append(f"{injection.fault.name}: {injection.fault}")

    def heal(self) -> None:
        """Take every fault back; what the part remembers of it stays until SelfTest, sleep or power-up."""
        self._armed.clear()
        self._come_free()
        self._device.chip.faults.health_test_fails = False
        self._device.chip.faults.self_test_failures = 0

    def power_cycle(self) -> None:
        """Take the supply away and give it back; a stuck part comes free and is asleep."""
        self._come_free()
        self._device.chip.power_cycle()
        # The port must learn that its part is asleep, or it would go on listening. The trace of a part
        # that has just lost all shows a sleep that costs nothing more.
        self._device.write(WordAddress.SLEEP)

    def _come_free(self) -> None:
        self._busy, self._spoil, self._answer, self._at = 0, None, None, 0

    # --- the bus ----------------------------------------------------------------------------------

    @property
    def address(self) -> int:
        """7-bit I2C address."""
        return self._device.address

    def wake(self) -> None:
        """The wake pulse."""
        if not self._busy and self._due(None, frozenset((Fault.LOST_WAKE,))) is None:
            self._device.wake()

    def write(self, word_address: int, data: bytes = b"") -> bool:
        """One write transaction; whether it was acknowledged."""
        if self._is_busy():
            return False
        if word_address == WordAddress.COMMAND and len(data) > 1:
            return self._command(data)
        self._at = 0
        if word_address != WordAddress.RESET:
            self._come_free()
        return self._device.write(word_address, data)

    def read(self, count: int) -> bytes | None:
        """One read transaction; None where it was not acknowledged."""
        if self._is_busy():
            return None
        if self._spoil is not None:
            group = self._device.read(LARGEST_GROUP)
            if group is None:
                return None
            self._answer, self._spoil = _spoiled(group[: group[0]], self._spoil), None
        if self._answer is None:
            return self._device.read(count)
        octets, self._at = self._answer[self._at : self._at + count], self._at + count
        return octets.ljust(count, bytes((_NOBODY,)))

    def _is_busy(self) -> bool:
        if self._busy:
            self._busy -= 1
            return True
        return False

    def _due(self, opcode: int | None, faults: frozenset[Fault]) -> Injection | None:
        """The injection whose moment this is, noted in the log."""
        for armed in self._armed:
            if armed.what.fault in faults and armed.due(opcode):
                where = "" if opcode is None else f" at {command_name(opcode)}"
                self.log.append(f"{armed.what.fault.name}{where}: {armed.what.fault}")
                return armed.what
        return None

    def _command(self, data: bytes) -> bool:
        self._come_free()
        due = self._due(data[1], _AT_A_COMMAND)
        if due is None:
            return self._device.write(WordAddress.COMMAND, data)
        match due.fault:
            case Fault.NACK:
                return False
            case Fault.WATCHDOG_WARNING:
                self._answer = _WATCHDOG_GROUP
                return True
            case Fault.REQUEST_CRC:
                return self._device.write(WordAddress.COMMAND, data[:-1] + bytes((data[-1] ^ 1,)))
            case Fault.BROWN_OUT:
                return self._brown_out(data, due)
        heard = self._device.write(WordAddress.COMMAND, data)
        match due.fault:
            case Fault.STUCK_BUSY:
                self._busy = _FOREVER if due.accesses is None else due.accesses
            case Fault.WATCHDOG:
                self._device.chip.watchdog_expires()
                self._device.write(WordAddress.SLEEP)
            case _:
                self._spoil = due
        return heard

    def _brown_out(self, data: bytes, due: Injection) -> bool:
        """Execute the command, take back what was not written yet, and lose the power."""
        chip = self._device.chip
        before = Contents.of(chip)
        heard = self._device.write(WordAddress.COMMAND, data)
        if due.octets is not None:
            chip.memory = torn(before, Contents.of(chip), due.octets).memory()
        self.power_cycle()

        return heard


def torn(before: Contents, after: Contents, octets: int) -> Contents:
    """What a memory holds when only the first bytes of a change were written.

    Args:
        before: the contents before the command.
        after: the contents had it come to its end.
        octets: how many of the bytes that differ have their new value.

    Returns:
        the mixture; a private key is there where its slot is whole, the old one or the new.
    """
    old, new = before.packed(), after.packed()
    differing = [at for at, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    mixed = bytearray(old)
    for at in differing[:octets]:
        mixed[at] = new[at]
    slots = Contents.unpacked(bytes(mixed[:-2]) + bytes(2)).slots
    private = {
        number
        for number, held in enumerate(slots)
        if (number in before.private and held == before.slots[number])
        or (number in after.private and held == after.slots[number])
    }
    return Contents.unpacked(bytes(mixed[:-2]) + sum(1 << each for each in private).to_bytes(2, "little"))


def _spoiled(group: bytes, due: Injection) -> bytes:
    """A response as the controller sees it."""
    if due.fault is Fault.RESPONSE_CRC:
        return group[:-1] + bytes((group[-1] ^ 1,))
    return group[: due.octets]


class ThinDriver:
    """A way to a device on a bus without any retry: what goes wrong is seen at once.

    Args:
        device: a device on a bus.
        polls: how often it asks a busy device for its answer.
    """

    def __init__(self, device: FaultyDevice, polls: int = 8) -> None:
        self._device = device
        self._polls = polls

    def wake(self) -> bytes:
        """Wake the device and read what it shows.

        Raises:
            NoResponse: it does not answer.
        """
        self._device.wake()
        group = self._device.read(len(WAKE_RESPONSE))
        if group is None:
            raise NoResponse("the chip did not wake; wake it again, or look at its supply and its wires")
        return group

    def exchange(self, packet: bytes) -> bytes:
        """One command; the response group as far as it came.

        Raises:
            NoResponse: the command was not acknowledged, or no answer came in `polls` attempts.
        """
        self._device.wake()
        if not self._device.write(WordAddress.COMMAND, packet):
            raise NoResponse("the chip does not acknowledge its address; wake it and send again")
        for _ in range(self._polls):
            head = self._device.read(1)
            if head is not None:
                rest = self._device.read(max(0, head[0] - 1))
                return head + (rest or b"")
        raise NoResponse(f"the chip did not answer in {self._polls} attempts; wake it and send again")

    def idle(self) -> None:
        """Word address 02."""
        self._device.write(WordAddress.IDLE)

    def sleep(self) -> None:
        """Word address 01."""
        self._device.write(WordAddress.SLEEP)

    def close(self) -> None:
        """Nothing to give back."""
