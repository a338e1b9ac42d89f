"""What came of a scenario: the visits, the broker's reasons, and whether all that was foretold was seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from jitpbroker import trace as broker_trace
from jitplab import anatomy
from jitplab.channel import Closed
from jitplab.identifiers import Key, Match, match
from jitplab.stop import By, Stop
from jitplab.visit import Visit

if TYPE_CHECKING:
    from jitplab.scenario import Scenario

JsonValue: TypeAlias = broker_trace.JsonValue

_IDENTIFIERS = {"authorityKeyIdentifier", "subjectKeyIdentifier"}


@dataclass(frozen=True, slots=True)
class Call:
    """One visit together with what the broker made of it.

    Attributes:
        visit: what the device saw.
        profile: the rules in force.
        sni: whether a server name was sent.
        by: which client went.
        rule: the rule that objected.
        why: its sentence.
        status_before: the device certificate's status in the registry before the visit.
        status_after: and after.
        stop: what stopped the visit, ``None`` when nothing did.
        records: what the broker's trace says of it, as JSON, in order.
        commands: how many commands the chip had been sent when it ended.
    """

    visit: Visit
    profile: str
    sni: bool
    by: str
    rule: str | None
    why: str | None
    status_before: str | None
    status_after: str | None
    stop: Stop | None = None
    records: tuple[dict[str, JsonValue], ...] = ()
    commands: int = 0

    def as_json(self) -> dict[str, JsonValue]:
        """The call with the keys of ``jitplab run --json``."""
        return {
            "by": self.by,
            "profile": self.profile,
            "sni": self.sni,
            **self.visit.as_json(),
            "rule": self.rule,
            "why": self.why,
            "registered_before": self.status_before,
            "registered_after": self.status_after,
            "stopped_by": str(self.stop) if self.stop else None,
        }


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that happened on the bench, and how many commands the chip had been sent by then."""

    what: str
    commands: int


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was foretold and what was seen instead or indeed."""

    what: str
    foretold: JsonValue
    seen: JsonValue

    @property
    def agrees(self) -> bool:
        """Whether it came as foretold."""
        return self.foretold == self.seen

    def as_json(self) -> dict[str, JsonValue]:
        """The fact with the keys of ``jitplab run --json``."""
        return {"what": self.what, "foretold": self.foretold, "seen": self.seen, "agrees": self.agrees}


@dataclass(frozen=True, slots=True)
class SignerDifference:
    """How the rebuilt signer differs from the registered one.

    Attributes:
        difference: field and bytes.
        match: whose key a differing identifier belongs to.
    """

    difference: anatomy.Difference
    match: Match | None

    def as_json(self) -> dict[str, JsonValue]:
        """Field, its offset and length, the offsets that differ, and the matching slot."""
        return {
            "field": self.difference.field.name,
            "offset": self.difference.field.offset,
            "length": self.difference.field.length,
            "differing_offsets": list(self.difference.at),
            "rebuilt": self.difference.ours.hex(),
            "registered": self.difference.theirs.hex(),
            "matches_slot": self.match.slot if self.match else None,
            "matches_key": self.match.key if self.match else None,
            "derivation": self.match.derivation if self.match else None,
            "defect": self.match.defect if self.match else None,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything a run has to say.

    Attributes:
        calls: the visits in order; the last one is what the run is about.
        registered: whether the device's certificate is in the registry at the end.
        device: the device certificate presented, DER.
        signer: the signer presented, DER; ``None`` when it was left out.
        device_issued: the device certificate as it was issued, DER.
        signer_issued: the signer as it was issued, DER.
        signer_differences: how it differs from the registered one, field by field.
        error: what the chip's library or the control plane answered where it refused.
        stop: what stopped the device in the end, ``None`` when nothing did.
        ended_early: whether the story ended with ``error``, before any visit.
        chip_commands: every command the chip was sent up to the end of the story, in order.
        registry: the account at the end.
        trace: the broker's records.
        log: what CloudWatch would show.
        facts: what the scenario foretells beyond its decorator.
        by_library: which library drove the chip.
        by_tls: which TLS library signed with it.
        milestones: what happened on the bench before the visits and between them, in order.
        configuration: the chip's, 128 bytes, where it could be read at the end.
        foretold_stop: what this run foretells instead of what the scenario's decorator says, where its
            parameters make it end otherwise.
    """

    calls: tuple[Call, ...]
    registered: bool
    device: bytes | None
    signer: bytes | None
    device_issued: bytes | None
    signer_issued: bytes | None
    signer_differences: tuple[SignerDifference, ...]
    error: str | None
    stop: Stop | None
    ended_early: bool
    chip_commands: tuple[dict[str, JsonValue], ...]
    registry: dict[str, JsonValue]
    trace: tuple[dict[str, JsonValue], ...]
    log: tuple[JsonValue, ...]
    facts: tuple[Fact, ...]
    by_library: str
    by_tls: str
    milestones: tuple[Milestone, ...] = ()
    configuration: bytes | None = None
    foretold_stop: Stop | None = None

    @property
    def last(self) -> Call | None:
        """The visit the run is about."""
        return self.calls[-1] if self.calls else None

    @property
    def as_foretold(self) -> bool:
        """Whether every fact agrees."""
        return bool(self.facts) and all(fact.agrees for fact in self.facts)

    def judged(self, chosen: Scenario) -> Outcome:
        """This outcome with the facts that follow from the scenario's decorator put in front."""
        last, foretold = self.last, self.foretold_stop or chosen.stopped_by
        implied = [] if foretold is None else [Fact("stopped by", str(foretold), _word(self.stop))]
        if self.ended_early or last is None:
            return replace(self, facts=(*implied, *self.facts))
        if foretold is None or foretold.by is not By.TLS:
            implied.insert(0, Fact("handshake", "completed", last.visit.handshake))
        if foretold is not None and foretold.by is By.RULE:
            implied += [
                Fact("connack", None, last.visit.connack),
                Fact("closed_by", Closed.CLOSE_NOTIFY.value, _word(last.visit.closed_by)),
            ]
        if chosen.admitted:
            implied += [
                Fact("connack", 0, last.visit.connack),
                Fact("registered", True, self.registered),  # noqa: FBT003
            ]
        return replace(self, facts=(*implied, *self.facts))

    def as_json(self) -> dict[str, JsonValue]:
        """The body of ``jitplab run --json``."""
        last = self.last
        difference = self.signer_differences[0].as_json() if self.signer_differences else None
        return {
            "as_foretold": self.as_foretold,
            "library": self.by_library,
            "tls_by": self.by_tls,
            **(last.as_json() if last is not None else {}),
            "registered": self.registered,
            "stopped_by": _word(self.stop),
            "refusal": self.error,
            "signer_difference": difference,
            "signer_differences": [each.as_json() for each in self.signer_differences],
            "facts": [
                {"what": f.what, "foretold": f.foretold, "seen": f.seen, "agrees": f.agrees}
                for f in self.facts
            ],
            "visits": [call.as_json() for call in self.calls],
            "chip_commands": list(self.chip_commands),
            "registry": self.registry,
            "trace": list(self.trace),
            "log": list(self.log),
        }


def _word(each: Closed | Stop | None) -> str | None:
    return str(each) if each is not None else None


def signer_differences(
    rebuilt: bytes, registered: bytes, keys: Iterable[Key]
) -> tuple[SignerDifference, ...]:
    """How two certificates differ, with the owner of every differing key identifier looked for.

    Args:
        rebuilt: DER of the presented certificate.
        registered: DER of the one it should be.
        keys: candidates for the identifiers.
    """
    known = tuple(keys)
    return tuple(
        SignerDifference(
            difference,
            match(difference.ours, known) if difference.field.name in _IDENTIFIERS else None,
        )
        for difference in anatomy.differences(rebuilt, registered)
    )
