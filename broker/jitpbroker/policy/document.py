"""A policy document, read once and checked for what IAM insists on.

Evidence: document - AWS IoT developer guide, iot-policies, and the IAM user guide's policy grammar.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from jitpbroker.registry.jsontext import Json, parse_json

#: Policy variables are variables from this version on; in the older one ``${`` is plain text.
VERSION: Final = "2012-10-17"
_VERSIONS: Final = (VERSION, "2008-10-17")
_KEYS: Final = frozenset({"Version", "Statement", "Id"})
_STATEMENT_KEYS: Final = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


class PolicyInvalid(ValueError):  # noqa: N818 - reads as the sentence it is
    """A policy document that AWS would call malformed; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a Condition block: an operator, a key, and the values one of which must fit."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; ``not_actions`` and ``not_resources`` turn the match round."""

    allow: bool
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A policy document; ``variables`` is false in the version that had none."""

    statements: tuple[Statement, ...]
    variables: bool


@lru_cache(maxsize=1024)
def parse_policy(text: str) -> Document:
    """Read a policy document.

    Raises:
        PolicyInvalid: it is not JSON, or not a policy.
    """
    try:
        body = parse_json(text)
    except ValueError as error:
        raise PolicyInvalid(f"The policy document is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise PolicyInvalid('The policy document is no JSON object; write {"Version": …, "Statement": …}.')
    _check_keys(body, _KEYS, "The policy document")
    if body.get("Version") not in _VERSIONS:
        raise PolicyInvalid(f'The policy document\'s Version is {body.get("Version")!r}; write "{VERSION}".')
    listed = body.get("Statement")
    statements = listed if isinstance(listed, list) else [listed]
    if not statements:
        raise PolicyInvalid("The policy document has no Statement; write at least one.")
    return Document(
        tuple(_statement(each, number) for number, each in enumerate(statements, start=1)),
        body["Version"] == VERSION,
    )


def _statement(body: Json, number: int) -> Statement:
    where = f"Statement {number}"
    if not isinstance(body, dict):
        raise PolicyInvalid(f"{where} is no JSON object.")
    _check_keys(body, _STATEMENT_KEYS, where)
    if body.get("Effect") not in ("Allow", "Deny"):
        raise PolicyInvalid(f'{where} has Effect {body.get("Effect")!r}; write "Allow" or "Deny".')
    actions, not_actions = _either(body, "Action", "NotAction", where)
    resources, not_resources = _either(body, "Resource", "NotResource", where)
    conditions = _conditions(body.get("Condition", {}), where)
    return Statement(body["Effect"] == "Allow", actions, not_actions, resources, not_resources, conditions)


def _either(body: dict[str, Json], key: str, negated: str, where: str) -> tuple[tuple[str, ...], bool]:
    if (key in body) == (negated in body):
        raise PolicyInvalid(f"{where} needs {key} or {negated}, one of the two.")
    name = key if key in body else negated
    return _strings(body[name], f"{where}, {name},"), name == negated


def _conditions(body: Json, where: str) -> tuple[Condition, ...]:
    if not isinstance(body, dict):
        raise PolicyInvalid(f"{where} has a Condition that is no JSON object.")
    out = []
    for operator, block in body.items():
        if not isinstance(block, dict):
            raise PolicyInvalid(f"{where} has a condition {operator} that is no JSON object.")
        out += [
            Condition(operator, key, _strings(values, f"{where}, condition {operator}/{key},"))
            for key, values in block.items()
        ]
    return tuple(out)


def _strings(body: Json, where: str) -> tuple[str, ...]:
    """A string or a list of strings; true and false are written as IAM writes them."""
    listed = body if isinstance(body, list) else [body]
    texts = [str(each).lower() if isinstance(each, bool) else each for each in listed]
    if not texts:
        raise PolicyInvalid(f"{where} is empty; write at least one value.")
    out = tuple(each for each in texts if isinstance(each, str))
    if len(out) != len(texts):
        raise PolicyInvalid(f"{where} holds something other than strings.")
    return out


def _check_keys(body: dict[str, Json], known: frozenset[str], where: str) -> None:
    foreign = sorted(set(body) - known)
    if foreign:
        raise PolicyInvalid(
            f"{where} has the unknown key {foreign[0]!r}; known are {', '.join(sorted(known))}."
        )
