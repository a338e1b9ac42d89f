"""What the parameters of a command mean: the pieces every description is made of.

Rules of this file:
1. Describing never judges: any four bytes and any data have a description, which names what is wrong.
2. A piece of data has a name and a place; what is missing or too much is said, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from softatecc.packet import Command
from softatecc.zones import BLOCK, SLOT_COUNT, WORD, Zone, zone_size

#: param2 of commands that can work on TempKey instead of a slot.
TEMP_KEY = 0xFFFF
_ZONE_NAMES = {Zone.CONFIG: "configuration zone", Zone.OTP: "OTP zone", Zone.DATA: "data zone"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a command's data.

    Attributes:
        name: what it is, for example ``signature R || S``.
        octets: its bytes.
        note: what is wrong with its length, empty if nothing is.
    """

    name: str
    octets: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One command in words.

    Attributes:
        mode: what the first parameter asks for.
        operand: what the second parameter names, empty where it must be 0 and is.
        parts: the data, piece by piece.
        answer: what data a success brings, empty where it brings status 00 alone.
        known: the mode is one the 608 has.
    """

    mode: str
    operand: str = ""
    parts: tuple[Part, ...] = ()
    answer: str = ""
    known: bool = True


def unknown(cmd: Command) -> Meaning:
    """A mode that the command does not have."""
    parts = (Part("data", cmd.data),) if cmd.data else ()
    return Meaning(
        f"mode 0x{cmd.param1:02X}, which {cmd.name} does not have",
        f"param2 0x{cmd.param2:04X}",
        parts,
        known=False,
    )


def parts(data: bytes, *layout: tuple[str, int]) -> tuple[Part, ...]:
    """Cut data into named pieces.

    Args:
        data: the data of a command.
        layout: name and length of each piece, in order; a negative length takes the rest.
    """
    found, at = [], 0
    for name, length in layout:
        octets = data[at:] if length < 0 else data[at : at + length]
        at += len(octets)
        note = f"{len(octets)} of {length} bytes" if len(octets) < length else ""
        found.append(Part(name, octets, note))
    if at < len(data):
        found.append(Part("surplus", data[at:], f"{len(data) - at} bytes more than the mode takes"))
    return tuple(found)


def nothing(cmd: Command) -> tuple[Part, ...]:
    """The pieces of a command that takes no data."""
    return parts(cmd.data)


def slot(number: int) -> str:
    """A slot named by a second parameter."""
    return f"slot {number}" if number < SLOT_COUNT else f"slot {number}, which does not exist"


def slot_or_temp_key(number: int) -> str:
    """A slot, or TempKey as FFFF."""
    return "TempKey" if number == TEMP_KEY else slot(number)


def must_be(cmd: Command, *values: int) -> str:
    """A second parameter that has no meaning beyond being right."""
    if cmd.param2 in values:
        return "" if cmd.param2 == 0 else f"param2 0x{cmd.param2:04X}"
    known = " or ".join(f"0x{value:04X}" for value in values)
    return f"param2 0x{cmd.param2:04X} (must be {known})"


def joined(*phrases: str) -> str:
    """The phrases that are not empty, with commas between."""
    return ", ".join(phrase for phrase in phrases if phrase)


def flag(value: int, mask: int, name: str, otherwise: str = "") -> str:
    """A phrase for a bit that is set, another for one that is not."""
    return name if value & mask else otherwise


def one_of(value: int, names: Mapping[int, str]) -> str:
    """A value by its name; one without keeps its number."""
    return names.get(value, f"{value} (reserved)")


def address(zone_code: int, param2: int, size: int) -> str:
    """The place an address names, down to the bytes.

    Args:
        zone_code: bits 1:0 of the first parameter.
        param2: the address.
        size: 4 or 32 bytes.
    """
    if zone_code not in (Zone.CONFIG, Zone.OTP, Zone.DATA):
        return f"address 0x{param2:04X} in zone {zone_code}, which does not exist"
    zone = Zone(zone_code)
    number, block = (param2 >> 3 & 0x1F, param2 >> 8) if zone is Zone.DATA else (0, param2 >> 3)
    place = f"slot {number}" if zone is Zone.DATA else _ZONE_NAMES[zone]
    if number >= SLOT_COUNT:
        return f"address 0x{param2:04X}: {place}, which does not exist"
    word = 0 if size == BLOCK else param2 & 7
    start, end = block * BLOCK + word * WORD, zone_size(zone, number)
    inside = f"bytes {start}-{min(start + size, end) - 1} of {place}"
    if start >= end:
        inside = f"byte {start} of {place}, which has {end}"
    where = f"block {block}" if size == BLOCK else f"block {block}, word {word}"
    tail = f", whose block {block} is shorter" if start < end < start + size else ""
    return f"address 0x{param2:04X} ({where}): {inside}{tail}"
