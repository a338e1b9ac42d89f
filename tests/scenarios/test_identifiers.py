"""Whose key an identifier was made of: each derivation, in its order."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitplab.identifiers import LENGTH_DEFECT, Key, match

X, Y = bytes(range(32)), bytes(range(100, 132))
ROOT = Key("root", X + Y, 15)
OTHER = Key("other CA", Y + X)
PLAIN = "SHA1(04|X|Y)"


def sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"\4" + b"".join(parts), usedforsecurity=False).digest()


@pytest.mark.parametrize(
    "identifier, derivation, defect",
    [
        (sha1(X, Y), PLAIN, None),
        (sha1(X, Y, bytes(8)), "SHA1(04|X|Y|00*8)", LENGTH_DEFECT),
        (sha1(bytes(4), X, bytes(4), Y), "SHA1(04|00000000|X|00000000|Y)", "72-byte stored form"),
        (sha1(Y, X), "SHA1(04|Y|X)", "swapped"),
    ],
)
def test_each_derivation_is_found(identifier: bytes, derivation: str, defect: str | None) -> None:
    found = match(identifier, [ROOT])

    assert found is not None
    assert (found.key, found.slot, found.derivation) == ("root", 15, derivation)
    assert (found.defect is None) if defect is None else (defect in str(found.defect))


def test_the_right_derivation_of_a_later_key_is_preferred_to_a_defect_of_an_earlier_one() -> None:
    """Swapped, the first key is the second: the innocent explanation comes first."""
    found = match(sha1(Y, X), [ROOT, OTHER])

    assert found is not None
    assert (found.key, found.derivation, found.defect) == ("other CA", PLAIN, None)


def test_of_two_keys_that_fit_the_likelier_is_named() -> None:
    found = match(sha1(X, Y), [ROOT, Key("namesake", X + Y, 3)])

    assert found is not None
    assert found.key == "root"


@pytest.mark.parametrize(
    "fingerprint, name",
    [("a4d2642aa3f7", "all-zero slot"), ("94a7d5818ab9", "all-FF slot")],
)
def test_the_fingerprint_of_an_empty_slot_is_known_without_any_key(fingerprint: str, name: str) -> None:
    octet = b"\0" if "zero" in name else b"\xff"
    identifier = sha1(octet * 64)
    found = match(identifier, [])

    assert identifier.hex().startswith(fingerprint)
    assert found is not None
    assert name in found.key
    assert found.slot is None


def test_a_slot_with_nothing_in_it_is_named_before_the_nameless_one() -> None:
    found = match(sha1(bytes(64)), [Key("whatever lies in slot 13", bytes(64), 13)])

    assert found is not None
    assert found.slot == 13


def test_an_identifier_of_no_known_key_has_no_match() -> None:
    assert match(bytes(20), [ROOT, OTHER]) is None


def test_the_sentence_names_key_slot_derivation_and_defect() -> None:
    plain, padded = match(ROOT.identifier, [ROOT]), match(sha1(Y, X, bytes(8)), [OTHER])

    assert plain is not None
    assert plain.sentence() == "it is SHA1(04|X|Y) of the key of root, which lies in slot 15"
    assert padded is not None
    assert padded.sentence() == f"it is SHA1(04|X|Y|00*8) of the key of other CA: {LENGTH_DEFECT}"


@settings(deadline=None)
@given(st.binary(max_size=72), st.lists(st.binary(max_size=72), max_size=4))
def test_whatever_lies_in_a_slot_can_be_tried(identifier: bytes, slots: list[bytes]) -> None:
    keys = [Key(f"slot {number}", held, number) for number, held in enumerate(slots)]
    found = match(identifier, keys)

    assert found is None or len(identifier) == 20
    for key in keys:
        again = match(key.identifier, keys)
        assert again is not None
        assert again.derivation == PLAIN
