"""What is wrong with a rebuilt certificate, in one line: which field, made of what, and what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from jitplab import anatomy
from jitplab.identifiers import Key, match
from jitplab.outcome import JsonValue
from jitplab.xray.origins import Kind, Region

#: A wrong key makes wrong identifiers, a wrong date a wrong number: the cause comes before what follows.
_FIRST: Final = (
    "subjectPublicKey",
    "notBefore",
    "notAfter",
    "authorityKeyIdentifier",
    "subjectKeyIdentifier",
)
_IDENTIFIERS: Final = frozenset({"authorityKeyIdentifier", "subjectKeyIdentifier"})
_DATES: Final = frozenset({"notBefore", "notAfter"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A field that is not as issued.

    Attributes:
        difference: its bytes, rebuilt and issued.
        origin: where the rebuilt ones came from.
        sentence: what that means.
    """

    difference: anatomy.Difference
    origin: Region | None
    sentence: str

    def as_json(self) -> dict[str, JsonValue]:
        """The finding with the keys of ``jitplab xray --json``."""
        field = self.difference.field
        return {
            "field": field.name,
            "offset": field.offset,
            "length": field.length,
            "rebuilt": self.difference.ours.hex(),
            "issued": self.difference.theirs.hex(),
            "origin": self.origin.words if self.origin else None,
            "sentence": self.sentence,
        }


def findings(
    rebuilt: bytes, issued: bytes, found: Sequence[Region], keys: Iterable[Key]
) -> tuple[Finding, ...]:
    """The fields that differ, the cause first.

    Args:
        rebuilt: DER.
        issued: DER.
        found: the rebuilt one's origins, in order; empty where no definition is known.
        keys: whatever an identifier or key could belong to.

    Raises:
        ValueError: one of the two is no certificate.
    """
    known = tuple(keys)
    out = []
    for difference in anatomy.differences(rebuilt, issued):
        at = difference.at[0] if difference.at else difference.field.offset
        origin = next((region for region in found if region.offset <= at < region.end), None)
        out.append(Finding(difference, origin, _sentence(difference, origin, known)))
    return tuple(sorted(out, key=_rank))


def _rank(finding: Finding) -> int:
    name = finding.difference.field.name
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _sentence(difference: anatomy.Difference, origin: Region | None, keys: tuple[Key, ...]) -> str:
    field = difference.field
    what = f"{field.name} (offset {field.offset}, {field.length} bytes)"
    if field.name in _IDENTIFIERS:
        ours, theirs = _identifier(difference.ours, keys), _identifier(difference.theirs, keys)
        return f"{what}: {ours}; the issued one: {theirs}"
    if field.name == "subjectPublicKey":
        return f"{what} is {_owner(difference.ours, keys)}; issued was {_owner(difference.theirs, keys)}"
    made = f", from {origin.words}" if origin else ""
    if origin is not None and origin.kind is Kind.TEMPLATE:
        made = ", which this definition would take from its template: the firmware's definition is another"
    if field.name in _DATES:
        ours, theirs = (
            difference.ours.decode("ascii", "replace"),
            difference.theirs.decode("ascii", "replace"),
        )
        hint = '; 9999 is how "no expiry" is rendered' if ours.startswith("9999") else ""
        return f"{what} says {ours}{made}; issued was {theirs}{hint}"
    return f"{what} is {_octets(difference.ours)}{made}; issued was {_octets(difference.theirs)}"


def _identifier(value: bytes, keys: tuple[Key, ...]) -> str:
    found = match(value, keys)
    return found.sentence() if found is not None else f"{value.hex()}, of no key at hand"


def _owner(public_key: bytes, keys: tuple[Key, ...]) -> str:
    for key in keys:
        if key.public_key == public_key:
            where = f", which lies in slot {key.slot}" if key.slot is not None else ""
            return f"the key of {key.name}{where}"
    return f"{public_key[:8].hex()}..., of no key at hand"


def _octets(data: bytes) -> str:
    return data.hex() if len(data) <= 24 else f"{data[:16].hex()}... ({len(data)} bytes)"
