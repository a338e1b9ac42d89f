"""The parts that the digests of many commands share.

Evidence: vendor-library - cryptoauthlib lib/host/atca_host.c, whose digests its tests compare with silicon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.crypto import sha256

if TYPE_CHECKING:
    from softatecc.chip import Chip
    from softatecc.packet import Command


def head(cmd: Command) -> bytes:
    """``opcode | param1 | param2``, four bytes as they came."""
    return bytes((cmd.opcode, cmd.param1, cmd.param2 & 0xFF, cmd.param2 >> 8))


def identity(chip: Chip) -> bytes:
    """``SN[8] | SN[0:1]``: the three bytes of the serial number that are alike on parts of one kind."""
    serial = chip.configuration.serial_number

    return serial[8:9] + serial[0:2]


def digest(chip: Chip, first: bytes, header: bytes, second: bytes) -> bytes:
    """SHA-256 of ``first | header (4) | SN[8] | SN[0:1] | 25 zero bytes | second``."""
    return sha256(first, header, identity(chip), bytes(25), second)
