"""The registry's facts, frozen; names and values are those of AWS's API.

Evidence: document - shapes of the service model that AWS publishes with botocore 1.44.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from jitpbroker.x509 import Certificate


class CaStatus(StrEnum):
    """CACertificateStatus."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class AutoRegistration(StrEnum):
    """AutoRegistrationStatus."""

    ENABLE = "ENABLE"
    DISABLE = "DISABLE"


class CertificateMode(StrEnum):
    """CertificateMode; a device certificate takes that of its CA."""

    DEFAULT = "DEFAULT"
    SNI_ONLY = "SNI_ONLY"


class CertificateStatus(StrEnum):
    """CertificateStatus; only ACTIVE connects."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    REVOKED = "REVOKED"
    PENDING_TRANSFER = "PENDING_TRANSFER"
    REGISTER_INACTIVE = "REGISTER_INACTIVE"
    PENDING_ACTIVATION = "PENDING_ACTIVATION"


@dataclass(frozen=True, slots=True)
class RegistrationConfig:
    """What makes just-in-time registration provision: a template, and the role it runs under.

    With a ``template_name`` body and role are those of that provisioning template, and stay so.
    """

    template_body: str
    role_arn: str
    template_name: str | None = None


@dataclass(frozen=True, slots=True)
class CaCertificate:
    """A registered CA certificate; without ``registration_config`` it registers but never provisions."""

    certificate: Certificate
    arn: str
    status: CaStatus
    auto_registration: AutoRegistration
    certificate_mode: CertificateMode
    registration_config: RegistrationConfig | None
    creation_date: datetime
    last_modified_date: datetime
    customer_version: int
    generation_id: str

    @property
    def id(self) -> str:
        """The certificateId."""
        return self.certificate.id


@dataclass(frozen=True, slots=True)
class DeviceCertificate:
    """A registered device certificate; registered without CA it has no ``ca_certificate_id``."""

    certificate: Certificate
    arn: str
    status: CertificateStatus
    ca_certificate_id: str | None
    certificate_mode: CertificateMode
    creation_date: datetime
    last_modified_date: datetime
    customer_version: int
    generation_id: str
    previous_owned_by: str | None = None

    @property
    def id(self) -> str:
        """The certificateId."""
        return self.certificate.id


@dataclass(frozen=True, slots=True)
class ThingType:
    """A thing type; a deprecated one takes no new things."""

    name: str
    arn: str
    creation_date: datetime
    id: str = ""
    description: str | None = None
    searchable_attributes: tuple[str, ...] = ()
    deprecation_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A thing group or a billing group; only thing groups have attributes and a parent."""

    name: str
    arn: str
    creation_date: datetime
    id: str = ""
    description: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    parent: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing; ``version`` counts its changes from 1. Attributes are copied and cannot be changed."""

    name: str
    arn: str
    id: str
    creation_date: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)
    thing_type: str | None = None
    groups: tuple[str, ...] = ()
    billing_group: str | None = None
    version: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a policy; ``document`` is the text as it was handed in."""

    id: str
    document: str
    creation_date: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy; only its default version counts."""

    name: str
    arn: str
    versions: tuple[PolicyVersion, ...]
    default_version_id: str
    creation_date: datetime
    generation_id: str

    @property
    def document(self) -> str:
        """The default version's text."""
        return next(each.document for each in self.versions if each.id == self.default_version_id)
