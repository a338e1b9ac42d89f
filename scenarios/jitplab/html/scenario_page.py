"""The page of one scenario: its story, what stopped it, who said what, bytes, slots, and the healthy twin."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from jitpbroker.admission.profiles import PROFILES
from jitpbroker.admission.rule import Rule
from jitplab.html.certificates import beside
from jitplab.html.page import Child, element, page, table
from jitplab.html.sequence import sequence_figure
from jitplab.html.slots import slot_table
from jitplab.html.story import steps_of
from jitplab.outcome import Outcome
from jitplab.played import Played, Verdict
from jitplab.report import in_words
from jitplab.scenario import Scenario
from jitplab.stop import By
from softatecc.describe.record import headline, record_from
from softatecc.trace import CommandRecord

_PARTS: Final = ("Cause.", "Symptom.", "Tell-tale.", "Cure.")


def file_name(name: str) -> str:
    """Where a scenario's page lies beside the index."""
    return f"{name}.html"


def scenario_page(
    chosen: Scenario, played: Played, twin: Played | None, known: Mapping[str, Scenario]
) -> str:
    """The whole page.

    Args:
        chosen: the scenario.
        played: what came of it.
        twin: what came of the scenario beside it, if that was played, too.
        known: the catalogue, for links.
    """
    outcome = played.outcome
    body: list[Child] = [
        element("p", element("a", "All scenarios of this run", href="index.html")),
        element("h1", chosen.name),
        element("p", verdict(played.verdict), _after(played)),
        *_story(chosen),
        *_links(chosen, known),
    ]
    if outcome is not None:
        body += _seen(chosen, outcome)
    if twin is not None and twin.outcome is not None:
        body += _beside(twin.name, twin.outcome)
    if outcome is not None:
        body += _evidence(outcome)
    return page(f"{chosen.name} - jitplab", *body)


def verdict(ended: Verdict) -> Element:
    """The verdict as a word that is coloured, too."""
    kind = {Verdict.AS_FORETOLD: "good", Verdict.SKIPPED: "faint"}.get(ended, "bad")
    return element("span", str(ended), class_=kind)


def _after(played: Played) -> str:
    why = played.skipped or played.error
    return f": {why}" if why else ""


def _story(chosen: Scenario) -> Iterator[Element]:
    """The scenario's docstring: paragraphs, then its four parts as a list."""
    paragraph: list[str] = []
    parts: list[tuple[str, list[str]]] = []
    for line in (*chosen.page.splitlines(), ""):
        start = next((part for part in _PARTS if line.startswith(part)), None)
        if start is not None:
            parts.append((start, [line.removeprefix(start)]))
        elif parts and line.strip():
            parts[-1][1].append(line)
        elif line.strip():
            paragraph.append(line)
        elif paragraph:
            yield element("p", " ".join(paragraph))
            paragraph = []
    if parts:
        yield element(
            "dl",
            *(
                each
                for name, lines in parts
                for each in (
                    element("dt", element("strong", name.rstrip("."))),
                    element("dd", *_with_code(" ".join(" ".join(lines).split()))),
                )
            ),
        )
    yield element("p", f"Evidence: {chosen.checked_against}. {chosen.source}.", class_="faint")


def _with_code(text: str) -> Iterator[Child]:
    """Text whose backquoted stretches are code."""
    for number, stretch in enumerate(text.split("`")):
        yield element("code", stretch) if number % 2 else stretch


def _links(chosen: Scenario, known: Mapping[str, Scenario]) -> Iterator[Element]:
    if chosen.twin is not None and chosen.twin in known:
        yield element("p", "Beside it: ", element("a", chosen.twin, href=file_name(chosen.twin)), ".")
    for name in chosen.like:
        yield element(
            "p",
            "The wire looks the same as in ",
            element("a", name, href=file_name(name)),
            "; the tell-tale parts them.",
        )


def _seen(chosen: Scenario, outcome: Outcome) -> Iterator[Element]:
    yield element("h2", "What stopped it")
    yield from _stopped(chosen, outcome)
    yield element("h2", "Who said what")
    yield sequence_figure(f"{chosen.name}: from the chip to the registry", steps_of(outcome), id_="run")
    yield element("h2", "Foretold and seen")
    yield table(
        ("what", "foretold", "seen", ""),
        *(
            (
                fact.what,
                in_words(fact.foretold),
                in_words(fact.seen),
                element(
                    "span", "agrees" if fact.agrees else "DIFFERS", class_="good" if fact.agrees else "bad"
                ),
            )
            for fact in outcome.facts
        ),
    )
    yield element("h2", "The certificates")
    if outcome.signer is not None and outcome.signer_issued is not None:
        yield beside("Signer", outcome.signer, outcome.signer_issued)
    elif outcome.device is not None:
        yield element("p", "No signer was presented.")
    if outcome.device is not None:
        yield beside("Device certificate", outcome.device, outcome.device_issued or outcome.device)
    if outcome.device is None:
        yield element("p", "None was presented; the device did not get that far.")
    for each in outcome.signer_differences:
        if each.match is not None:
            yield element("p", f"{each.difference.field.name}: {each.match.sentence()}.")


def _stopped(chosen: Scenario, outcome: Outcome) -> Iterator[Element]:
    stop = outcome.stop
    if chosen.admitted:
        yield element("p", "Nothing; the device was let in.")
        return
    if stop is None:
        yield element("p", "Nothing did, in the last visit.")
        return
    yield element("p", element("strong", f"{stop.by.value} "), element("code", stop.name))
    rule = _rule(stop.name) if stop.by is By.RULE else None
    if rule is not None:
        yield element("p", f"It asks: {rule.question}")
        yield element("p", f"Evidence: {rule.grade}. {rule.source}. Since {rule.since}.", class_="faint")
    last = outcome.last
    if last is not None and last.why:
        yield element("p", f"It objects: {last.why}")
    if outcome.error:
        yield element("p", f"It said: {outcome.error}")


def _rule(name: str) -> Rule | None:
    rules = (rule for profile in PROFILES.values() for rule in profile.rules)
    return next((rule for rule in rules if rule.name == name), None)


def _beside(name: str, outcome: Outcome) -> Iterator[Element]:
    yield element("h2", "Beside it: ", element("a", name, href=file_name(name)))
    yield sequence_figure(f"{name}: the same way", steps_of(outcome), id_="twin")


def _evidence(outcome: Outcome) -> Iterator[Element]:
    yield element("h2", "Slots of the chip")
    if outcome.configuration is None:
        yield element("p", "The chip did not give its configuration away.")
    else:
        yield slot_table(outcome.configuration, outcome.chip_commands)
    yield element("h2", "Traces")
    yield element("p", f"{outcome.by_library}; {outcome.by_tls}.", class_="faint")
    yield _details(f"{len(outcome.chip_commands)} commands of the chip", "\n".join(_commands(outcome)))
    yield _details("The broker's trace", "\n".join(json.dumps(each) for each in outcome.trace))
    yield _details("The registry at the end", json.dumps(outcome.registry, indent=2))
    log = "\n".join(json.dumps(each) for each in outcome.log)
    yield _details("What CloudWatch would show", log or "nothing")


def _commands(outcome: Outcome) -> Iterator[str]:
    for command in outcome.chip_commands:
        record = record_from(json.dumps(command))
        assert isinstance(record, CommandRecord)
        why = f": {record.why}" if record.why else ""
        yield f"{command['number']:>4}  {headline(record)}  ->  {record.status.label}{why}"


def _details(summary: str, text: str) -> Element:
    return element("details", element("summary", summary), element("pre", text))
