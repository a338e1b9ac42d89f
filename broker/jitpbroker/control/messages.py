"""What travels: requests, answers and refusals, as facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

#: A parameter or a member of an answer: JSON, and times before they are written down.
Value: TypeAlias = "str | int | float | bool | datetime | list[Value] | dict[str, Value] | None"

#: What an operation answers, by the names of its output shape; ``None`` members are left out.
Answer: TypeAlias = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        method: in capitals.
        path: as sent, percent-encoding included, without the query.
        query: as sent, without the question mark.
        headers: names in lower case.
        body: whole.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response; ``note`` is a sentence for whoever runs the broker, never for the client."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    note: str | None = None


class Refused(Exception):  # noqa: N818 - reads as the sentence it is
    """An operation says no.

    Attributes:
        code: the name of the exception's shape in AWS's service model.
        message: one sentence.
        members: further members of the exception, such as ``resourceId``.
        note: a sentence for whoever runs the broker.
    """

    def __init__(
        self, code: str, message: str, members: Mapping[str, str] | None = None, note: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.members = dict(members or {})
        self.note = note


def invalid(message: str) -> Refused:
    """InvalidRequestException, the control plane's word for most mistakes."""
    return Refused("InvalidRequestException", message)
