"""Thing groups and billing groups, and the things in them.

Evidence: document - AWS's service model, CreateThingGroup, CreateBillingGroup and their companions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.messages import Answer, Value, invalid
from jitpbroker.control.operations.tags import tags_in
from jitpbroker.registry.entities import Group, Thing
from jitpbroker.registry.errors import ErrorCode, RegistryError, already_exists, not_found

#: Static thing groups one thing can be in, and groups from a root to a leaf.
#: Evidence: document - AWS General Reference, AWS IoT thing group limits (archived copy of 2019-20).
_MOST_GROUPS_OF_A_THING: Final = 10
_DEEPEST: Final = 7


def create_thing_group(call: Call) -> Answer:
    """Create a thing group, in a parent if one is named; the same group again is no error."""
    asked, things = call.asked, call.registry.things
    name, parent = asked.text("thingGroupName"), asked.maybe_text("parentGroupName")
    properties = asked.object("thingGroupProperties")
    description = properties.maybe_text("thingGroupDescription")
    attributes = tuple(properties.object("attributePayload").strings("attributes").items())
    tags = tags_in(call)
    if parent is not None and parent not in things.groups:
        raise not_found(f"Thing group {parent} does not exist.")
    if parent is not None and len(things.lineage(parent)) >= _DEEPEST:
        raise invalid(f"Thing group {name} would be deeper than {_DEEPEST} levels; choose a higher parent.")
    existing = things.groups.get(name)
    if existing is not None:
        if (existing.parent, existing.description, existing.attributes) != (parent, description, attributes):
            raise already_exists(
                f"Thing group {name} already exists with different properties", arn=existing.arn, id=name
            )
        group = existing
    else:
        group = things.create_group(
            name, at=call.at, description=description, attributes=attributes, parent=parent
        )
        call.registry.tags.set(group.arn, tags)
    return {"thingGroupName": name, "thingGroupArn": group.arn, "thingGroupId": group.id}


def describe_thing_group(call: Call) -> Answer:
    """A thing group, with the way to it from its root."""
    group = _group(call)
    above = reversed(call.registry.things.lineage(group.name)[1:])
    way: list[Value] = [{"groupName": each.name, "groupArn": each.arn} for each in above]
    attributes: dict[str, Value] = dict(group.attributes)
    return {
        "thingGroupName": group.name,
        "thingGroupId": group.id,
        "thingGroupArn": group.arn,
        "version": group.version,
        "thingGroupProperties": {
            "thingGroupDescription": group.description,
            "attributePayload": {"attributes": attributes} if attributes else None,
        },
        "thingGroupMetadata": {
            "parentGroupName": group.parent,
            "rootToParentThingGroups": way,
            "creationDate": group.creation_date,
        },
    }


def list_thing_groups(call: Call) -> Answer:
    """Thing groups by name's beginning and parent; direct children only unless asked recursively."""
    asked = call.asked
    prefix, parent = asked.maybe_text("namePrefixFilter") or "", asked.maybe_text("parentGroup")
    recursive = asked.values.get("recursive", True) is True
    if parent is not None and parent not in call.registry.things.groups:
        raise not_found(f"Thing group {parent} does not exist.")

    def wanted(group: Group) -> bool:
        above = [each.name for each in call.registry.things.lineage(group.name)[1:]]
        if not group.name.startswith(prefix):
            return False
        if parent is None:
            return recursive or not above
        return parent in (above if recursive else above[:1])

    listed: list[Answer] = [
        {"groupName": group.name, "groupArn": group.arn}
        for group in call.registry.things.groups.values()
        if wanted(group)
    ]
    return page(call, listed, size="maxResults", marker="nextToken", answer=("thingGroups", "nextToken"))


def delete_thing_group(call: Call) -> Answer:
    """Delete a thing group without children; its things stay, its policies are detached."""
    name = call.asked.text("thingGroupName")
    group = call.registry.things.groups.get(name)
    if group is not None:
        _check_version(call, group)
        call.registry.things.delete_group(name)
        for policy in call.registry.policies.of_target(group.arn):
            call.registry.policies.detach(policy.name, group.arn)
        call.registry.tags.forget(group.arn)
    return {}


def add_thing_to_thing_group(call: Call) -> Answer:
    """Put a thing into a group; twice changes nothing."""
    thing, group = _thing(call), _group(call)
    if group.name not in thing.groups:
        if len(thing.groups) >= _MOST_GROUPS_OF_A_THING:
            raise invalid(f"Thing {thing.name} is in {_MOST_GROUPS_OF_A_THING} groups, the most allowed.")
        call.registry.things.update(thing.name, groups=(*thing.groups, group.name))
    return {}


def remove_thing_from_thing_group(call: Call) -> Answer:
    """Take a thing out of a group; a thing that is not in it stays as it is."""
    thing, group = _thing(call), _group(call)
    if group.name in thing.groups:
        kept = tuple(each for each in thing.groups if each != group.name)
        call.registry.things.update(thing.name, groups=kept)
    return {}


def list_thing_groups_for_thing(call: Call) -> Answer:
    """The groups a thing is in."""
    thing = _thing(call)
    listed: list[Answer] = [
        {"groupName": each, "groupArn": call.registry.arns.thing_group(each)} for each in thing.groups
    ]
    return page(call, listed, size="maxResults", marker="nextToken", answer=("thingGroups", "nextToken"))


def list_things_in_thing_group(call: Call) -> Answer:
    """Names of the things in a group; with ``recursive`` those of its children, too."""
    group, recursive = _group(call), call.asked.flag("recursive")

    def inside(thing: Thing) -> bool:
        if not recursive:
            return group.name in thing.groups
        return any(group in call.registry.things.lineage(each) for each in thing.groups)

    names = [thing.name for thing in call.registry.things if inside(thing)]
    return page(call, names, size="maxResults", marker="nextToken", answer=("things", "nextToken"))


def create_billing_group(call: Call) -> Answer:
    """Create a billing group; the same group again is no error."""
    name, things = call.asked.text("billingGroupName"), call.registry.things
    description = call.asked.object("billingGroupProperties").maybe_text("billingGroupDescription")
    tags = tags_in(call)
    existing = things.billing_groups.get(name)
    if existing is not None:
        if existing.description != description:
            raise already_exists(
                f"Billing group {name} already exists with different properties", arn=existing.arn, id=name
            )
        group = existing
    else:
        group = things.create_billing_group(name, at=call.at, description=description)
        call.registry.tags.set(group.arn, tags)
    return {"billingGroupName": name, "billingGroupArn": group.arn, "billingGroupId": group.id}


def describe_billing_group(call: Call) -> Answer:
    """A billing group."""
    group = _billing_group(call)
    return {
        "billingGroupName": group.name,
        "billingGroupId": group.id,
        "billingGroupArn": group.arn,
        "version": group.version,
        "billingGroupProperties": {"billingGroupDescription": group.description},
        "billingGroupMetadata": {"creationDate": group.creation_date},
    }


def delete_billing_group(call: Call) -> Answer:
    """Delete a billing group without things."""
    name = call.asked.text("billingGroupName")
    group = call.registry.things.billing_groups.get(name)
    if group is not None:
        _check_version(call, group)
        call.registry.things.delete_billing_group(name)
        call.registry.tags.forget(group.arn)
    return {}


def add_thing_to_billing_group(call: Call) -> Answer:
    """Put a thing into a billing group, out of any other."""
    thing, group = _thing(call), _billing_group(call)
    call.registry.things.update(thing.name, billing_group=group.name)
    return {}


def remove_thing_from_billing_group(call: Call) -> Answer:
    """Take a thing out of a billing group."""
    thing, group = _thing(call), _billing_group(call)
    if thing.billing_group == group.name:
        call.registry.things.replace(replace(thing, billing_group=None))
    return {}


def _check_version(call: Call, group: Group) -> None:
    expected = call.asked.number("expectedVersion")
    if expected is not None and expected != group.version:
        raise RegistryError(
            ErrorCode.VERSION_CONFLICT,
            f"The version of group {group.name} is {group.version}, not {expected}; read it again.",
        )


def _by_name_or_arn(call: Call, name: str, arn: str) -> str:
    """A name given as such or at the end of an ARN.

    Raises:
        Refused: neither was given.
    """
    chosen = call.asked.maybe_text(name) or (call.asked.maybe_text(arn) or "").rpartition("/")[2]
    if not chosen:
        raise invalid(f"Give {name} or {arn}.")
    return chosen


def _thing(call: Call) -> Thing:
    name = _by_name_or_arn(call, "thingName", "thingArn")
    thing = call.registry.things.get(name)
    if thing is None:
        raise not_found(f"Thing {name} does not exist.")
    return thing


def _group(call: Call) -> Group:
    name = _by_name_or_arn(call, "thingGroupName", "thingGroupArn")
    if name not in call.registry.things.groups:
        raise not_found(f"Thing group {name} does not exist.")
    return call.registry.things.groups[name]


def _billing_group(call: Call) -> Group:
    name = _by_name_or_arn(call, "billingGroupName", "billingGroupArn")
    if name not in call.registry.things.billing_groups:
        raise not_found(f"Billing group {name} does not exist.")
    return call.registry.things.billing_groups[name]


OPERATIONS: Final[Mapping[str, Handler]] = {
    "CreateThingGroup": create_thing_group,
    "DescribeThingGroup": describe_thing_group,
    "ListThingGroups": list_thing_groups,
    "DeleteThingGroup": delete_thing_group,
    "AddThingToThingGroup": add_thing_to_thing_group,
    "RemoveThingFromThingGroup": remove_thing_from_thing_group,
    "ListThingGroupsForThing": list_thing_groups_for_thing,
    "ListThingsInThingGroup": list_things_in_thing_group,
    "CreateBillingGroup": create_billing_group,
    "DescribeBillingGroup": describe_billing_group,
    "DeleteBillingGroup": delete_billing_group,
    "AddThingToBillingGroup": add_thing_to_billing_group,
    "RemoveThingFromBillingGroup": remove_thing_from_billing_group,
}
