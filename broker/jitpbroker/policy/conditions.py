"""The condition operators that make sense for what MQTT gives a policy to look at.

Evidence: document - IAM user guide, condition operators; the numeric, date and ARN ones are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from jitpbroker.policy.context import Context
from jitpbroker.policy.document import Condition
from jitpbroker.policy.pattern import Pattern, Unresolved, Wildcard, compile_pattern, matches


@dataclass(frozen=True, slots=True)
class Operator:
    """How one value of a key is held against one value of the policy."""

    fits: Callable[[str, Pattern], bool]
    negated: bool = False


def _literal(pattern: Pattern) -> str:
    """The pattern as text, for operators to which a wildcard is a letter."""
    letters = {Wildcard.ANY_RUN: "*", Wildcard.ANY_ONE: "?"}
    return "".join(letters[each] if isinstance(each, Wildcard) else each for each in pattern)


def _equal(actual: str, wanted: Pattern) -> bool:
    return actual == _literal(wanted)


def _equal_ignoring_case(actual: str, wanted: Pattern) -> bool:
    return actual.casefold() == _literal(wanted).casefold()


def _like(actual: str, wanted: Pattern) -> bool:
    return matches(wanted, actual)


def _in_network(actual: str, wanted: Pattern) -> bool:
    try:
        return ip_address(actual) in ip_network(_literal(wanted), strict=False)
    except ValueError:
        return False


_OPERATORS: Final = {
    "StringEquals": Operator(_equal),
    "StringNotEquals": Operator(_equal, negated=True),
    "StringEqualsIgnoreCase": Operator(_equal_ignoring_case),
    "StringNotEqualsIgnoreCase": Operator(_equal_ignoring_case, negated=True),
    "StringLike": Operator(_like),
    "StringNotLike": Operator(_like, negated=True),
    "Bool": Operator(_equal_ignoring_case),
    "IpAddress": Operator(_in_network),
    "NotIpAddress": Operator(_in_network, negated=True),
}


def objection(condition: Condition, context: Context) -> str | None:
    """``None`` when the condition holds, else one clause saying why it does not."""
    qualifier, _, bare = condition.operator.rpartition(":")
    if_exists = bare.endswith("IfExists")
    name = bare.removesuffix("IfExists")
    actual = context.values(condition.key)
    shown = f"{condition.operator} {condition.key}"

    if name == "Null" and not qualifier and not if_exists:
        wanted = "false" if actual else "true"
        return None if wanted in condition.values else f"{shown} does not hold"
    operator = _OPERATORS.get(name)
    if operator is None or qualifier not in ("", "ForAllValues", "ForAnyValue"):
        return f"{condition.operator} is no condition operator known here, so it never holds"
    if not actual:
        missing_is_fine = if_exists or qualifier == "ForAllValues" or (operator.negated and not qualifier)
        return None if missing_is_fine else f"{shown} does not hold: the key has no value here"

    held = [_holds(operator, each, condition.values, context) for each in actual]
    if all(held) if qualifier == "ForAllValues" else any(held):
        return None
    return f"{shown} does not hold: it is {', '.join(actual)}"


def _holds(operator: Operator, actual: str, wanted: tuple[str, ...], context: Context) -> bool:
    return any(_fits(operator, actual, each, context) for each in wanted) is not operator.negated


def _fits(operator: Operator, actual: str, wanted: str, context: Context) -> bool:
    try:
        return operator.fits(actual, compile_pattern(wanted, context.variable))
    except Unresolved:
        return False
