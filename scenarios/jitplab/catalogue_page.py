"""Draws docs/reference/scenarios.md from the catalogue: ``python -m jitplab.catalogue_page > FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from jitplab.scenario import Scenario, catalogue

_PARTS: Final = ("Cause.", "Symptom.", "Tell-tale.", "Cure.")


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield "# Scenarios"
    yield ""
    yield "<!-- Drawn from the code by `make docs`; a test compares the two. -->"
    yield ""
    yield "| scenario | what happens | ends | evidence |"
    yield "|---|---|---|---|"
    known = catalogue()
    for name, each in known.items():
        yield f"| [`{name}`](#{name}) | {each.title} | {_end(each)} | `{each.checked_against}` |"
    for name, each in known.items():
        yield ""
        yield f"## {name}"
        yield ""
        yield from _as_list(each.page)
        yield ""
        yield f"*Evidence:* `{each.checked_against}`: {each.source}."
        if each.twin:
            yield f"*Beside it:* [`{each.twin}`](#{each.twin})."
        for parameter, default in each.parameters.items():
            yield f"*Parameter:* `--set {parameter}={int(default)}`."


def _as_list(page: str) -> Iterator[str]:
    """The page with its four parts as a list, which Markdown would else run together."""
    inside = False
    for line in page.splitlines():
        part = next((part for part in _PARTS if line.startswith(part)), None)
        if part is not None:
            inside = True
            yield f"- **{part}**{line.removeprefix(part)}"
        else:
            yield f"  {line}" if inside and line else line


def _end(each: Scenario) -> str:
    if each.stopped_by:
        return f"stopped by {each.stopped_by.by.value} `{each.stopped_by.name}`"
    return "admitted" if each.admitted else "see below"


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
