"""Nonce, opcode 16: fill TempKey or one of the other buffers."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.engines import random_number
from softatecc.commands.guards import valid_temp_key
from softatecc.commands.registry import SUCCESS, expect_data, expect_param2, handles, unknown_mode
from softatecc.crypto import sha256
from softatecc.memory import SourceFlag, temp_key
from softatecc.packet import Command, Opcode

if TYPE_CHECKING:
    from softatecc.chip import Chip

_RESERVED, _SIZE_64 = 0b0001_1100, 0b0010_0000
_RANDOM, _RANDOM_KEEP_SEED, _PASSTHROUGH = 0, 1, 3
_CALCULATE = 0x8000
_NUM_IN_SIZE = 20


class Target(IntEnum):
    """Bits 7:6 of the mode."""

    TEMP_KEY = 0
    MESSAGE_DIGEST_BUFFER = 1
    ALTERNATE_KEY_BUFFER = 2


def _hides_request(chip: Chip, cmd: Command) -> str | None:  # noqa: ARG001 - one signature for all
    if cmd.param1 >> 6 == Target.ALTERNATE_KEY_BUFFER:
        return "the Alternate Key Buffer takes a key"
    return None


@handles(Opcode.NONCE, hides_request=_hides_request)
def nonce(chip: Chip, cmd: Command) -> bytes:
    """A nonce of the chip's making into TempKey, or the host's bytes into a buffer.

    Evidence: vendor-library - cryptoauthlib calib_nonce.c and atca_host.c (atcah_nonce).
    """
    source = cmd.param1 & 0b11
    if cmd.param1 & _RESERVED:
        raise unknown_mode(cmd)

    if source == _PASSTHROUGH:
        return _pass_through(chip, cmd)
    if source in (_RANDOM, _RANDOM_KEEP_SEED) and cmd.param1 >> 5 == 0:
        return _make(chip, cmd)
    raise unknown_mode(cmd)


def _make(chip: Chip, cmd: Command) -> bytes:
    """Hash a random number, or the TempKey there is, with the host's 20 bytes."""
    expect_param2(cmd, 0, _CALCULATE)
    expect_data(cmd, _NUM_IN_SIZE)
    tail = cmd.data + bytes((Opcode.NONCE, cmd.param1, cmd.param2 & 0xFF))

    if cmd.param2 == _CALCULATE:
        old = valid_temp_key(chip)
        value = sha256(old.lower, tail)
        flag = SourceFlag.RANDOM if chip.model.calculated_nonce_is_random else old.source_flag
        # NoMacFlag is never taken back; KeyID and what GenDig left are, or the host, which is told the new
        # value, would hold a session key.
        chip.volatile.temp_key = replace(temp_key(value, flag), no_mac_flag=old.no_mac_flag)
        return value

    number = random_number(chip)
    chip.volatile.temp_key = temp_key(sha256(number, tail), SourceFlag.RANDOM)
    return number


def _pass_through(chip: Chip, cmd: Command) -> bytes:
    """The host's 32 or 64 bytes, as they are."""
    expect_param2(cmd, 0)
    expect_data(cmd, 64 if cmd.param1 & _SIZE_64 else 32)

    match cmd.param1 >> 6:
        case Target.TEMP_KEY:
            chip.volatile.temp_key = temp_key(cmd.data, SourceFlag.FIXED)
            return SUCCESS
        case Target.MESSAGE_DIGEST_BUFFER:
            chip.volatile.message_digest_buffer = cmd.data
        case Target.ALTERNATE_KEY_BUFFER if len(cmd.data) == 32:
            chip.volatile.alternate_key_buffer = cmd.data
        case _:
            raise unknown_mode(cmd)
    if chip.model.buffer_nonce_empties_temp_key:
        chip.volatile.temp_key = None
    return SUCCESS
