"""Every rule both ways: a CONNECT that only it refuses, and the same CONNECT put right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.decide import Refuse, decide
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.admission.profiles import (
    AWS_2021,
    AWS_2026,
    PROFILES,
    Profile,
)
from jitpbroker.admission.rule import Rule
from jitpbroker.gate import HangUp
from jitpbroker.registry import (
    AutoRegistration,
    CaStatus,
    CertificateMode,
    CertificateStatus,
    Registry,
)
from jitpbroker.trace import Decision, Trace
from jitpbroker.x509 import Certificate

Pki: TypeAlias = Mapping[str, Certificate]
Issue: TypeAlias = Callable[..., Certificate]
SIGNER = "O=CompanyName,CN=signer FFFF"
ROOT = "O=CompanyName,CN=root FFFF"
BEFORE_2021 = datetime(2020, 1, 1, tzinfo=UTC)
AFTER_3000 = datetime(3001, 1, 1, tzinfo=UTC)


@dataclass
class Bench:
    """What a case is arranged on."""

    registry: Registry
    register_ca: Callable[..., object]
    attempt: Callable[..., Attempt]
    issue: Issue
    pki: Pki

    def healthy(self, **facts: object) -> Attempt:
        return self.attempt(self.pki["device"], self.pki["signer"], **facts)

    def known(self, status: CertificateStatus, mode: CertificateMode = CertificateMode.DEFAULT) -> None:
        self.registry.certificates.register(
            self.pki["device"],
            at=self.pki["device"].not_before,
            status=status,
            ca_certificate_id=self.pki["signer"].id,
            certificate_mode=mode,
        )


@pytest.fixture
def bench(
    registry: Registry,
    register_ca: Callable[..., object],
    attempt: Callable[..., Attempt],
    issue: Issue,
    pki: Pki,
) -> Bench:
    return Bench(registry, register_ca, attempt, issue, pki)


Arrange: TypeAlias = Callable[[Bench], Attempt]


def no_certificate(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.attempt()


def unreadable_leaf(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.attempt(b"\x30\x03abc", bench.pki["signer"])


def foreign_endpoint(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.healthy(sni="OTHER.iot.example")


def revoked(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    bench.known(CertificateStatus.REVOKED)
    return bench.healthy()


def inactive(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    bench.known(CertificateStatus.INACTIVE)
    return bench.healthy()


def registered_inactive(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    bench.known(CertificateStatus.REGISTER_INACTIVE)
    return bench.healthy()


def in_transfer(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    bench.known(CertificateStatus.PENDING_TRANSFER)
    return bench.healthy()


def known_sni_only_without_sni(bench: Bench) -> Attempt:
    bench.known(CertificateStatus.ACTIVE, CertificateMode.SNI_ONLY)
    return bench.healthy(sni=None)


def known_but_expired(bench: Bench) -> Attempt:
    bench.known(CertificateStatus.ACTIVE)
    return bench.healthy(at=AFTER_3000)


def unknown_issuer(bench: Bench) -> Attempt:
    return bench.healthy()


def only_the_root_is_registered(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["root"])
    return bench.attempt(bench.pki["device"], bench.pki["signer"], bench.pki["root"])


def self_signed(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.attempt(bench.issue("CN=self", key=7, issuer="CN=self", issuer_key=7))


def inactive_ca(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"], status=CaStatus.INACTIVE)
    return bench.healthy()


def ca_without_auto_registration(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"], auto_registration=AutoRegistration.DISABLE)
    return bench.healthy()


def sni_only_ca_without_sni(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"], mode=CertificateMode.SNI_ONLY)
    return bench.healthy(sni=None)


def leaf_alone_without_sni(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.attempt(bench.pki["device"], sni=None)


def wrong_signer(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.attempt(bench.pki["device"], bench.pki["wrong signer"])


def wrong_key_signer(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.attempt(bench.pki["device"], bench.issue(SIGNER, key=3, issuer=ROOT, issuer_key=1, ca=True))


def root_instead_of_signer(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    bench.register_ca(bench.pki["root"])
    return bench.attempt(bench.pki["device"], bench.pki["root"])


def unreadable_signer(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.attempt(bench.pki["device"], bench.pki["signer"].der[:-1])


def forged_leaf(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    forged = bench.issue("O=CompanyName,CN=forged", key=8, issuer=SIGNER, issuer_key=9)
    return bench.attempt(forged, bench.pki["signer"])


def expired_newcomer(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.healthy(at=AFTER_3000)


def newcomer_from_the_future(bench: Bench) -> Attempt:
    bench.register_ca(bench.pki["signer"])
    return bench.healthy(at=BEFORE_2021)


#: What is wrong, which rule says so, in which words, and whether another rule stands behind it.
REFUSALS: tuple[tuple[Arrange, str, str], ...] = (
    (no_certificate, "client_certificate_was_presented", "sent no certificate"),
    (unreadable_leaf, "client_certificate_parses", "5 bytes are no readable certificate"),
    (foreign_endpoint, "sni_selects_this_account", "OTHER.iot.example is another account's endpoint"),
    (revoked, "certificate_is_not_revoked", "is REVOKED; only ACTIVE connects"),
    (inactive, "certificate_is_not_inactive", "is INACTIVE; only ACTIVE connects"),
    (registered_inactive, "certificate_is_not_inactive", "is REGISTER_INACTIVE; only ACTIVE connects"),
    (in_transfer, "certificate_is_not_in_transfer", "is PENDING_TRANSFER; only ACTIVE connects"),
    (known_sni_only_without_sni, "sni_is_sent_where_the_certificate_needs_it", "SNI_ONLY mode"),
    (known_but_expired, "leaf_is_in_date", "is valid from 2021-01-14T21:00:00+00:00 to 3000-12-31T23:59:59"),
    (unknown_issuer, "issuer_is_known", "No CA certificate named 'CN=signer FFFF,O=CompanyName'"),
    (only_the_root_is_registered, "issuer_is_known", "CN=root FFFF,O=CompanyName is registered, but"),
    (self_signed, "issuer_is_known", "the certificate names itself as issuer"),
    (inactive_ca, "ca_is_active", "is INACTIVE; set it ACTIVE"),
    (ca_without_auto_registration, "ca_auto_registers", "autoRegistrationStatus DISABLE"),
    (sni_only_ca_without_sni, "sni_is_sent_where_the_ca_needs_it", "SNI_ONLY mode"),
    (wrong_signer, "presented_ca_is_registered", "the public key too"),
    (wrong_key_signer, "presented_ca_is_registered", "the public key is not"),
    (root_instead_of_signer, "presented_ca_is_registered", "its subject is 'CN=root FFFF,O=CompanyName'"),
    (unreadable_signer, "presented_ca_is_registered", "it cannot be read"),
    (forged_leaf, "every_link_is_signed", "signature does not verify under the public key of CN=signer"),
    (expired_newcomer, "leaf_is_in_date", "and it is 3001-01-01T00:00:00+00:00"),
    (newcomer_from_the_future, "leaf_is_in_date", "and it is 2020-01-01T00:00:00+00:00"),
)
ONE_YEAR: tuple[tuple[Arrange, str, str, Profile], ...] = (
    (leaf_alone_without_sni, "chain_carries_a_registered_ca", "send the registered CA certificate", AWS_2021),
    (leaf_alone_without_sni, "chain_or_sni_is_sent", "and without a server name", AWS_2026),
)
ALL = (
    tuple(
        (arrange, rule, words, profile)
        for arrange, rule, words in REFUSALS
        for profile in (AWS_2021, AWS_2026)
    )
    + ONE_YEAR
)


@pytest.mark.parametrize("arrange, rule, words", REFUSALS, ids=[each[0].__name__ for each in REFUSALS])
def test_the_client_is_hung_up_on_and_the_trace_names_the_rule(
    bench: Bench, desk: FrontDesk, trace: Trace, arrange: Arrange, rule: str, words: str
) -> None:
    attempt = arrange(bench)
    before = bench.registry.snapshot()

    answer = desk.connect(attempt)

    assert isinstance(answer, HangUp)
    assert (answer.reason, answer.events) == ("NOT_AUTHENTICATED", ())
    assert bench.registry.snapshot() == before
    (decision,) = trace
    assert isinstance(decision, Decision)
    assert (decision.verdict, decision.rule) == ("refuse", rule)
    assert decision.asked[-1] == rule
    assert decision.why == answer.why
    assert words in answer.why


def without(profile: Profile, name: str) -> Profile:
    def kept(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(rule for rule in rules if rule.name != name)

    return replace(
        profile, first=kept(profile.first), known=kept(profile.known), onboarding=kept(profile.onboarding)
    )


#: Later rules and the case itself cannot be asked without what these establish.
FOUNDATIONS = {"client_certificate_was_presented", "client_certificate_parses", "issuer_is_known"}


@pytest.mark.parametrize(
    "arrange, rule, words, profile", ALL, ids=[f"{each[0].__name__}-{each[3].name}" for each in ALL]
)
def test_nobody_else_refuses_in_a_disabled_rules_place(
    bench: Bench, arrange: Arrange, rule: str, words: str, profile: Profile
) -> None:
    attempt = arrange(bench)

    verdict = decide(attempt, bench.registry, profile)

    assert isinstance(verdict, Refuse)
    assert verdict.rule.name == rule
    assert words in verdict.why
    if rule in FOUNDATIONS:
        with pytest.raises((AssertionError, IndexError)):
            decide(attempt, bench.registry, without(profile, rule))
    else:
        assert not isinstance(decide(attempt, bench.registry, without(profile, rule)), Refuse)


def test_every_rule_of_every_profile_has_a_case_of_its_own() -> None:
    asked = {rule.name for profile in PROFILES.values() for rule in profile.rules}

    assert asked == {rule for _, rule, _, _ in ALL}
