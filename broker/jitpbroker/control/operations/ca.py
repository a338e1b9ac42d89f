"""CA certificates: registration with its proof, description, change and removal.

Rules of this file:
1. Mode and verification certificate are judged first, a duplicate last.
2. In DEFAULT mode one account per Region has a CA certificate; in SNI_ONLY mode any number has.
3. Who registers in DEFAULT mode proves possession of the CA's key: a certificate that it signed, named by the
   account's registration code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.checks import certificate_from, check_ca_constraints, check_signed_by
from jitpbroker.control.messages import Answer, Refused, Value, invalid
from jitpbroker.control.operations.tags import tags_in
from jitpbroker.registry.entities import (
    AutoRegistration,
    CaCertificate,
    CaStatus,
    CertificateMode,
    RegistrationConfig,
)
from jitpbroker.registry.errors import already_exists, not_found
from jitpbroker.registry.templates import TemplateType
from jitpbroker.x509 import Certificate

_CODE_BYTES: Final = 32


def get_registration_code(call: Call) -> Answer:
    """The account's registration code: 64 hex digits, the same until it is deleted.

    Evidence: document - AWS's service model, RegistrationCode and GetRegistrationCode.
    """
    if call.registry.registration_code is None:
        call.registry.registration_code = call.around.draw(_CODE_BYTES).hex()
    return {"registrationCode": call.registry.registration_code}


def delete_registration_code(call: Call) -> Answer:
    """Forget the registration code; the next one asked for is another.

    Evidence: document - AWS's service model, DeleteRegistrationCode's ResourceNotFoundException.
    """
    if call.registry.registration_code is None:
        raise not_found("The registration code does not exist.")
    call.registry.registration_code = None
    return {}


def register_ca_certificate(call: Call) -> Answer:
    """Register a CA certificate, INACTIVE and without auto-registration unless asked otherwise.

    Evidence: document - developer guide, register-CA-cert, and AWS's service model; sentences and their order
    are those of MiniStack's source.
    """
    asked = call.asked
    mode = CertificateMode(asked.maybe_text("certificateMode") or "DEFAULT")
    verification = asked.maybe_text("verificationCertificate")
    if mode is CertificateMode.DEFAULT and verification is None:
        raise invalid(
            "Need to provide verification certificate for registering CA Certificates in DEFAULT mode"
        )
    if mode is CertificateMode.SNI_ONLY and verification is not None:
        raise invalid(
            "Cannot provide verification certificate for registering CA Certificates in SNI_ONLY mode"
        )
    certificate = certificate_from(asked.text("caCertificate"), "CA Certificate")
    check_ca_constraints(certificate)
    if verification is not None:
        _check_verification(call, certificate, verification)
    config = _config(call)
    tags = tags_in(call)
    _check_no_other_account(call, certificate, mode)
    ca = call.registry.cas.register(
        certificate,
        at=call.at,
        status=CaStatus.ACTIVE if asked.flag("setAsActive") else CaStatus.INACTIVE,
        auto_registration=(
            AutoRegistration.ENABLE if asked.flag("allowAutoRegistration") else AutoRegistration.DISABLE
        ),
        certificate_mode=mode,
        registration_config=config,
    )
    call.registry.tags.set(ca.arn, tags)
    return {"certificateArn": ca.arn, "certificateId": ca.id}


def _check_verification(call: Call, ca: Certificate, pem: str) -> None:
    try:
        verification = Certificate.from_pem(pem)
    except ValueError:
        raise invalid("Contents of the Verification Certificate are not correct") from None
    check_signed_by(verification, ca)
    names = verification.subject.values("CommonName")
    # Exactly one: with two names one could be somebody else's code.
    if (
        len(names) != 1
        or call.registry.registration_code is None
        or names[0] != call.registry.registration_code
    ):
        raise Refused(
            "RegistrationCodeValidationException",
            "Registration code provided in the CN field of verification certificate is invalid.",
        )


def _check_no_other_account(call: Call, certificate: Certificate, mode: CertificateMode) -> None:
    """Evidence: document - developer guide, manage-your-CA-certs; the exception is inferred."""
    region = call.registry.arns.region
    for other in call.around.accounts.others(region):
        taken = other.cas.get(certificate.id)
        if other is call.registry or taken is None:
            continue
        if CertificateMode.DEFAULT in (mode, taken.certificate_mode):
            raise already_exists(
                f"CA certificate {certificate.id} is registered by another account in {region}; in DEFAULT"
                " mode only one account per Region can have it."
            )


def _config(call: Call) -> RegistrationConfig | None:
    """The registration config asked for: inline, or by the name of a template of type JITP.

    Evidence: document - developer guide, jit-provisioning; that both together are refused, and that an inline
    body is not read before it runs, is assumed there where it says nothing.
    """
    if "registrationConfig" not in call.asked:
        return None
    config = call.asked.object("registrationConfig")
    body, role, name = (config.maybe_text(each) for each in ("templateBody", "roleArn", "templateName"))
    if name is not None:
        if body is not None:
            raise invalid("registrationConfig takes templateBody or templateName, not both.")
        template = call.registry.templates.require(name)
        if template.type is not TemplateType.JITP:
            raise invalid(
                f"Template {name} is of type {template.type}; a CA certificate needs one of type JITP."
            )
        return RegistrationConfig(template.body, template.role_arn, name)
    if body is None and role is None:
        return None
    if body is None or role is None:
        raise invalid("registrationConfig needs templateBody and roleArn together.")
    return RegistrationConfig(body, role)


def describe_ca_certificate(call: Call) -> Answer:
    """A CA certificate; ``registrationConfig`` stands beside the description, and only when there is one.

    Evidence: document - AWS's service model, and the answer a user pasted in the case.
    """
    ca = _require(call)
    description: dict[str, Value] = {
        "certificateArn": ca.arn,
        "certificateId": ca.id,
        "status": ca.status,
        "certificatePem": ca.certificate.pem,
        "ownedBy": call.registry.arns.account,
        "creationDate": ca.creation_date,
        "autoRegistrationStatus": ca.auto_registration,
        "lastModifiedDate": ca.last_modified_date,
        "customerVersion": ca.customer_version,
        "generationId": ca.generation_id,
        "validity": {"notBefore": ca.certificate.not_before, "notAfter": ca.certificate.not_after},
        "certificateMode": ca.certificate_mode,
    }
    return {"certificateDescription": description, "registrationConfig": _written(ca.registration_config)}


def _written(config: RegistrationConfig | None) -> Value:
    if config is None:
        return None
    if config.template_name is not None:
        return {"templateName": config.template_name, "roleArn": config.role_arn}
    return {"templateBody": config.template_body, "roleArn": config.role_arn}


def list_ca_certificates(call: Call) -> Answer:
    """CA certificates, newest first unless asked for in ascending order; by template, if one is named.

    Evidence: document - AWS's service model; the order is that of its isAscendingOrder.
    """
    template = call.asked.maybe_text("templateName")
    found = [
        ca
        for ca in call.registry.cas
        if template is None
        or (ca.registration_config is not None and ca.registration_config.template_name == template)
    ]
    if not call.asked.flag("ascendingOrder"):
        found.reverse()
    listed: list[Answer] = [
        {
            "certificateArn": ca.arn,
            "certificateId": ca.id,
            "status": ca.status,
            "creationDate": ca.creation_date,
        }
        for ca in found
    ]
    return page(call, listed, size="pageSize", marker="marker", answer=("certificates", "nextMarker"))


def update_ca_certificate(call: Call) -> Answer:
    """Change status, auto-registration and registration config.

    Evidence: document - AWS's service model, UpdateCACertificate; that removeAutoRegistration clears template
    and role is the JITP workshop's.
    """
    asked = call.asked
    ca = _require(call)
    status, auto = asked.maybe_text("newStatus"), asked.maybe_text("newAutoRegistrationStatus")
    call.registry.cas.update(
        ca.id,
        at=call.at,
        status=None if status is None else CaStatus(status),
        auto_registration=None if auto is None else AutoRegistration(auto),
        registration_config=_config(call),
        remove_auto_registration=asked.flag("removeAutoRegistration"),
    )
    return {}


def delete_ca_certificate(call: Call) -> Answer:
    """Forget an INACTIVE CA certificate; the device certificates it signed stay registered."""
    ca = _require(call)
    call.registry.cas.delete(ca.id)
    call.registry.tags.forget(ca.arn)
    return {}


def _require(call: Call) -> CaCertificate:
    certificate_id = call.asked.text("certificateId").lower()
    ca = call.registry.cas.get(certificate_id)
    if ca is None:
        raise not_found(f"CA certificate {certificate_id} does not exist.")
    return ca


OPERATIONS: Final[Mapping[str, Handler]] = {
    "GetRegistrationCode": get_registration_code,
    "DeleteRegistrationCode": delete_registration_code,
    "RegisterCACertificate": register_ca_certificate,
    "DescribeCACertificate": describe_ca_certificate,
    "ListCACertificates": list_ca_certificates,
    "UpdateCACertificate": update_ca_certificate,
    "DeleteCACertificate": delete_ca_certificate,
}
