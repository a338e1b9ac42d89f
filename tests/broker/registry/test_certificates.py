"""CA certificates and device certificates: registration, lookup, change, removal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from jitpbroker.registry import (
    AutoRegistration,
    CaStatus,
    CertificateMode,
    CertificateStatus,
    ErrorCode,
    RegistrationConfig,
    Registry,
    RegistryError,
)
from jitpbroker.x509 import Certificate

Make = Callable[..., Certificate]


def test_a_ca_certificate_is_inactive_and_registers_nothing_unless_asked(
    registry: Registry, certificate: Make, now: datetime
) -> None:
    ca = registry.cas.register(certificate("ca"), at=now)

    assert ca.status is CaStatus.INACTIVE
    assert ca.auto_registration is AutoRegistration.DISABLE
    assert ca.certificate_mode is CertificateMode.DEFAULT
    assert ca.registration_config is None
    assert ca.arn == f"arn:aws:iot:us-east-1:123456789012:cacert/{ca.id}"
    assert ca.generation_id == "00000000-0000-0000-0000-000000000001"


def test_a_ca_certificate_is_found_by_id_and_by_subject(
    registry: Registry, certificate: Make, now: datetime
) -> None:
    first = registry.cas.register(certificate("ca", 1), at=now)
    second = registry.cas.register(certificate("ca", 2), at=now)
    registry.cas.register(certificate("other"), at=now)

    assert registry.cas.get(first.id) == first
    assert registry.cas.named(first.certificate.subject) == (first, second)
    assert registry.cas.named(certificate("nobody").subject) == ()
    assert registry.cas.get("0" * 64) is None


def test_a_ca_certificate_is_registered_once(registry: Registry, certificate: Make, now: datetime) -> None:
    registry.cas.register(certificate("ca"), at=now)

    with pytest.raises(RegistryError) as caught:
        registry.cas.register(certificate("ca"), at=now)

    assert caught.value.code is ErrorCode.RESOURCE_ALREADY_EXISTS


def test_ten_ca_certificates_may_share_a_subject_and_no_more(
    registry: Registry, certificate: Make, now: datetime
) -> None:
    for key in range(1, 11):
        registry.cas.register(certificate("ca", key), at=now)

    with pytest.raises(RegistryError) as caught:
        registry.cas.register(certificate("ca", 11), at=now)

    assert caught.value.code is ErrorCode.LIMIT_EXCEEDED
    assert len(registry.cas.named(certificate("ca").subject)) == 10


def test_an_update_changes_what_is_given_and_counts(
    registry: Registry, certificate: Make, now: datetime, later: datetime
) -> None:
    ca = registry.cas.register(certificate("ca"), at=now)
    config = RegistrationConfig("{}", "arn:aws:iam::123456789012:role/JITPRole")

    registry.cas.update(ca.id, at=later, status=CaStatus.ACTIVE)
    registry.cas.update(ca.id, at=later, auto_registration=AutoRegistration.ENABLE)
    changed = registry.cas.update(ca.id, at=later, registration_config=config)

    assert changed.status is CaStatus.ACTIVE
    assert changed.auto_registration is AutoRegistration.ENABLE
    assert changed.registration_config == config
    assert changed.customer_version == 4
    assert (changed.creation_date, changed.last_modified_date) == (now, later)
    assert ca.status is CaStatus.INACTIVE, "a fact in somebody's hand does not change"


def test_removing_auto_registration_clears_template_and_role(
    registry: Registry, certificate: Make, now: datetime
) -> None:
    ca = registry.cas.register(
        certificate("ca"),
        at=now,
        auto_registration=AutoRegistration.ENABLE,
        registration_config=RegistrationConfig("{}", "role"),
    )

    changed = registry.cas.update(ca.id, at=now, remove_auto_registration=True)

    assert changed.registration_config is None
    assert changed.auto_registration is AutoRegistration.DISABLE


def test_an_active_ca_certificate_is_not_deleted(
    registry: Registry, certificate: Make, now: datetime
) -> None:
    ca = registry.cas.register(certificate("ca"), at=now, status=CaStatus.ACTIVE)

    with pytest.raises(RegistryError) as caught:
        registry.cas.delete(ca.id)

    assert caught.value.code is ErrorCode.CERTIFICATE_STATE
    assert str(caught.value) == (
        f"CA Certificate must be deactivated (not ACTIVE) before deletion. Id: {ca.id}"
    )


def test_a_deleted_ca_certificate_is_found_no_more_and_its_namesake_still_is(
    registry: Registry, certificate: Make, now: datetime
) -> None:
    gone = registry.cas.register(certificate("ca", 1), at=now)
    kept = registry.cas.register(certificate("ca", 2), at=now)

    registry.cas.delete(gone.id)

    assert registry.cas.named(gone.certificate.subject) == (kept,)
    assert list(registry.cas) == [kept]
    with pytest.raises(RegistryError) as caught:
        registry.cas.delete(gone.id)
    assert caught.value.code is ErrorCode.RESOURCE_NOT_FOUND


def test_a_device_certificate_is_registered_once_and_remembers_its_ca(
    registry: Registry, certificate: Make, now: datetime
) -> None:
    device = registry.certificates.register(
        certificate("device"),
        at=now,
        status=CertificateStatus.PENDING_ACTIVATION,
        ca_certificate_id="c" * 64,
        certificate_mode=CertificateMode.SNI_ONLY,
    )

    with pytest.raises(RegistryError) as caught:
        registry.certificates.register(certificate("device"), at=now, status=CertificateStatus.ACTIVE)

    assert caught.value.code is ErrorCode.RESOURCE_ALREADY_EXISTS
    assert registry.certificates.get(device.id) == device
    assert device.arn == f"arn:aws:iot:us-east-1:123456789012:cert/{device.id}"
    assert device.ca_certificate_id == "c" * 64


def test_a_status_change_is_dated_and_counted(
    registry: Registry, certificate: Make, now: datetime, later: datetime
) -> None:
    device = registry.certificates.register(certificate("device"), at=now, status=CertificateStatus.ACTIVE)

    changed = registry.certificates.set_status(device.id, CertificateStatus.REVOKED, at=later)

    assert changed.status is CertificateStatus.REVOKED
    assert (changed.last_modified_date, changed.customer_version) == (later, 2)


def test_a_device_certificate_is_deleted_when_it_is_not_active(
    registry: Registry, certificate: Make, now: datetime
) -> None:
    device = registry.certificates.register(certificate("device"), at=now, status=CertificateStatus.ACTIVE)

    with pytest.raises(RegistryError) as caught:
        registry.certificates.delete(device.id)
    registry.certificates.set_status(device.id, CertificateStatus.INACTIVE, at=now)
    registry.certificates.delete(device.id)

    assert caught.value.code is ErrorCode.CERTIFICATE_STATE
    assert list(registry.certificates) == []
    with pytest.raises(RegistryError, match="does not exist"):
        registry.certificates.set_status(device.id, CertificateStatus.ACTIVE, at=now)
