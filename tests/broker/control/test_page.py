"""The reference page lists what is implemented."""

from __future__ import annotations

from pathlib import Path

from jitpbroker.control.operations import OPERATIONS
from jitpbroker.control.reference_page import table

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "control-plane.md"


def test_the_page_has_the_table_as_it_is_drawn() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(table())


def test_the_table_has_every_operation() -> None:
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table().splitlines() if "`" in line]

    assert sorted(rows) == sorted(name for each in OPERATIONS.values() for name in each)
