"""What an account may have in a second, counted without a wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.admission.profiles import AWS_2026
from jitpbroker.admission.rate import AWS_QUOTAS, AccountQuotas, AccountRate
from jitpbroker.gate import HangUp
from jitpbroker.registry import Registry
from jitpbroker.trace import Trace
from jitpbroker.x509 import Certificate

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AttemptOf: TypeAlias = Callable[..., Attempt]


def test_what_is_not_limited_is_never_objected_to() -> None:
    rate = AccountRate(AccountQuotas())

    assert {rate.connect_objection(NOW, 10**6) for _ in range(1000)} == {None}
    assert {rate.registration_objection(NOW) for _ in range(1000)} == {None}


def test_awss_quotas_bear_so_many_in_a_second_and_as_many_in_the_next() -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    rate = AccountRate(AWS_QUOTAS)
    connects = [rate.connect_objection(NOW, 0) for _ in range(501)]
    registrations = [rate.registration_objection(NOW) for _ in range(16)]

    assert connects[:500] == [None] * 500
    assert connects[500] == "the account has had 500 CONNECTs in one second, the most AWS IoT allows"
    assert registrations[:15] == [None] * 15
    assert str(registrations[15]).startswith("the account has had 15 certificates registered in one second")
    assert rate.connect_objection(NOW + timedelta(seconds=1), 0) is None
    assert rate.registration_objection(NOW + timedelta(seconds=1)) is None


def test_the_last_connection_there_is_room_for_is_let_in() -> None:
    """Evidence: document - AWS General Reference, IoT Core quotas."""
    rate = AccountRate(AWS_QUOTAS)

    assert rate.connect_objection(NOW, 499_999) is None
    assert rate.connect_objection(NOW, 500_000) == (
        "the account has 500000 connections, the most AWS IoT allows"
    )


def test_a_registration_beyond_the_quota_leaves_the_registry_alone(
    registry: Registry,
    register_ca: Callable[..., object],
    pki: Mapping[str, Certificate],
    attempt: AttemptOf,
) -> None:
    register_ca(pki["signer"])
    desk = FrontDesk(registry, Trace(), profile=AWS_2026, quotas=AccountQuotas(registrations=0))
    answer = desk.connect(attempt(pki["device"], pki["signer"]))

    assert isinstance(answer, HangUp)
    assert answer.reason == "THROTTLED"
    assert registry.certificates.get(pki["device"].id) is None
