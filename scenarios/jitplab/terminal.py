"""Words on a terminal: colour where there is one, none where there is not."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Style:
    """Marks text for people; marks nothing when ``colour`` is false."""

    colour: bool

    def _mark(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def coded(self, code: int, text: str) -> str:
        """By an SGR code of one's own."""
        return self._mark(str(code), text)

    def bold(self, text: str) -> str:
        """A heading."""
        return self._mark("1", text)

    def dim(self, text: str) -> str:
        """Something to be skipped."""
        return self._mark("2", text)

    def good(self, text: str) -> str:
        """As foretold, admitted."""
        return self._mark("32", text)

    def bad(self, text: str) -> str:
        """Otherwise."""
        return self._mark("31", text)


def style_of(stream: TextIO) -> Style:
    """Colour on a terminal, unless NO_COLOR is set (no-color.org)."""
    return Style(stream.isatty() and not os.environ.get("NO_COLOR") and sys.platform != "win32")


def octets(data: bytes, most: int = 20) -> str:
    """Bytes in lower-case hex, two digits each, cut with an ellipsis."""
    shown = data[:most].hex(" ")
    return f"{shown} ..." if len(data) > most else shown
