"""SelfTest, opcode 77: run the chip's tests of its own engines, or say which failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.registry import expect_data, expect_param2, handles, unknown_mode
from softatecc.packet import Command, Opcode

if TYPE_CHECKING:
    from softatecc.chip import Chip

_RNG = 0x01
_RESERVED = 0xC0


@handles(Opcode.SELFTEST)
def selftest(chip: Chip, cmd: Command) -> bytes:
    """One byte, a bit for each failed test; mode 0 runs none and answers with the failure register.

    The tests that pass clear their bits of the register, the ones that fail set them.

    Evidence: vendor-library - cryptoauthlib calib_selftest.c, atca_tests_selftest.c.
    """
    if cmd.param1 & _RESERVED:
        raise unknown_mode(cmd)
    expect_param2(cmd, 0)
    expect_data(cmd, 0)
    if cmd.param1 == 0:
        return bytes((chip.volatile.failed_tests,))

    asked = chip.tests_of(cmd.param1)
    failed = chip.tests_of(chip.faults.self_test_failures) & asked
    chip.volatile.failed_tests = chip.volatile.failed_tests & ~asked | failed
    if asked & _RNG and not failed & _RNG:
        chip.volatile.health_failed = False
    return bytes((failed,))
