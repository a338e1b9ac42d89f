"""The case: what StackOverflow question 65735301 saw, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from jitpbroker.admission.desk import FrontDesk
from jitpbroker.gate import Admitted, HangUp
from jitpbroker.registry import CertificateStatus, Registry
from jitpbroker.trace import Authorization, Decision, Provisioning, Trace
from jitpbroker.x509 import Certificate

Connect = Callable[..., Admitted | HangUp]
Pki = Mapping[str, Certificate]


@pytest.fixture(autouse=True)
def _root_and_signer_are_registered(register_ca: Callable[..., object], pki: Pki) -> None:
    register_ca(pki["root"])
    register_ca(pki["signer"])


def test_the_first_connect_is_dropped_and_leaves_a_thing_a_policy_and_an_active_certificate(
    connect: Connect, pki: Pki, registry: Registry, trace: Trace
) -> None:
    answer = connect(pki["device"], pki["signer"])

    assert isinstance(answer, HangUp)
    assert answer.reason == "JITP_REGISTERED"
    device = registry.certificates.get(pki["device"].id)
    assert device is not None
    assert device.status is CertificateStatus.ACTIVE
    assert device.ca_certificate_id == pki["signer"].id
    assert registry.things.of_principal(device.arn) == ("pu0223528E47B3461DEE",)
    (policy,) = registry.policies.of_target(device.arn)
    decision, provisioning = trace
    assert isinstance(decision, Decision)
    assert decision.verdict == "provision"
    assert isinstance(provisioning, Provisioning)
    assert provisioning.succeeded
    assert provisioning.policy_names == (policy.name,)


def test_the_second_connect_is_accepted(connect: Connect, pki: Pki, trace: Trace) -> None:
    connect(pki["device"], pki["signer"])

    answer = connect(pki["device"], pki["signer"])

    assert isinstance(answer, Admitted)
    assert answer.principal.certificate_id == pki["device"].id
    authorization = trace[-1]
    assert isinstance(authorization, Authorization)
    assert authorization.allowed


def test_a_signer_rebuilt_with_the_wrong_key_identifier_is_refused_and_nothing_is_registered(
    connect: Connect, pki: Pki, registry: Registry, trace: Trace
) -> None:
    before = registry.snapshot()

    answer = connect(pki["device"], pki["wrong signer"])

    assert isinstance(answer, HangUp)
    assert answer.events == ()
    assert registry.snapshot() == before
    decision = trace[-1]
    assert isinstance(decision, Decision)
    assert decision.rule == "presented_ca_is_registered"
    assert decision.asked[-1] == "presented_ca_is_registered"
    assert "every_link_is_signed" not in decision.asked


def test_the_refusal_names_both_certificates_and_the_bytes_that_differ(
    connect: Connect, pki: Pki, trace: Trace
) -> None:
    wrong, right = pki["wrong signer"], pki["signer"]
    assert right.authority_key_identifier is not None
    offset = right.der.index(right.authority_key_identifier)

    connect(pki["device"], wrong)

    decision = trace[-1]
    assert isinstance(decision, Decision)
    assert decision.why is not None
    assert wrong.id in decision.why
    assert right.id in decision.why
    assert f"20 bytes from offset {offset} on differ" in decision.why
    assert "the subject 'CN=signer FFFF,O=CompanyName' is the same, the public key too" in decision.why


def test_the_device_certificate_itself_verifies_under_the_wrong_signer(pki: Pki) -> None:
    pki["device"].check_issued_by(pki["wrong signer"])


@pytest.mark.parametrize("profile", ["aws-2021"], indirect=True)
def test_in_2021_leaving_the_signer_out_is_refused_also_with_sni(
    connect: Connect, pki: Pki, trace: Trace
) -> None:
    answer = connect(pki["device"], sni="broker.local")

    assert isinstance(answer, HangUp)
    decision = trace[-1]
    assert isinstance(decision, Decision)
    assert decision.rule == "chain_carries_a_registered_ca"


@pytest.mark.parametrize("profile", ["aws-2026"], indirect=True)
def test_since_2022_leaving_the_signer_out_provisions_when_sni_is_sent(
    connect: Connect, pki: Pki, registry: Registry
) -> None:
    connect(pki["device"], sni="broker.local")

    device = registry.certificates.get(pki["device"].id)
    assert device is not None
    assert device.status is CertificateStatus.ACTIVE


@pytest.mark.parametrize("sni", [None, "127.0.0.1", "::1"])
def test_leaving_the_signer_out_without_sni_is_refused_in_every_year(
    connect: Connect, pki: Pki, registry: Registry, trace: Trace, sni: str | None
) -> None:
    connect(pki["device"], sni=sni)

    assert registry.certificates.get(pki["device"].id) is None
    decision = trace[-1]
    assert isinstance(decision, Decision)
    assert decision.rule in {"chain_carries_a_registered_ca", "chain_or_sni_is_sent"}


def test_a_certificate_registered_by_hand_connects_with_the_wrong_chain(
    connect: Connect, desk: FrontDesk, pki: Pki, template: Callable[[str], str]
) -> None:
    device = desk.registry.certificates.register(
        pki["device"], at=pki["device"].not_before, status=CertificateStatus.ACTIVE
    )
    allow = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}'
    desk.registry.policies.create("by-hand", allow, at=pki["device"].not_before)
    desk.registry.policies.attach("by-hand", device.arn)

    answer = connect(pki["device"], pki["wrong signer"])

    assert isinstance(answer, Admitted)
