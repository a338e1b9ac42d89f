"""A run as pages: one for each scenario, and an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from jitplab.html.page import element, page, table
from jitplab.html.scenario_page import file_name, scenario_page, verdict
from jitplab.played import Played, by_area, counts
from jitplab.scenario import Scenario


def write_report(directory: Path, runs: Sequence[Played], known: Mapping[str, Scenario]) -> Path:
    """Write the pages of a run; returns the index.

    Args:
        directory: made where it is missing; pages of the same names are replaced.
        runs: what was played.
        known: the catalogue.

    Raises:
        OSError: the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    by_name = {played.name: played for played in runs}
    for played in runs:
        chosen = known[played.name]
        twin = by_name.get(chosen.twin) if chosen.twin else None
        text = scenario_page(chosen, played, twin, {name: known[name] for name in by_name})
        (directory / file_name(played.name)).write_text(text, encoding="utf-8")
    index = directory / "index.html"
    index.write_text(index_page(runs, known), encoding="utf-8")
    return index


def index_page(runs: Sequence[Played], known: Mapping[str, Scenario]) -> str:
    """What was played, by area."""
    summary = ", ".join(f"{count} {each}" for each, count in counts(runs).items() if count)
    return page(
        "A run of jitplab",
        element("h1", "A run of jitplab"),
        element("p", f"{len(runs)} scenarios: {summary or 'none was played'}."),
        *_areas(runs, known),
    )


def _areas(runs: Sequence[Played], known: Mapping[str, Scenario]) -> Iterator[Element]:
    for name, group in by_area(runs, known):
        yield element("h2", name)
        yield element(
            "div",
            table(
                ("scenario", "what happens", "stopped by", "verdict"),
                *(_row(played, known[played.name]) for played in group),
            ),
            class_="wide",
        )


def _row(played: Played, chosen: Scenario) -> tuple[Element | str, ...]:
    stop = played.outcome.stop if played.outcome is not None else None
    stopped = "nothing, admitted" if chosen.admitted else str(stop) if stop is not None else "see its page"
    return (
        element("a", played.name, href=file_name(played.name)),
        chosen.title,
        stopped,
        element("span", verdict(played.verdict), f": {played.skipped or played.error}")
        if played.skipped or played.error
        else verdict(played.verdict),
    )
