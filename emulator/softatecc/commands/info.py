"""Info, opcode 30: what the chip says about itself."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.registry import expect_data, expect_param2, handles, unknown_mode
from softatecc.memory import SourceFlag
from softatecc.packet import Command, Opcode
from softatecc.slots import VALIDATED
from softatecc.status import Rejected, Status, obey

if TYPE_CHECKING:
    from softatecc.chip import Chip


class Mode(IntEnum):
    """First parameter."""

    REVISION = 0
    KEY_VALID = 1
    STATE = 2
    GPIO = 3
    VOLATILE_KEY_PERMIT = 4


_CLEAR_LATCH, _SET_LATCH = 2, 3


@handles(Opcode.INFO)
def info(chip: Chip, cmd: Command) -> bytes:
    """Four bytes about the part or its registers; works in every lock state.

    Evidence: silicon - bus capture of a 608A for the revision; the other modes from the public Trust
    data sheets.
    """
    expect_data(cmd, 0)

    match cmd.param1:
        case Mode.REVISION:
            # Evidence: assumed - param2 is not looked at here and in Mode.STATE.
            return chip.model.revision.value
        case Mode.KEY_VALID:
            return bytes((_key_valid(chip, cmd.param2), 0, 0, 0))
        case Mode.STATE:
            return _state(chip)
        case Mode.GPIO:
            raise Rejected(Status.EXECUTION_ERROR, "the part in the I2C version has no GPIO pin")
        case Mode.VOLATILE_KEY_PERMIT:
            return _volatile_key_permit(chip, cmd)
        case _:
            raise unknown_mode(cmd)


def _key_valid(chip: Chip, number: int) -> bool:
    """A private key was made, or a public key validated.

    Evidence: assumed - which byte carries the answer is ambiguous in the data sheets; the first.
    """
    slot = chip.slot(number)
    if slot.key.private:
        return chip.memory.private_key(number) is not None
    if slot.is_public_p256:
        return slot.wants_validation and chip.memory.slot(number)[0] >> 4 == VALIDATED
    if chip.model.key_valid_needs_ecc_slot:
        obey(f"{slot} holds no ECC key: KeyConfig.KeyType (bits 4:2) is {slot.key.key_type}, not 4")
    return False


def _state(chip: Chip) -> bytes:
    """TempKey's flags and the authorization, never a value.

    Evidence: assumed - the two low bits of the second byte, the RNG's state on the 508A, are 0.
    """
    temp_key, auth_key = chip.volatile.temp_key, chip.volatile.auth_key
    flags = SourceFlag.RANDOM if temp_key is None else temp_key.flags
    valid = (temp_key is not None) << 7
    authorized = 0 if auth_key is None else auth_key << 3 | 1 << 2

    return bytes((flags, valid | authorized, 0, 0))


def _volatile_key_permit(chip: Chip, cmd: Command) -> bytes:
    """Read or change the persistent latch.

    Evidence: vendor-library - cryptoauthlib calib_info.c and its latch tests.
    """
    expect_param2(cmd, 0, 1, _CLEAR_LATCH, _SET_LATCH)
    if cmd.param2 not in (_CLEAR_LATCH, _SET_LATCH):
        return bytes((chip.persistent_latch, 0, 0, 0))

    permission = chip.configuration.volatile_key_permission
    if cmd.param2 == _SET_LATCH and not permission.enabled:
        obey("the persistent latch is not set by command: VolatileKeyPermission (byte 69) bit 7 is 0")
    if cmd.param2 == _SET_LATCH and chip.volatile.auth_key != permission.slot:
        obey(f"the persistent latch is set only after CheckMac has proven slot {permission.slot}")
    chip.persistent_latch = cmd.param2 == _SET_LATCH

    return bytes(4)
