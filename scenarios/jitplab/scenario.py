"""What a scenario is: a story with one fault, what it foretells, and what was seen.

Rules of this file:
1. A scenario is right by default and has one fault; what stops it is named (an admission rule, a chip's
   status, a library's check …, see ``stop``), so that it cannot pass for the wrong reason.
2. The docstring is the page people read: what happens, then Cause, Symptom, Tell-tale and Cure.
3. What was foretold and what was seen are compared one by one; a run is as foretold when all agree.
4. A scenario never asks whether its chip is emulated. What it needs is declared, and whether it provisions
   a blank part for good or adopts one that has been provisioned.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from jitplab import own_scenarios
from jitplab.needs import Need
from jitplab.stop import By, Stop

if TYPE_CHECKING:
    from jitplab.lab import Lab
    from jitplab.outcome import Outcome

Parameter: TypeAlias = int
Story: TypeAlias = "Callable[..., Outcome]"


class Evidence(StrEnum):
    """What a scenario's expectation was checked against; exactly one."""

    SILICON = "silicon"
    VENDOR_LIBRARY = "vendor-library"
    DOCUMENT = "document"
    ASSUMED = "assumed"


class Part(StrEnum):
    """What a scenario does to its chip."""

    PROVISIONS = "provisions"  # needs a blank part, which is then spent
    ADOPTS = "adopts"  # takes a part that the same seed has provisioned, or provisions a blank one
    NONE = "none"  # needs no chip: its keys lie in files


class ScenarioError(Exception):
    """The scenario was asked for something it does not have; ``str()`` says what it has."""


class NeedUnmet(Exception):  # noqa: N818 - a need, not a malfunction
    """The scenario needs something this machine or this chip has not."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario of the catalogue.

    Attributes:
        name: what ``jitplab run`` takes.
        area: the folder it lies in.
        story: the function; takes a ``Lab`` and keyword parameters, returns an ``Outcome``.
        stopped_by: what stops it; ``None`` when it is let in or has several endings.
        admitted: whether the device is let in in the end.
        checked_against: the evidence behind the expectation.
        source: where that evidence is.
        twin: name of the scenario beside it: the healthy one, or the failure that this one is healthy for.
        question: which of the user's three questions it answers.
        part: whether it provisions, adopts, or needs no chip.
        needs: what else it needs.
        like: names of scenarios that look the same on the wire; the page says what tells them apart.
    """

    name: str
    area: str
    story: Story
    stopped_by: Stop | None
    admitted: bool
    checked_against: Evidence
    source: str
    twin: str | None
    question: int | None = None
    part: Part = Part.ADOPTS
    needs: tuple[Need, ...] = ()
    like: tuple[str, ...] = ()

    @property
    def refused_by(self) -> str | None:
        """The admission rule that stops it, where it is one."""
        if self.stopped_by is None or self.stopped_by.by is not By.RULE:
            return None
        return self.stopped_by.name

    @property
    def page(self) -> str:
        """The docstring, as it is shown."""
        return inspect.cleandoc(self.story.__doc__ or "")

    @property
    def title(self) -> str:
        """The page's first sentence."""
        return " ".join(self.page.split("\n\n")[0].split())

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """What can be set, with its default."""
        signature = inspect.signature(self.story)
        return {
            name: parameter.default
            for name, parameter in signature.parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }

    def check(self, parameters: Mapping[str, Parameter]) -> None:
        """Refuse parameters the scenario does not have.

        Raises:
            ScenarioError: naming the one and listing those it has.
        """
        for name in parameters:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise ScenarioError(f"{self.name} has no parameter {name!r}; it has: {known}")


_CATALOGUE: Final[dict[str, Scenario]] = {}


def scenario(  # noqa: PLR0913 - what a scenario says of itself, each by name
    *,
    refused_by: str | None = None,
    stopped_by: str | None = None,
    admitted: bool = False,
    checked_against: str,
    source: str,
    twin: str | None = None,
    question: int | None = None,
    part: Part = Part.ADOPTS,
    needs: tuple[Need, ...] = (),
    like: tuple[str, ...] = (),
) -> Callable[[Story], Story]:
    """Put a function into the catalogue under its own name, underscores as hyphens.

    Args:
        refused_by: short for ``stopped_by="rule …"``.
        stopped_by: ``KIND NAME``, see `jitplab.stop.Stop.parse`.
        admitted: whether the device is let in in the end.
        checked_against: the evidence behind the expectation.
        source: where that evidence is.
        twin: name of the healthy scenario beside it, or of the failure that it is healthy for.
        question: which of the user's three questions it answers.
        part: whether it provisions, adopts, or needs no chip.
        needs: what else it needs.
        like: names of scenarios that look the same on the wire.

    Raises:
        ValueError: a name that is taken, an unknown kind of stop, or two answers to what stops it.
    """
    if refused_by is not None and stopped_by is not None:
        raise ValueError("say refused_by or stopped_by, not both")
    if admitted and (refused_by or stopped_by):
        raise ValueError("a scenario that is admitted is stopped by nothing")
    stop = Stop(By.RULE, refused_by) if refused_by else Stop.parse(stopped_by) if stopped_by else None

    def enter(story: Story) -> Story:
        name = story.__name__.replace("_", "-")
        if name in _CATALOGUE:
            raise ValueError(f"two scenarios are called {name!r}")
        _CATALOGUE[name] = Scenario(
            name,
            _area(story.__module__),
            story,
            stop,
            admitted,
            Evidence(checked_against),
            source,
            twin,
            question,
            part,
            needs,
            like,
        )
        return story

    return enter


def _area(module: str) -> str:
    """The folder a module lies in; a module that lies in none stands for itself."""
    return module.split(".")[-2:][0]


@cache
def _load_ours() -> None:
    from jitplab import cases  # noqa: PLC0415 - the cases import this module

    for module in pkgutil.walk_packages(cases.__path__, cases.__name__ + "."):
        importlib.import_module(module.name)


def catalogue(own: Iterable[Path] = ()) -> Mapping[str, Scenario]:
    """Every scenario by name, in alphabetical order: ours, and the user's own (see ``own_scenarios``).

    Args:
        own: files and folders with more of them.

    Raises:
        ScenarioError: one of the user's files cannot be loaded; the sentence names file and line.
    """
    _load_ours()
    try:
        own_scenarios.load_named()
        own_scenarios.load_paths(own)
    except own_scenarios.CannotLoad as error:
        raise ScenarioError(str(error)) from None
    return dict(sorted(_CATALOGUE.items()))


def find(name: str, own: Iterable[Path] = ()) -> Scenario:
    """The scenario of that name.

    Args:
        name: as ``jitplab list`` shows it.
        own: files and folders with scenarios of the user's.

    Raises:
        ScenarioError: there is none; the sentence offers the nearest.
    """
    import difflib  # noqa: PLC0415 - only a typing error needs it

    known = catalogue(own)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "jitplab list shows them all"
    raise ScenarioError(f"there is no scenario {name!r}; {hint}")


def run(chosen: Scenario, lab: Lab, parameters: Mapping[str, Parameter]) -> Outcome:
    """Play a scenario in a lab and compare what was seen with what it foretells.

    Raises:
        ScenarioError: a parameter it does not have, or a value it has no story for.
        NeedUnmet: something it needs is not there.
    """
    chosen.check(parameters)
    for need in chosen.needs:
        if (why := lab.unmet(need)) is not None:
            raise NeedUnmet(f"{chosen.name}: {why}")
    return chosen.story(lab, **parameters).judged(chosen)
