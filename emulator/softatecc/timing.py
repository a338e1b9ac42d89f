"""How long commands take, and how long the chip stays awake.

Rules of this file:
1. Times are milliseconds and facts; who measures them is given a clock, see `softatecc.wire`.
2. Without a clock nothing here applies: the chip answers at once and never falls asleep by itself.
3. A command that could outlast the watchdog is not begun: it is answered EE.
   Evidence: document - public 608 Trust data sheets, status codes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from softatecc.fields import ChipMode
from softatecc.model import DeviceModel
from softatecc.packet import Opcode, command_name
from softatecc.status import Rejected, Status

#: Seconds from any fixed moment, never going back.
Clock: TypeAlias = Callable[[], float]

#: From the end of the wake pulse until the first access is acknowledged (tWHI).
#: Evidence: document - public 608 Trust data sheets, wake.
WAKE_TIME = 1.5
#: Evidence: document - public 608 Trust data sheets give 1.3 s as the longest time.
_SHORT_WATCHDOG = 1_300

#: The longest execution by clock divider M0, M1, M2.
#: Evidence: vendor-library - cryptoauthlib lib/calib/calib_execution.c, times of the 608 by clock divider.
EXECUTION_TIMES: Mapping[Opcode, tuple[int, int, int]] = {
    Opcode.AES: (27, 27, 27),
    Opcode.CHECKMAC: (40, 40, 40),
    Opcode.COUNTER: (25, 25, 25),
    Opcode.DERIVEKEY: (50, 50, 50),
    Opcode.ECDH: (75, 172, 531),
    Opcode.GENDIG: (25, 35, 35),
    Opcode.GENKEY: (115, 215, 653),
    Opcode.INFO: (5, 5, 5),
    Opcode.KDF: (165, 165, 165),
    Opcode.LOCK: (35, 35, 35),
    Opcode.MAC: (55, 55, 55),
    Opcode.NONCE: (20, 20, 20),
    Opcode.PRIVWRITE: (50, 50, 50),
    Opcode.RANDOM: (23, 23, 23),
    Opcode.READ: (5, 5, 5),
    Opcode.SECUREBOOT: (80, 160, 480),
    Opcode.SELFTEST: (250, 625, 2324),
    Opcode.SHA: (36, 42, 75),
    Opcode.SIGN: (115, 220, 665),
    Opcode.UPDATEEXTRA: (10, 10, 10),
    Opcode.VERIFY: (105, 295, 1085),
    Opcode.WRITE: (45, 45, 45),
}
_BY_OPCODE: Mapping[int, tuple[int, int, int]] = {int(code): times for code, times in EXECUTION_TIMES.items()}
#: What a packet costs that is no command.
#: Evidence: assumed - no source gives it; as the quickest command.
_QUICKEST = (5, 5, 5)
#: ChipMode bits 7:3 to the column above.
#: Evidence: assumed - sources name 0, 5 and 13 alone; any other value runs at full speed.
_COLUMN: Mapping[int, int] = {0x00: 0, 0x05: 1, 0x0D: 2}


def execution_time(opcode: int | None, mode: ChipMode) -> int:
    """The longest a command keeps the chip from listening.

    The 608B has no table of its own; it is given this one.
    Evidence: assumed - cryptoauthlib only polls a 608B.

    Args:
        opcode: the command, None where the packet had none.
        mode: the clock divider is in it.

    Returns:
        milliseconds.
    """
    times = _BY_OPCODE.get(opcode, _QUICKEST) if opcode is not None else _QUICKEST

    return times[_COLUMN.get(mode.clock_divider, 0)]


def watchdog_time(mode: ChipMode, model: DeviceModel) -> int:
    """Milliseconds from a wake until the chip falls asleep by itself."""
    return model.long_watchdog if mode.long_watchdog else _SHORT_WATCHDOG


def require_time(opcode: int, mode: ChipMode, milliseconds_left: float | None) -> None:
    """Refuse a command that the watchdog could cut short.

    Args:
        opcode: the command.
        mode: the clock divider is in it.
        milliseconds_left: until the watchdog expires; None where none runs.

    Raises:
        Rejected: status EE.
    """
    if milliseconds_left is None:
        return
    needed = execution_time(opcode, mode)
    if needed > milliseconds_left:
        raise Rejected(
            Status.WATCHDOG_ABOUT_TO_EXPIRE,
            f"{command_name(opcode)} may take {needed} ms and the watchdog expires in "
            f"{milliseconds_left:.0f} ms; idle or sleep, then wake, starts it anew",
        )
