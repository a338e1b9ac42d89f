"""``-k`` means what pytest's ``-k`` means."""

from __future__ import annotations

import pytest

from jitplab.selection import SelectionError, selection

NAMES = ("onboarding/right-slot", "onboarding/wrong-slot-root-key", "policy/connect-denied")


@pytest.mark.parametrize(
    "expression, meant",
    [
        ("slot", {0, 1}),
        ("SLOT", {0, 1}),
        ("policy", {2}),
        ("slot and not wrong", {0}),
        ("right or denied", {0, 2}),
        ("not slot", {2}),
        ("not not slot", {0, 1}),
        ("not (right or denied)", {1}),
        ("right or wrong and denied", {0}),
        ("(right or wrong) and root", {1}),
        ("(right)or(denied)", {0, 2}),
        ("onboarding/wrong", {1}),
        ("nothing-like-it", set()),
    ],
)
def test_a_selection_means_the_names_that_pytest_would(expression: str, meant: set[int]) -> None:
    assert {number for number, name in enumerate(NAMES) if selection(expression)(name)} == meant


@pytest.mark.parametrize(
    "expression, sentence",
    [
        ("", "a word is missing"),
        ("slot and", "a word is missing"),
        ("and slot", "a word is missing before 'and'"),
        ("(slot", "a bracket is not closed"),
        ("()", "a word is missing before ')'"),
        ("slot)", "')' comes after its end"),
        ("slot wrong", "'wrong' comes after its end"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(expression: str, sentence: str) -> None:
    with pytest.raises(SelectionError, match="cannot be read") as caught:
        selection(expression)

    assert sentence in str(caught.value)
