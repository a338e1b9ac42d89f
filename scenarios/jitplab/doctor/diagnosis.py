"""All of it together: evidence in, a diagnosis out, for people and for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from jitplab.doctor import findings
from jitplab.doctor.evidence import Evidence
from jitplab.doctor.finding import Finding
from jitplab.doctor.knobs import Change
from jitplab.doctor.patient import NotEnough, Wishes, situation_of
from jitplab.doctor.proof import Proof, prove
from jitplab.doctor.ranking import Fit, alike, rank
from jitplab.doctor.search import Cures, search
from jitplab.doctor.situation import Situation
from jitplab.outcome import JsonValue
from jitplab.scenario import catalogue
from jitplab.terminal import Style

_WIDTH: Final = 110


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor says.

    Attributes:
        findings: what the evidence says of itself, what is wrong first.
        fits: failures of the catalogue that fit.
        missing: what is missing to try it; ``None`` where it was tried.
        stand_ins: what is not the user's own in what was tried.
        cures: what the search found.
        proof: the first change, run.
        remarks: evidence that was not used.
        undecided: failures of the catalogue that end as the device did, where nothing tells them apart.
    """

    findings: tuple[Finding, ...]
    fits: tuple[Fit, ...]
    missing: str | None
    stand_ins: tuple[str, ...]
    cures: Cures | None
    proof: Proof | None
    remarks: tuple[str, ...]
    undecided: tuple[str, ...] = ()

    @property
    def something_is_wrong(self) -> bool:
        """Whether the device would not connect, or the evidence contradicts itself."""
        if self.cures is not None:
            return not self.cures.now.admitted
        return any(finding.wrong for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The first line."""
        wrong = [finding for finding in self.findings if finding.wrong]
        if self.cures is not None and self.cures.now.admitted:
            return "tried: this device would be let in, at its second connection"
        if self.cures is not None and self.cures.single:
            return f"{self.cures.now.stop} stops this device; {self.cures.single[0].words}"
        if self.cures is not None:
            return f"{self.cures.now.stop} stops this device, and no single change helps"
        if wrong:
            return wrong[0].sentence
        unused = "; not all of it could be used" if self.remarks else ""
        return f"nothing in this evidence contradicts anything else{unused}"

    def as_json(self) -> dict[str, JsonValue]:
        """The object of ``jitplab doctor --json``."""
        cures = self.cures
        return {
            "verdict": self.verdict,
            "something_is_wrong": self.something_is_wrong,
            "findings": [each.as_json() for each in self.findings],
            "fits": [each.as_json() for each in self.fits],
            "missing": self.missing,
            "stand_ins": list(self.stand_ins),
            "tried": None
            if cures is None
            else {
                "admitted": cures.now.admitted,
                "stopped_by": str(cures.now.stop) if cures.now.stop else None,
                "why": cures.now.why,
                "situations": cures.tried,
                "changes": [_change(each) for each in cures.single],
                "pairs": [[_change(a), _change(b)] for a, b in cures.pairs],
            },
            "proof": self.proof.as_json() if self.proof else None,
            "undecided": list(self.undecided),
            "remarks": list(self.remarks),
        }


def _change(each: Change) -> dict[str, JsonValue]:
    return {"knob": each.knob, "layer": each.layer.name.lower(), "change": each.words}


def diagnose(
    evidence: Evidence, wishes: Wishes, *, told: Callable[[str], None] | None = None, run: bool = True
) -> Diagnosis:
    """Look, rank, try, search, and prove.

    Args:
        evidence: whatever was recognised.
        wishes: what the user says beside it.
        told: takes lines of progress.
        run: whether the first change is proven by a run over TLS.
    """
    found = tuple(sorted(findings.of(evidence, wishes.root_key_slot), key=lambda each: not each.wrong))
    situation: Situation | None = None
    missing: str | None = None
    try:
        situation = situation_of(evidence, wishes)
    except NotEnough as error:
        missing = str(error)
    cures = search(situation, told) if situation is not None else None
    proof = None
    if run and situation is not None and cures is not None and cures.single:
        if told is not None:
            told(f"running the device before and after: {cures.single[0].words}")
        proof = prove(situation, cures.single[0])
    fits = rank(found, cures.now if cures is not None else None, catalogue())
    return Diagnosis(
        found,
        fits,
        missing,
        situation.stand_ins if situation is not None else (),
        cures,
        proof,
        tuple(evidence.remarks),
        () if fits else alike(found, catalogue()),
    )


def lines(told: Diagnosis, style: Style) -> Iterator[str]:
    """For a terminal, the verdict first."""
    yield from _wrapped(told.verdict, "", style.bad if told.something_is_wrong else style.good)
    yield ""
    yield style.bold("What the evidence says")
    for finding in told.findings:
        yield from _wrapped(f"{'!!' if finding.wrong else 'ok'}  {finding.sentence}", "  ")
    if not told.findings:
        yield "  nothing that can be compared with anything"
    yield style.bold("Tried")
    for sentence in _tried(told):
        yield from _wrapped(sentence, "  ")
    if told.fits:
        yield style.bold("Failures that fit, the likeliest first")
        yield from _fits(told.fits)
    if told.undecided:
        yield style.bold("What this evidence cannot decide")
        for sentence in _undecided(told):
            yield from _wrapped(sentence, "  ")
    for remark in told.remarks:
        yield from _wrapped(f"not used: {remark}", "", style.dim)


def _fits(fits: Sequence[Fit]) -> Iterator[str]:
    for number, fit in enumerate(fits, 1):
        yield from _wrapped(f"{number}. {fit.name}: {fit.title}", "  ")
        for sentence in fit.in_favour:
            yield from _wrapped(f"{'for':8} {sentence}", "     ")
        for sentence in fit.against:
            yield from _wrapped(f"{'against':8} {sentence}", "     ")
        yield from _wrapped(f"{'next':8} {fit.next_command}", "     ")


def _plain(text: str) -> str:
    return text


def _wrapped(text: str, indent: str, mark: Callable[[str], str] = _plain) -> Iterator[str]:
    more = f"{indent}    " if indent else "  "
    for line in textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=more):
        yield mark(line)


def _undecided(told: Diagnosis) -> Iterator[str]:
    yield (
        f"{len(told.undecided)} failures of the catalogue end on the wire as this device did; jitplab list "
        "shows them, and what tells them apart is not in this evidence"
    )
    yield "next: save the chain that is sent as PEM, and add it here"
    yield "next: aws iot describe-ca-certificate --certificate-id ID > ca.json, and add it here"
    yield "next: jitplab doctor --dump-chip URL > chip.txt, and add it here"


def _tried(told: Diagnosis) -> Iterator[str]:
    if told.missing is not None:
        yield f"nothing: to try it takes {told.missing}"
        return
    assert told.cures is not None, "what is not missing was tried"
    for sentence in told.stand_ins:
        yield f"note: {sentence}"
    now = told.cures.now
    yield f"as it is: {'let in' if now.admitted else f'{now.stop}: {now.why}'}"
    for change in told.cures.single:
        yield f"with one change ({change.layer.name.lower()}): {change.words}"
    for first, second in told.cures.pairs:
        yield f"with two changes: {first.words}; and {second.words}"
    if told.proof is not None and told.proof.why_not is None:
        word = "proven by a run" if told.proof.holds else "NOT borne out by a run"
        after = "no CONNACK" if told.proof.after is None else f"CONNACK {told.proof.after}"
        yield f"{word}: before, {told.proof.before}; with the first change, {after} at the second connection"
    elif told.proof is not None:
        yield f"not run: {told.proof.why_not}"
    yield f"{told.cures.tried} situations tried"
