"""Deny, Allow, or neither: IAM's evaluation over all policies of a principal.

Evidence: document - IAM user guide, policy evaluation logic; AWS IoT developer guide, iot-policies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jitpbroker.policy.conditions import objection
from jitpbroker.policy.context import Context
from jitpbroker.policy.document import PolicyInvalid, Statement, parse_policy
from jitpbroker.policy.pattern import Unresolved, compile_pattern, matches, plain_pattern


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy to evaluate: its name, for the answer, and its document."""

    name: str
    document: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome; ``why`` names the statement that decided, or says that none matched."""

    allowed: bool
    why: str


def evaluate(policies: Iterable[NamedPolicy], action: str, resource: str, context: Context) -> Answer:
    """May the principal of ``context`` do ``action`` (``iot:Connect`` …) to ``resource`` (an ARN)?"""
    allowed_by: str | None = None
    near_misses: list[str] = []
    names: list[str] = []
    for policy in policies:
        names.append(policy.name)
        try:
            document = parse_policy(policy.document)
        except PolicyInvalid as error:
            near_misses.append(f"policy {policy.name} counts for nothing: {error}")
            continue
        for number, statement in enumerate(document.statements, start=1):
            where = f"statement {number} of policy {policy.name}"
            match _ask(statement, action, resource, context, variables=document.variables):
                case str() as clause:
                    near_misses.append(f"{where} does not apply: {clause}")
                case True if not statement.allow:
                    return Answer(allowed=False, why=f"{where} denies {action} on {resource}")
                case True:
                    allowed_by = allowed_by or f"{where} allows {action} on {resource}"
                case _:
                    pass
    if allowed_by is not None:
        return Answer(allowed=True, why=allowed_by)
    held = f"none of {', '.join(names)} allows" if names else "no policy is attached, so none allows"
    return Answer(allowed=False, why="; ".join((f"{held} {action} on {resource}", *near_misses)))


def _ask(
    statement: Statement, action: str, resource: str, context: Context, *, variables: bool
) -> bool | str:
    """``True``: the statement applies; ``False``: it is about something else; a clause: it nearly did."""
    named = any(matches(plain_pattern(each.lower()), action.lower()) for each in statement.actions)
    if named is statement.not_actions:
        return False

    unresolved: str | None = None
    found = False
    for each in statement.resources:
        try:
            pattern = compile_pattern(each, context.variable) if variables else plain_pattern(each)
        except Unresolved as error:
            unresolved = str(error)
        else:
            found = found or matches(pattern, resource)
    if unresolved and not found:
        return unresolved
    if found is statement.not_resources:
        return False
    return next((why for each in statement.conditions if (why := objection(each, context))), True)
