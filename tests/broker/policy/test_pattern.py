"""Wildcards, held against a slower matcher that nobody doubts."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.policy.pattern import matches, plain_pattern


def by_regular_expression(pattern: str, text: str) -> bool:
    letters = {"*": ".*", "?": "."}
    return (
        re.fullmatch("".join(letters.get(each, re.escape(each)) for each in pattern), text, re.DOTALL)
        is not None
    )


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_matching_agrees_with_regular_expressions(pattern: str, text: str) -> None:
    assert matches(plain_pattern(pattern), text) is by_regular_expression(pattern, text)


@given(st.text(st.characters(exclude_characters="*?")))
def test_a_text_without_wildcards_matches_itself_alone(text: str) -> None:
    assert matches(plain_pattern(text), text)
    assert not matches(plain_pattern(text), text + "x")


def test_many_stars_end_in_reasonable_work() -> None:
    assert not matches(plain_pattern("*a" * 40 + "b"), "a" * 2000)
