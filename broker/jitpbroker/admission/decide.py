"""Facts in, one decision out; nothing is changed and nothing raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.case import Case, Sni
from jitpbroker.admission.profiles import Profile
from jitpbroker.admission.rule import Rule
from jitpbroker.registry.entities import CaCertificate, CertificateStatus, DeviceCertificate
from jitpbroker.registry.store import Registry
from jitpbroker.trace import Decision
from jitpbroker.x509 import Certificate


@dataclass(frozen=True, slots=True)
class Known:
    """An ACTIVE certificate; its policies have the next word."""

    device: DeviceCertificate
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provision:
    """A certificate to register under ``ca``, or one that still waits in PENDING_ACTIVATION.

    Attributes:
        waiting: its registration from an earlier CONNECT, ``None`` on the first.
        unjudged: ids of links above the leaf's issuer, which nobody looked at.
    """

    certificate: Certificate
    ca: CaCertificate
    waiting: DeviceCertificate | None
    unjudged: tuple[str, ...]
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """``rule`` objected; ``why`` is its sentence. The ids are those that could be established by then.

    ``sni`` decides whether anybody could be told in a log.
    """

    rule: Rule
    why: str
    sni: Sni
    certificate_id: str | None
    ca_certificate_id: str | None
    asked: tuple[str, ...]


Verdict: TypeAlias = Known | Provision | Refuse


def decide(attempt: Attempt, registry: Registry, profile: Profile) -> Verdict:
    """Judge a CONNECT by ``profile``; pure."""
    case = Case.of(attempt, registry)
    asked: list[str] = []
    refusal = _objection(profile.first, case, asked)
    if refusal:
        return refusal
    if case.known and case.known.status is CertificateStatus.ACTIVE:
        return _objection(profile.known, case, asked) or Known(case.known, tuple(asked))

    refusal = _objection(profile.onboarding, case, asked)
    if refusal:
        return refusal
    unjudged = tuple(link.id for link in case.links[1:] if link is not case.presented)
    return Provision(case.leaf, case.ca, case.known, unjudged, tuple(asked))


def _objection(rules: tuple[Rule, ...], case: Case, asked: list[str]) -> Refuse | None:
    """The first of ``rules`` to object; ``asked`` is told the name of each that was asked."""
    for rule in rules:
        asked.append(rule.name)
        why = rule.ask(case)
        if why is not None:
            ca = case.candidates[0].id if case.candidates else None
            return Refuse(rule, why, case.sni, case.links[0].id if case.links else None, ca, tuple(asked))
    return None


def record_of(verdict: Verdict, attempt: Attempt, profile: Profile) -> Decision:
    """The verdict as the trace keeps it."""
    host = f"[{attempt.source_ip}]" if ":" in attempt.source_ip else attempt.source_ip
    device = ca = rule = why = None
    match verdict:
        case Known():
            word, device, ca = "known", verdict.device.id, verdict.device.ca_certificate_id
        case Provision():
            word, device, ca = "provision", verdict.certificate.id, verdict.ca.id
        case _:
            word, device, ca = "refuse", verdict.certificate_id, verdict.ca_certificate_id
            rule, why = verdict.rule.name, verdict.why
    return Decision(
        at=attempt.at,
        peer=f"{host}:{attempt.source_port}",
        client_id=attempt.client_id,
        profile=profile.name,
        verdict=word,
        certificate_id=device,
        ca_certificate_id=ca,
        rule=rule,
        why=why,
        asked=verdict.asked,
    )
