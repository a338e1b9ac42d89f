"""A trace in words: what was asked, what was checked, what was answered and why.

Rules of this file:
1. A record tells itself; nothing is looked up in a chip, so a trace read from a file reads the same.
2. Hidden bytes stay hidden: their number and the reason are told.
3. JSON lines: one object a line, a record's own fields, then `meaning` and `checks`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from softatecc.describe.command import meaning_of
from softatecc.describe.meaning import Part
from softatecc.describe.response import body_words
from softatecc.inspection import Check
from softatecc.packet import Command
from softatecc.status import Status
from softatecc.trace import CommandRecord, Hidden, JsonValue, PowerRecord, Record, Shown

#: What JSON lines are made of, lists included.
Tree = dict[str, "JsonValue | list[JsonValue]"]

_POWER = {
    "wake": "wakes",
    "idle": "idles, keeps its registers",
    "sleep": "sleeps, forgets its registers",
    "power-up": "loses power and gets it back",
    "watchdog": "is put to sleep by its watchdog",
}
_MOST = 36


def record_lines(number: int, record: Record, checks: Sequence[Check] = ()) -> Iterator[str]:
    """One record for a person, the headline first, its particulars indented.

    Args:
        number: its place in the trace, from 1.
        record: the record.
        checks: the questions asked on the way, where they were watched.
    """
    if isinstance(record, PowerRecord):
        lost = f"; lost: {', '.join(record.lost)}" if record.lost else ""
        yield f"{number:>4}  the chip {_POWER.get(record.event, record.event)}{lost}"
        return
    yield f"{number:>4}  {headline(record)}"
    for part in _parts(record):
        yield f"      sent      {_part(part)}"
    if isinstance(record.data, Hidden):
        yield f"      sent      {record.data}"
    for check in checks:
        yield f"      checked   {check}"
    yield f"      answered  {_answer(record)}"
    if record.why is not None:
        yield f"      why       {record.why}"


def headline(record: CommandRecord) -> str:
    """A command's name, mode and operand in one line."""
    if record.param1 is None or record.param2 is None or record.opcode is None:
        return record.name
    meaning = meaning_of(_command(record))
    operand = f"; {meaning.operand}" if meaning.operand else ""
    numbers = f"{record.opcode:02X} {record.param1:02X} {record.param2:04X}"
    return f"{record.name} ({numbers}): {meaning.mode}{operand}"


def as_tree(record: Record, checks: Sequence[Check] = ()) -> Tree:
    """A record with its meaning and checks, for JSON lines."""
    tree: Tree = {**record.as_json()}
    if isinstance(record, CommandRecord):
        if record.param1 is not None:
            meaning = meaning_of(_command(record))
            tree["meaning"] = {"mode": meaning.mode, "operand": meaning.operand, "answer": _answer(record)}
        tree["checks"] = [check.as_json() for check in checks]
    return tree


def record_from(line: str) -> Record:
    """A record out of a line of JSON.

    Args:
        line: what `as_tree` or a record's own ``as_json`` gave.

    Raises:
        ValueError: it is no such line.
    """
    try:
        tree = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{line[:40]!r} is no line of JSON ({error}); pass a trace in JSON lines") from None
    try:
        return _record(tree)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{line[:60]!r} is no record of a trace: {reason}") from None


def _record(tree: Any) -> Record:
    if tree["kind"] == "power":
        lost = tree["lost"]
        return PowerRecord(str(tree["event"]), tuple(lost.split(", ")) if lost else ())
    if tree["kind"] != "command":
        raise ValueError(f"kind {tree['kind']!r} is neither command nor power")
    return CommandRecord(
        _number(tree["opcode"]),
        str(tree["name"]),
        _number(tree["param1"]),
        _number(tree["param2"]),
        _shown(tree["data"]),
        Status(tree["status"]),
        _shown(tree["response"]),
        None if tree["why"] is None else str(tree["why"]),
    )


def _number(value: object) -> int | None:
    if value is None or (isinstance(value, int) and 0 <= value <= 0xFFFF):
        return value
    raise ValueError(f"{value!r} is no parameter")


def _shown(value: object) -> Shown:
    match value:
        case {"hidden": int(length), "why": str(why)}:
            return Hidden(length, why)
        case str():
            return bytes.fromhex(value)
        case _:
            raise ValueError(f"{value!r} are no bytes")


def _command(record: CommandRecord) -> Command:
    """The command; hidden data are as many zeros, so that their number is right."""
    data = bytes(record.data.length) if isinstance(record.data, Hidden) else record.data
    return Command(record.opcode or 0, record.param1 or 0, record.param2 or 0, data)


def _parts(record: CommandRecord) -> tuple[Part, ...]:
    if isinstance(record.data, Hidden) or not record.data:
        return ()
    if record.param1 is None:
        return (Part("packet", record.data),)
    return meaning_of(_command(record)).parts


def _part(part: Part) -> str:
    note = f" ({part.note})" if part.note else ""
    return f"{part.name}: {octets(part.octets)}{note}"


def _answer(record: CommandRecord) -> str:
    if isinstance(record.response, Hidden):
        return f"00 (success): {record.response}"
    if record.status is not Status.SUCCESS:
        return record.status.label
    _, words = body_words(record.response, _command(record))
    shown = f": {octets(record.response)}" if len(record.response) > 1 else ""
    return f"{words}{shown}" if not shown else f"00 (success), {words}{shown}"


def octets(data: bytes, most: int = _MOST) -> str:
    """Bytes in lower-case hex; a long run is cut and its length told."""
    return data.hex() if len(data) <= most else f"{data[:most].hex()}... ({len(data)} bytes)"
