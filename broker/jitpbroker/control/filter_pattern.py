"""CloudWatch's filter patterns, as far as they select AWS IoT's entries.

Rules of this file:
1. ``{ $.field = "text" }`` compares members of a JSON event; ``&&``, ``||`` and parentheses combine.
2. Otherwise words: all must occur; with ``?`` one of those must; with ``-`` none of those may. Quotes hold
   words together, and letter case counts.
3. A pattern that is neither is refused in one sentence.

Evidence: document - CloudWatch Logs user guide, filter and pattern syntax; regular expressions, arrays and
space-delimited events are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from jitpbroker.control.messages import Refused

#: Does this event's message fit?
Filter: TypeAlias = Callable[[str], bool]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<selector>\$(?:\.[A-Za-z0-9_-]+)+)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<operator>&&|\|\||!=|<=|>=|[=<>()])"""
    r"""|(?P<word>[^\s()=<>!&|"{}]+))"""
)
_WORD: Final = re.compile(r"""([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))""")
_MOST_TOKENS: Final = 200


def filter_of(pattern: str) -> Filter:
    """The filter a pattern stands for; an empty pattern lets everything through.

    Raises:
        Refused: it is none, or one that is not supported here.
    """
    text = pattern.strip()
    if text.startswith("{"):
        if not text.endswith("}"):
            raise _invalid(pattern, "it has no closing brace")
        return _Json(pattern, text[1:-1]).parsed()
    if text.startswith(("[", "%")):
        raise _invalid(pattern, "space-delimited patterns and regular expressions are not supported here")
    return _words(text)


def _words(text: str) -> Filter:
    found = [(sign, quoted or bare) for sign, quoted, bare in _WORD.findall(text)]
    needed = [word for sign, word in found if not sign]
    optional = [word for sign, word in found if sign == "?"]
    banned = [word for sign, word in found if sign == "-"]

    def fits(message: str) -> bool:
        return (
            all(word in message for word in needed)
            and (not optional or any(word in message for word in optional))
            and not any(word in message for word in banned)
        )

    return fits


class _Json:
    """Parses what stands between the braces: or, and, parentheses, comparisons."""

    def __init__(self, pattern: str, inside: str) -> None:
        self._pattern = pattern
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while inside[position:].strip():
            found = _TOKEN.match(inside, position)
            if found is None or len(self._tokens) >= _MOST_TOKENS:
                raise _invalid(pattern, f"it cannot be read from {inside[position : position + 20]!r} on")
            self._tokens.append((str(found.lastgroup), found.group(str(found.lastgroup))))
            position = found.end()

    def parsed(self) -> Filter:
        """The whole pattern."""
        fits = self._either()
        if self._tokens:
            raise _invalid(self._pattern, f"{self._tokens[0][1]} was not expected there")

        def judge(message: str) -> bool:
            try:
                document = json.loads(message)
            except ValueError:
                return False
            return isinstance(document, dict) and fits(document)

        return judge

    def _either(self) -> Callable[[object], bool]:
        parts = [self._both()]
        while self._take("||"):
            parts.append(self._both())
        return lambda document: any(part(document) for part in parts)

    def _both(self) -> Callable[[object], bool]:
        parts = [self._one()]
        while self._take("&&"):
            parts.append(self._one())
        return lambda document: all(part(document) for part in parts)

    def _one(self) -> Callable[[object], bool]:
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise _invalid(self._pattern, "a parenthesis is not closed")
            return inner
        kind, selector = self._next("a selector such as $.eventType")
        if kind != "selector":
            raise _invalid(self._pattern, f"{selector} stands where a selector such as $.eventType should")
        _, operator = self._next("an operator")
        kind, wanted = self._next("a value")
        if operator not in _COMPARE or kind not in ("text", "word"):
            raise _invalid(self._pattern, f"{selector} {operator} {wanted} is no comparison")
        value = re.sub(r"\\(.)", r"\1", wanted[1:-1]) if kind == "text" else wanted
        path = selector.split(".")[1:]
        return lambda document: _compare(operator, _member(document, path), value)

    def _take(self, text: str) -> bool:
        if self._tokens and self._tokens[0] == ("operator", text):
            del self._tokens[0]
            return True
        return False

    def _next(self, what: str) -> tuple[str, str]:
        if not self._tokens:
            raise _invalid(self._pattern, f"it ends where {what} should stand")
        return self._tokens.pop(0)


def _member(document: object, path: list[str]) -> object:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def _compare(operator: str, held: object, wanted: str) -> bool:
    """A member against a value: as numbers where both are, else as text with ``*`` as wildcard."""
    if held is None:
        return False
    if isinstance(held, int | float) and not isinstance(held, bool):
        try:
            return _COMPARE[operator](held, float(wanted))
        except ValueError:
            return operator == "!="
    text = str(held).lower() if isinstance(held, bool) else str(held)
    same = fnmatchcase(text, wanted.replace("[", "[[]").replace("?", "[?]"))
    return same if operator == "=" else not same if operator == "!=" else False


def _invalid(pattern: str, why: str) -> Refused:
    return Refused("InvalidParameterException", f"Invalid filter pattern {pattern[:100]!r}: {why}.")
