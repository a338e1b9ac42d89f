"""What a chip holds, as text: by `jitplab doctor --dump-chip` or `jitplab device --export`, or by hand.

    configuration
      0123...                      128 bytes in hex
    slot 15: 00000000 8f1a...      or the bytes on the lines below
    key 0: 8391...                 the public key that GenKey computes, 64 bytes

Whatever the chip does not give away is left out, or says ``withheld``. ``#`` begins a comment.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from jitplab.pki.keys import public_point
from softatecc.certificate import DeviceLocation, DeviceZone, pad_public_key, unpad_public_key
from softatecc.zones import CONFIG_SIZE, SLOT_COUNT, SLOT_SIZES

_HEAD: Final = re.compile(
    r"^\s*(configuration|config|otp|slot|key)\s*(\d+)?(?:\s+private-key)?\s*:?\s*(.*)$", re.IGNORECASE
)
_KEY: Final = 64
_STORED_KEY: Final = 72
_FIRST_DATA_SLOT: Final = 8
_KEY_CONFIG: Final = 96


@dataclass(frozen=True, slots=True)
class ChipDump:
    """The readable part of a chip's memory.

    Attributes:
        configuration: 128 bytes, ``None`` when it is not there.
        slots: by number.
        keys: public keys of private slots, ``X || Y``.
        left_out: private slots that the text had bytes for; they are not kept.
    """

    configuration: bytes | None
    slots: Mapping[int, bytes] = field(default_factory=dict)
    keys: Mapping[int, bytes] = field(default_factory=dict)
    left_out: frozenset[int] = frozenset()

    def joined(self, other: ChipDump) -> ChipDump:
        """This one and another, which counts where both speak."""
        return ChipDump(
            other.configuration or self.configuration,
            {**self.slots, **other.slots},
            {**self.keys, **other.keys},
            self.left_out | other.left_out,
        )

    def is_of_another_chip(self, other: ChipDump) -> bool:
        """Whether both have a configuration and its serial numbers differ."""
        return None not in (self.serial_number, other.serial_number) and (
            self.serial_number != other.serial_number
        )

    @property
    def serial_number(self) -> bytes | None:
        """The chip's, nine bytes; ``None`` without a configuration."""
        data = self.configuration
        return None if data is None else data[:4] + data[8:13]

    def stored_key(self, slot: int) -> bytes | None:
        """What a firmware reads as a public key there, ``X || Y``; ``None`` where nothing can be read."""
        data = self.slots.get(slot)
        return None if data is None or len(data) < _STORED_KEY else unpad_public_key(data[:_STORED_KEY])

    def holds_a_key(self, slot: int) -> bool:
        """Whether the slot has the 72-byte form of a key: its padding is zero and the rest is not."""
        data = self.slots.get(slot, b"")[:_STORED_KEY]
        key = self.stored_key(slot)
        return key is not None and pad_public_key(key) == data and len(set(key)) > 8

    def read(self, where: DeviceLocation) -> bytes:
        """As a rebuild reads the chip.

        Raises:
            LookupError: the dump does not have it; the sentence says what is missing.
        """
        if where.is_genkey:
            if where.slot not in self.keys:
                raise LookupError(f"the dump has no line `key {where.slot}`, the public key of that slot")
            return self.keys[where.slot][where.offset : where.end]
        if where.zone is DeviceZone.CONFIG:
            if self.configuration is None:
                raise LookupError("the dump has no configuration")
            return self.configuration[where.offset : where.end]
        if where.slot not in self.slots:
            raise LookupError(f"the dump has no slot {where.slot}")
        return self.slots[where.slot][where.offset : where.end]

    def text(self) -> str:
        """The dump as text that `read_dump` reads."""
        lines = ["# jitplab chip dump: what this chip gives away"]
        if self.configuration is not None:
            lines += ["configuration", *_hex(self.configuration)]
        for slot, data in sorted(self.slots.items()):
            lines += [f"slot {slot}", *_hex(data)]
        for slot, key in sorted(self.keys.items()):
            lines += [f"key {slot}", *_hex(key)]
        return "\n".join(lines) + "\n"


def _hex(data: bytes) -> list[str]:
    return [f"  {data[at : at + 32].hex()}" for at in range(0, len(data), 32)]


def read_dump(text: str) -> ChipDump | None:
    """A dump out of text, ``None`` when it is none.

    Raises:
        ValueError: it is one, and a line of it cannot be understood.
    """
    parts = _parts(text)
    if parts is None:
        bare = re.sub(r"[\s,:;]|0x", "", text)
        if re.fullmatch(rf"[0-9a-fA-F]{{{2 * CONFIG_SIZE}}}", bare):
            return ChipDump(bytes.fromhex(bare))
        return None
    configuration = parts.pop("configuration", None)
    if configuration is not None and len(configuration) != CONFIG_SIZE:
        raise ValueError(f"the configuration has {len(configuration)} bytes; give all {CONFIG_SIZE}")
    slots = {int(name[5:]): data for name, data in parts.items() if name.startswith("slot ") and data}
    keys = {int(name[4:]): data for name, data in parts.items() if name.startswith("key ") and data}
    for slot, key in keys.items():
        _check_key(slot, key)
    left_out = frozenset(slot for slot in slots if _is_private(slot, configuration))
    for slot in left_out:
        del slots[slot]
    for slot, data in slots.items():
        if len(data) > SLOT_SIZES[slot]:
            raise ValueError(f"slot {slot} has {SLOT_SIZES[slot]} bytes, the dump gives {len(data)}")
    return (
        ChipDump(configuration, slots, keys, left_out) if configuration or slots or keys or left_out else None
    )


def _is_private(slot: int, configuration: bytes | None) -> bool:
    """Whether a slot's bytes are a private key: bit 0 of its KeyConfig; without one, 0 to 7 may hold one."""
    if configuration is None:
        return slot < _FIRST_DATA_SLOT
    return bool(configuration[_KEY_CONFIG + 2 * slot] & 1)


def _check_key(slot: int, key: bytes) -> None:
    """Refuse what is no public key.

    Raises:
        ValueError: it has another length, or is no point of the curve.
    """
    if len(key) != _KEY:
        raise ValueError(f"key {slot} has {len(key)} bytes; a public key has {_KEY}, X and Y")
    try:
        public_point(key)
    except ValueError:
        raise ValueError(f"key {slot} is no point of the curve P-256") from None


def _parts(text: str) -> dict[str, bytes] | None:
    """Bytes by heading; ``None`` when no heading is there."""
    parts: dict[str, bytes] = {}
    current: str | None = None
    for number, whole in enumerate(text.splitlines(), 1):
        line = whole.partition("#")[0].rstrip()
        head = _HEAD.match(line)
        if head and (head[1].lower() in {"configuration", "config", "otp"} or head[2] is not None):
            word = head[1].lower()
            kind = "configuration" if word == "config" else word
            current = kind if kind in {"configuration", "otp"} else f"{kind} {int(head[2])}"
            if head[2] is not None and int(head[2]) >= SLOT_COUNT:
                raise ValueError(f"line {number}: an ATECC608A has slots 0 to 15, not {head[2]}")
            parts.setdefault(current, b"")
        rest = head[3] if head and current is not None else line
        if current is None or not rest.strip():
            continue
        octets = _octets(rest)
        if octets is None:
            if line.startswith((" ", "\t")) or head:
                raise ValueError(f"line {number}: {_objection(rest)}")
            current = None
            continue
        parts[current] += octets
    return parts if parts and any(parts.values()) else None


def _objection(rest: str) -> str:
    """Why this is no sequence of hex bytes. It names one character at most: the line may be a private key."""
    bare = re.sub(r"[\s,:;]|0x", "", rest)
    bad = next((each for each in bare if each not in string.hexdigits), None)
    if bad is None:
        return f"{len(bare)} hex digits are no whole number of bytes"
    return f"{bad!r} is no hex digit"


def _octets(line: str) -> bytes | None:
    bare = re.sub(r"[\s,:;]|0x", "", line)
    if bare in {"withheld", "unreadable", "-"}:
        return b""
    try:
        return bytes.fromhex(bare)
    except ValueError:
        return None
