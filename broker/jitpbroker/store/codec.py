"""Registry facts from the JSON that ``registry.snapshot`` makes of them, and back.

Rules of this file:
1. What is read is a fact of the type asked for or a `NoFact` that names the place.
2. A member that is missing has its default; a member nobody knows is an error, since a newer version may have
   meant something by it.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from jitpbroker.registry.jsontext import Json, parse_json
from jitpbroker.registry.snapshot import json_name, plain
from jitpbroker.registry.tables import Key
from jitpbroker.x509 import Certificate

_PEM: Final = "certificatePem"
_ID: Final = "certificateId"

#: A dataclass's fields: JSON name, field name, annotation, whether it may be missing.
_Members: TypeAlias = "tuple[tuple[str, str, object, bool], ...]"


class NoFact(ValueError):  # noqa: N818 - reads as the sentence it is
    """JSON that does not describe the fact asked for; the message says where it goes wrong."""


def write_fact(value: object) -> str:
    """A fact as one line of JSON."""
    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)


def write_key(key: Key) -> str:
    """A table's key as one line of JSON."""
    return json.dumps(key, separators=(",", ":"), ensure_ascii=False)


def read_fact(kind: object, text: str) -> object:
    """The fact of type ``kind`` in one line of JSON.

    Raises:
        ValueError: it is none, or no JSON; the sentence says where.
    """
    return fact_of(kind, parse_json(text))


def read_key(text: str) -> Key:
    """A table's key.

    Raises:
        ValueError: it is neither a name nor a pair of names.
    """
    return key_of(parse_json(text))


def key_of(value: Json) -> Key:
    """A table's key from JSON.

    Raises:
        ValueError: it is neither a name nor a pair of names.
    """
    match value:
        case str():
            return value
        case [str() as first, str() as second]:
            return (first, second)
        case _:
            raise NoFact(f"{value!r} is no key; expected a name or a pair of names")


def fact_of(kind: object, value: Json, where: str = "it") -> object:
    """The fact of type ``kind`` that ``value`` describes.

    Raises:
        ValueError: it describes none; the sentence says where.
    """
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (each for each in get_args(kind) if each is not type(None))
        return None if value is None else fact_of(inner, value, where)
    if origin is tuple:
        return _tuple(get_args(kind), value, where)
    if origin in (dict, Mapping):
        return _mapping(get_args(kind), value, where)
    if is_dataclass(kind):
        return _dataclass(cast("type", kind), value, where)
    return _scalar(kind, value, where)


def _scalar(kind: object, value: Json, where: str) -> object:
    if kind is datetime and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise NoFact(f"{where} is {value!r}, no ISO 8601 time") from None
        if moment.tzinfo is None:
            raise NoFact(f"{where} is {value!r}, which names no time zone")
        return moment
    if isinstance(kind, type) and issubclass(kind, StrEnum) and isinstance(value, str):
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(kind)
            raise NoFact(f"{where} is {value!r}; expected one of {known}") from None
    if kind in (str, int, bool) and type(value) is kind:
        return value
    name = kind.__name__ if isinstance(kind, type) else str(kind)
    raise NoFact(f"{where} is {value!r}; expected {name}")


def _tuple(arguments: tuple[object, ...], value: Json, where: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise NoFact(f"{where} is {value!r}; expected a list")
    if arguments[-1] is Ellipsis:
        return tuple(fact_of(arguments[0], each, f"{where}[{at}]") for at, each in enumerate(value))
    if len(value) != len(arguments):
        raise NoFact(f"{where} has {len(value)} members; expected {len(arguments)}")
    pairs = zip(arguments, value, strict=True)
    return tuple(fact_of(kind, each, f"{where}[{at}]") for at, (kind, each) in enumerate(pairs))


def _mapping(arguments: tuple[object, ...], value: Json, where: str) -> dict[object, object]:
    """A key of two parts was joined by a slash; the first part, AWS's word for a kind, has none."""
    if not isinstance(value, dict):
        raise NoFact(f"{where} is {value!r}; expected an object")
    of_key, of_value = arguments
    found: dict[object, object] = {}
    for name, each in value.items():
        key: object = name
        if of_key is not str:
            kind, slash, rest = name.partition("/")
            if not slash:
                raise NoFact(f"{where} has the key {name!r}; expected a kind, a slash and a name")
            key = (kind, rest)
        found[key] = fact_of(of_value, each, f"{where}.{name}")
    return found


def _dataclass(kind: type, value: Json, where: str) -> object:
    if not isinstance(value, dict):
        raise NoFact(f"{where} is {value!r}; expected an object")
    left = dict(value)
    made: dict[str, object] = {}
    for name, attribute, annotation, optional in _members(kind):
        if annotation is Certificate:
            made[attribute] = _certificate(left, where)
        elif name in left:
            made[attribute] = fact_of(annotation, left.pop(name), f"{where}.{name}")
        elif not optional:
            raise NoFact(f"{where} has no {name}")
    if left:
        raise NoFact(f"{where} has the unknown member {next(iter(left))!r}")
    make = cast("Callable[..., object]", kind)
    return make(**made)


def _certificate(left: dict[str, Json], where: str) -> Certificate:
    pem, certificate_id = left.pop(_PEM, None), left.pop(_ID, None)
    if not isinstance(pem, str):
        raise NoFact(f"{where} has no {_PEM}")
    certificate = Certificate.from_pem(pem)
    if certificate_id not in (None, certificate.id):
        raise NoFact(f"{where} has the {_ID} {certificate_id!r}, but its certificate is {certificate.id}")
    return certificate


@lru_cache(maxsize=64)
def _members(kind: type) -> _Members:
    hints = get_type_hints(kind)
    return tuple(
        (
            json_name(each.name),
            each.name,
            hints[each.name],
            each.default is not MISSING or each.default_factory is not MISSING,
        )
        for each in fields(kind)
    )
