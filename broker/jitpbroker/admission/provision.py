"""A provisioning template at work: thing, policy, attachments, status, in that order.

Rules of this file:
1. Every call is made under the registration config's role, which may be refused.
2. The first failure stops the run; what was made before it stays, the certificate keeps PENDING_ACTIVATION.
3. Running the same template again for the same certificate changes nothing that already fits.

Evidence: document - the order is that of the calls in CloudTrail, as users report them; that nothing is
rolled back is inferred from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from jitpbroker.admission.functions import Scope
from jitpbroker.admission.template import (
    CERTIFICATE_ID,
    AccessDenied,
    InvalidTemplate,
    MalformedPolicy,
    MissingParameter,
    Override,
    PolicyNotFound,
    PolicyResource,
    ProvisioningFailed,
    ResourceConflict,
    Template,
    ThingResource,
    parse_template,
)
from jitpbroker.policy.document import PolicyInvalid, parse_policy
from jitpbroker.registry.entities import CertificateStatus, DeviceCertificate, RegistrationConfig, Thing
from jitpbroker.registry.errors import RegistryError
from jitpbroker.registry.jsontext import Json, one_line
from jitpbroker.registry.store import Registry
from jitpbroker.x509 import Certificate

#: The parameters AWS fills in, without ``Id``.
#: Evidence: document - AWS IoT developer guide, jit-provisioning.
SUBJECT_PARAMETERS: Final = frozenset(
    {
        "Country",
        "Organization",
        "OrganizationalUnit",
        "DistinguishedNameQualifier",
        "StateName",
        "CommonName",
        "SerialNumber",
    }
)
_PREFIX: Final = "AWS::IoT::Certificate::"

#: (role ARN, IAM action) -> ``None``, or why the role may not.
RoleCheck: TypeAlias = "Callable[[str, str], str | None]"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run made, also when it failed half way; ``why`` is ``None`` when it succeeded.

    ``failure`` names the kind of failure: an exception of the control plane, or one of ``template``'s own.
    """

    thing_name: str | None
    policy_names: tuple[str, ...]
    status: CertificateStatus
    why: str | None
    failure: str | None


def provision(
    config: RegistrationConfig,
    device: DeviceCertificate,
    registry: Registry,
    *,
    role_check: RoleCheck,
    at: datetime,
) -> Outcome:
    """Run ``config``'s template for a certificate in PENDING_ACTIVATION; never raises."""
    run = _Run(registry, device, config.role_arn, role_check, at)
    try:
        template = parse_template(_body_of(config, registry))
        run.all(template, Scope(parameters_of(template, device.certificate), template.mappings))
    except (ProvisioningFailed, RegistryError) as error:
        failure = error.code.value if isinstance(error, RegistryError) else type(error).__name__
        return Outcome(run.thing_name, tuple(run.policy_names), device.status, str(error), failure)
    return Outcome(run.thing_name, tuple(run.policy_names), run.status, None, None)


def _body_of(config: RegistrationConfig, registry: Registry) -> str:
    """The inline body, or what the template of that name says now.

    Evidence: document - AWS IoT developer guide, jit-provisioning, templateName; the sentences are those
    MiniStack's fleet provisioning answers with.

    Raises:
        ProvisioningFailed: no template has that name, or the one that has is switched off.
    """
    if config.template_name is None:
        return config.template_body
    named = registry.templates.get(config.template_name)
    if named is None:
        raise InvalidTemplate(f"InvalidTemplate: Template {config.template_name} does not exist.")
    if not named.enabled:
        raise InvalidTemplate(f"InvalidTemplate: Template {config.template_name} is not enabled.")
    return named.body


def parameters_of(template: Template, certificate: Certificate) -> dict[str, str]:
    """A value for every declared parameter: from the subject, else its default.

    Evidence: document - AWS IoT developer guide, jit-provisioning: without a value the certificate stays
    PENDING_ACTIVATION.

    Raises:
        ProvisioningFailed: a parameter has neither.
    """
    out: dict[str, str] = {}
    for name, default in template.parameters.items():
        field = name.removeprefix(_PREFIX)
        if name == CERTIFICATE_ID:
            value: str | None = certificate.id
        else:
            value = (
                certificate.subject.first(field) if field in SUBJECT_PARAMETERS and field != name else None
            )
        value = default if value is None else value
        if value is None:
            raise MissingParameter(_no_value(name, field, certificate))
        out[name] = value
    return out


def _no_value(name: str, field: str, certificate: Certificate) -> str:
    if field in SUBJECT_PARAMETERS and field != name:
        return (
            f"The certificate's subject ({certificate.subject.text}) has no {field}, which the template"
            " declares as a parameter; drop the parameter or issue certificates that have it."
        )
    return f"Parameter {name} has no Default and comes from no certificate; just in time only {_PREFIX}* do."


class _Run:
    """One run of one template: what it has made so far, and the calls it makes."""

    def __init__(
        self, registry: Registry, device: DeviceCertificate, role: str, role_check: RoleCheck, at: datetime
    ) -> None:
        self._registry = registry
        self._device = device
        self._role = role
        self._role_check = role_check
        self._at = at
        self.thing_name: str | None = None
        self.policy_names: list[str] = []
        self.status = device.status

    def all(self, template: Template, scope: Scope) -> None:
        """Do everything the template asks for, in AWS's order."""
        things = [self._thing(each, scope) for each in template.things]
        policies = [self._policy(each, scope) for each in template.policies]
        for policy in policies:
            self._call("iot:AttachPolicy")
            self._registry.policies.attach(policy, self._device.arn)
            self.policy_names.append(policy)
        for thing in things:
            self._call("iot:AttachThingPrincipal")
            self._registry.things.attach(thing, self._device.arn)
        self._activate(template.certificate_status, scope)

    def _call(self, action: str) -> None:
        why = self._role_check(self._role, action)
        if why is not None:
            raise AccessDenied(f"AccessDenied: {why}")

    def _thing(self, resource: ThingResource, scope: Scope) -> str:
        name = scope.text(resource.name, "ThingName")
        attributes = None if resource.attributes is None else _attributes(resource.attributes, scope)
        groups = None if resource.groups is None else scope.texts(resource.groups, "ThingGroups")
        kind = None if resource.thing_type is None else scope.text(resource.thing_type, "ThingTypeName")
        things = self._registry.things
        existing = things.get(name)
        if existing is None:
            billing = resource.billing_group
            self._call("iot:CreateThing")
            things.create(
                name,
                at=self._at,
                attributes=attributes,
                thing_type=kind,
                groups=groups or (),
                billing_group=None if billing is None else scope.text(billing, "BillingGroup"),
            )
        else:
            wanted = _merged(existing, resource, attributes, kind, groups)
            if wanted != (existing.attributes, existing.thing_type, existing.groups):
                self._call("iot:UpdateThing")
                things.update(name, attributes=wanted[0], thing_type=wanted[1], groups=wanted[2])
        self.thing_name = name
        return name

    def _policy(self, resource: PolicyResource, scope: Scope) -> str:
        policies = self._registry.policies
        if resource.document is None:
            name = scope.text(resource.name, "PolicyName")
            if policies.get(name) is None:
                raise PolicyNotFound(
                    f"Policy default version not found: there is no policy {name!r}; create it first."
                )
            return name

        resolved = scope.resolve(resource.document)
        document = resolved if isinstance(resolved, str) else one_line(resolved)
        try:
            parse_policy(document)
        except PolicyInvalid as error:
            raise MalformedPolicy(f"MalformedPolicyException: {error}") from error
        name = inline_policy_name(document)
        if policies.get(name) is None:
            self._call("iot:CreatePolicy")
            policies.create(name, document, at=self._at)
        return name

    def _activate(self, wanted: Json, scope: Scope) -> None:
        """Set the certificate's status; ACTIVE unless the template says otherwise, in any case of letters."""
        text = "ACTIVE" if wanted is None else scope.text(wanted, "The certificate's Status")
        if text.upper() not in (CertificateStatus.ACTIVE, CertificateStatus.INACTIVE):
            raise ProvisioningFailed(f'The certificate\'s Status is {text!r}; write "ACTIVE" or "INACTIVE".')
        self._call("iot:UpdateCertificate")
        self.status = CertificateStatus(text.upper())
        self._registry.certificates.set_status(self._device.id, self.status, at=self._at)


def inline_policy_name(document: str) -> str:
    """The name of a policy that a template gives as a document.

    Evidence: assumed - the developer guide says "a hash of the document"; MiniStack takes SHA-256 in hex.
    """
    return hashlib.sha256(document.encode()).hexdigest()


def _attributes(value: Json, scope: Scope) -> dict[str, str]:
    resolved = scope.resolve(value)
    if not isinstance(resolved, dict):
        raise ProvisioningFailed(f"AttributePayload must be a map, not {resolved!r}.")
    return {name: scope.text(each, f"Attribute {name}") for name, each in resolved.items()}


def _merged(
    thing: Thing,
    resource: ThingResource,
    attributes: dict[str, str] | None,
    kind: str | None,
    groups: tuple[str, ...] | None,
) -> tuple[Mapping[str, str], str | None, tuple[str, ...]]:
    """What an existing thing becomes: attributes, type, groups.

    Evidence: document - AWS IoT developer guide, provision-template, OverrideSettings; the sentence of a
    refusal is MiniStack's.
    """
    new_attributes, new_kind, new_groups = thing.attributes, thing.thing_type, thing.groups
    if attributes is not None and attributes != thing.attributes:
        _refuse_conflict(
            resource.override_attributes, "AttributePayload", dict(thing.attributes), dict(attributes)
        )
        match resource.override_attributes:
            case Override.REPLACE:
                new_attributes = attributes
            case Override.MERGE:
                new_attributes = {**thing.attributes, **attributes}
            case _:
                pass
    if kind is not None and kind != thing.thing_type:
        _refuse_conflict(resource.override_type, "ThingTypeName", thing.thing_type, kind)
        new_kind = kind if resource.override_type is Override.REPLACE else thing.thing_type
    if groups is not None and set(groups) != set(thing.groups):
        _refuse_conflict(resource.override_groups, "ThingGroups", list(thing.groups), list(groups))
        match resource.override_groups:
            case Override.REPLACE:
                new_groups = groups
            case Override.MERGE:
                new_groups = tuple(dict.fromkeys((*thing.groups, *groups)))
            case _:
                pass
    return new_attributes, new_kind, new_groups


def _refuse_conflict(override: Override, key: str, existing: Json, wanted: Json) -> None:
    if override is Override.FAIL:
        raise ResourceConflict(
            f"Existing {key}: {one_line(existing)} conflicts with {key}: {one_line(wanted)} in Template."
        )
