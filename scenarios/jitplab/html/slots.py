"""The slot map of a run: what lies where, what the configuration allows, and what this run did with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element

from jitplab.chain import Slot
from jitplab.html.page import element, table
from jitplab.outcome import JsonValue
from softatecc.config import Configuration
from softatecc.describe.slot_map import slot_map

Tree: TypeAlias = "Mapping[str, JsonValue]"

_HELD: Final = {
    Slot.DEVICE_PRIVATE_KEY: "device private key",
    Slot.DEVICE_COMPRESSED: "device certificate, compressed",
    Slot.SIGNER_PUBLIC_KEY: "signer public key",
    Slot.SIGNER_COMPRESSED: "signer certificate, compressed",
    Slot.OTHER_CA_PUBLIC_KEY: "public key of some other CA",
    Slot.SIGNER_SERIAL_AND_DATES: "serial number and dates of the signer",
    Slot.ROOT_PUBLIC_KEY: "root public key",
}
_DATA_ZONE: Final = 2
_BY_SLOT: Final = frozenset({"GenKey", "Sign", "ECDH"})


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
            _HELD.get(Slot(page.number), "nothing") if page.number in set(Slot) else "nothing",
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


def slot_of(command: Tree) -> int | None:
    """The data slot a command names, ``None`` where it names none.

    Evidence: document - 508A data sheet, section on address encoding: bits 3 to 6 of the address of a data
    zone access are the slot.
    """
    mode, address = command["param1"], command["param2"]
    if not isinstance(mode, int) or not isinstance(address, int):
        return None
    if command["name"] in {"Read", "Write"} and mode & 0x03 == _DATA_ZONE:
        return address >> 3 & 0x0F
    if command["name"] in _BY_SLOT and address <= 15:
        return address
    return None
