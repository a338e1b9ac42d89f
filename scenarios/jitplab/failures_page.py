"""Draws docs/reference/failures.md from the list: ``python -m jitplab.failures_page > FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from jitplab.field_failures import FIELD_FAILURES, FieldFailure


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield "# Failures seen in the field"
    yield ""
    yield "<!-- Drawn from the code by `make docs`; a test compares the two. -->"
    yield ""
    yield "What people met on the way to a connected device, and the [scenario](scenarios.md) that plays it."
    yield "The evidence is public threads, by repository and number. Unless the row says otherwise they were"
    yield "read as excerpts: open one before leaning on it. A number stays with its failure."
    yield ""
    yield "| # | what goes wrong | evidence | played by |"
    yield "|---|---|---|---|"
    for each in FIELD_FAILURES:
        yield f"| {each.number} | {_cell(each.what)} | {_cell(each.evidence)} | {_played_by(each)} |"


def _played_by(each: FieldFailure) -> str:
    links = ", ".join(f"[`{name}`](scenarios.md#{name})" for name in each.scenarios)
    return " ".join(part for part in (links, _cell(each.left_out or "")) if part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
