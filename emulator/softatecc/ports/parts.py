"""A part as a person orders one: profile, serial number, address, state file.

Rules of this file:
1. What the state file holds is the part; what is ordered beside it must agree or is refused.
2. A new part is kept at once: its serial number survives even if nobody ever talks to it.
3. What a person orders wrongly is said in one sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from softatecc import transports
from softatecc.chip import Chip
from softatecc.config import I2C_ADDRESS, Configuration
from softatecc.entropy import Entropy, FixedEntropy, SeededEntropy, SystemEntropy
from softatecc.model import DeviceModel, Revision
from softatecc.statefile import StateFile


class OrderError(ValueError):
    """No such part can be had; ``str()`` says why and what helps."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted.

    Attributes:
        profile: the configuration of a new part.
        serial_number: nine bytes; of the part's own where None.
        address: 7 bits; as the profile has it where None.
        revision: the silicon; a 608A, or what the state says, where None.
        seed: makes serial number and random numbers repeatable.
        random: the first bytes its random number generator gives.
        state: where its memory is kept; nowhere where None.
    """

    profile: str = "blank"
    serial_number: bytes | None = None
    address: int | None = None
    revision: Revision | None = None
    seed: str | None = None
    random: bytes = b""
    state: Path | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part and where its memory is kept.

    Attributes:
        chip: the part.
        state: its file, None where it ends with the process.
    """

    chip: Chip
    state: StateFile | None = None

    def keep(self, chip: Chip) -> None:
        """Put on disk what the part, or a connection beside it, holds for good.

        Raises:
            StateError: it could not be written.
        """
        if self.state is not None:
            self.state.keep(chip)

    def close(self) -> None:
        """Give the file back."""
        if self.state is not None:
            self.state.close()


def make(order: Order) -> Part:
    """Make the part, or wake up the one in the state file.

    Raises:
        OrderError: there is no such part.
        StateError: the state file cannot be used.
    """
    state = None if order.state is None else StateFile(order.state)
    try:
        chip = _new(order) if state is None or state.contents is None else _known(order, state)
        if state is not None:
            state.keep(chip)
    except BaseException:
        if state is not None:
            state.close()
        raise
    return Part(chip, state)


def _new(order: Order) -> Chip:
    model = DeviceModel(revision=order.revision or Revision.ATECC608A)
    serial = order.serial_number or transports.serial_number(order.seed)
    entropy = _entropy(order)
    try:
        chip = Chip.unprovisioned(order.profile, serial, entropy=entropy, model=model)
    except ValueError as error:
        raise OrderError(str(error)) from None
    if order.address is None:
        return chip
    image = chip.configuration.replaced(I2C_ADDRESS, bytes((order.address << 1,))).image

    return Chip(Configuration(image), entropy=entropy, model=model)


def _known(order: Order, state: StateFile) -> Chip:
    contents = state.contents
    assert contents is not None
    chip = contents.chip(entropy=_entropy(order))
    held = chip.configuration.serial_number
    for what, wanted, found in (
        ("serial number", order.serial_number and order.serial_number.hex(), held.hex()),
        ("model", order.revision and order.revision.name, contents.revision.name),
        ("I2C address", order.address and f"0x{order.address:02x}", f"0x{chip.i2c_address:02x}"),
    ):
        if wanted and wanted != found:
            raise OrderError(
                f"the state {order.state} holds a part whose {what} is {found}, not {wanted}; "
                "leave the option out or name another file"
            )
    return chip


def _entropy(order: Order) -> Entropy:
    source: Entropy = SystemEntropy() if order.seed is None else SeededEntropy(order.seed)

    return FixedEntropy(order.random, source) if order.random else source
