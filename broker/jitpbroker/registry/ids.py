"""Where identifiers come from; passed in, so that a run can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TypeAlias

#: Gives another identifier, a UUID's 36 characters, at every call.
IdSource: TypeAlias = "Callable[[], str]"


def counting_ids() -> IdSource:
    """UUIDs that count from one: unique within a run, equal between runs."""
    numbers = count(1)

    def following() -> str:
        digits = f"{next(numbers):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    return following
