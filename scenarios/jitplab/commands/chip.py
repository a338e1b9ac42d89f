"""``jitplab chip dump | map | trace | decode``: looking inside the chip."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from jitplab import chip_report
from jitplab.chip_source import configuration_from
from jitplab.commands import options
from jitplab.lab import Lab, Settings
from jitplab.scenario import NeedUnmet, ScenarioError, find, run
from jitplab.terminal import style_of
from softatecc.capture import explain
from softatecc.describe.configuration import fields
from softatecc.describe.record import as_tree, record_from
from softatecc.describe.slot_map import Locks, locked_as, slot_map
from softatecc.inspection import Check, Journal
from softatecc.library import LibraryError
from softatecc.trace import Record
from softatecc.zones import SLOT_COUNT

if TYPE_CHECKING:
    from jitplab.commands import SubParsers
    from jitplab.outcome import JsonValue

Entries: TypeAlias = "list[tuple[Record, Sequence[Check]]]"

_NOW = "now"
_SOURCE_HELP = "a profile's name, a file of 128 bytes (or of 256 hex digits), or a device URL"

_EPILOG = """\
examples:
  jitplab chip dump mbedtls_examples_608          the configuration bit by bit
  jitplab chip map emulator:blank --slot 9        what slot 9 may do, and why
  jitplab chip trace --scenario right-slot        every command of a run, with the checks the chip made
  jitplab chip decode 03 07 30 00 00 00 03 5d     a packet in words
"""
_DUMP = """\
examples:
  jitplab chip dump blank
  jitplab chip dump config.hex --slot 0
  jitplab chip dump emulator:cal_test_608 --json
"""
_MAP = """\
examples:
  jitplab chip map mbedtls_examples_608
  jitplab chip map config.hex --slot 9 --locked data
  jitplab chip map emulator:blank --json
"""
_TRACE = """\
examples:
  jitplab chip trace trace.jsonl
  jitplab chip trace --scenario wrong-slot-root-key --seed 1
  jitplab chip trace --scenario right-slot --json > trace.jsonl
"""
_DECODE = """\
examples:
  jitplab chip decode 0730000000035d
  jitplab chip decode capture.txt
  jitplab chip decode - < capture.txt

A line of a capture is one transaction in hex; "> " or "< " before it gives the direction, without it the
bytes tell. Word addresses may be there or not. Exits 1 when a CRC or a length is wrong.
"""


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command and its four parts."""
    command = commands.add_parser(
        "chip",
        help=summary,
        description="Looks inside the chip.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = command.add_subparsers(dest="part", metavar="PART", required=True)
    _add_dump(parts)
    _add_map(parts)
    _add_trace(parts)
    _add_decode(parts)


def _part(parts: SubParsers, name: str, does: str, epilog: str) -> argparse.ArgumentParser:
    part = parts.add_parser(
        name, help=does, description=does, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    part.add_argument("--json", action="store_true", help="for programs")
    return part


def _add_dump(parts: SubParsers) -> None:
    part = _part(parts, "dump", "The configuration decoded bit by bit.", _DUMP)
    part.add_argument("source", metavar="SOURCE", help=_SOURCE_HELP)
    part.add_argument("--slot", metavar="N", type=_slot, help="only what belongs to this slot")
    part.set_defaults(act=act_dump)


def _add_map(parts: SubParsers) -> None:
    part = _part(parts, "map", "What each slot may do, in words, and why.", _MAP)
    part.add_argument("source", metavar="SOURCE", help=_SOURCE_HELP)
    part.add_argument("--slot", metavar="N", type=_slot, help="only this slot")
    part.add_argument(
        "--locked",
        choices=(_NOW, *Locks),
        default=_NOW,
        help="as the zone locks are (default), or as they would be: none, config, or data (both)",
    )
    part.set_defaults(act=act_map)


def _add_trace(parts: SubParsers) -> None:
    part = _part(parts, "trace", "A trace in words: asked, checked, answered, why.", _TRACE)
    part.add_argument("file", metavar="FILE", nargs="?", help="a trace in JSON lines; - reads standard input")
    part.add_argument("--scenario", metavar="NAME", help="run this scenario and watch its chip decide")
    part.add_argument("--seed", metavar="N", help="fixes keys and the chip's randomness")
    part.add_argument(
        "--library", choices=("auto", "cryptoauthlib", "own"), default="auto", help="what drives the chip"
    )
    part.add_argument("--refused", action="store_true", help="only commands that were refused")
    part.set_defaults(act=act_trace)


def _add_decode(parts: SubParsers) -> None:
    part = _part(parts, "decode", "Explains hex packets of a capture, in both directions.", _DECODE)
    part.add_argument("packets", metavar="HEX|FILE|-", nargs="+", help="bytes of one packet, a file, or -")
    part.set_defaults(act=act_decode)


def _slot(text: str) -> int:
    if not text.isdecimal() or int(text) >= SLOT_COUNT:
        raise argparse.ArgumentTypeError(f"{text!r} is no slot; slots are 0 to 15")
    return int(text)


# --- dump and map ---------------------------------------------------------------------------------


def act_dump(chosen: argparse.Namespace) -> int:
    """``jitplab chip dump``."""
    try:
        source = configuration_from(chosen.source)
    except (ValueError, NeedUnmet) as error:
        return _complain(error)
    found = [each for each in fields(source.configuration) if chosen.slot in (None, each.slot)]
    if chosen.json:
        image = source.configuration.image.hex()
        rows: list[JsonValue] = [{**asdict(each), "place": each.place} for each in found]
        options.say_json({"source": source.name, "configuration": image, "fields": rows})
        return 0
    style = style_of(sys.stdout)
    _say(chip_report.dump_lines(found, style))
    return 0


def act_map(chosen: argparse.Namespace) -> int:
    """``jitplab chip map``."""
    try:
        source = configuration_from(chosen.source)
    except (ValueError, NeedUnmet) as error:
        return _complain(error)
    configuration = source.configuration
    if chosen.locked != _NOW:
        configuration = locked_as(configuration, Locks(chosen.locked))
    pages = [page for page in slot_map(configuration) if chosen.slot in (None, page.number)]
    if chosen.json:
        locks: JsonValue = {"config": configuration.config_locked, "data": configuration.data_locked}
        rows: list[JsonValue] = [asdict(page) for page in pages]
        options.say_json({"source": source.name, "locked": locks, "slots": rows})
        return 0
    style = style_of(sys.stdout)
    config = "locked" if configuration.config_locked else "unlocked"
    data = "locked" if configuration.data_locked else "unlocked"
    options.say(style.dim(f"{source.name}; configuration {config}, data and OTP {data}"))
    _say(chip_report.map_lines(pages, style))
    return 0


# --- trace ----------------------------------------------------------------------------------------


def act_trace(chosen: argparse.Namespace) -> int:
    """``jitplab chip trace``."""
    if (chosen.file is None) == (chosen.scenario is None):
        return options.complain("give a trace file or --scenario NAME, one of the two", options.MISUSE)
    try:
        entries = _from_file(chosen.file) if chosen.file is not None else _from_scenario(chosen)
    except (ValueError, ScenarioError, NeedUnmet, LibraryError) as error:
        return _complain(error)
    if chosen.refused:
        entries = [(record, checks) for record, checks in entries if record.why is not None]
    if chosen.json:
        for record, checks in entries:
            options.say(json.dumps(as_tree(record, checks), ensure_ascii=False))
        return 0
    _say(chip_report.trace_lines(entries, style_of(sys.stdout)))
    return 0


def _from_file(name: str) -> Entries:
    entries: Entries = []
    for number, line in enumerate(_lines(name), 1):
        if line.strip():
            try:
                entries.append((record_from(line), ()))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
    return entries


def _from_scenario(chosen: argparse.Namespace) -> Entries:
    """Every command of a run, its last searches for a key's owner included."""
    story = find(chosen.scenario)
    with Lab(Settings(seed=chosen.seed, library=chosen.library)) as lab:
        journal = Journal(lab.bench.chip)
        run(story, lab, {})
        return list(journal.entries())


# --- decode ---------------------------------------------------------------------------------------


def act_decode(chosen: argparse.Namespace) -> int:
    """``jitplab chip decode``."""
    try:
        findings = list(explain(_capture(chosen.packets)))
    except ValueError as error:
        return _complain(error)
    if chosen.json:
        options.say_json([asdict(finding) | {"octets": finding.octets.hex()} for finding in findings])
    else:
        _say(chip_report.capture_lines(findings, style_of(sys.stdout)))
    return 1 if any(finding.wrong for finding in findings) else 0


def _capture(packets: Sequence[str]) -> Iterable[str]:
    """The lines of a file or of standard input, or the bytes of one packet."""
    if len(packets) == 1 and (packets[0] == "-" or Path(packets[0]).is_file()):
        return _lines(packets[0])
    return (" ".join(packets),)


def _lines(name: str) -> Iterator[str]:
    """Lines of a text file, or of standard input for ``-``.

    Raises:
        ValueError: it cannot be read, or is no text.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name} is no text; write hex digits or JSON, a line each") from None
    yield from text.splitlines()


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        options.say(line)


def _complain(error: Exception) -> int:
    unmet = isinstance(error, (NeedUnmet, LibraryError))
    return options.complain(str(error), options.NEED_UNMET if unmet else options.MISUSE)
