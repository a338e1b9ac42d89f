"""Policies, their versions, and the targets they are attached to.

Evidence: document - AWS's service model; what a document must look like is `jitpbroker.policy`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.checks import certificate_of_arn
from jitpbroker.control.messages import Answer, Refused, invalid
from jitpbroker.control.operations.tags import tags_in
from jitpbroker.policy import PolicyInvalid, parse_policy
from jitpbroker.registry.entities import Policy, PolicyVersion
from jitpbroker.registry.errors import not_found
from jitpbroker.registry.store import Registry

_GROUP_ARN: Final = re.compile(r"arn:[^:]+:iot:[^:]+:[0-9]{12}:thinggroup/([a-zA-Z0-9:_-]{1,128})")


def create_policy(call: Call) -> Answer:
    """Create a policy with one version, which is the default."""
    name, document = call.asked.text("policyName"), _document(call)
    tags = tags_in(call)
    policy = call.registry.policies.create(name, document, at=call.at)
    call.registry.tags.set(policy.arn, tags)
    return {
        "policyName": name,
        "policyArn": policy.arn,
        "policyDocument": document,
        "policyVersionId": policy.default_version_id,
    }


def _document(call: Call) -> str:
    document = call.asked.text("policyDocument")
    try:
        parse_policy(document)
    except PolicyInvalid as error:
        raise Refused("MalformedPolicyException", str(error)) from None
    return document


def get_policy(call: Call) -> Answer:
    """A policy and its default version."""
    policy = _require(call)
    return {
        "policyName": policy.name,
        "policyArn": policy.arn,
        "policyDocument": policy.document,
        "defaultVersionId": policy.default_version_id,
        "creationDate": policy.creation_date,
        "lastModifiedDate": policy.versions[-1].creation_date,
        "generationId": policy.generation_id,
    }


def list_policies(call: Call) -> Answer:
    """All policies."""
    return _page_of(call, list(call.registry.policies))


def delete_policy(call: Call) -> Answer:
    """Delete a policy with one version and no target."""
    policy = _require(call)
    call.registry.policies.delete(policy.name)
    call.registry.tags.forget(policy.arn)
    return {}


def create_policy_version(call: Call) -> Answer:
    """Add a version; five are the most."""
    old = _require(call)
    document = _document(call)
    as_default = call.asked.flag("setAsDefault")
    policy = call.registry.policies.add_version(old.name, document, at=call.at, set_as_default=as_default)
    return {
        "policyArn": policy.arn,
        "policyDocument": document,
        "policyVersionId": policy.versions[-1].id,
        "isDefaultVersion": as_default,
    }


def get_policy_version(call: Call) -> Answer:
    """One version of a policy."""
    policy = _require(call)
    version = _version(policy, call.asked.text("policyVersionId"))
    return {
        "policyArn": policy.arn,
        "policyName": policy.name,
        "policyDocument": version.document,
        "policyVersionId": version.id,
        "isDefaultVersion": version.id == policy.default_version_id,
        "creationDate": version.creation_date,
        "lastModifiedDate": version.creation_date,
        "generationId": policy.generation_id,
    }


def list_policy_versions(call: Call) -> Answer:
    """Every version of a policy, the newest first."""
    policy = _require(call)
    return {
        "policyVersions": [
            {
                "versionId": version.id,
                "isDefaultVersion": version.id == policy.default_version_id,
                "createDate": version.creation_date,
            }
            for version in reversed(policy.versions)
        ]
    }


def set_default_policy_version(call: Call) -> Answer:
    """Choose the version that counts."""
    policy = _require(call)
    call.registry.policies.set_default_version(policy.name, call.asked.text("policyVersionId"))
    return {}


def delete_policy_version(call: Call) -> Answer:
    """Delete a version that is not the default."""
    policy = _require(call)
    call.registry.policies.delete_version(policy.name, call.asked.text("policyVersionId"))
    return {}


def attach_policy(call: Call) -> Answer:
    """Attach a policy to a certificate or a thing group; ten are the most."""
    policy, target = _require(call), call.asked.text("target")
    check_target(call.registry, target)
    call.registry.policies.attach(policy.name, target)
    return {}


def detach_policy(call: Call) -> Answer:
    """Undo `attach_policy`; detaching what is not attached changes nothing."""
    call.registry.policies.detach(call.asked.text("policyName"), call.asked.text("target"))
    return {}


def list_attached_policies(call: Call) -> Answer:
    """The policies of a target; with ``recursive`` those of a group's parents, too."""
    registry, target = call.registry, call.asked.text("target")
    check_target(registry, target)
    targets = [target]
    group = _GROUP_ARN.fullmatch(target)
    if group is not None and call.asked.flag("recursive"):
        targets = [each.arn for each in registry.things.lineage(group.group(1))]
    found = {policy.name: policy for each in targets for policy in registry.policies.of_target(each)}
    return _page_of(call, list(found.values()))


def list_targets_for_policy(call: Call) -> Answer:
    """ARNs a policy is attached to."""
    targets = call.registry.policies.targets_of(_require(call).name)
    return page(call, targets, size="pageSize", marker="marker", answer=("targets", "nextMarker"))


def check_target(registry: Registry, target: str) -> None:
    """Refuse what no policy can be attached to.

    Raises:
        Refused: it is neither a certificate's nor a thing group's ARN.
        RegistryError: there is no such certificate or group.
    """
    group = _GROUP_ARN.fullmatch(target)
    if group is None:
        certificate_of_arn(registry, target)
    elif target != registry.arns.thing_group(group.group(1)):
        raise invalid(f"{target} is no thing group's ARN in this account and Region.")
    elif group.group(1) not in registry.things.groups:
        raise not_found(f"Thing group {group.group(1)} does not exist.")


def _page_of(call: Call, found: list[Policy]) -> Answer:
    if call.asked.flag("ascendingOrder"):
        found.sort(key=lambda each: each.name)
    listed: list[Answer] = [{"policyName": each.name, "policyArn": each.arn} for each in found]
    return page(call, listed, size="pageSize", marker="marker", answer=("policies", "nextMarker"))


def _require(call: Call) -> Policy:
    name = call.asked.text("policyName")
    policy = call.registry.policies.get(name)
    if policy is None:
        raise not_found(f"Policy {name} does not exist.")
    return policy


def _version(policy: Policy, version_id: str) -> PolicyVersion:
    for version in policy.versions:
        if version.id == version_id:
            return version
    raise not_found(f"Policy {policy.name} has no version {version_id}.")


OPERATIONS: Final[Mapping[str, Handler]] = {
    "CreatePolicy": create_policy,
    "GetPolicy": get_policy,
    "ListPolicies": list_policies,
    "DeletePolicy": delete_policy,
    "CreatePolicyVersion": create_policy_version,
    "GetPolicyVersion": get_policy_version,
    "ListPolicyVersions": list_policy_versions,
    "SetDefaultPolicyVersion": set_default_policy_version,
    "DeletePolicyVersion": delete_policy_version,
    "AttachPolicy": attach_policy,
    "DetachPolicy": detach_policy,
    "ListAttachedPolicies": list_attached_policies,
    "ListTargetsForPolicy": list_targets_for_policy,
}
