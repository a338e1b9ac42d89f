"""Chains that pass: the healthy twin, odd orders, namesakes, and what nobody judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.decide import Refuse, decide
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.admission.profiles import (
    AWS_2026,
    Profile,
    judging_the_whole_chain,
    profile_named,
)
from jitpbroker.gate import HangUp
from jitpbroker.registry import (
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
