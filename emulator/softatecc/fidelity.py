"""Draws docs/reference/fidelity.md: every command, mode and rule, and what each was checked against.

``python -m softatecc.fidelity > docs/reference/fidelity.md``

Rules of this file:
1. The page is drawn from the marks in the source and from the survey; nothing is written by hand.
2. A rule nobody marked is shown as such; `unmarked` finds it, and a test keeps it from staying.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

import softatecc
from softatecc.commands import HANDLERS
from softatecc.evidence import Grade, Mark, marked_in
from softatecc.packet import Opcode, command_name
from softatecc.survey import Rule, Survey, inner_marks, survey, words_of

_COMMANDS = "softatecc.commands."
#: They put the chip into words, draw this page or say what a mark is; the chip does not depend on them.
_ABOUT_THE_CHIP = ("softatecc.describe", "softatecc.fidelity", "softatecc.survey", "softatecc.evidence")
_MANY = 12
_INTRODUCTION = """\
# Fidelity

<!-- Drawn from the code by `make docs`; a test compares the two. -->

What every behaviour of the software chip was checked against, strongest first:

| mark | means |
|---|---|
| `silicon` | seen on a real part: a bus capture, a log, a dump |
| `vendor-library` | cryptoauthlib builds its packets so, or its tests, which pass on real parts, expect it |
| `document` | a public data sheet or application note says so |
| `assumed` | no public source says; the default can be changed where `DeviceModel` has a switch |

Which rules a mode asks was found by sending every mode to parts in many states and watching which rules were
asked (`softatecc.survey`). No rule here was run against a real part by this project itself."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A behaviour outside any command.

    Attributes:
        place: module, and function or class within it.
        words: what it says.
        mark: what it was checked against.
    """

    place: str
    words: str
    mark: Mark


def opcodes() -> tuple[Opcode, ...]:
    """The commands the chip has, by name."""
    return tuple(sorted((code for code in Opcode if code in HANDLERS), key=command_name))


# --- commands ---------------------------------------------------------------------------------------


def command_lines(found: Survey) -> Iterator[str]:
    """A command's section: its modes, then its rules."""
    yield f"## {command_name(found.opcode)} ({found.opcode:02X})"
    yield ""
    yield "| mode | asks for |"
    yield "|---|---|"
    for mode, words in found.modes.items():
        yield f"| `{mode:02X}` | {_cell(words)} |"
    yield ""
    yield "| rule | asks, or does | modes | evidence | source |"
    yield "|---|---|---|---|---|"
    for rule in sorted(found.rules, key=_order):
        grade, source = (
            ("**unmarked**", "") if rule.mark is None else (f"`{rule.mark.grade}`", rule.mark.source)
        )
        modes = _modes(found.rules[rule], found.modes)
        yield f"| `{_place(rule)}` | {_cell(rule.sentence)} | {modes} | {grade} | {_cell(source)} |"


def _order(rule: Rule) -> tuple[bool, str, str, str]:
    """The command's own functions first, then those it shares."""
    return not rule.module.startswith(_COMMANDS), rule.module, rule.name, rule.sentence


def _place(rule: Rule) -> str:
    return f"{rule.module.rpartition('.')[2]}.{rule.name}"


def _modes(asked: set[int], known: Iterable[int]) -> str:
    """The modes that ask, or shorter, those that do not."""
    others = sorted(set(known) - asked)
    if not others:
        return "all"
    if len(others) < len(asked):
        return f"all but {_hex(others)}"
    return _hex(sorted(asked))


def _hex(modes: list[int]) -> str:
    shown = ", ".join(f"`{mode:02X}`" for mode in modes[:_MANY])
    return shown if len(modes) <= _MANY else f"{shown} and {len(modes) - _MANY} more"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def unmarked(found: Survey) -> list[Rule]:
    """Rules of a command without a mark."""
    return [rule for rule in found.rules if rule.mark is None]


# --- everything else --------------------------------------------------------------------------------


def module_names() -> Iterator[str]:
    """The modules the chip is made of, but for its commands."""
    for each in pkgutil.walk_packages(softatecc.__path__, "softatecc."):
        if not each.name.startswith((*_ABOUT_THE_CHIP, _COMMANDS)) and not each.name.endswith("__main__"):
            yield each.name


def statements(elsewhere: Collection[str]) -> Iterator[Statement]:
    """Every marked behaviour outside the commands, by module.

    Args:
        elsewhere: places that the commands' sections name already.
    """
    for name in sorted(module_names()):
        short = name.removeprefix("softatecc.")
        for place, docstring in _docstrings(ast.parse(inspect.getsource(import_module(name))), short):
            if place not in elsewhere:
                yield from (Statement(place, words, mark) for words, mark in marked(docstring))
        for function, found in inner_marks(name).items():
            place = f"{short}.{function}" if function else short
            if place not in elsewhere:
                yield from (Statement(place, words_of(each), each.mark) for each in found)


def _docstrings(node: ast.Module | ast.ClassDef | ast.FunctionDef, place: str) -> Iterator[tuple[str, str]]:
    docstring = ast.get_docstring(node)
    if docstring is not None:
        yield place, docstring
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            yield from _docstrings(child, f"{place}.{child.name}")


def marked(docstring: str) -> Iterator[tuple[str, Mark]]:
    """The behaviours of a docstring with their marks.

    A behaviour is the text before its mark, back to the item, attribute or paragraph it belongs to; where
    the mark stands alone, it is the docstring's first line.
    """
    first = docstring.partition("\n")[0].rstrip(".")
    for each in marked_in(docstring):
        text = re.split(r"\n[ \t]*\n|\n\s*(?:\d+\. |\w+: )", each.before)[-1]
        yield " ".join(text.split()).strip(".: ") or first, each.mark


def statement_lines(surveys: Iterable[Survey]) -> Iterator[str]:
    """The section on everything that is no command."""
    named = {
        f"{rule.module.removeprefix('softatecc.')}.{rule.name}" for found in surveys for rule in found.rules
    }
    yield "## Beyond commands"
    yield ""
    yield "| where | behaviour | evidence | source |"
    yield "|---|---|---|---|"
    for each in statements(named):
        source = _cell(each.mark.source)
        yield f"| `{each.place}` | {_cell(each.words)} | `{each.mark.grade}` | {source} |"


# --- the page ---------------------------------------------------------------------------------------


def summary_lines(surveys: Iterable[Survey]) -> Iterator[str]:
    """How many rules of each command carry which mark."""
    grades = tuple(Grade)
    yield "## Summary"
    yield ""
    yield f"| command | modes | rules | {' | '.join(f'`{grade}`' for grade in grades)} |"
    yield f"|---|---|---|{'---|' * len(grades)}"
    for found in surveys:
        counts = Counter(rule.mark.grade for rule in found.rules if rule.mark is not None)
        cells = " | ".join(str(counts[grade]) for grade in grades)
        yield f"| {command_name(found.opcode)} | {len(found.modes)} | {len(found.rules)} | {cells} |"


def page(surveys: Sequence[Survey]) -> Iterator[str]:
    """The whole page, line by line.

    Args:
        surveys: of every command, in the order of `opcodes`.
    """
    yield from _INTRODUCTION.splitlines()
    yield ""
    yield from summary_lines(surveys)
    for found in surveys:
        yield ""
        yield from command_lines(found)
    yield ""
    yield from statement_lines(surveys)


if __name__ == "__main__":  # pragma: no cover - a test compares the page, not its printing
    sys.stdout.write("\n".join(page([survey(opcode) for opcode in opcodes()])) + "\n")
