"""CA certificates and device certificates, found by id or by name without a scan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from jitpbroker.registry.entities import (
    AutoRegistration,
    CaCertificate,
    CaStatus,
    CertificateMode,
    CertificateStatus,
    DeviceCertificate,
    RegistrationConfig,
)
from jitpbroker.registry.errors import ErrorCode, RegistryError, already_exists, not_found
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.names import Arns
from jitpbroker.registry.tables import Table
from jitpbroker.x509 import Certificate, Name

#: Evidence: document - RegisterCACertificate in AWS's service model.
MOST_CAS_OF_ONE_SUBJECT: Final = 10


class CaStore:
    """Registered CA certificates of one account in one Region."""

    def __init__(self, arns: Arns, new_id: IdSource) -> None:
        self._arns = arns
        self._new_id = new_id
        self._by_id: Table[str, CaCertificate] = Table("caCertificates", CaCertificate)
        self._ids_by_subject: dict[Name, tuple[str, ...]] = {}

    @property
    def tables(self) -> tuple[Table[str, CaCertificate], ...]:
        """What has to be kept."""
        return (self._by_id,)

    def reindex(self) -> None:
        """Work out what tables that were loaded imply."""
        self._ids_by_subject.clear()
        for ca in self:
            subject = ca.certificate.subject
            self._ids_by_subject[subject] = (*self._ids_by_subject.get(subject, ()), ca.id)

    def __iter__(self) -> Iterator[CaCertificate]:
        return iter(tuple(self._by_id.values()))

    def get(self, certificate_id: str) -> CaCertificate | None:
        """The CA certificate with this id, if registered."""
        return self._by_id.get(certificate_id)

    def named(self, subject: Name) -> tuple[CaCertificate, ...]:
        """Every registered CA certificate with this subject, oldest registration first."""
        return tuple(self._by_id[each] for each in self._ids_by_subject.get(subject, ()))

    def register(
        self,
        certificate: Certificate,
        *,
        at: datetime,
        status: CaStatus = CaStatus.INACTIVE,
        auto_registration: AutoRegistration = AutoRegistration.DISABLE,
        certificate_mode: CertificateMode = CertificateMode.DEFAULT,
        registration_config: RegistrationConfig | None = None,
    ) -> CaCertificate:
        """Register a CA certificate; proof of its key is the control plane's business.

        Evidence: document - developer guide, register-CA-cert: INACTIVE and DISABLE unless asked otherwise.

        Raises:
            RegistryError: it is registered already, or ten others have the same subject.
        """
        namesakes = self._ids_by_subject.get(certificate.subject, ())
        if certificate.id in self._by_id:
            taken = self._by_id[certificate.id]
            raise already_exists(
                f"CA certificate {certificate.id} is already registered.", arn=taken.arn, id=taken.id
            )
        if len(namesakes) >= MOST_CAS_OF_ONE_SUBJECT:
            raise RegistryError(
                ErrorCode.LIMIT_EXCEEDED,
                f"{len(namesakes)} CA certificates already have the subject {certificate.subject.text!r};"
                " delete one first.",
            )

        ca = CaCertificate(
            certificate=certificate,
            arn=self._arns.cacert(certificate.id),
            status=status,
            auto_registration=auto_registration,
            certificate_mode=certificate_mode,
            registration_config=registration_config,
            creation_date=at,
            last_modified_date=at,
            customer_version=1,
            generation_id=self._new_id(),
        )
        self._by_id[ca.id] = ca
        self._ids_by_subject[certificate.subject] = (*namesakes, ca.id)
        return ca

    def update(
        self,
        certificate_id: str,
        *,
        at: datetime,
        status: CaStatus | None = None,
        auto_registration: AutoRegistration | None = None,
        registration_config: RegistrationConfig | None = None,
        remove_auto_registration: bool = False,
    ) -> CaCertificate:
        """Change what is given, leave the rest; ``remove_auto_registration`` clears template and role.

        Evidence: document - UpdateCACertificate in AWS's service model; the clearing is the JITP workshop's.

        Raises:
            RegistryError: no such CA certificate.
        """
        old = self._require(certificate_id)
        config = None if remove_auto_registration else old.registration_config
        disabled = AutoRegistration.DISABLE if remove_auto_registration else old.auto_registration
        ca = replace(
            old,
            status=status or old.status,
            auto_registration=auto_registration or disabled,
            registration_config=registration_config or config,
            last_modified_date=at,
            customer_version=old.customer_version + 1,
        )
        self._by_id[ca.id] = ca
        return ca

    def follow(self, template_name: str, config: RegistrationConfig) -> None:
        """Give every CA certificate that provisions by this template's name the template's body and role."""
        for ca in self:
            if ca.registration_config is not None and ca.registration_config.template_name == template_name:
                self._by_id[ca.id] = replace(ca, registration_config=config)

    def delete(self, certificate_id: str) -> None:
        """Forget an INACTIVE CA certificate; the certificates it issued stay.

        Evidence: document - the sentence is one that MiniStack's source reports as measured on AWS in 2026.

        Raises:
            RegistryError: no such CA certificate, or it is ACTIVE.
        """
        ca = self._require(certificate_id)
        if ca.status is CaStatus.ACTIVE:
            raise RegistryError(
                ErrorCode.CERTIFICATE_STATE,
                f"CA Certificate must be deactivated (not ACTIVE) before deletion. Id: {certificate_id}",
            )
        del self._by_id[certificate_id]
        subject = ca.certificate.subject
        self._ids_by_subject[subject] = tuple(
            each for each in self._ids_by_subject[subject] if each != certificate_id
        )

    def _require(self, certificate_id: str) -> CaCertificate:
        if certificate_id not in self._by_id:
            raise not_found(f"CA certificate {certificate_id} does not exist.")
        return self._by_id[certificate_id]


class CertificateStore:
    """Registered device certificates of one account in one Region."""

    def __init__(self, arns: Arns, new_id: IdSource) -> None:
        self._arns = arns
        self._new_id = new_id
        self._by_id: Table[str, DeviceCertificate] = Table("certificates", DeviceCertificate)

    @property
    def tables(self) -> tuple[Table[str, DeviceCertificate], ...]:
        """What has to be kept."""
        return (self._by_id,)

    def __iter__(self) -> Iterator[DeviceCertificate]:
        return iter(tuple(self._by_id.values()))

    def get(self, certificate_id: str) -> DeviceCertificate | None:
        """The device certificate with this id, if registered."""
        return self._by_id.get(certificate_id)

    def register(
        self,
        certificate: Certificate,
        *,
        at: datetime,
        status: CertificateStatus,
        ca_certificate_id: str | None = None,
        certificate_mode: CertificateMode = CertificateMode.DEFAULT,
    ) -> DeviceCertificate:
        """Register a device certificate.

        Raises:
            RegistryError: it is registered already.
        """
        if certificate.id in self._by_id:
            taken = self._by_id[certificate.id]
            raise already_exists(
                f"Certificate {certificate.id} is already registered.", arn=taken.arn, id=taken.id
            )
        device = DeviceCertificate(
            certificate=certificate,
            arn=self._arns.cert(certificate.id),
            status=status,
            ca_certificate_id=ca_certificate_id,
            certificate_mode=certificate_mode,
            creation_date=at,
            last_modified_date=at,
            customer_version=1,
            generation_id=self._new_id(),
        )
        self._by_id[device.id] = device
        return device

    def set_status(
        self, certificate_id: str, status: CertificateStatus, *, at: datetime
    ) -> DeviceCertificate:
        """Change a certificate's status; which changes a customer may ask for, the control plane judges.

        Raises:
            RegistryError: no such certificate.
        """
        old = self._require(certificate_id)
        device = replace(old, status=status, last_modified_date=at, customer_version=old.customer_version + 1)
        self._by_id[certificate_id] = device
        return device

    def hand_over(self, certificate_id: str, previous_owner: str) -> DeviceCertificate:
        """Note whose certificate this was before it was transferred here."""
        device = replace(self._require(certificate_id), previous_owned_by=previous_owner)
        self._by_id[certificate_id] = device
        return device

    def delete(self, certificate_id: str) -> None:
        """Forget a certificate that is not ACTIVE; attachments are the caller's to check first.

        Evidence: document - DeleteCertificate in AWS's service model.

        Raises:
            RegistryError: no such certificate, or it is ACTIVE.
        """
        if self._require(certificate_id).status is CertificateStatus.ACTIVE:
            raise RegistryError(
                ErrorCode.CERTIFICATE_STATE,
                f"Certificate must be deactivated (not ACTIVE) before deletion. Id: {certificate_id}",
            )
        del self._by_id[certificate_id]

    def _require(self, certificate_id: str) -> DeviceCertificate:
        if certificate_id not in self._by_id:
            raise not_found(f"Certificate {certificate_id} does not exist.")
        return self._by_id[certificate_id]
