"""What a person reads about a run, a scenario or a chain."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from jitplab.explain import Explanation
from jitplab.outcome import Call, Outcome, SignerDifference
from jitplab.scenario import Scenario
from jitplab.terminal import Style, octets

_WIDTH = 100


def _wrapped(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=" " * (len(indent) - len(indent.lstrip()) + 2)
    )


def scenario_lines(scenarios: Mapping[str, Scenario], style: Style) -> Iterator[str]:
    """The catalogue, a scenario a line."""
    width = max(map(len, scenarios))
    for name, each in scenarios.items():
        end = (
            "admitted"
            if each.admitted
            else f"stopped by {each.stopped_by}"
            if each.stopped_by
            else "see page"
        )
        yield f"{style.bold(name.ljust(width))}  {each.title}"
        yield f"{' ' * width}  {style.dim(f'{end}; {each.checked_against}')}"


def _end(each: Scenario) -> str:
    if each.stopped_by:
        return f"stopped by {each.stopped_by}"
    return "admitted" if each.admitted else "several visits, see its page"


def page_lines(each: Scenario, style: Style) -> Iterator[str]:
    """A scenario's page."""
    yield style.bold(each.name)
    yield ""
    yield from each.page.splitlines()
    yield ""
    if each.stopped_by:
        yield f"Stopped by   {each.stopped_by}"
    if each.admitted:
        yield "Ends         admitted"
    yield f"Evidence     {each.checked_against}: {each.source}"
    if each.twin:
        yield f"Beside it    {each.twin}"
    if each.question:
        yield f"Answers      the user's question {each.question}"
    for name, default in each.parameters.items():
        yield f"Parameter    --set {name}={int(default)}"
    yield f"Run it       jitplab run {each.name}"


def outcome_lines(name: str, outcome: Outcome, style: Style) -> Iterator[str]:
    """One run: what was foretold, what was seen, and why."""
    verdict = style.good("as foretold") if outcome.as_foretold else style.bad("NOT as foretold")
    yield f"{style.bold(name)}: {verdict}"
    yield style.dim(f"  {outcome.by_library}; {len(outcome.chip_commands)} chip commands; {outcome.by_tls}")
    for fact in outcome.facts:
        mark = style.good("ok ") if fact.agrees else style.bad("NO ")
        seen = "" if fact.agrees else f", seen {in_words(fact.seen)}"
        yield f"  {mark} {fact.what}: {in_words(fact.foretold)}{seen}"
    last = outcome.last
    if last is not None and last.why is not None:
        yield from _wrapped(f"why: {last.why}", "  ")
    if outcome.error is not None:
        yield from _wrapped(f"why: {outcome.stop} refused: {outcome.error}", "  ")
    yield from difference_lines(outcome.signer_differences)


def in_words(value: object) -> str:
    """A value as a person writes it: yes, no, none, a list with commas."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)


def visit_lines(calls: Sequence[Call]) -> Iterator[str]:
    """Each visit as the device saw it, then what the broker's trace says of it."""
    if not calls:
        yield "no device has visited the broker"
    for number, call in enumerate(calls, 1):
        seen = call.visit
        tls = f"handshake {seen.handshake}" + (f": {seen.why}" if seen.why else f", {seen.tls}")
        connack = "no CONNACK" if seen.connack is None else f"CONNACK {seen.connack}"
        end = f", the peer ended it by {seen.closed_by}" if seen.closed_by else ""
        yield f"visit {number} ({call.by}, {call.profile}): {tls}; {connack}{end}"
        yield f"  in the registry: {call.status_before or 'no'} before, {call.status_after or 'no'} after"
        if call.stop is not None:
            yield f"  stopped by {call.stop}"
        if call.why is not None:
            yield from _wrapped(f"why: {call.why}", "  ")
        for record in call.records:
            rest = ", ".join(
                f"{key} {in_words(value)}"
                for key, value in record.items()
                if key != "kind" and isinstance(value, str | int | bool)
            )
            yield from _wrapped(f"trace: {record['kind']}: {rest}", "  ")


def difference_lines(differences: tuple[SignerDifference, ...]) -> Iterator[str]:
    """The fields in which the presented signer differs from the registered one."""
    for each in differences:
        field, count = each.difference.field, len(each.difference.at)
        where = f"at offset {field.offset}, {field.length} bytes"
        yield f"  {field.name} ({where}): {count} differ"
        yield f"    presented   {octets(each.difference.ours)}"
        yield f"    registered  {octets(each.difference.theirs)}"
        if each.match is not None:
            yield from _wrapped(f"the presented one: {each.match.sentence()}", "    ")


def explanation_lines(found: Explanation, style: Style) -> Iterator[str]:
    """``jitplab explain`` for a person."""
    sni = "with SNI" if found.sni else "without SNI"
    if found.admitted:
        yield style.good(f"This chain would be admitted ({found.profile}, {sni}).")
    else:
        assert found.why is not None
        yield style.bad(f"This chain would not be admitted ({found.profile}, {sni}).")
        yield f"  rule: {found.rule}"
        yield from _wrapped(f"it asks: {found.question}", "  ")
        yield from _wrapped(f"it objects: {found.why}", "  ")
        yield from _wrapped(f"evidence: {found.evidence}", "  ")
    if found.differences:
        yield style.bold(f"The presented signer beside the registered {found.compared_with}:")
        yield from difference_lines(found.differences)
        if [each.difference.field.name for each in found.differences] == ["authorityKeyIdentifier"]:
            yield "  nothing else differs: same names, dates, key and signature, over a part that changed"
            yield from _wrapped(
                "cure: have the firmware read the CA key whose identifier is the registered one, "
                "or hand over no CA key, which keeps the template's identifier",
                "  ",
            )
    for each in found.identifiers:
        yield style.bold(f"The {each.field} of {each.certificate} is not that of {each.of}:")
        yield f"    presented   {octets(each.value)}   (offset {each.offset})"
        yield f"    expected    {octets(each.expected)}"
        if each.match is not None:
            yield from _wrapped(f"the presented one: {each.match.sentence()}", "    ")
    unknown = [e for e in found.differences if e.match is None and "Identifier" in e.difference.field.name]
    if unknown or any(each.match is None for each in found.identifiers):
        yield "  no key at hand gives that identifier; name more with --key NAME=PUB.pem"
    if found.also:
        yield style.bold("Behind it, these would object next:")
        for rule, why in found.also:
            yield from _wrapped(f"{rule}: {why}", "  ")
