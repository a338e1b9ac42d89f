"""UpdateExtra, opcode 20: the two bytes that can be set once even after the locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.registry import SUCCESS, expect_data, handles, unknown_mode
from softatecc.config import USER_EXTRA, USER_EXTRA_ADD
from softatecc.packet import Command, Opcode
from softatecc.status import obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_BYTES = {0: (USER_EXTRA, "UserExtra"), 1: (USER_EXTRA_ADD, "UserExtraAdd")}


@handles(Opcode.UPDATEEXTRA)
def update_extra(chip: Chip, cmd: Command) -> bytes:
    """Set UserExtra or UserExtraAdd, while it is 00; writing 00 over 00 succeeds.

    Evidence: vendor-library - cryptoauthlib calib_write.c: calib_write_config_zone ends with both, mostly
    writing 00, and stops at any error.
    """
    if cmd.param1 not in _BYTES:
        raise unknown_mode(cmd)
    expect_data(cmd, 0)
    offset, name = _BYTES[cmd.param1]
    present = chip.configuration.image[offset]
    if present:
        obey(f"{name} (byte {offset}) is {present:02X}; it can be set only while it is 00")
    chip.memory.configuration = chip.configuration.replaced(offset, bytes((cmd.param2 & 0xFF,)))

    return SUCCESS
