"""The midnight pre-flight: would this chain be admitted, and if not, what exactly is wrong with it?

The verdict is the broker's own (``jitpbroker.admission``); nothing here judges a second time. What is added
is the view a person needs: the fields in which the presented signer differs from the registered one, byte
by byte, and for every key identifier that does not fit, whose key it was made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from jitpbroker import trace as broker_trace
from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.case import Case
from jitpbroker.admission.decide import Refuse, decide
from jitpbroker.admission.profiles import profile_named
from jitpbroker.admission.rule import Rule
from jitpbroker.registry.entities import AutoRegistration, CaCertificate, CaStatus
from jitpbroker.registry.errors import RegistryError
from jitpbroker.registry.ids import counting_ids
from jitpbroker.registry.store import Registry
from jitpbroker.x509 import Certificate
from jitplab import anatomy
from jitplab.identifiers import Key, Match, match
from jitplab.outcome import SignerDifference, signer_differences

JsonValue: TypeAlias = broker_trace.JsonValue

_SERVER_NAME = "localhost"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A key identifier in the chain that is not that of the key it should name.

    Attributes:
        certificate: which certificate carries it.
        field: which of the two identifiers.
        offset: of its 20 bytes in the certificate.
        value: the identifier.
        expected: what it should be, and of whose key.
        of: whose key.
        match: whose key it is instead, if that could be found out.
    """

    certificate: str
    field: str
    offset: int
    value: bytes
    expected: bytes
    of: str
    match: Match | None

    def as_json(self) -> dict[str, JsonValue]:
        """The identifier with the keys of ``jitplab explain --json``."""
        return {
            "certificate": self.certificate,
            "field": self.field,
            "offset": self.offset,
            "length": len(self.value),
            "value": self.value.hex(),
            "expected": self.expected.hex(),
            "of": self.of,
            "matches_key": self.match.key if self.match else None,
            "derivation": self.match.derivation if self.match else None,
            "defect": self.match.defect if self.match else None,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """What ``jitplab explain`` knows.

    Attributes:
        admitted: whether the chain would be registered (or is known).
        profile: under which rules.
        sni: whether a server name was assumed.
        rule: the rule that objects first.
        why: its sentence.
        question: what the rule asks, from the manual.
        evidence: the rule's grade and source.
        also: other rules that would object, with their sentences.
        compared_with: the registered CA certificate that the leaf names as issuer.
        differences: how the presented issuer differs from that one.
        identifiers: key identifiers that do not fit.
    """

    admitted: bool
    profile: str
    sni: bool
    rule: str | None
    why: str | None
    question: str | None
    evidence: str | None
    also: tuple[tuple[str, str], ...]
    compared_with: str | None
    differences: tuple[SignerDifference, ...]
    identifiers: tuple[Identifier, ...]

    def as_json(self) -> dict[str, JsonValue]:
        """The object of ``jitplab explain --json``."""
        return {
            "admitted": self.admitted,
            "profile": self.profile,
            "sni": self.sni,
            "rule": self.rule,
            "why": self.why,
            "question": self.question,
            "evidence": self.evidence,
            "also": [{"rule": rule, "why": why} for rule, why in self.also],
            "compared_with": self.compared_with,
            "differences": [difference.as_json() for difference in self.differences],
            "identifiers": [identifier.as_json() for identifier in self.identifiers],
        }


def explain(
    chain: Sequence[bytes],
    registered: Sequence[bytes],
    keys: Sequence[Key],
    *,
    profile: str,
    at: datetime,
    sni: bool = True,
) -> Explanation:
    """Judge a chain against registered CA certificates, and say what is wrong with it.

    Args:
        chain: DER, leaf first, as the device sends it.
        registered: DER of the CA certificates registered ACTIVE and with auto-registration.
        keys: further public keys that an identifier might belong to.
        profile: ``aws-2021`` or ``aws-2026``.
        at: the time to judge at, aware.
        sni: whether the device sends a server name.

    Raises:
        ValueError: an unknown profile, or a certificate that cannot be registered; says which and why.
    """
    rules = profile_named(profile)
    registry = _registry(registered, at)
    attempt = Attempt(tuple(chain), _SERVER_NAME if sni else None, None, "explain", at)
    verdict = decide(attempt, registry, rules)
    case = Case.of(attempt, registry)
    refusal = verdict if isinstance(verdict, Refuse) else None
    ca = case.candidates[0] if case.candidates else None
    suspects = (*keys, *_keys_of(case, registry))
    differences: tuple[SignerDifference, ...] = ()
    if ca is not None and case.presented is not None and case.presented.certificate is not None:
        differences = signer_differences(case.presented.der, ca.certificate.der, suspects)
    return Explanation(
        admitted=refusal is None,
        profile=profile,
        sni=sni,
        rule=refusal.rule.name if refusal else None,
        why=refusal.why if refusal else None,
        question=refusal.rule.question if refusal else None,
        evidence=f"{refusal.rule.grade}: {refusal.rule.source}" if refusal else None,
        also=_also(case, rules.onboarding, refusal) if ca is not None else (),
        compared_with=ca.certificate.label if ca is not None else None,
        differences=differences,
        identifiers=_identifiers(case, ca, suspects),
    )


def _registry(registered: Sequence[bytes], at: datetime) -> Registry:
    registry = Registry(new_id=counting_ids())
    for der in dict.fromkeys(registered):
        try:
            registry.cas.register(
                Certificate.from_der(der),
                at=at,
                status=CaStatus.ACTIVE,
                auto_registration=AutoRegistration.ENABLE,
            )
        except RegistryError as error:
            raise ValueError(str(error)) from None
    return registry


def _also(case: Case, rules: tuple[Rule, ...], refusal: Refuse | None) -> tuple[tuple[str, str], ...]:
    """The objections behind the first one: mending only that would run into them next."""
    names = [rule.name for rule in rules]
    if refusal is None or refusal.rule.name not in names:
        return ()
    behind = rules[names.index(refusal.rule.name) + 1 :]
    answers = ((rule.name, rule.ask(case)) for rule in behind)
    return tuple((name, why) for name, why in answers if why is not None)


def _keys_of(case: Case, registry: Registry) -> tuple[Key, ...]:
    """The public keys that the certificates at hand carry themselves."""
    found = [
        Key(f"the registered {ca.certificate.label}", point)
        for ca in registry.cas
        if (point := ca.certificate.p256_point) is not None
    ]
    for position, link in enumerate(case.links):
        if link.certificate is not None and (point := link.certificate.p256_point) is not None:
            name = "the device itself" if position == 0 else f"the presented {link.label}"
            found.append(Key(name, point))
    return tuple(found)


def _identifiers(case: Case, ca: CaCertificate | None, suspects: Sequence[Key]) -> tuple[Identifier, ...]:
    """The leaf's authority key identifier against the registered CA's key.

    The presented issuer's own identifiers are among its differences; the leaf has no registered twin to be
    compared with, but its issuer's key is known.
    """
    leaf = case.links[0].certificate if case.links else None
    point = ca.certificate.p256_point if ca is not None else None
    if leaf is None or ca is None or point is None or leaf.authority_key_identifier is None:
        return ()
    expected = ca.certificate.subject_key_identifier or Key("", point).identifier
    value = leaf.authority_key_identifier
    if value == expected:
        return ()
    field = anatomy.field_named(leaf.der, "authorityKeyIdentifier")
    return (
        Identifier(
            leaf.label,
            "authorityKeyIdentifier",
            field.offset if field else 0,
            value,
            expected,
            ca.certificate.label,
            match(value, suspects),
        ),
    )
