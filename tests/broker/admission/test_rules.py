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
    judging_the_whole_chain,
    profile_named,
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


def test_a_healthy_twin_passes_every_onboarding_rule(bench: Bench, desk: FrontDesk, trace: Trace) -> None:
    bench.register_ca(bench.pki["signer"])

    answer = desk.connect(bench.healthy())

    assert isinstance(answer, HangUp)
    assert answer.reason == "JITP_REGISTERED"
    decision = trace[0]
    assert isinstance(decision, Decision)
    assert decision.rule is None
    assert decision.asked == tuple(rule.name for rule in (*desk.profile.first, *desk.profile.onboarding))


@pytest.mark.parametrize("sni", ["a1b2c3d4e5f6g7-ats.iot.us-east-1.amazonaws.com", "localhost"])
def test_a_name_that_is_nobody_elses_selects_this_account(bench: Bench, desk: FrontDesk, sni: str) -> None:
    bench.register_ca(bench.pki["signer"], mode=CertificateMode.SNI_ONLY)

    answer = desk.connect(bench.healthy(sni=sni))

    assert isinstance(answer, HangUp)
    assert answer.reason == "JITP_REGISTERED"


def test_a_default_certificate_needs_no_sni(bench: Bench, desk: FrontDesk) -> None:
    bench.register_ca(bench.pki["signer"])

    answer = desk.connect(bench.healthy(sni=None))

    assert isinstance(answer, HangUp)
    assert answer.reason == "JITP_REGISTERED"


def test_a_known_certificate_in_sni_only_mode_connects_with_sni(bench: Bench) -> None:
    bench.known(CertificateStatus.ACTIVE, CertificateMode.SNI_ONLY)

    assert not isinstance(decide(bench.healthy(), bench.registry, AWS_2026), Refuse)


@pytest.mark.parametrize(
    "at", [datetime(2021, 1, 14, 21, tzinfo=UTC), datetime(3000, 12, 31, 23, 59, 59, tzinfo=UTC)]
)
def test_the_first_and_the_last_second_count(bench: Bench, at: datetime) -> None:
    bench.register_ca(bench.pki["signer"])

    assert not isinstance(decide(bench.healthy(at=at), bench.registry, AWS_2026), Refuse)


def test_what_stands_above_the_issuer_is_not_judged_unless_asked_for(bench: Bench) -> None:
    bench.register_ca(bench.pki["signer"])
    other = bench.issue("CN=other", key=7, issuer="CN=other", issuer_key=7)
    chain = bench.attempt(bench.pki["device"], bench.pki["signer"], other)
    broken = bench.attempt(bench.pki["device"], bench.pki["signer"], b"junk")
    whole = bench.attempt(bench.pki["device"], bench.pki["signer"], bench.pki["root"])
    strict = judging_the_whole_chain(AWS_2026)

    lenient = decide(chain, bench.registry, AWS_2026)
    judged = decide(chain, bench.registry, strict)
    unreadable = decide(broken, bench.registry, strict)

    assert not isinstance(lenient, Refuse)
    assert isinstance(judged, Refuse)
    assert judged.rule.name == "links_above_are_signed"
    assert "send the chain in order" in judged.why
    assert isinstance(unreadable, Refuse)
    assert "unreadable" in unreadable.why
    assert not isinstance(decide(whole, bench.registry, strict), Refuse)


def test_a_disordered_chain_is_put_in_order_by_name(bench: Bench) -> None:
    bench.register_ca(bench.pki["signer"])
    disordered = bench.attempt(bench.pki["device"], b"junk", bench.pki["root"], bench.pki["signer"])

    assert not isinstance(decide(disordered, bench.registry, AWS_2026), Refuse)


def test_of_two_registered_namesakes_the_presented_one_is_judged(bench: Bench) -> None:
    namesake = bench.issue(SIGNER, key=3, issuer=ROOT, issuer_key=1, ca=True)
    bench.register_ca(namesake)
    bench.register_ca(bench.pki["signer"])

    right = decide(bench.healthy(), bench.registry, AWS_2026)
    wrong = decide(bench.attempt(bench.pki["device"], namesake), bench.registry, AWS_2026)

    assert not isinstance(right, Refuse)
    assert isinstance(wrong, Refuse)
    assert wrong.rule.name == "every_link_is_signed"


def test_of_two_registered_namesakes_the_one_that_signed_is_taken_when_none_is_presented(
    bench: Bench,
) -> None:
    renewed = bench.issue(
        SIGNER, key=2, issuer=ROOT, issuer_key=1, ca=True, not_after=datetime(2090, 1, 1, tzinfo=UTC)
    )
    bench.register_ca(bench.issue(SIGNER, key=3, issuer=ROOT, issuer_key=1, ca=True))
    bench.register_ca(bench.pki["signer"], status=CaStatus.INACTIVE)
    bench.register_ca(renewed)

    verdict = decide(bench.attempt(bench.pki["device"]), bench.registry, AWS_2026)

    assert not isinstance(verdict, Refuse)


def test_a_longer_certificate_is_told_apart_by_its_length_too(bench: Bench) -> None:
    bench.register_ca(bench.pki["signer"])
    longer = bench.issue(
        SIGNER, key=2, issuer="O=CompanyName,CN=root of another length", issuer_key=1, ca=True
    )

    verdict = decide(bench.attempt(bench.pki["device"], longer), bench.registry, AWS_2026)

    assert isinstance(verdict, Refuse)
    assert f"it is {len(longer.der)} bytes long, not {len(bench.pki['signer'].der)}" in verdict.why


def test_each_rule_can_be_explained(profile: Profile) -> None:
    for rule in profile.rules:
        assert rule.question.endswith(".")
        assert rule.source
        assert 2015 <= rule.since <= 2026
    assert profile.summary.endswith(".")


def test_a_profile_is_found_by_name_or_refused_with_the_choice() -> None:
    assert profile_named("aws-2026") is AWS_2026
    with pytest.raises(ValueError, match="choose one of aws-2021, aws-2026"):
        profile_named("aws-1999")
