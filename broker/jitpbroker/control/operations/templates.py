"""Provisioning templates.

Evidence: document - AWS's service model, CreateProvisioningTemplate and its companions; the sentences about a
body are those MiniStack's source reports as measured on AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from jitpbroker.admission.template import (
    ProvisioningFailed,
    check_for_creation,
    parse_template,
)
from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.messages import Answer, Value, invalid
from jitpbroker.control.operations.tags import tags_in
from jitpbroker.registry.entities import CertificateStatus, RegistrationConfig
from jitpbroker.registry.errors import ErrorCode, RegistryError
from jitpbroker.registry.templates import ProvisioningTemplate, TemplateType
from jitpbroker.x509 import Certificate

#: How long a provisioning claim is good for.
#: Evidence: document - developer guide, provision-wo-cert.
_CLAIM_LASTS: Final = timedelta(minutes=5)
_HOOK_VERSION: Final = "2020-04-01"


def create_provisioning_template(call: Call) -> Answer:
    """Create a template with one version; its type is fixed from here on."""
    asked = call.asked
    kind = TemplateType(asked.maybe_text("type") or "FLEET_PROVISIONING")
    hook = asked.object("preProvisioningHook").maybe_text("targetArn")
    check_hook(kind, hook)
    body = asked.text("templateBody")
    check_body(body)
    tags = tags_in(call)
    template = call.registry.templates.create(
        asked.text("templateName"),
        body,
        role_arn=asked.text("provisioningRoleArn"),
        at=call.at,
        type=kind,
        description=asked.maybe_text("description") or "",
        enabled=asked.flag("enabled"),
    )
    if hook is not None:
        call.registry.templates.replace(replace(template, hook_arn=hook))
    call.registry.tags.set(template.arn, tags)
    return {"templateArn": template.arn, "templateName": template.name, "defaultVersionId": 1}


def check_hook(kind: TemplateType, hook: str | None) -> None:
    """Evidence: document - AWS's service model; the sentence is MiniStack's.

    Raises:
        Refused: a template of type JITP was given a hook.
    """
    if hook is not None and kind is TemplateType.JITP:
        raise invalid("Provisioning hook is not supported for template type: JITP")


def check_body(body: str) -> None:
    """Judge a body as CreateProvisioningTemplate does.

    Raises:
        Refused: it is no template, or its certificate has no fixed Status.
    """
    try:
        template = parse_template(body)
        check_for_creation(template)
    except ProvisioningFailed as error:
        raise invalid(str(error)) from None


def describe_provisioning_template(call: Call) -> Answer:
    """A template and its default version."""
    template = _require(call)
    hook: Value = None
    if template.hook_arn is not None:
        hook = {"payloadVersion": _HOOK_VERSION, "targetArn": template.hook_arn}
    return {
        **_summary(template),
        "defaultVersionId": template.default_version_id,
        "templateBody": template.body,
        "provisioningRoleArn": template.role_arn,
        "preProvisioningHook": hook,
    }


def _summary(template: ProvisioningTemplate) -> dict[str, Value]:
    return {
        "templateArn": template.arn,
        "templateName": template.name,
        "description": template.description,
        "creationDate": template.creation_date,
        "lastModifiedDate": template.last_modified_date,
        "enabled": template.enabled,
        "type": template.type,
    }


def list_provisioning_templates(call: Call) -> Answer:
    """All templates."""
    listed = [_summary(each) for each in call.registry.templates]
    return page(call, listed, size="maxResults", marker="nextToken", answer=("templates", "nextToken"))


def update_provisioning_template(call: Call) -> Answer:
    """Change what is given; the body changes by versions only."""
    asked, old = call.asked, _require(call)
    hook = asked.object("preProvisioningHook").maybe_text("targetArn")
    remove = asked.flag("removePreProvisioningHook")
    if hook is not None and remove:
        raise invalid(
            "preProvisioningHook and removePreProvisioningHook exclude each other; give one of them."
        )
    check_hook(old.type, hook)
    description, version = asked.maybe_text("description"), asked.number("defaultVersionId")
    call.registry.templates.replace(
        replace(
            old,
            description=old.description if description is None else description,
            enabled=asked.flag("enabled") if "enabled" in asked else old.enabled,
            default_version_id=old.default_version_id if version is None else version,
            role_arn=asked.maybe_text("provisioningRoleArn") or old.role_arn,
            hook_arn=None if remove else hook or old.hook_arn,
            last_modified_date=call.at,
        )
    )
    follow(call, old.name)
    return {}


def follow(call: Call, name: str) -> None:
    """Let CA certificates that provision by this template's name run what it now says."""
    template = call.registry.templates.require(name)
    call.registry.cas.follow(name, RegistrationConfig(template.body, template.role_arn, name))


def delete_provisioning_template(call: Call) -> Answer:
    """Delete a template that has one version left and that no CA certificate provisions by.

    Evidence: document - AWS's service model, DeleteConflictException; that a CA certificate's use is such a
    conflict is assumed there where it says nothing.
    """
    template = _require(call)
    for ca in call.registry.cas:
        if ca.registration_config is not None and ca.registration_config.template_name == template.name:
            raise RegistryError(
                ErrorCode.DELETE_CONFLICT,
                f"Template {template.name} is used by CA certificate {ca.id}; change that first.",
            )
    call.registry.templates.delete(template.name)
    call.registry.tags.forget(template.arn)
    return {}


def create_provisioning_claim(call: Call) -> Answer:
    """A key and a certificate for five minutes, ACTIVE at once, for a device to be provisioned with.

    Evidence: document - developer guide, provision-wo-cert. Unlike there it is listed among the account's
    certificates here; after five minutes its own dates refuse it.
    """
    template = _require(call)
    if template.type is not TemplateType.FLEET_PROVISIONING:
        raise invalid(
            f"Template {template.name} is of type {template.type}; claims are for FLEET_PROVISIONING."
        )
    until = call.at + _CLAIM_LASTS
    key = call.around.issuer.new_key()
    pem = call.around.issuer.for_key(key.public_pem, at=call.at, until=until)
    device = call.registry.certificates.register(
        Certificate.from_pem(pem), at=call.at, status=CertificateStatus.ACTIVE
    )
    return {
        "certificateId": device.id,
        "certificatePem": pem,
        "keyPair": {"PublicKey": key.public_pem, "PrivateKey": key.private_pem},
        "expiration": until,
    }


def _require(call: Call) -> ProvisioningTemplate:
    return call.registry.templates.require(call.asked.text("templateName"))


OPERATIONS: Final[Mapping[str, Handler]] = {
    "CreateProvisioningTemplate": create_provisioning_template,
    "DescribeProvisioningTemplate": describe_provisioning_template,
    "ListProvisioningTemplates": list_provisioning_templates,
    "UpdateProvisioningTemplate": update_provisioning_template,
    "DeleteProvisioningTemplate": delete_provisioning_template,
    "CreateProvisioningClaim": create_provisioning_claim,
}
