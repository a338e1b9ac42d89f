"""JSON documents as customers write them: templates, policies."""

from __future__ import annotations

import json
from typing import Final, NoReturn, TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

#: Levels of nesting.  Evidence: assumed - AWS documents stay under twenty, and no limit is published.
DEEPEST: Final = 50
_TOO_DEEP: Final = f"The JSON is nested deeper than {DEEPEST} levels; flatten it."


def parse_json(text: str) -> Json:
    """Read a document strictly: no NaN, and no nesting that would exhaust a reader's stack.

    Raises:
        ValueError: ``text`` is not JSON; the sentence gives the parser's position.
    """
    try:
        document: Json = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if _depth(document) > DEEPEST:
        raise ValueError(_TOO_DEEP)
    try:
        one_line(document).encode()
    except UnicodeEncodeError:
        raise ValueError("The JSON holds half of a surrogate pair; escape whole characters.") from None
    return document


def _depth(document: Json) -> int:
    """Levels of lists and objects, counted without recursion."""
    depth = 0
    level = [document]
    while level := [each for each in level if isinstance(each, list | dict)]:
        depth += 1
        level = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
    return depth


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; write a number or a string.")


def one_line(value: Json) -> str:
    """The shortest JSON of ``value``, keys in their own order, for documents that are stored or hashed."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
