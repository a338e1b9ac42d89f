"""Counter, opcode 24: read or advance one of the two monotonic counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.registry import expect_data, expect_param2, handles, unknown_mode
from softatecc.config import COUNTER
from softatecc.counter import COUNTER_MAXIMUM, encode_counter
from softatecc.packet import Command, Opcode
from softatecc.status import obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_READ, _INCREMENT = 0, 1


@handles(Opcode.COUNTER)
def counter(chip: Chip, cmd: Command) -> bytes:
    """The value after the command, four bytes low byte first; works in every lock state.

    Evidence: vendor-library - cryptoauthlib calib_counter.c, atca_tests_counter.c, one of whose tests
    reads counters it has just written into the unlocked configuration.
    """
    if cmd.param1 not in (_READ, _INCREMENT):
        raise unknown_mode(cmd)
    expect_param2(cmd, 0, 1)
    expect_data(cmd, 0)
    value = chip.configuration.counter(cmd.param2)

    if cmd.param1 == _INCREMENT:
        if value == COUNTER_MAXIMUM:
            obey(f"Counter[{cmd.param2}] has reached {COUNTER_MAXIMUM}, its end")
        value += 1
        chip.memory.configuration = chip.configuration.replaced(COUNTER[cmd.param2], encode_counter(value))
    return value.to_bytes(4, "little")
