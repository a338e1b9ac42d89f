"""How the store says no."""

from __future__ import annotations


class StateError(Exception):
    """The state cannot be read or written; the message names the file and what to do."""
