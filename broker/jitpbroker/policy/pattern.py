"""IAM's wildcards, and the variables that may stand between them.

Evidence: document - AWS IoT developer guide, pub-sub-policy and cert-policy-variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto
from functools import lru_cache
from typing import Final, TypeAlias


class Wildcard(Enum):
    """A pattern's two special characters."""

    ANY_RUN = auto()  # *, also across slashes
    ANY_ONE = auto()  # ?


#: A pattern taken apart: literal characters and wildcards.
Pattern: TypeAlias = "tuple[str | Wildcard, ...]"

_SPECIAL: Final[dict[str, str | Wildcard]] = {"*": Wildcard.ANY_RUN, "?": Wildcard.ANY_ONE}
_VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")

#: ``${*}`` and the like stand for the character itself (IAM user guide, policy variables).
_ESCAPED: Final = frozenset("*?$")


class Unresolved(ValueError):  # noqa: N818 - reads as the sentence it is
    """A policy variable has no value that AWS would put in; the message says which and why."""


def compile_pattern(text: str, resolve: Callable[[str], str]) -> Pattern:
    """Take a pattern apart; a variable's value is taken literally, wildcards in it included.

    Raises:
        Unresolved: ``resolve`` does not know a variable.
    """
    if "${" not in text:
        return plain_pattern(text)
    out: list[str | Wildcard] = []
    position = 0
    for found in _VARIABLE.finditer(text):
        out += plain_pattern(text[position : found.start()])
        name = found.group(1)
        out += name if name in _ESCAPED else resolve(name)
        position = found.end()
    return (*out, *plain_pattern(text[position:]))


@lru_cache(maxsize=1024)
def plain_pattern(text: str) -> Pattern:
    """Take a pattern without variables apart."""
    return tuple(_SPECIAL.get(letter, letter) for letter in text)


def matches(pattern: Pattern, text: str) -> bool:
    """Does the whole of ``text`` fit? Quadratic at worst, whatever the pattern."""
    at_pattern = at_text = 0
    retry: tuple[int, int] | None = None  # where to go on when the latest * has to swallow one letter more
    while at_text < len(text):
        token = pattern[at_pattern] if at_pattern < len(pattern) else None
        if token is Wildcard.ANY_RUN:
            at_pattern += 1
            if at_pattern == len(pattern):
                return True
            retry = (at_pattern, at_text + 1)
        elif token is Wildcard.ANY_ONE or token == text[at_text]:
            at_pattern += 1
            at_text += 1
        elif retry is not None:
            at_pattern, at_text = retry
            retry = (at_pattern, at_text + 1)
        else:
            return False
    return all(token is Wildcard.ANY_RUN for token in pattern[at_pattern:])
