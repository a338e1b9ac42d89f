"""What a part holds, apart from the part: to keep it, to branch it, to read it.

Rules of this file:
1. `Contents` is what survives the loss of power, and nothing else; two parts with equal contents and
   models behave alike from power-up on.
2. `fork` and `Snapshot` take everything, registers and random numbers too: what follows is what would
   have followed.
3. No repr here shows the contents of a slot.
4. The packed form is for `softatecc.statefile`, the readable one in `softatecc.statetext`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from softatecc.chip import Chip
from softatecc.config import Configuration
from softatecc.crypto import is_scalar
from softatecc.entropy import Entropy
from softatecc.memory import KEY_PAD, NonVolatile, Volatile
from softatecc.model import DeviceModel, Revision
from softatecc.trace import PowerRecord
from softatecc.zones import CONFIG_SIZE, OTP_SIZE, SLOT_COUNT, SLOT_SIZES

#: Bytes of the packed form: revision, configuration, OTP, slots, one bit for each private key.
PACKED_SIZE = 4 + CONFIG_SIZE + OTP_SIZE + sum(SLOT_SIZES) + 2


@dataclass(frozen=True, slots=True)
class Contents:
    """What a part keeps without power.

    Attributes:
        revision: which silicon it is.
        configuration: 128 bytes.
        otp: 64 bytes.
        slots: the bytes of the sixteen slots.
        private: the slots that hold a private key made or written there.

    Raises:
        ValueError: a size is wrong, or a private key is none.
    """

    revision: Revision
    configuration: bytes
    otp: bytes
    slots: tuple[bytes, ...] = field(repr=False)
    private: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for what, size, held in self._sizes():
            if held != size:
                raise ValueError(f"{what} has {size} bytes, {held} came; give all of them")
        for number in self.private:
            contents = self.slots[number]
            if contents[: len(KEY_PAD)] != KEY_PAD or not is_scalar(contents[4:36]):
                raise ValueError(f"slot {number} should hold a P-256 private key and does not")

    def _sizes(self) -> Iterator[tuple[str, int, int]]:
        yield "the configuration", CONFIG_SIZE, len(self.configuration)
        yield "the OTP zone", OTP_SIZE, len(self.otp)
        for number, size in enumerate(SLOT_SIZES):
            yield f"slot {number}", size, len(self.slots[number]) if number < len(self.slots) else 0

    @classmethod
    def of(cls, chip: Chip) -> Contents:
        """What a chip holds now."""
        memory = chip.memory
        return cls(
            chip.model.revision,
            memory.configuration.image,
            memory.otp,
            tuple(memory.slot(number) for number in range(SLOT_COUNT)),
            frozenset(number for number in range(SLOT_COUNT) if memory.private_key(number) is not None),
        )

    def memory(self) -> NonVolatile:
        """An EEPROM with these contents."""
        memory = NonVolatile(Configuration(self.configuration))
        memory.otp = self.otp
        for number, contents in enumerate(self.slots):
            memory.store(number, contents)
            if number in self.private:
                memory.store_private_key(number, contents[4:36])
        return memory

    def chip(self, *, entropy: Entropy | None = None, model: DeviceModel | None = None) -> Chip:
        """A part with these contents, just powered up.

        Args:
            entropy: its random number generator; the operating system's where None.
            model: its answers to open questions; the revision is this object's in any case.
        """
        model = replace(DeviceModel() if model is None else model, revision=self.revision)
        chip = Chip(Configuration(self.configuration), entropy=entropy, model=model)
        chip.memory = self.memory()

        return chip

    def packed(self) -> bytes:
        """All of it in `PACKED_SIZE` bytes."""
        private = sum(1 << number for number in self.private)
        parts = (self.revision.value, self.configuration, self.otp, *self.slots)

        return b"".join(parts) + private.to_bytes(2, "little")

    @classmethod
    def unpacked(cls, octets: bytes) -> Contents:
        """The contents out of their packed form.

        Raises:
            ValueError: these bytes are no part's contents.
        """
        if len(octets) != PACKED_SIZE:
            raise ValueError(f"a part's contents pack into {PACKED_SIZE} bytes, {len(octets)} came")
        pieces, start = [], 0
        for size in (4, CONFIG_SIZE, OTP_SIZE, *SLOT_SIZES):
            pieces.append(octets[start : start + size])
            start += size
        revision, configuration, otp, *slots = pieces
        private = int.from_bytes(octets[start:], "little")
        members = frozenset(number for number in range(SLOT_COUNT) if private >> number & 1)

        return cls(Revision(revision), configuration, otp, tuple(slots), members)


def fork(chip: Chip) -> Chip:
    """A second part in the same state, registers, random numbers and trace included.

    What happens to one does not happen to the other; the same packets get the same answers as long as
    the random numbers can be replayed.
    """
    twin = copy.copy(chip)
    twin.memory = Contents.of(chip).memory()
    twin.volatile = replace(chip.volatile)
    twin.entropy = copy.deepcopy(chip.entropy)
    twin.faults = replace(chip.faults)
    twin.trace = list(chip.trace)

    return twin


def beside(chip: Chip) -> Chip:
    """The same memory behind registers of its own, just powered up: one connection of several.

    Evidence: vendor-library - wolfSSL ATECC608Sim keeps what is volatile for each connection.
    """
    twin = copy.copy(chip)
    twin.volatile = Volatile()
    twin.power_cycle()

    return twin


class Snapshot:
    """A part at one moment, to return to as often as wanted.

    Args:
        chip: the part.
    """

    __slots__ = ("_held",)

    def __init__(self, chip: Chip) -> None:
        self._held = fork(chip)

    def __repr__(self) -> str:
        return f"Snapshot({self._held!r})"

    def restore(self, chip: Chip) -> None:
        """Put a part back to that moment; its trace goes on, since it tells what was done."""
        trace = chip.trace
        vars(chip).update(vars(fork(self._held)))
        chip.trace = trace
        trace.append(PowerRecord("restored"))
