"""A scenario that was played, or could not be, and what came of it: of this, tables and pages are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from jitplab.outcome import Outcome
from jitplab.scenario import Scenario


class Verdict(StrEnum):
    """How a run ended."""

    AS_FORETOLD = "as foretold"
    OTHERWISE = "not as foretold"
    SKIPPED = "skipped"  # a need is unmet
    BROKEN = "broken"  # the scenario itself failed


@dataclass(frozen=True, slots=True)
class Played:
    """One scenario of a run.

    Attributes:
        name: the scenario's.
        outcome: what came of it; ``None`` when it was skipped or broke.
        skipped: the need that is unmet, in a sentence.
        error: why it broke, in a sentence.
        seconds: how long it took.
    """

    name: str
    outcome: Outcome | None = None
    skipped: str | None = None
    error: str | None = None
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """How it ended."""
        if self.error is not None:
            return Verdict.BROKEN
        if self.outcome is None:
            return Verdict.SKIPPED
        return Verdict.AS_FORETOLD if self.outcome.as_foretold else Verdict.OTHERWISE


def by_area(
    runs: Iterable[Played], known: Mapping[str, Scenario]
) -> Iterator[tuple[str, tuple[Played, ...]]]:
    """Each area with what was played of it, both in the order of their names.

    Args:
        runs: in any order.
        known: the catalogue.
    """

    def area(played: Played) -> str:
        return known[played.name].area

    for name, group in groupby(sorted(runs, key=lambda played: (area(played), played.name)), key=area):
        yield name, tuple(group)


def counts(runs: Iterable[Played]) -> dict[Verdict, int]:
    """How many ended each way, every way named."""
    verdicts = [played.verdict for played in runs]
    return {each: verdicts.count(each) for each in Verdict}
