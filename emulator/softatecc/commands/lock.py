"""Lock, opcode 17: make a zone or a slot final.

The transport lock (UseLock, byte 68) has no public description and is not modelled.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.registry import SUCCESS, expect_data, handles, unknown_mode
from softatecc.config import LOCK_CONFIG, LOCK_VALUE, SLOT_LOCKED
from softatecc.packet import Command, Opcode, crc16
from softatecc.slots import Slot, is_slot_locked
from softatecc.status import Rejected, obey
from softatecc.zones import SLOT_COUNT

if TYPE_CHECKING:
    from softatecc.chip import Chip

_NO_CRC, _RESERVED, _SLOT = 0x80, 0x40, 0b0011_1100


class Target(IntEnum):
    """Bits 1:0 of the mode."""

    CONFIG = 0
    DATA_AND_OTP = 1
    SLOT = 2


@handles(Opcode.LOCK)
def lock(chip: Chip, cmd: Command) -> bytes:
    """Lock the configuration, data and OTP, or one slot; there is no way back.

    Evidence: vendor-library - cryptoauthlib calib_lock.c: the CRC of the zone rides in param2.
    """
    target, number = cmd.param1 & 0b11, (cmd.param1 & _SLOT) >> 2
    if cmd.param1 & _RESERVED or (target != Target.SLOT and number):
        raise unknown_mode(cmd)
    expect_data(cmd, 0)

    match target:
        case Target.CONFIG:
            _lock_configuration(chip, cmd)
        case Target.DATA_AND_OTP:
            _lock_data(chip, cmd)
        case Target.SLOT:
            _lock_slot(chip, chip.slot(number))
        case _:
            raise unknown_mode(cmd)

    return SUCCESS


def _lock_configuration(chip: Chip, cmd: Command) -> None:
    if chip.configuration.config_locked:
        obey("the configuration zone is locked already (LockConfig, byte 87)")
    _check_crc(chip, cmd, chip.configuration.image, "the 128 configuration bytes")
    chip.memory.configuration = chip.configuration.replaced(LOCK_CONFIG, b"\x00")


def _lock_data(chip: Chip, cmd: Command) -> None:
    chip.require_config_locked()
    if chip.configuration.data_locked:
        obey("the data and OTP zones are locked already (LockValue, byte 86)")
    _check_crc(chip, cmd, data_image(chip), "the slots that are not private, in order, and the OTP zone")
    chip.memory.configuration = chip.configuration.replaced(LOCK_VALUE, b"\x00")


def data_image(chip: Chip) -> bytes:
    """What the CRC of the data lock covers.

    Evidence: assumed - that private slots are left out is inferred from cryptoauthlib's provisioning.
    """
    slots = (chip.slot(number) for number in range(SLOT_COUNT))
    return b"".join(chip.memory.slot(slot.number) for slot in slots if not slot.key.private) + chip.memory.otp


def _lock_slot(chip: Chip, slot: Slot) -> None:
    chip.require_config_locked()
    if not slot.key.lockable:
        obey(f"{slot} cannot be locked by itself: KeyConfig.Lockable (bit 5) is 0")
    obey(is_slot_locked(slot))
    start = SLOT_LOCKED + slot.number // 8
    bits = chip.configuration.image[start] & ~(1 << slot.number % 8)
    chip.memory.configuration = chip.configuration.replaced(start, bytes((bits,)))


def _check_crc(chip: Chip, cmd: Command, image: bytes, what: str) -> None:
    expected = int.from_bytes(crc16(image), "little")
    if not cmd.param1 & _NO_CRC and cmd.param2 != expected:
        why = f"the CRC in param2 is 0x{cmd.param2:04X}; over {what} it is 0x{expected:04X}"
        raise Rejected(chip.model.lock_mismatch, why)
