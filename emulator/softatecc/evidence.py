"""What a behaviour was checked against, and how the source says so.

Rules of this file:
1. A mark is the word Evidence and a colon, a grade, a dash and a source, in a docstring or a comment
   where the behaviour is; the source goes on until a blank line or the next mark.
2. There are four grades. A mark with another word in its place is a fault of the source.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """From the strongest to the weakest; every behaviour carries exactly one."""

    SILICON = "silicon"
    VENDOR_LIBRARY = "vendor-library"
    DOCUMENT = "document"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark.

    Attributes:
        grade: what the behaviour was checked against.
        source: where that can be read, or for `Grade.ASSUMED` why it cannot.
    """

    grade: Grade
    source: str

    def __str__(self) -> str:
        return f"{self.grade} - {self.source}"


_WORD = "Evidence:"
_MARK = re.compile(
    r"Evidence:\s+(?P<grade>[a-z-]+) - (?P<source>.+?)(?=\s*\Z|\n[ \t]*\n|\s*Evidence:)", re.DOTALL
)


def marks_in(text: str) -> Iterator[Mark]:
    """The marks of a docstring or comment, in order.

    Raises:
        ValueError: a mark does not name one of the four grades and a source.
    """
    if _WORD not in text:
        return
    found = list(_MARK.finditer(text))
    if len(found) != text.count(_WORD):
        at = text.index(_WORD)
        line = text[at:].partition("\n")[0]
        raise ValueError(f"{line!r} is no mark; write it as 'Evidence: <grade> - <source>'")
    for each in found:
        grade = each["grade"]
        if grade not in (*Grade,):
            raise ValueError(f"{grade!r} is no grade; write one of {', '.join(Grade)}")
        source = " ".join(each["source"].split())
        yield Mark(Grade(grade), source)
