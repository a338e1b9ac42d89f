"""How far a long run is, on a terminal that watches; nothing in a log."""

from __future__ import annotations

import sys

_ERASE = "\r\x1b[K"


def tell(text: str) -> None:
    """Say it in the place of what was said before; an empty text takes it away."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{_ERASE}{text}")
        sys.stderr.flush()
