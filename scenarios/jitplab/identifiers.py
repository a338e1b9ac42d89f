"""Whose key is this identifier of? The search that names the slot.

A key identifier is SHA-1 of ``04 || X || Y``; when it is not the right one it is nearly always that of
another key at hand, or of the right key hashed at the wrong length. Both can be found by trying.

Evidence: vendor-library - each derivation below was produced by cryptoauthlib (the case, and
cryptoauthlib issue 410 for the 72-byte one).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jitplab.pki import key_identifier


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that might be behind an identifier.

    Attributes:
        name: what a person calls it.
        public_key: ``X || Y``, 64 bytes.
        slot: the data slot it lies in, ``None`` when that is unknown or it lies in none.
    """

    name: str
    public_key: bytes
    slot: int | None = None

    @property
    def identifier(self) -> bytes:
        """The key's identifier, 20 bytes."""
        return key_identifier(self.public_key)


@dataclass(frozen=True, slots=True)
class Match:
    """The key an identifier was made of, and how.

    Attributes:
        key: name of the key.
        slot: where it lies, if that is known.
        derivation: ``SHA1(04|X|Y)`` or what was hashed instead.
        defect: ``None`` for the right derivation, else one sentence naming the known defect.
    """

    key: str
    slot: int | None
    derivation: str
    defect: str | None = None

    def sentence(self) -> str:
        """What a person reads."""
        where = f", which lies in slot {self.slot}" if self.slot is not None else ""
        if self.defect is None:
            return f"it is {self.derivation} of the key of {self.key}{where}"
        return f"it is {self.derivation} of the key of {self.key}{where}: {self.defect}"


LENGTH_DEFECT = (
    "cryptoauthlib 3.7.9 and later hash the 72 bytes that the definition's count names, so the 64-byte key "
    "is followed by 8 zero bytes (issue 410); set the CA key's location to count 64 or patch the length"
)

_EMPTY_SLOTS = (
    Key("an all-zero slot (never written)", bytes(64)),
    Key("an all-FF slot (erased)", b"\xff" * 64),
)


def match(identifier: bytes, keys: Iterable[Key]) -> Match | None:
    """The first of ``keys``, or of the empty slots, that ``identifier`` was made of.

    Args:
        identifier: 20 bytes.
        keys: candidates, likeliest first.
    """
    candidates = (*keys, *_EMPTY_SLOTS)
    for key in candidates:
        if key.identifier == identifier:
            return Match(key.name, key.slot, "SHA1(04|X|Y)")
    for key in candidates:
        x, y = key.public_key[:32], key.public_key[32:]
        if key_identifier(x + y + bytes(8)) == identifier:
            return Match(key.name, key.slot, "SHA1(04|X|Y|00*8)", LENGTH_DEFECT)
        if key_identifier(bytes(4) + x + bytes(4) + y) == identifier:
            return Match(
                key.name,
                key.slot,
                "SHA1(04|00000000|X|00000000|Y)",
                "the 72-byte stored form was hashed instead of X and Y; strip the padding first",
            )
        if key_identifier(y + x) == identifier:
            return Match(key.name, key.slot, "SHA1(04|Y|X)", "the coordinates were swapped before hashing")
    return None
