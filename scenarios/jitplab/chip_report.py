"""What a person reads about a chip: its configuration, its slots, its trace, a capture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from jitplab.terminal import Style
from softatecc.capture import Direction, Finding
from softatecc.describe.configuration import Field
from softatecc.describe.permission import Permission, Verdict
from softatecc.describe.record import record_lines
from softatecc.describe.slot_map import Page
from softatecc.inspection import Check
from softatecc.status import Status
from softatecc.trace import CommandRecord, Record


def dump_lines(fields: Iterable[Field], style: Style) -> Iterator[str]:
    """The configuration bit by bit, a field a line, slots under headings of their own."""
    slot: int | None = None
    heading = ""
    for field in fields:
        title = _title(field)
        if (title, field.slot) != (heading, slot):
            heading, slot = title, field.slot
            yield style.bold(title if slot is None else f"{title} of slot {slot}")
        yield f"  {field.place:<18} {field.name:<26} {field.digits:<24} {field.words}"


def _title(field: Field) -> str:
    if field.slot is None:
        return "The part"
    return "SlotConfig" if field.name in _SLOT_CONFIG or field.name.startswith("ReadKey") else "KeyConfig"


_SLOT_CONFIG = frozenset(("WriteConfig", "WriteKey", "IsSecret", "EncryptRead", "LimitedUse", "NoMac"))


def map_lines(pages: Iterable[Page], style: Style) -> Iterator[str]:
    """The slot map: a heading for each slot, a line for each thing it may or may not do."""
    for page in pages:
        yield style.bold(f"slot {page.number}: {page.kind}, {page.size} bytes")
        for each in (*page.permissions, *page.conditions):
            yield f"  {_coloured(each, style)} {style.dim(f'({each.why})')}"


def _coloured(each: Permission, style: Style) -> str:
    if each.verdict is Verdict.NO:
        return style.bad(each.words)
    return style.good(each.words) if each.verdict is Verdict.YES else each.words


def trace_lines(entries: Iterable[tuple[Record, Sequence[Check]]], style: Style) -> Iterator[str]:
    """A trace in words, a paragraph for each record."""
    for number, (record, checks) in enumerate(entries, 1):
        head, *rest = record_lines(number, record, checks)
        yield style.bold(head)
        refused = isinstance(record, CommandRecord) and record.status is not Status.SUCCESS
        for line in rest:
            marked = refused and line.lstrip().startswith(("answered", "why"))
            yield style.bad(line) if marked else line


def capture_lines(findings: Iterable[Finding], style: Style) -> Iterator[str]:
    """A capture in words, a paragraph for each transaction."""
    for finding in findings:
        head, *rest = str(finding).splitlines()
        yield style.bold(head) if finding.direction is Direction.TO_CHIP else head
        for line in rest:
            yield style.bad(line) if "WRONG:" in line else style.dim(line)
