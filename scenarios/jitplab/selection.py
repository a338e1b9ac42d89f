"""``-k EXPR``: which names a selection means, as pytest's ``-k`` does.

Rules of this file:
1. A word matches where it occurs in what is tried, whatever the case of its letters.
2. ``not`` binds closer than ``and``, ``and`` closer than ``or``; round brackets group.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

Selection: TypeAlias = "Callable[[str], bool]"

_TOKEN = re.compile(r"\s*(?:(?P<bracket>[()])|(?P<word>[^\s()]+))")
_OPERATORS = frozenset(("and", "or", "not"))


class SelectionError(ValueError):
    """The expression cannot be read; ``str()`` says where."""


def selection(expression: str) -> Selection:
    """A function that tells whether a text is meant.

    Args:
        expression: words with ``and``, ``or``, ``not`` and brackets, such as ``slot and not wrong``.

    Raises:
        SelectionError: it is no such expression.
    """
    tokens = [match["bracket"] or match["word"] for match in _TOKEN.finditer(expression)]
    parser = _Parser(expression, tokens)
    found = parser.either()
    if parser.next is not None:
        raise parser.complaint(f"{parser.next!r} comes after its end")
    return found


class _Parser:
    """A recursive descent, a method for each level of binding."""

    def __init__(self, expression: str, tokens: list[str]) -> None:
        self._expression = expression
        self._tokens = tokens

    @property
    def next(self) -> str | None:
        return self._tokens[0] if self._tokens else None

    def complaint(self, what: str) -> SelectionError:
        return SelectionError(
            f"-k {self._expression!r} cannot be read: {what}; write words with and, or, not and brackets"
        )

    def _took(self, token: str) -> bool:
        if self.next != token:
            return False
        del self._tokens[0]
        return True

    def either(self) -> Selection:
        found = self._both()
        while self._took("or"):
            found = _either(found, self._both())
        return found

    def _both(self) -> Selection:
        found = self._one()
        while self._took("and"):
            found = _both(found, self._one())
        return found

    def _one(self) -> Selection:
        if self._took("not"):
            return _not(self._one())
        if self._took("("):
            found = self.either()
            if not self._took(")"):
                raise self.complaint("a bracket is not closed")
            return found
        word = self.next
        if word is None or word in _OPERATORS or word == ")":
            raise self.complaint(
                "a word is missing" if word is None else f"a word is missing before {word!r}"
            )
        del self._tokens[0]
        return _has(word.lower())


def _has(word: str) -> Selection:
    return lambda text: word in text.lower()


def _not(one: Selection) -> Selection:
    return lambda text: not one(text)


def _both(left: Selection, right: Selection) -> Selection:
    return lambda text: left(text) and right(text)


def _either(left: Selection, right: Selection) -> Selection:
    return lambda text: left(text) or right(text)
