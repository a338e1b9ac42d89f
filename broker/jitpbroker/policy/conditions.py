"""The condition operators.

Rules of this file:
1. A value that is no number, date, address or ARN fits nothing; a negated operator then holds.
2. ``ArnEquals`` is ``ArnLike``: wildcards count, each within its own part of the ARN.
3. Whatever stands behind a key is text; AWS IoT's keys know no other type.

Evidence: document - IAM user guide, reference_policies_elements_condition_operators; that AWS IoT takes all
of them on device policies is inferred, its own pages show the string ones, Bool, IpAddress and Null.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network
from typing import Final

from jitpbroker.policy.context import Context
from jitpbroker.policy.document import Condition
from jitpbroker.policy.pattern import Pattern, Unresolved, Wildcard, compile_pattern, matches

_ARN_PARTS: Final = 6


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


def _arn_like(actual: str, wanted: Pattern) -> bool:
    """Each of the six parts for itself, so that no wildcard reaches across a colon but in the last."""
    parts: list[list[str | Wildcard]] = [[]]
    for letter in wanted:
        if letter == ":" and len(parts) < _ARN_PARTS:
            parts.append([])
        else:
            parts[-1].append(letter)
    given = actual.split(":", _ARN_PARTS - 1)
    return len(given) == len(parts) == _ARN_PARTS and all(map(matches, map(tuple, parts), given))


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"{text} is no number to compare with")
    return number


def _moment(text: str) -> datetime:
    """ISO 8601, or seconds since 1970; without a zone it is UTC."""
    if text.isascii() and text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _numbers(compare: Callable[[Decimal, Decimal], bool]) -> Callable[[str, Pattern], bool]:
    def fits(actual: str, wanted: Pattern) -> bool:
        try:
            return compare(_number(actual), _number(_literal(wanted)))
        except (ValueError, InvalidOperation):
            return False

    return fits


def _moments(compare: Callable[[datetime, datetime], bool]) -> Callable[[str, Pattern], bool]:
    def fits(actual: str, wanted: Pattern) -> bool:
        try:
            return compare(_moment(actual), _moment(_literal(wanted)))
        except (ValueError, OverflowError, OSError):
            return False

    return fits


_OPERATORS: Final = {
    "StringEquals": Operator(_equal),
    "StringNotEquals": Operator(_equal, negated=True),
    "StringEqualsIgnoreCase": Operator(_equal_ignoring_case),
    "StringNotEqualsIgnoreCase": Operator(_equal_ignoring_case, negated=True),
    "StringLike": Operator(_like),
    "StringNotLike": Operator(_like, negated=True),
    "NumericEquals": Operator(_numbers(operator.eq)),
    "NumericNotEquals": Operator(_numbers(operator.eq), negated=True),
    "NumericLessThan": Operator(_numbers(operator.lt)),
    "NumericLessThanEquals": Operator(_numbers(operator.le)),
    "NumericGreaterThan": Operator(_numbers(operator.gt)),
    "NumericGreaterThanEquals": Operator(_numbers(operator.ge)),
    "DateEquals": Operator(_moments(operator.eq)),
    "DateNotEquals": Operator(_moments(operator.eq), negated=True),
    "DateLessThan": Operator(_moments(operator.lt)),
    "DateLessThanEquals": Operator(_moments(operator.le)),
    "DateGreaterThan": Operator(_moments(operator.gt)),
    "DateGreaterThanEquals": Operator(_moments(operator.ge)),
    "Bool": Operator(_equal_ignoring_case),
    "IpAddress": Operator(_in_network),
    "NotIpAddress": Operator(_in_network, negated=True),
    "ArnEquals": Operator(_arn_like),
    "ArnLike": Operator(_arn_like),
    "ArnNotEquals": Operator(_arn_like, negated=True),
    "ArnNotLike": Operator(_arn_like, negated=True),
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
    chosen = _OPERATORS.get(name)
    if chosen is None or qualifier not in ("", "ForAllValues", "ForAnyValue"):
        return f"{condition.operator} is no condition operator known here, so it never holds"
    if not actual:
        missing_is_fine = if_exists or qualifier == "ForAllValues" or (chosen.negated and not qualifier)
        return None if missing_is_fine else f"{shown} does not hold: the key has no value here"

    held = [_holds(chosen, each, condition.values, context) for each in actual]
    if all(held) if qualifier == "ForAllValues" else any(held):
        return None
    return f"{shown} does not hold: it is {', '.join(actual)}"


def _holds(chosen: Operator, actual: str, wanted: tuple[str, ...], context: Context) -> bool:
    return any(_fits(chosen, actual, each, context) for each in wanted) is not chosen.negated


def _fits(chosen: Operator, actual: str, wanted: str, context: Context) -> bool:
    try:
        return chosen.fits(actual, compile_pattern(wanted, context.variable))
    except Unresolved:
        return False
