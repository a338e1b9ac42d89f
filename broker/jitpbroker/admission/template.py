"""Provisioning templates: what one must look like before it can run.

Rules of this file:
1. A template has exactly one certificate resource, and that one refers to AWS::IoT::Certificate::Id.
2. A policy resource has a name or a document, never both.
3. Nothing is looked up here; a template that parses may still fail when it runs.

Evidence: document - AWS IoT developer guide, provision-template and jit-provisioning. Some sentences
after "The template body is invalid" are those MiniStack's source reports as measured on AWS in 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from jitpbroker.registry.jsontext import Json, parse_json

#: Characters; TemplateBody in AWS's service model.
LONGEST_BODY: Final = 10_240
CERTIFICATE_ID: Final = "AWS::IoT::Certificate::Id"

_INVALID: Final = "The template body is invalid"


class ProvisioningFailed(ValueError):  # noqa: N818 - reads as the sentence it is
    """A template cannot run, or stopped on the way; the message is what the log and the trace say.

    The subclasses give the common failures a name of their own, for the trace; AWS has none for them.
    """


class InvalidTemplate(ProvisioningFailed):
    """The template itself is no good, or is not there."""


class MissingParameter(ProvisioningFailed):
    """A declared parameter has a value neither in the certificate nor as its default."""


class AccessDenied(ProvisioningFailed):
    """The role may not do what the template asks for."""


class PolicyNotFound(ProvisioningFailed):
    """The template names a policy that does not exist."""


class MalformedPolicy(ProvisioningFailed):
    """The template's policy document is none."""


class ResourceConflict(ProvisioningFailed):
    """The thing exists and differs, and the template's OverrideSettings forbid the change."""


class Override(StrEnum):
    """What to do with a thing that exists and differs."""

    DO_NOTHING = "DO_NOTHING"
    REPLACE = "REPLACE"
    FAIL = "FAIL"
    MERGE = "MERGE"


@dataclass(frozen=True, slots=True)
class ThingResource:
    """An AWS::IoT::Thing, its values not yet resolved; ``None`` where the template says nothing.

    Evidence: document - an override that is left out fails on a difference, as fleet provisioning answers.
    """

    name: Json
    attributes: Json
    thing_type: Json
    groups: Json
    billing_group: Json
    override_attributes: Override = Override.FAIL
    override_type: Override = Override.FAIL
    override_groups: Override = Override.FAIL


@dataclass(frozen=True, slots=True)
class PolicyResource:
    """An AWS::IoT::Policy: ``name`` or ``document`` is given, the other is ``None``."""

    name: Json
    document: Json


@dataclass(frozen=True, slots=True)
class Template:
    """A template that parsed.

    Attributes:
        parameters: declared names and their defaults, ``None`` without one.
        mappings: for Fn::FindInMap.
        certificate_status: unresolved; ``None`` when the template leaves it out.
        device_configuration: fleet provisioning's answer to the device; not used just in time.
    """

    parameters: Mapping[str, str | None]
    mappings: dict[str, Json]
    things: tuple[ThingResource, ...]
    certificate_status: Json
    policies: tuple[PolicyResource, ...]
    device_configuration: dict[str, Json] = field(default_factory=dict)


def parse_template(body: str) -> Template:
    """Read a template.

    Raises:
        ProvisioningFailed: the body is no template.
    """
    if len(body) > LONGEST_BODY:
        raise InvalidTemplate(
            f"{_INVALID}: it has {len(body)} characters, at most {LONGEST_BODY} are allowed; shorten it."
        )
    try:
        document = parse_json(body)
    except ValueError as error:
        raise InvalidTemplate(f"{_INVALID}: {error}") from error
    if not isinstance(document, dict):
        raise InvalidTemplate(f"{_INVALID}: it is no JSON object.")
    resources = _section(document, "Resources")
    certificates = [each for each in resources.values() if _type(each) == "AWS::IoT::Certificate"]
    _check_resources(resources, len(certificates))
    return Template(
        parameters=_parameters(_section(document, "Parameters")),
        mappings=_section(document, "Mappings"),
        things=tuple(_thing(each) for each in resources.values() if _type(each) == "AWS::IoT::Thing"),
        certificate_status=_certificate_status(certificates[0]),
        policies=tuple(_policy(each) for each in resources.values() if _type(each) == "AWS::IoT::Policy"),
        device_configuration=_section(document, "DeviceConfiguration"),
    )


def check_for_creation(template: Template) -> None:
    """What CreateProvisioningTemplate asks for beyond what a template needs to run.

    Evidence: document - the sentence is one MiniStack's source reports as measured on AWS; the developer
    guide calls Status optional, so an inline template without one runs.

    Raises:
        ProvisioningFailed: the certificate resource has no fixed Status.
    """
    status = template.certificate_status
    if not isinstance(status, str) or status.upper() not in ("ACTIVE", "INACTIVE"):
        raise InvalidTemplate(
            f'{_INVALID}: A certificate resource must specify a Status of either "Active" or "Inactive"'
        )


def _section(document: dict[str, Json], key: str) -> dict[str, Json]:
    section = document.get(key, {})
    if not isinstance(section, dict):
        raise InvalidTemplate(f"{_INVALID}: {key} is no JSON object.")
    return section


def _type(resource: Json) -> Json:
    return resource.get("Type") if isinstance(resource, dict) else None


def _check_resources(resources: dict[str, Json], certificates: int) -> None:
    for name, resource in resources.items():
        if _type(resource) not in ("AWS::IoT::Thing", "AWS::IoT::Certificate", "AWS::IoT::Policy"):
            raise InvalidTemplate(f"{_INVALID}: resource {name} has the unknown Type {_type(resource)!r}.")
    if certificates == 0:
        raise InvalidTemplate(f"{_INVALID}: Template must have certificate resource.")
    if certificates > 1:
        raise InvalidTemplate(f"{_INVALID}: Only one certificate resource can be defined")


def _parameters(section: dict[str, Json]) -> dict[str, str | None]:
    out: dict[str, str | None] = {}
    for name, declared in section.items():
        if not isinstance(declared, dict) or declared.get("Type") != "String":
            raise InvalidTemplate(f'{_INVALID}: parameter {name} must be declared with "Type": "String".')
        default = declared.get("Default")
        if default is not None and not isinstance(default, str):
            raise InvalidTemplate(f"{_INVALID}: the Default of parameter {name} is no string.")
        out[name] = default
    return out


def _properties(resource: Json) -> dict[str, Json]:
    assert isinstance(resource, dict), "_check_resources lets objects pass only"
    properties = resource.get("Properties")
    if not isinstance(properties, dict) or None in properties.values():
        raise InvalidTemplate(f"{_INVALID}: Properties of a resource cannot be null.")
    return properties


def _certificate_status(resource: Json) -> Json:
    properties = _properties(resource)
    if properties.get("CertificateId") != {"Ref": CERTIFICATE_ID}:
        raise InvalidTemplate(f"{_INVALID}: CertificateId must contain a reference to {CERTIFICATE_ID}")
    return properties.get("Status")


def _policy(resource: Json) -> PolicyResource:
    properties = _properties(resource)
    if ("PolicyName" in properties) == ("PolicyDocument" in properties):
        raise InvalidTemplate(
            f"{_INVALID}: a policy resource needs PolicyName or PolicyDocument, one of the two."
        )
    return PolicyResource(properties.get("PolicyName"), properties.get("PolicyDocument"))


def _thing(resource: Json) -> ThingResource:
    properties = _properties(resource)
    if "ThingName" not in properties:
        raise InvalidTemplate(f"{_INVALID}: a thing resource needs a ThingName.")
    assert isinstance(resource, dict), "_properties lets objects pass only"
    overrides = _section(resource, "OverrideSettings")
    return ThingResource(
        name=properties["ThingName"],
        attributes=properties.get("AttributePayload"),
        thing_type=properties.get("ThingTypeName"),
        groups=properties.get("ThingGroups"),
        billing_group=properties.get("BillingGroup"),
        override_attributes=_override(overrides, "AttributePayload", Override.MERGE),
        override_type=_override(overrides, "ThingTypeName"),
        override_groups=_override(overrides, "ThingGroups", Override.MERGE),
    )


def _override(settings: dict[str, Json], key: str, *more: Override) -> Override:
    allowed = (Override.DO_NOTHING, Override.REPLACE, Override.FAIL, *more)
    wanted = settings.get(key, Override.FAIL)
    found = next((each for each in allowed if each == wanted), None)
    if found is None:
        raise InvalidTemplate(
            f"{_INVALID}: OverrideSettings.{key} is {wanted!r}; choose one of {', '.join(allowed)}."
        )
    return found
