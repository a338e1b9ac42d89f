"""Tags of resources.

Evidence: document - AWS's service model, TagResource, UntagResource and ListTagsForResource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.messages import Answer, invalid
from jitpbroker.registry.errors import not_found
from jitpbroker.registry.store import Registry


def tags_in(call: Call) -> dict[str, str]:
    """The ``tags`` of a request that makes a resource.

    Raises:
        Refused: a key stands there twice.
    """
    given = call.asked.objects("tags")
    out = {each.text("Key"): each.maybe_text("Value") or "" for each in given}
    if len(out) != len(given):
        raise invalid("Duplicate tag keys are not allowed; give each key once.")
    return out


def tag_resource(call: Call) -> Answer:
    """Add tags, or change their values."""
    call.registry.tags.set(_resource(call), tags_in(call))
    return {}


def untag_resource(call: Call) -> Answer:
    """Remove tags by key."""
    call.registry.tags.remove(_resource(call), call.asked.texts("tagKeys"))
    return {}


def list_tags_for_resource(call: Call) -> Answer:
    """All tags of a resource."""
    tags = call.registry.tags.of(_resource(call))
    listed: list[Answer] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return page(call, listed, size="", marker="nextToken", answer=("tags", "nextToken"))


def _resource(call: Call) -> str:
    """The ARN asked about.

    Raises:
        RegistryError: nothing has it.
    """
    arn = call.asked.text("resourceArn")
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if arn not in (each.arn for each in _named(call.registry, kind, name) if each is not None):
        raise not_found(f"The resource {arn} does not exist.")
    return arn


class _HasArn(Protocol):
    """Whatever tags can be put on."""

    @property
    def arn(self) -> str: ...


def _named(registry: Registry, kind: str, name: str) -> tuple[_HasArn | None, ...]:
    things = registry.things
    match kind:
        case "cacert":
            return (registry.cas.get(name),)
        case "thingtype":
            return (things.types.get(name),)
        case "thinggroup":
            return (things.groups.get(name),)
        case "billinggroup":
            return (things.billing_groups.get(name),)
        case "policy":
            return (registry.policies.get(name),)
        case "provisioningtemplate":
            return (registry.templates.get(name),)
        case _:
            return ()


OPERATIONS: Final[Mapping[str, Handler]] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
