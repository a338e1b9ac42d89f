"""Which failures of the catalogue fit, with what speaks for each and against it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jitplab.doctor.finding import Finding
from jitplab.doctor.situation import Result
from jitplab.outcome import JsonValue
from jitplab.scenario import Scenario

_MOST = 6


@dataclass(frozen=True, slots=True)
class Fit:
    """A scenario and the evidence.

    Attributes:
        name: the scenario's.
        title: its first sentence.
        in_favour: sentences.
        against: sentences.
        next_command: what to run next, from the scenario's own page.
    """

    name: str
    title: str
    in_favour: tuple[str, ...]
    against: tuple[str, ...]
    next_command: str

    def as_json(self) -> dict[str, JsonValue]:
        """The object of ``jitplab doctor --json``."""
        return {
            "scenario": self.name,
            "title": self.title,
            "for": list(self.in_favour),
            "against": list(self.against),
            "next": self.next_command,
        }


def rank(
    found: Sequence[Finding], tried: Result | None, catalogue: Mapping[str, Scenario]
) -> tuple[Fit, ...]:
    """The failures that fit best, the likeliest first."""
    fits = [fit for each in catalogue.values() if not each.admitted and (fit := _fit(each, found, tried))]
    fits.sort(key=lambda fit: (len(fit.against) - 2 * len(fit.in_favour), fit.name))
    return tuple(fits[:_MOST])


def alike(found: Sequence[Finding], catalogue: Mapping[str, Scenario]) -> tuple[str, ...]:
    """Scenarios whose kind of stop every finding that names kinds allows."""
    kinds = [finding.kinds for finding in found if finding.kinds]
    if not kinds:
        return ()
    return tuple(
        each.name
        for each in catalogue.values()
        if each.stopped_by is not None and all(each.stopped_by.by in allowed for allowed in kinds)
    )


def _fit(each: Scenario, found: Sequence[Finding], tried: Result | None) -> Fit | None:
    stop = each.stopped_by
    favour = [finding.sentence for finding in found if each.name in finding.points_to]
    against = []
    for finding in found:
        if not finding.kinds or stop is None:
            continue
        if stop.by not in finding.kinds:
            against.append(f"it would be stopped by {stop}, and: {finding.sentence}")
    if tried is not None and tried.stop is not None and stop is not None:
        if stop == tried.stop:
            favour.append(f"tried: {tried.stop} stops this device")
        else:
            against.append(f"tried: {tried.stop} stops this device, not {stop}")
    if not favour:
        return None
    return Fit(each.name, each.title, tuple(favour), tuple(against), _command(each))


#: What can be run once names are filled in: a command that only names itself in a sentence cannot.
_RUNNABLE: Final = re.compile(
    r"`(aws iot (?:list-ca-certificates|list-certificates|get-registration-code)|aws \S+ \S+ --[^`]+"
    r"|openssl [^`]*\.(?:pem|der|crt)\b[^`]*|jitplab (?:chip \w+|(?!chip)\w+) [^`]+)`"
)


def _command(each: Scenario) -> str:
    """The first runnable command of the page's tell-tale, or the scenario's page."""
    tale = each.page.partition("Tell-tale.")[2].partition("Cure.")[0]
    found = _RUNNABLE.search(" ".join(tale.split()))
    return found[1] if found else f"jitplab show {each.name}"
