"""What a rule is: a question with a name, a source and a reason for the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from jitpbroker.admission.case import Case
from jitpbroker.admission.evidence import Grade

#: ``None`` means no objection, else one sentence.
Answer: TypeAlias = "Callable[[Case], str | None]"


class AuthnReason(StrEnum):
    """``reason`` of a Connection.AuthNError entry; AWS knows more, these are the ones admission needs.

    Evidence: document - AWS What's New 2026-06-03 and the CloudWatch log format page.
    """

    DEVICE_CERTIFICATE_INACTIVE = "DEVICE_CERTIFICATE_INACTIVE"
    DEVICE_CERTIFICATE_NOT_REGISTERED = "DEVICE_CERTIFICATE_NOT_REGISTERED"
    DEVICE_CERTIFICATE_REVOKED = "DEVICE_CERTIFICATE_REVOKED"
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    SNI_MISUSED = "SNI_MISUSED"


@dataclass(frozen=True, slots=True)
class Rule:
    """A named question about a CONNECT.

    Attributes:
        name: what traces and scenarios call it.
        question: the sentence in the manual.
        grade: what the rule was checked against.
        source: where that can be read.
        since: the year from which AWS is known, or held, to behave so.
        log_reason: what a Connection.AuthNError entry gives as reason when this rule objects.
        ask: the question itself.
    """

    name: str
    question: str
    grade: Grade
    source: str
    since: int
    log_reason: AuthnReason
    ask: Answer


def rule(
    grade: Grade,
    source: str,
    *,
    since: int,
    log_reason: AuthnReason = AuthnReason.DEVICE_CERTIFICATE_NOT_REGISTERED,
) -> Callable[[Answer], Rule]:
    """Make a function a rule; its name is the rule's, the first line of its docstring the question."""

    def make(ask: Answer) -> Rule:
        question = (ask.__doc__ or "").strip().partition("\n")[0]
        return Rule(ask.__name__, question, grade, source, since, log_reason, ask)

    return make
