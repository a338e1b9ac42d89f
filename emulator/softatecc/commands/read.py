"""Read, opcode 02: 4 or 32 bytes of a zone, clear or encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.guards import session_key
from softatecc.commands.registry import expect_data, handles, unknown_mode
from softatecc.crypto import xor
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot, config_is_unlocked, data_is_unlocked, forbids_read
from softatecc.status import obey
from softatecc.zones import BLOCK, WORD, Location, Zone, locate

if TYPE_CHECKING:
    from softatecc.chip import Chip

_ZONE, _WIDE = 0b0000_0011, 0x80


@handles(Opcode.READ)
def read(chip: Chip, cmd: Command) -> bytes:
    """Read the configuration always, OTP and slots as their locks and SlotConfig permit.

    Evidence: vendor-library - cryptoauthlib calib_read.c, atca_tests_read.c; logs of a 608A show 0F for
    data before the data lock.
    """
    if cmd.param1 & ~(_ZONE | _WIDE):
        raise unknown_mode(cmd)
    expect_data(cmd, 0)
    size = BLOCK if cmd.param1 & _WIDE else WORD
    location = locate(cmd.param1 & _ZONE, cmd.param2, size, chip.model.address_error)

    if location.zone is Zone.DATA:
        return _read_slot(chip, chip.slot(location.slot), location)
    if location.zone is Zone.OTP:
        obey(config_is_unlocked(chip.configuration) or data_is_unlocked(chip.configuration))
    return chip.memory.read(location)


def _read_slot(chip: Chip, slot: Slot, location: Location) -> bytes:
    obey(forbids_read(slot, chip.configuration, location.size))
    if location.length < location.size and not chip.model.partial_block_readable:
        obey(f"{slot} ends within block {location.block}, which cannot be read 32 bytes at a time")
    contents = chip.memory.read(location).ljust(location.size, bytes((chip.model.pad,)))
    if not slot.config.encrypt_read:
        return contents

    return xor(contents, session_key(chip, slot, slot.config.read_key, "read"))
