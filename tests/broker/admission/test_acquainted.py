"""A memory that nobody notices: whatever happens, the verdict is the one `decide` gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest

from jitpbroker.admission.acquainted import Acquainted
from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.decide import Known, Refuse, decide
from jitpbroker.admission.profiles import PROFILES, Profile, turned_by_name
from jitpbroker.registry import CertificateMode, CertificateStatus, Registry
from jitpbroker.x509 import Certificate

Pki: TypeAlias = Mapping[str, Certificate]
AttemptOf: TypeAlias = Callable[..., Attempt]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def device(registry: Registry, pki: Pki) -> Certificate:
    registry.certificates.register(pki["device"], at=NOW, status=CertificateStatus.ACTIVE)
    return pki["device"]


@pytest.fixture
def acquainted(registry: Registry, profile: Profile) -> Acquainted:
    return Acquainted(registry, profile)


def test_a_device_that_comes_back_is_known_without_being_judged(
    acquainted: Acquainted, attempt: AttemptOf, device: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = acquainted.decide(attempt(device, client_id="a"))
    monkeypatch.delattr("jitpbroker.admission.acquainted.decide")

    assert isinstance(first, Known)
    assert acquainted.decide(attempt(device, client_id="b", at=NOW + SECOND)) is first


def test_any_change_of_the_registry_is_noticed(
    acquainted: Acquainted, attempt: AttemptOf, device: Certificate, registry: Registry
) -> None:
    visit = attempt(device)
    for status in (CertificateStatus.REVOKED, CertificateStatus.ACTIVE, CertificateStatus.INACTIVE):
        acquainted.decide(visit)
        registry.certificates.set_status(device.id, status, at=NOW)
        assert isinstance(acquainted.decide(visit), Known) is (status is CertificateStatus.ACTIVE)


def test_a_name_that_becomes_another_accounts_is_noticed(
    acquainted: Acquainted, attempt: AttemptOf, device: Certificate, registry: Registry
) -> None:
    visit = attempt(device, sni="new.iot.example")
    before = acquainted.decide(visit)
    registry.know_other_endpoint("new.iot.example")
    after = acquainted.decide(visit)

    assert isinstance(before, Known)
    assert isinstance(after, Refuse)
    assert after.rule.name == "sni_selects_this_account"


def test_another_chain_or_server_name_is_judged_for_itself(
    acquainted: Acquainted, attempt: AttemptOf, pki: Pki, registry: Registry, profile: Profile
) -> None:
    registry.certificates.register(
        pki["device"], at=NOW, status=CertificateStatus.ACTIVE, certificate_mode=CertificateMode.SNI_ONLY
    )
    visits = [
        attempt(pki["device"], *others, sni=sni)
        for others in ((), (pki["signer"],))
        for sni in ("broker.local", None, "other.iot.example", "broker.local")
    ]

    assert [acquainted.decide(each) for each in visits] == [
        decide(each, registry, profile) for each in visits
    ]


@pytest.mark.parametrize("dates", ["judged", "ignored"])
def test_the_certificates_dates_are_looked_at_every_time(
    attempt: AttemptOf, device: Certificate, registry: Registry, profile: Profile, dates: str
) -> None:
    """Both ends of the certificate's life, just inside and just outside, come back as often as they like."""
    turned = turned_by_name(profile, "dates", dates)
    acquainted = Acquainted(registry, turned)
    begin, end = device.not_before, device.not_after
    times = (NOW, begin, begin - SECOND, end, end + SECOND)
    visits = [attempt(device, at=at) for at in (*times, *reversed(times))]
    verdicts = [acquainted.decide(each) for each in visits]

    assert verdicts == [decide(each, registry, turned) for each in visits]
    assert any(isinstance(each, Refuse) for each in verdicts) is (dates == "judged")


def test_no_rule_asked_of_known_devices_looks_at_the_clock_but_for_the_leafs_dates() -> None:
    """Rule 3 rests on it: only `_out_of_date` reads the time, and only `leaf_is_in_date` calls it there."""
    rules = {rule for profile in PROFILES.values() for rule in (*profile.first, *profile.known)}

    def names(function: Callable[..., object]) -> set[str]:
        return set(function.__code__.co_names)

    assert {rule.name for rule in rules if names(rule.ask) & {"at", "_out_of_date"}} == {"leaf_is_in_date"}


def test_the_memory_has_a_limit(acquainted: Acquainted, attempt: AttemptOf, device: Certificate) -> None:
    for number in range(2000):
        acquainted.decide(attempt(device, sni=f"host-{number}.example"))

    assert len(acquainted._known) <= 512
