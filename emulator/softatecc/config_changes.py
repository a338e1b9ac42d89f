"""What a command did to the configuration zone, seen from the bus.

Rules of this file:
1. Only a command that answered 00 changes anything.
2. Counters are not followed: limited use shows in no answer.
"""

from __future__ import annotations

from softatecc.config import LOCK_CONFIG, LOCK_VALUE, SLOT_LOCKED, USER_EXTRA, Configuration
from softatecc.packet import Command, Opcode
from softatecc.zones import BLOCK, WORD, Zone, locate

_SLOT_TARGET = 0b10


def after(configuration: Configuration, cmd: Command) -> Configuration:
    """The configuration after a command that succeeded.

    Args:
        configuration: before it.
        cmd: any command; one that does not touch the zone leaves it.
    """
    match cmd.opcode:
        case Opcode.WRITE if cmd.param1 & 0b11 == Zone.CONFIG:
            place = locate(Zone.CONFIG, cmd.param2, BLOCK if cmd.param1 & 0x80 else WORD)
            return configuration.replaced(place.offset, cmd.data[: place.length])
        case Opcode.UPDATEEXTRA:
            return configuration.replaced(USER_EXTRA + (cmd.param1 & 1), bytes((cmd.param2 & 0xFF,)))
        case Opcode.LOCK if cmd.param1 & 0b11 == _SLOT_TARGET:
            number = cmd.param1 >> 2 & 0xF
            offset = SLOT_LOCKED + number // 8
            bits = configuration.image[offset] & ~(1 << number % 8)
            return configuration.replaced(offset, bytes((bits,)))
        case Opcode.LOCK:
            return configuration.replaced(LOCK_VALUE if cmd.param1 & 1 else LOCK_CONFIG, b"\x00")
        case _:
            return configuration
