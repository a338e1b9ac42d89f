"""Draws docs/reference/knobs.md from the code: ``python -m jitplab.knobs_page > FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from jitplab.doctor.knobs import KNOBS


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield "# Knobs of the doctor"
    yield ""
    yield "<!-- Drawn from the code by `make docs`; a test compares the two. -->"
    yield ""
    yield "`jitplab doctor` turns these, one at a time and then in pairs, in the order of their price."
    yield ""
    yield "| knob | layer | what it decides |"
    yield "|---|---|---|"
    for knob in KNOBS:
        yield f"| `{knob.name}` | {knob.layer.name.lower()} | {knob.question} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
