"""What AWS IoT remembers: CA certificates, device certificates, things, policies, and their attachments."""

from jitpbroker.registry.entities import (
    AutoRegistration,
    CaCertificate,
    CaStatus,
    CertificateMode,
    CertificateStatus,
    DeviceCertificate,
    Policy,
    RegistrationConfig,
    Thing,
)
from jitpbroker.registry.errors import ErrorCode, RegistryError
from jitpbroker.registry.ids import counting_ids
from jitpbroker.registry.names import Arns
from jitpbroker.registry.store import Registry

__all__ = [
    "Arns",
    "AutoRegistration",
    "CaCertificate",
    "CaStatus",
    "CertificateMode",
    "CertificateStatus",
    "DeviceCertificate",
    "ErrorCode",
    "Policy",
    "RegistrationConfig",
    "Registry",
    "RegistryError",
    "Thing",
    "counting_ids",
]
