"""What a behaviour was checked against, and how the source says so.

Rules of this file:
1. A mark is the word Evidence and a colon, a grade, a dash and a source, in a docstring or a comment
   where the behaviour is; the source goes on to a full stop at the end of a line, to a blank line or to
   the next mark.
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
    r"Evidence:\s+(?P<grade>[a-z-]+) - (?P<source>.+?)(?=\.?\s*\Z|\.[ \t]*\n|\n[ \t]*\n|\s*Evidence:)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Marked:
    """A mark and the text it stands behind.

    Attributes:
        before: the text between the mark before it, or the beginning, and this one.
        mark: the mark.
    """

    before: str
    mark: Mark


def marked_in(text: str) -> Iterator[Marked]:
    """The marks of a docstring or comment, in order, each with the text before it.

    Raises:
        ValueError: a mark does not name one of the four grades and a source.
    """
    found = list(_MARK.finditer(text))
    if len(found) != text.count(_WORD):
        line = text[text.index(_WORD) :].partition("\n")[0]
        raise ValueError(f"{line!r} is no mark; write it as 'Evidence: <grade> - <source>'")
    end = 0
    for each in found:
        grade = each["grade"]
        if grade not in (*Grade,):
            raise ValueError(f"{grade!r} is no grade; write one of {', '.join(Grade)}")
        source = " ".join(each["source"].split())
        yield Marked(text[end : each.start()], Mark(Grade(grade), source))
        end = each.end()


def marks_in(text: str) -> tuple[Mark, ...]:
    """The marks of a docstring or comment, in order.

    Raises:
        ValueError: as `marked_in`.
    """
    return tuple(each.mark for each in marked_in(text)) if _WORD in text else ()
