"""A response group in words.

Rules of this file:
1. A group of four bytes is a status, or the single data byte of SelfTest; only the command tells them
   apart.
2. The CRC is computed anew and compared; both are told when they differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from softatecc.describe.command import meaning_of
from softatecc.packet import Command, Opcode, crc16
from softatecc.status import Status

_STATUS_SIZE = 1
_SMALLEST_GROUP = 4
_LABELS = {int(status): status.label for status in Status}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response in words.

    Attributes:
        status: the status byte, `Status.SUCCESS` where data came; None in a broken group.
        words: the answer in words.
        wrong: what is wrong with the group, empty if nothing is.
    """

    status: int | None
    words: str
    wrong: str = ""


def status_words(status: int) -> str:
    """A status byte as a reader says it; one without a name keeps its number."""
    return _LABELS.get(status, f"{status:02X} (a status no 608 has)")


def crc_fault(group: bytes) -> str:
    """What is wrong with the count or the CRC of a group, empty if nothing is."""
    if not group or (len(group) < _SMALLEST_GROUP and group[0] < _SMALLEST_GROUP):
        return f"{len(group)} bytes are no group; the shortest has {_SMALLEST_GROUP}"
    if group[0] != len(group):
        return f"the count says {group[0]} bytes, here are {len(group)}"
    computed = crc16(group[:-2])
    if group[-2:] != computed:
        return f"CRC {group[-2:].hex(' ').upper()} is wrong, the bytes give {computed.hex(' ').upper()}"
    return ""


def answer(group: bytes, cmd: Command | None = None) -> Answer:
    """What a response group says.

    Args:
        group: count, body and CRC.
        cmd: the command it answers, None where that is not known.
    """
    wrong = crc_fault(group)
    if wrong and len(group) < _SMALLEST_GROUP:
        return Answer(None, "no response", wrong)
    return Answer(*body_words(group[1:-2], cmd), wrong)


def body_words(body: bytes, cmd: Command | None = None) -> tuple[int, str]:
    """Status and words of a response's body.

    Args:
        body: the response without count and CRC, one byte or more.
        cmd: the command it answers, None where that is not known.
    """
    if len(body) > _STATUS_SIZE:
        promised = meaning_of(cmd).answer if cmd is not None else ""
        return Status.SUCCESS, promised or f"{len(body)} bytes of data"
    if cmd is not None and cmd.opcode == Opcode.SELFTEST and not body[0] & 0xC0 and not _is_refusal(body[0]):
        failed = [f"bit {bit}" for bit in range(6) if body[0] >> bit & 1]
        return Status.SUCCESS, f"failed tests: {', '.join(failed)}" if failed else "all tests passed"
    return body[0], status_words(body[0])


def _is_refusal(octet: int) -> bool:
    """Whether SelfTest's single byte is a status rather than a bitmap; 03 and 0F could be either."""
    return octet in (Status.PARSE_ERROR, Status.EXECUTION_ERROR, Status.AFTER_WAKE)
