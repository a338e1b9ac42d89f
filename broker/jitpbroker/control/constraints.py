"""A request's parameters held against the model: required, type, length, range, pattern, enumeration.

Rules of this file:
1. Every objection is collected, so that one answer names all of them.
2. A value of the wrong JSON type is one sentence at once: nothing below it can be judged.

Evidence: assumed - the sentences are AWS's as they stand in users' pasted errors; no page lists them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

from jitpbroker.control.model import compiled, enum_of, pattern_of
from jitpbroker.registry.jsontext import Json

#: Characters of a value that an objection shows.
_SHOWN: Final = 256

_PYTHON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}


class WrongType(ValueError):  # noqa: N818 - reads as the sentence it is
    """A member has another JSON type than the model's."""


def objections(shape: Shape, value: Json) -> list[str]:
    """What the model objects to in ``value``; empty when nothing.

    Raises:
        WrongType: a member is a list where a string should be, and the like.
    """
    return list(_judge(shape, value, ""))


def sentence(found: list[str]) -> str:
    """Objections as AWS's answer puts them."""
    plural = "s" * (len(found) != 1)
    return f"{len(found)} validation error{plural} detected: {'; '.join(found)}"


def _judge(shape: Shape, value: Json, where: str) -> Iterator[str]:
    match shape, value:
        case StructureShape(), dict():
            yield from _structure(shape, value, where)
        case ListShape(), list():
            yield from _length(shape, len(value), value, where)
            for number, each in enumerate(value, start=1):
                yield from _judge(shape.member, each, f"{where}.{number}.member")
        case MapShape(), dict():
            yield from _length(shape, len(value), value, where)
            for key, each in value.items():
                yield from _judge(shape.key, key, f"{where}.key")
                yield from _judge(shape.value, each, f"{where}.{key}.member")
        case _:
            yield from _scalar(shape, value, where)


def _structure(shape: StructureShape, value: dict[str, Json], where: str) -> Iterator[str]:
    for name, member in shape.members.items():
        path = f"{where}.{name}" if where else name
        given = value.get(name)
        if given is not None:
            yield from _judge(member, given, path)
        elif name in shape.required_members:
            yield f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def _scalar(shape: Shape, value: Json, where: str) -> Iterator[str]:
    wanted = _PYTHON_TYPES.get(shape.type_name)
    if wanted is None or not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise WrongType(f"{where} must be of type {shape.type_name}, not {_json_type(value)}.")
    match value:
        case str():
            yield from _text(shape, value, where)
        case int() | float() if not isinstance(value, bool):
            yield from _bounds(shape, float(value), value, where, "value")
        case _:
            pass


def _text(shape: Shape, value: str, where: str) -> Iterator[str]:
    too_long_or_short = list(_length(shape, len(value), value, where))
    yield from too_long_or_short
    allowed = enum_of(shape)
    if allowed and value not in allowed:
        yield _objection(value, where, f"satisfy enum value set: [{', '.join(allowed)}]")
    pattern = pattern_of(shape)
    # A pattern is tried on lengths the model allows only, so that none of them can be made to take long.
    if pattern is not None and not too_long_or_short and not compiled(pattern).fullmatch(value):
        yield _objection(value, where, f"satisfy regular expression pattern: {pattern}")


def _length(shape: Shape, length: int, value: Json, where: str) -> Iterator[str]:
    return _bounds(shape, float(length), value, where, "length")


def _bounds(shape: Shape, number: float, value: Json, where: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        yield _objection(value, where, f"have {what} greater than or equal to {least}")
    if most is not None and number > most:
        yield _objection(value, where, f"have {what} less than or equal to {most}")


def _objection(value: Json, where: str, rule: str) -> str:
    text = str(value)
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f"Value '{shown}' at '{where}' failed to satisfy constraint: Member must {rule}"


def _json_type(value: Json) -> str:
    names = {dict: "object", list: "list", bool: "boolean", str: "string", int: "number", float: "number"}
    return names.get(type(value), "null")
