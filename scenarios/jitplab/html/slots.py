"""The slot map of a run: what lies where, what the configuration allows, and what this run did with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias
from xml.etree.ElementTree import Element

from jitplab.bench import slot_of
from jitplab.chain import HELD
from jitplab.html.page import element, table
from jitplab.outcome import JsonValue
from softatecc.config import Configuration
from softatecc.describe.slot_map import slot_map

Tree: TypeAlias = "Mapping[str, JsonValue]"


def slot_table(configuration: bytes, commands: Iterable[Tree]) -> Element:
    """Sixteen slots.

    Args:
        configuration: the chip's, 128 bytes.
        commands: as ``Outcome.chip_commands`` has them.
    """
    used = _uses(commands)
    rows = (
        (
            str(page.number),
            HELD.get(page.number, "nothing"),
            f"{page.kind}, {page.size} bytes",
            ", ".join(used.get(page.number, ())) or "not asked",
            element(
                "details",
                element("summary", page.permissions[0].words),
                element(
                    "ul",
                    *(
                        element("li", f"{each.words} ({each.why})")
                        for each in (*page.permissions, *page.conditions)
                    ),
                ),
            ),
        )
        for page in slot_map(Configuration(configuration))
    )
    return element(
        "div",
        table(("slot", "holds in the case", "kind", "in this run", "may"), *rows),
        class_="wide",
    )


def _uses(commands: Iterable[Tree]) -> dict[int, tuple[str, ...]]:
    """Which commands named a slot, by slot, each with how often."""
    counted: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for command in commands:
        slot = slot_of(command)
        if slot is not None:
            refused = "" if command["status"] == 0 else " refused"
            counted[slot][f"{command['name']}{refused}"] += 1
    return {
        slot: tuple(f"{name}: {count}" for name, count in names.items()) for slot, names in counted.items()
    }
