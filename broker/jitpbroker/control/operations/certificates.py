"""Device certificates: registration by hand, description, status and removal.

Rules of this file:
1. A customer sets ACTIVE, INACTIVE and REVOKED; the pending states are AWS's to set.
2. Leaving ACTIVE ends the certificate's live connections.
3. What is ACTIVE, or attached to something, is not deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler, page_of
from jitpbroker.control.checks import certificate_from, check_key, check_signed_by
from jitpbroker.control.messages import Answer, Refused, Value, invalid
from jitpbroker.registry.entities import (
    CaCertificate,
    CaStatus,
    CertificateMode,
    CertificateStatus,
    DeviceCertificate,
)
from jitpbroker.registry.errors import ErrorCode, RegistryError, not_found
from jitpbroker.registry.settings import Transfer
from jitpbroker.x509 import Certificate, NotIssuedBy

_SETTABLE: Final = (CertificateStatus.ACTIVE, CertificateStatus.INACTIVE, CertificateStatus.REVOKED)
_LISTED: Final = "certificates"


def register_certificate(call: Call) -> Answer:
    """Register a device certificate under the CA certificate that signed it.

    Evidence: document - AWS's service model, RegisterCertificate; sentences are those of MiniStack's source.
    """
    certificate = certificate_from(call.asked.text("certificatePem"), "certificate")
    check_key(certificate.public_key)
    pem = call.asked.maybe_text("caCertificatePem")
    ca = _ca_of(call, certificate) if pem is None else _ca_named(call, certificate, pem)
    return _register(call, certificate, ca.id, ca.certificate_mode)


def register_certificate_without_ca(call: Call) -> Answer:
    """Register a device certificate whose CA nobody registered; clients must send SNI.

    Evidence: document - developer guide, x509-client-certs (multi-account registration).
    """
    certificate = certificate_from(call.asked.text("certificatePem"), "certificate")
    check_key(certificate.public_key)
    return _register(call, certificate, None, CertificateMode.SNI_ONLY)


def _register(call: Call, certificate: Certificate, ca_id: str | None, mode: CertificateMode) -> Answer:
    active = CertificateStatus.ACTIVE if call.asked.flag("setAsActive") else CertificateStatus.INACTIVE
    status = CertificateStatus(call.asked.maybe_text("status") or active)
    if status not in _SETTABLE:
        raise Refused(
            "CertificateStateException", f"Not allowed to register certificate with {status} status"
        )
    device = call.registry.certificates.register(
        certificate, at=call.at, status=status, ca_certificate_id=ca_id, certificate_mode=mode
    )
    return {"certificateArn": device.arn, "certificateId": device.id}


def _ca_named(call: Call, certificate: Certificate, pem: str) -> CaCertificate:
    ca = call.registry.cas.get(certificate_from(pem, "CA certificate").id)
    if ca is None:
        raise Refused("CertificateStateException", "No CA certificate exists for the given certificate")
    check_signed_by(certificate, ca.certificate)
    return _active(ca)


def _ca_of(call: Call, certificate: Certificate) -> CaCertificate:
    namesakes = call.registry.cas.named(certificate.issuer)
    signers = [ca for ca in namesakes if _signed(certificate, ca.certificate)]
    if len(signers) > 1:
        raise Refused(
            "CertificateConflictException",
            "Several registered CA certificates have this subject and public key; pass caCertificatePem.",
        )
    if not signers and namesakes:
        check_signed_by(certificate, namesakes[0].certificate)
    if not signers:
        raise Refused("CertificateStateException", "No CA certificate exists for the given certificate")
    return _active(signers[0])


def _signed(certificate: Certificate, ca: Certificate) -> bool:
    try:
        certificate.check_issued_by(ca)
    except NotIssuedBy:
        return False
    return True


def _active(ca: CaCertificate) -> CaCertificate:
    if ca.status is not CaStatus.ACTIVE:
        raise Refused("CertificateStateException", "The CA certificate is not active")
    return ca


def describe_certificate(call: Call) -> Answer:
    """A device certificate.

    Evidence: document - AWS's service model, CertificateDescription.
    """
    device = require_certificate(call)
    transfer = call.registry.transfers.get(device.id)
    return {
        "certificateDescription": {
            "certificateArn": device.arn,
            "certificateId": device.id,
            "caCertificateId": device.ca_certificate_id,
            "status": device.status,
            "certificatePem": device.certificate.pem,
            "ownedBy": call.registry.arns.account,
            "previousOwnedBy": device.previous_owned_by,
            "creationDate": device.creation_date,
            "lastModifiedDate": device.last_modified_date,
            "customerVersion": device.customer_version,
            "transferData": None if transfer is None else _transfer_data(transfer),
            "generationId": device.generation_id,
            "validity": {
                "notBefore": device.certificate.not_before,
                "notAfter": device.certificate.not_after,
            },
            "certificateMode": device.certificate_mode,
        }
    }


def _transfer_data(transfer: Transfer) -> dict[str, Value]:
    return {
        "transferMessage": transfer.message,
        "rejectReason": transfer.reject_reason,
        "transferDate": transfer.date,
        "acceptDate": transfer.accept_date,
        "rejectDate": transfer.reject_date,
    }


def list_certificates(call: Call) -> Answer:
    """All device certificates, newest first unless asked for in ascending order."""
    return _listed(call, call.registry.certificates)


def list_certificates_by_ca(call: Call) -> Answer:
    """The device certificates registered under a CA certificate."""
    ca_id = call.asked.text("caCertificateId").lower()
    return _listed(call, (each for each in call.registry.certificates if each.ca_certificate_id == ca_id))


def _listed(call: Call, devices: Iterable[DeviceCertificate]) -> Answer:
    """Evidence: document - AWS's service model; the order is that of its isAscendingOrder."""
    found = list(devices)
    if not call.asked.flag("ascendingOrder"):
        found.reverse()
    return page_of(call, found, _written, size="pageSize", marker="marker", answer=(_LISTED, "nextMarker"))


def _written(device: DeviceCertificate) -> dict[str, Value]:
    return {
        "certificateArn": device.arn,
        "certificateId": device.id,
        "status": device.status,
        "certificateMode": device.certificate_mode,
        "creationDate": device.creation_date,
    }


def update_certificate(call: Call) -> Answer:
    """Set a certificate's status; leaving ACTIVE ends its live connections at once.

    Evidence: document - AWS's service model, UpdateCertificate, which says within a few minutes; that REVOKED
    is final is the developer guide's for the console.
    """
    device = require_certificate(call)
    status = CertificateStatus(call.asked.text("newStatus"))
    if status not in _SETTABLE:
        raise invalid(f"A certificate cannot be set to {status}; choose {', '.join(_SETTABLE)}.")
    if device.status is CertificateStatus.PENDING_TRANSFER:
        raise Refused(
            "CertificateStateException", f"Certificate {device.id} is being transferred; cancel that first."
        )
    if device.status is CertificateStatus.REVOKED and status is not CertificateStatus.REVOKED:
        raise Refused(
            "CertificateStateException", f"Certificate {device.id} is REVOKED and cannot be set to {status}."
        )
    call.registry.certificates.set_status(device.id, status, at=call.at)
    if status is not CertificateStatus.ACTIVE:
        call.around.sessions.end(device.id, f"its certificate {device.id} was set to {status}")
    return {}


def delete_certificate(call: Call) -> Answer:
    """Delete a certificate that is not ACTIVE and attached to nothing; forceDelete drops policies itself.

    Evidence: document - AWS's service model, DeleteCertificate.
    """
    device = require_certificate(call)
    registry = call.registry
    if device.status is CertificateStatus.PENDING_TRANSFER:
        raise Refused(
            "CertificateStateException", f"Certificate {device.id} is being transferred; cancel that first."
        )
    policies = registry.policies.of_target(device.arn)
    if device.status is not CertificateStatus.ACTIVE:  # the state is the first to object
        if registry.things.of_principal(device.arn):
            raise RegistryError(
                ErrorCode.DELETE_CONFLICT, f"Things must be detached before deletion (arn: {device.arn})"
            )
        if policies and not call.asked.flag("forceDelete"):
            raise RegistryError(
                ErrorCode.DELETE_CONFLICT,
                f"Certificate policies must be detached before deletion (arn: {device.arn})",
            )
    registry.certificates.delete(device.id)
    for policy in policies:
        registry.policies.detach(policy.name, device.arn)
    registry.transfers.pop(device.id, None)
    registry.tags.forget(device.arn)
    return {}


def require_certificate(call: Call) -> DeviceCertificate:
    """The device certificate of the parameter ``certificateId``.

    Raises:
        RegistryError: there is none.
    """
    certificate_id = call.asked.text("certificateId").lower()
    device = call.registry.certificates.get(certificate_id)
    if device is None:
        raise not_found(f"Certificate {certificate_id} does not exist.")
    return device


OPERATIONS: Final[Mapping[str, Handler]] = {
    "RegisterCertificate": register_certificate,
    "RegisterCertificateWithoutCA": register_certificate_without_ca,
    "DescribeCertificate": describe_certificate,
    "ListCertificates": list_certificates,
    "ListCertificatesByCA": list_certificates_by_ca,
    "UpdateCertificate": update_certificate,
    "DeleteCertificate": delete_certificate,
}
