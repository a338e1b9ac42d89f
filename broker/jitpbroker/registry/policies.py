"""Policies, their versions, and the targets they are attached to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from jitpbroker.registry.entities import Policy, PolicyVersion
from jitpbroker.registry.errors import ErrorCode, RegistryError, already_exists, not_found
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.names import Arns, check_policy_name
from jitpbroker.registry.tables import Table

#: Evidence: document - AWS General Reference, AWS IoT Core quotas (archived copy of 2019-20).
MOST_VERSIONS: Final = 5
MOST_POLICIES_PER_TARGET: Final = 10
LONGEST_DOCUMENT: Final = 2048  # characters that are not white space


class PolicyStore:
    """Policies of one account in one Region; what a document means is ``jitpbroker.policy``'s business."""

    def __init__(self, arns: Arns, new_id: IdSource) -> None:
        self._arns = arns
        self._new_id = new_id
        self._by_name: Table[str, Policy] = Table("policies", Policy)
        self._latest_version: Table[str, int] = Table("policyVersions", int)
        self._attached: Table[tuple[str, str], bool] = Table("policyTargets", bool)  # (policy, target)
        self._names_of_target: dict[str, dict[str, None]] = {}
        self._targets_of_name: dict[str, dict[str, None]] = {}

    @property
    def tables(self) -> tuple[Table[str, Policy] | Table[str, int] | Table[tuple[str, str], bool], ...]:
        """What has to be kept."""
        return (self._by_name, self._latest_version, self._attached)

    def reindex(self) -> None:
        """Work out what tables that were loaded imply."""
        self._names_of_target.clear()
        self._targets_of_name.clear()
        for name, target in self._attached:
            self._index(name, target)

    def _index(self, name: str, target: str) -> None:
        self._names_of_target.setdefault(target, {})[name] = None
        self._targets_of_name.setdefault(name, {})[target] = None

    def __iter__(self) -> Iterator[Policy]:
        return iter(tuple(self._by_name.values()))

    def get(self, name: str) -> Policy | None:
        """The policy of this name, if there is one."""
        return self._by_name.get(name)

    def create(self, name: str, document: str, *, at: datetime) -> Policy:
        """Create a policy with one version, ``1``, which is its default.

        Raises:
            RegistryError: the name is bad or taken, or the document too long.
        """
        check_policy_name(name)
        _check_length(document)
        if name in self._by_name:
            raise already_exists(f"Policy {name} already exists.", arn=self._by_name[name].arn, id=name)
        policy = Policy(
            name, self._arns.policy(name), (PolicyVersion("1", document, at),), "1", at, self._new_id()
        )
        self._by_name[name] = policy
        self._latest_version[name] = 1
        return policy

    def add_version(self, name: str, document: str, *, at: datetime, set_as_default: bool = False) -> Policy:
        """Add a version; numbers are never used again.

        Raises:
            RegistryError: no such policy, five versions already, or the document too long.
        """
        old = self._require(name)
        _check_length(document)
        if len(old.versions) >= MOST_VERSIONS:
            raise RegistryError(
                ErrorCode.VERSIONS_LIMIT_EXCEEDED,
                f"Policy {name} has {MOST_VERSIONS} versions, the most allowed; delete one first.",
            )
        self._latest_version[name] += 1
        version = PolicyVersion(str(self._latest_version[name]), document, at)
        default = version.id if set_as_default else old.default_version_id
        self._by_name[name] = replace(old, versions=(*old.versions, version), default_version_id=default)
        return self._by_name[name]

    def set_default_version(self, name: str, version_id: str) -> Policy:
        """Choose the version that counts.

        Raises:
            RegistryError: no such policy or version.
        """
        old = self._require(name)
        _require_version(old, version_id)
        self._by_name[name] = replace(old, default_version_id=version_id)
        return self._by_name[name]

    def delete_version(self, name: str, version_id: str) -> Policy:
        """Delete a version that is not the default.

        Raises:
            RegistryError: no such policy or version, or it is the default one.
        """
        old = self._require(name)
        _require_version(old, version_id)
        if version_id == old.default_version_id:
            raise RegistryError(
                ErrorCode.DELETE_CONFLICT,
                f"Version {version_id} of policy {name} is the default; make another one the default first.",
            )
        kept = tuple(each for each in old.versions if each.id != version_id)
        self._by_name[name] = replace(old, versions=kept)
        return self._by_name[name]

    def delete(self, name: str) -> None:
        """Delete a policy with one version and no target.

        Evidence: document - DeletePolicy in AWS's service model.

        Raises:
            RegistryError: no such policy, other versions are left, or it is attached.
        """
        policy = self._require(name)
        if self._targets_of_name.get(name) or len(policy.versions) > 1:
            raise RegistryError(
                ErrorCode.DELETE_CONFLICT,
                f"Policy {name} has targets or more than one version; detach and delete them first.",
            )
        del self._by_name[name]

    def attach(self, name: str, target: str) -> None:
        """Attach a policy to a target (the ARN of a certificate or a thing group); twice changes nothing.

        Raises:
            RegistryError: no such policy, or the target has ten already.
        """
        self._require(name)
        names = self._names_of_target.get(target, {})
        if name not in names and len(names) >= MOST_POLICIES_PER_TARGET:
            raise RegistryError(
                ErrorCode.LIMIT_EXCEEDED,
                f"{target} has {MOST_POLICIES_PER_TARGET} policies, the most allowed; detach one first.",
            )
        self._attached[name, target] = True
        self._index(name, target)

    def detach(self, name: str, target: str) -> None:
        """Undo ``attach``; detaching a stranger changes nothing."""
        self._attached.pop((name, target), None)
        self._names_of_target.get(target, {}).pop(name, None)
        self._targets_of_name.get(name, {}).pop(target, None)

    def of_target(self, target: str) -> tuple[Policy, ...]:
        """Policies attached to a target, oldest attachment first."""
        return tuple(self._by_name[name] for name in self._names_of_target.get(target, ()))

    def targets_of(self, name: str) -> tuple[str, ...]:
        """ARNs a policy is attached to, oldest attachment first."""
        return tuple(self._targets_of_name.get(name, ()))

    def _require(self, name: str) -> Policy:
        if name not in self._by_name:
            raise not_found(f"Policy {name} does not exist.")
        return self._by_name[name]


def _require_version(policy: Policy, version_id: str) -> None:
    if all(each.id != version_id for each in policy.versions):
        raise not_found(f"Policy {policy.name} has no version {version_id}.")


def _check_length(document: str) -> None:
    length = sum(not each.isspace() for each in document)
    if length > LONGEST_DOCUMENT:
        raise RegistryError(
            ErrorCode.MALFORMED_POLICY,
            f"The policy document has {length} characters without white space,"
            f" at most {LONGEST_DOCUMENT} are allowed; shorten it.",
        )
