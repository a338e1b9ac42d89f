"""One thing that the evidence says."""

from __future__ import annotations

from dataclasses import dataclass, field

from jitplab.outcome import JsonValue
from jitplab.stop import By


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the evidence says.

    Attributes:
        sentence: for the reader.
        wrong: whether something is wrong; else it agrees.
        points_to: scenarios that it speaks for.
        kinds: kinds of stop that it speaks for; those of all other scenarios it speaks against.
    """

    sentence: str
    wrong: bool
    points_to: tuple[str, ...] = ()
    kinds: frozenset[By] = field(default_factory=frozenset)

    def as_json(self) -> dict[str, JsonValue]:
        """The object of ``jitplab doctor --json``."""
        return {"sentence": self.sentence, "wrong": self.wrong, "points_to": list(self.points_to)}
