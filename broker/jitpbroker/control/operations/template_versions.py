"""Versions of provisioning templates.

Evidence: document - AWS's service model, CreateProvisioningTemplateVersion and its companions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.messages import Answer, Value
from jitpbroker.control.operations.templates import check_body, follow
from jitpbroker.registry.templates import ProvisioningTemplate, require_version


def create_provisioning_template_version(call: Call) -> Answer:
    """Add a version; five are the most."""
    template = _require(call)
    body = call.asked.text("templateBody")
    check_body(body)
    as_default = call.asked.flag("setAsDefault")
    version = call.registry.templates.add_version(template.name, body, at=call.at, set_as_default=as_default)
    follow(call, template.name)
    return {
        "templateArn": template.arn,
        "templateName": template.name,
        "versionId": version.id,
        "isDefaultVersion": as_default,
    }


def describe_provisioning_template_version(call: Call) -> Answer:
    """One version."""
    template = _require(call)
    version = require_version(template, _version_id(call))
    return {
        "versionId": version.id,
        "creationDate": version.creation_date,
        "templateBody": version.body,
        "isDefaultVersion": version.id == template.default_version_id,
    }


def list_provisioning_template_versions(call: Call) -> Answer:
    """Every version of a template."""
    template = _require(call)
    listed: list[Value] = [
        {
            "versionId": version.id,
            "creationDate": version.creation_date,
            "isDefaultVersion": version.id == template.default_version_id,
        }
        for version in template.versions
    ]
    return page(call, listed, size="maxResults", marker="nextToken", answer=("versions", "nextToken"))


def delete_provisioning_template_version(call: Call) -> Answer:
    """Delete a version that is not the default."""
    call.registry.templates.delete_version(_require(call).name, _version_id(call))
    return {}


def _require(call: Call) -> ProvisioningTemplate:
    return call.registry.templates.require(call.asked.text("templateName"))


def _version_id(call: Call) -> int:
    number = call.asked.number("versionId")
    assert number is not None, "the model requires it"
    return number


OPERATIONS: Final[Mapping[str, Handler]] = {
    "CreateProvisioningTemplateVersion": create_provisioning_template_version,
    "DescribeProvisioningTemplateVersion": describe_provisioning_template_version,
    "ListProvisioningTemplateVersions": list_provisioning_template_versions,
    "DeleteProvisioningTemplateVersion": delete_provisioning_template_version,
}
