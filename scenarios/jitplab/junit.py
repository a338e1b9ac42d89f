"""A run as JUnit XML, the form every CI server reads: a suite for each area, a case for each scenario."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from jitplab.played import Played, Verdict, by_area, counts
from jitplab.run_report import disagreements
from jitplab.scenario import Scenario

#: What XML 1.0 has no way to say, not even escaped (section 2.2 of its specification).
_UNSAYABLE: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(runs: Sequence[Played], known: Mapping[str, Scenario]) -> str:
    """The document.

    Args:
        runs: what was played.
        known: the catalogue.
    """
    root = Element("testsuites", {"name": "jitplab", **_counts(runs)})
    for area, members in by_area(runs, known):
        suite = SubElement(root, "testsuite", {"name": f"jitplab.{area}", **_counts(members)})
        suite.extend(_case(played, known[played.name]) for played in members)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _counts(runs: Sequence[Played]) -> dict[str, str]:
    ended = counts(runs)
    return {
        "tests": str(len(runs)),
        "failures": str(ended[Verdict.OTHERWISE]),
        "errors": str(ended[Verdict.BROKEN]),
        "skipped": str(ended[Verdict.SKIPPED]),
        "time": f"{sum(played.seconds for played in runs):.3f}",
    }


def _case(played: Played, chosen: Scenario) -> Element:
    case = Element(
        "testcase", classname=f"jitplab.{chosen.area}", name=played.name, time=f"{played.seconds:.3f}"
    )
    for tag, message, text in _results(played):
        SubElement(case, tag, message=_said(message)).text = _said(text)
    return case


def _results(played: Played) -> Iterator[tuple[str, str, str]]:
    """The element a case that did not pass holds: its tag, its message and its text."""
    match played.verdict:
        case Verdict.SKIPPED:
            yield "skipped", played.skipped or "", ""
        case Verdict.BROKEN:
            yield "error", played.error or "", played.error or ""
        case Verdict.OTHERWISE:
            lines = list(disagreements(played))
            yield "failure", "; ".join(lines[:1]), "\n".join(lines)
        case Verdict.AS_FORETOLD:
            pass


def _said(text: str) -> str:
    return _UNSAYABLE.sub("\ufffd", text)
