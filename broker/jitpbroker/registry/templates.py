"""Provisioning templates and their versions; what a body means is for ``admission.template`` to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from jitpbroker.registry.errors import ErrorCode, RegistryError, already_exists, not_found
from jitpbroker.registry.names import Arns
from jitpbroker.registry.tables import Table

#: Evidence: document - AWS General Reference, AWS IoT Core quotas (archived copy of 2019-20).
MOST_VERSIONS: Final = 5
_NAME: Final = re.compile(r"[0-9A-Za-z_-]{1,36}")


class TemplateType(StrEnum):
    """TemplateType of AWS's service model; fixed when a template is made."""

    FLEET_PROVISIONING = "FLEET_PROVISIONING"
    JITP = "JITP"


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One version of a template's body."""

    id: int
    body: str
    creation_date: datetime


@dataclass(frozen=True, slots=True)
class ProvisioningTemplate:
    """A provisioning template; only its default version runs, and only while it is enabled.

    Attributes:
        hook_arn: the pre-provisioning hook, kept and never called: there is no Lambda here.
    """

    name: str
    arn: str
    type: TemplateType
    description: str
    enabled: bool
    role_arn: str
    versions: tuple[TemplateVersion, ...]
    default_version_id: int
    creation_date: datetime
    last_modified_date: datetime
    hook_arn: str | None = None

    @property
    def body(self) -> str:
        """The default version's text."""
        return next(each.body for each in self.versions if each.id == self.default_version_id)


class TemplateStore:
    """Provisioning templates of one account in one Region."""

    def __init__(self, arns: Arns) -> None:
        self._arns = arns
        self._by_name: Table[str, ProvisioningTemplate] = Table("provisioningTemplates", ProvisioningTemplate)
        self._latest: Table[str, int] = Table("templateVersions", int)

    @property
    def tables(self) -> tuple[Table[str, ProvisioningTemplate] | Table[str, int], ...]:
        """What has to be kept."""
        return (self._by_name, self._latest)

    def __iter__(self) -> Iterator[ProvisioningTemplate]:
        return iter(tuple(self._by_name.values()))

    def get(self, name: str) -> ProvisioningTemplate | None:
        """The template of this name, if there is one."""
        return self._by_name.get(name)

    def require(self, name: str) -> ProvisioningTemplate:
        """The template of this name.

        Raises:
            RegistryError: there is none.
        """
        if name not in self._by_name:
            raise not_found(f"Template {name} does not exist.")
        return self._by_name[name]

    def create(
        self,
        name: str,
        body: str,
        *,
        role_arn: str,
        at: datetime,
        type: TemplateType = TemplateType.FLEET_PROVISIONING,  # noqa: A002 - AWS's word
        description: str = "",
        enabled: bool = False,
        hook_arn: str | None = None,
    ) -> ProvisioningTemplate:
        """Create a template with one version, ``1``, which is its default.

        Evidence: document - CreateProvisioningTemplate in AWS's service model.

        Raises:
            RegistryError: the name is bad or taken.
        """
        if not _NAME.fullmatch(name):
            raise RegistryError(
                ErrorCode.INVALID_REQUEST,
                f"{name!r} is no template name; use 1 to 36 letters, digits, '_' and '-'.",
            )
        if name in self._by_name:
            raise already_exists(f"Template {name} already exists.", arn=self._by_name[name].arn, id=name)
        version = TemplateVersion(1, body, at)
        arn = self._arns.provisioning_template(name)
        self._latest[name] = 1
        self._by_name[name] = ProvisioningTemplate(
            name, arn, type, description, enabled, role_arn, (version,), 1, at, at, hook_arn
        )
        return self._by_name[name]

    def replace(self, template: ProvisioningTemplate) -> ProvisioningTemplate:
        """Put a changed fact in the place of the one with its name.

        Raises:
            RegistryError: there is none, or the default version is not among the versions.
        """
        self.require(template.name)
        require_version(template, template.default_version_id)
        self._by_name[template.name] = template
        return template

    def add_version(
        self, name: str, body: str, *, at: datetime, set_as_default: bool = False
    ) -> TemplateVersion:
        """Add a version; numbers are never used again.

        Raises:
            RegistryError: no such template, or five versions already.
        """
        old = self.require(name)
        if len(old.versions) >= MOST_VERSIONS:
            raise RegistryError(
                ErrorCode.VERSIONS_LIMIT_EXCEEDED,
                f"Template {name} has {MOST_VERSIONS} versions, the most allowed; delete one first.",
            )
        self._latest[name] += 1
        version = TemplateVersion(self._latest[name], body, at)
        default = version.id if set_as_default else old.default_version_id
        self._by_name[name] = replace(
            old, versions=(*old.versions, version), default_version_id=default, last_modified_date=at
        )
        return version

    def delete_version(self, name: str, version_id: int) -> None:
        """Delete a version that is not the default.

        Raises:
            RegistryError: no such template or version, or it is the default one.
        """
        old = self.require(name)
        require_version(old, version_id)
        if version_id == old.default_version_id:
            raise RegistryError(
                ErrorCode.DELETE_CONFLICT,
                f"Version {version_id} of template {name} is the default; choose another default first.",
            )
        kept = tuple(each for each in old.versions if each.id != version_id)
        self._by_name[name] = replace(old, versions=kept)

    def delete(self, name: str) -> None:
        """Delete a template that has one version left.

        Evidence: document - DeleteProvisioningTemplate's DeleteConflictException in AWS's service model; that
        other versions are the conflict is the developer guide's.

        Raises:
            RegistryError: no such template, or other versions are left.
        """
        if len(self.require(name).versions) > 1:
            raise RegistryError(
                ErrorCode.DELETE_CONFLICT,
                f"Template {name} has more than one version; delete the others first.",
            )
        del self._by_name[name]


def require_version(template: ProvisioningTemplate, version_id: int) -> TemplateVersion:
    """The version of this number.

    Raises:
        RegistryError: there is none.
    """
    for version in template.versions:
        if version.id == version_id:
            return version
    raise not_found(f"Template {template.name} has no version {version_id}.")
