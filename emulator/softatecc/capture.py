"""A capture of the bus in words: hex packets in both directions, with or without word addresses.

Rules of this file:
1. A line is a transaction: hex digits, spaces and commas between them as you like, `0x` allowed. Before
   them a direction may stand (``>``, ``tx``, ``w`` to the chip; ``<``, ``rx``, ``r`` from it); text after
   ``#`` is not read.
2. Without a direction, the bytes say which it is: a word address or a known opcode goes to the chip, what
   follows a command comes from it.
3. A response read in pieces, the count first, is put together.
4. CRC and count are judged here, the rest is told by `softatecc.describe`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from softatecc.describe.command import meaning_of
from softatecc.describe.record import octets
from softatecc.describe.response import answer, crc_fault
from softatecc.packet import WAKE_RESPONSE, Command, Opcode

_COMMAND_WORD, _SMALLEST_COMMAND, _HEAD = 0x03, 7, 5
_REWIND = b"\x00"
_WORDS = {
    0x00: "rewinds: the last response can be read again",
    0x01: "puts the chip to sleep, its registers are lost",
    0x02: "idles the chip, its registers are kept",
}
_TO, _FROM = {">", "->", "tx", "w", "write", "host"}, {"<", "<-", "rx", "r", "read", "chip"}
_LINE = re.compile(
    r"^\s*(?P<direction>[<>]|->|<-|tx|rx|write|read|host|chip|[wr](?=[\s:]))?:?\s*(?P<hex>.*)$", re.IGNORECASE
)
_OPCODES = frozenset(int(code) for code in Opcode)


class Direction(StrEnum):
    """Which way a transaction goes."""

    TO_CHIP = "to the chip"
    FROM_CHIP = "from the chip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One transaction in words.

    Attributes:
        line: number of the line it ends on, from 1.
        direction: which way it goes.
        octets: its bytes.
        headline: what it is, in one line.
        particulars: the rest, a fact a line.
        wrong: what is wrong with it, empty if nothing is.
    """

    line: int
    direction: Direction
    octets: bytes
    headline: str
    particulars: tuple[str, ...] = ()
    wrong: str = ""

    def __str__(self) -> str:
        """For people, a line for every fact."""
        arrow = "->" if self.direction is Direction.TO_CHIP else "<-"
        wrong = (f"WRONG: {self.wrong}",) if self.wrong else ()
        return "\n       ".join((f"{self.line:>4} {arrow} {self.headline}", *self.particulars, *wrong))


@dataclass(slots=True)
class _Reader:
    """What must be remembered from line to line."""

    asked: Command | None = None
    pieces: bytes = b""
    awaits: bool = field(default=False)


def explain(lines: Iterable[str]) -> Iterator[Finding]:
    """Explain a capture line by line.

    Args:
        lines: see rule 1; empty ones are passed over.

    Raises:
        ValueError: a line is not made of hex digits.
    """
    reader, number = _Reader(), 0
    for number, line in enumerate(lines, 1):
        direction, data = _read(number, line)
        if data:
            yield from _transaction(reader, number, direction, data)
    if reader.pieces:
        yield _response(reader, number, reader.pieces)


def _read(number: int, line: str) -> tuple[Direction | None, bytes]:
    found = _LINE.match(line.partition("#")[0])
    assert found is not None, "the pattern matches every line"
    word = (found["direction"] or "").lower()
    direction = Direction.TO_CHIP if word in _TO else Direction.FROM_CHIP if word in _FROM else None
    digits = re.sub(r"0[xX]|[\s,:;]", "", found["hex"])
    try:
        return direction, bytes.fromhex(digits)
    except ValueError:
        raise ValueError(
            f"line {number}, {line.strip()[:40]!r}, is not hex; write pairs of digits, such as 07 30 00"
        ) from None


def _transaction(reader: _Reader, number: int, direction: Direction | None, data: bytes) -> Iterator[Finding]:
    if direction is None:
        direction = _guess(reader, data)
    if direction is Direction.TO_CHIP:
        if reader.pieces:
            yield _response(reader, number - 1, reader.pieces)
        yield _to_chip(reader, number, data)
        return
    whole = reader.pieces + data
    if len(whole) < whole[0] and whole != WAKE_RESPONSE:
        reader.pieces = whole
        return
    yield _response(reader, number, whole)


def _guess(reader: _Reader, data: bytes) -> Direction:
    """The direction of a transaction that does not tell it."""
    if reader.pieces:
        return Direction.FROM_CHIP
    if len(data) == 1 and data[0] in _WORDS:
        return Direction.TO_CHIP
    if _with_word_address(data):
        return Direction.TO_CHIP
    if reader.awaits or len(data) < _SMALLEST_COMMAND:
        return Direction.FROM_CHIP
    return Direction.TO_CHIP if data[1] in _OPCODES else Direction.FROM_CHIP


def _with_word_address(data: bytes) -> bool:
    return len(data) > _SMALLEST_COMMAND and data[0] == _COMMAND_WORD and data[1] == len(data) - 1


def _to_chip(reader: _Reader, number: int, data: bytes) -> Finding:
    if data != _REWIND:  # a rewind asks for the same answer again
        reader.asked, reader.awaits = None, False
    reader.pieces = b""
    if len(data) == 1:
        words = _WORDS.get(data[0], "is a reserved word address")
        return Finding(number, Direction.TO_CHIP, data, f"word address {data[0]:02X} {words}")
    packet = data[1:] if _with_word_address(data) else data
    wrong = crc_fault(packet)
    if len(packet) < _SMALLEST_COMMAND:
        short = f"{len(packet)} bytes are no command; the shortest has {_SMALLEST_COMMAND}"
        return Finding(number, Direction.TO_CHIP, data, f"bytes {octets(data)}", wrong=short)

    cmd = Command(packet[1], packet[2], packet[3] | packet[4] << 8, packet[_HEAD:-2])
    meaning = meaning_of(cmd)
    reader.asked, reader.awaits = cmd, True
    pieces = tuple(
        f"{part.name}: {octets(part.octets)}" + (f" ({part.note})" if part.note else "")
        for part in meaning.parts
    )
    head = f"{cmd.name} ({cmd.opcode:02X} {cmd.param1:02X} {cmd.param2:04X}): {meaning.mode}"
    lines = (f"param2: {meaning.operand}",) if meaning.operand else ()
    return Finding(number, Direction.TO_CHIP, data, head, (*lines, *pieces, *_crc(packet, wrong)), wrong)


def _response(reader: _Reader, number: int, group: bytes) -> Finding:
    asked, reader.asked, reader.awaits, reader.pieces = reader.asked, reader.asked, False, b""
    if group == WAKE_RESPONSE:
        head = (
            "11 (after wake): the chip is awake" if asked is None else "11 (after wake): the chip was reset"
        )
        return Finding(number, Direction.FROM_CHIP, group, head, _crc(group, ""))
    said = answer(group, asked)
    data = (f"data: {octets(group[1:-2], 64)}",) if len(group) > len(WAKE_RESPONSE) else ()
    name = f"{asked.name} answers " if asked is not None else ""
    label = said.words if not data or said.status is None else f"00 (success), {said.words}"
    return Finding(
        number, Direction.FROM_CHIP, group, f"{name}{label}", (*data, *_crc(group, said.wrong)), said.wrong
    )


def _crc(group: bytes, wrong: str) -> tuple[str, ...]:
    return () if wrong else (f"CRC {group[-2:].hex(' ').upper()} is right",)
