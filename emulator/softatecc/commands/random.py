"""Random, opcode 1B: a random number for the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.engines import random_number
from softatecc.commands.registry import expect_data, expect_param2, handles, unknown_mode
from softatecc.packet import Command, Opcode

if TYPE_CHECKING:
    from softatecc.chip import Chip

_UPDATE_SEED, _KEEP_SEED = 0, 1


@handles(Opcode.RANDOM)
def random(chip: Chip, cmd: Command) -> bytes:
    """32 random bytes; FFFF0000 eight times until the configuration is locked.

    TempKey stays as it is.

    Evidence: silicon - bus capture of the pattern; lengths and modes from the public Trust data sheets.
    """
    if cmd.param1 not in (_UPDATE_SEED, _KEEP_SEED):
        raise unknown_mode(cmd)
    expect_param2(cmd, 0)
    expect_data(cmd, 0)

    return random_number(chip)
