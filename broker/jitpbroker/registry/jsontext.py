"""JSON documents as customers write them: templates, policies."""

from __future__ import annotations

import json
from typing import NoReturn, TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def parse_json(text: str) -> Json:
    """Read a document strictly: no NaN, and no depth that would exhaust the stack.

    Raises:
        ValueError: ``text`` is not JSON; the sentence gives the parser's position.
    """
    try:
        document: Json = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply; AWS documents need four levels.") from None
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; write a number or a string.")


def one_line(value: Json) -> str:
    """The shortest JSON of ``value``, keys in their own order, for documents that are stored or hashed."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
