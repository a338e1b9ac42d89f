"""What the service publishes when things, thing types and thing groups change.

Rules of this file:
1. Nothing is published of a kind that the account's event configurations leave off, and all are off at first.
2. An event tells what changed in the registry, whoever changed it: an operation, or a template that ran.
3. That a thing joins or leaves a group is no update of the thing.
4. A thing that is deleted leaves its groups and its type without further events.

Evidence: document - AWS IoT developer guide, registry-events: topics and payloads; iot-events: off at first.
Evidence: assumed - rules 3 and 4; how ``membershipId`` is made; that a deprecation's date is in milliseconds,
as the timestamps beside it are; the order of events that come of one change.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar, cast

from jitpbroker.events import epoch_ms
from jitpbroker.gate import Event
from jitpbroker.registry.entities import Group, Thing, ThingType
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.store import Registry
from jitpbroker.registry.tables import Key
from jitpbroker.trace import JsonValue

V = TypeVar("V")

_CREATED: Final = "CREATED"
_UPDATED: Final = "UPDATED"
_DELETED: Final = "DELETED"
_ADDED: Final = "ADDED"
_REMOVED: Final = "REMOVED"


class RegistryEvents:
    """Hears of every change of a registry and publishes what is switched on.

    Args:
        registry: of the account whose devices are connected.
        publish: takes an event to whoever has subscribed to it.
        now: the time.
        new_id: UUIDs.
    """

    def __init__(
        self,
        registry: Registry,
        publish: Callable[[Event], None],
        *,
        now: Callable[[], datetime],
        new_id: IdSource,
    ) -> None:
        self._registry = registry
        self._publish = publish
        self._now = now
        self._new_id = new_id
        self._watch("things", self._thing_changed)
        self._watch("thingTypes", self._type_changed)
        self._watch("thingGroups", self._group_changed)

    def _watch(self, table: str, changed: Callable[[V | None, V | None], None]) -> None:
        """Hear of the old fact and the new one, ``None`` where there is none."""
        facts = self._registry.tables[table]

        def hear(key: Key, old: object | None) -> None:
            changed(cast("V | None", old), cast("V | None", facts.get(key)))

        facts.listeners.append(hear)

    def _tell(
        self, kind: str, topic: str, operation: str, rest: dict[str, JsonValue], *, account: bool = True
    ) -> None:
        """Publish where ``kind`` is switched on; an association does not name the account."""
        if not self._registry.event_configurations.enabled.get(kind, False):
            return
        named: dict[str, JsonValue] = {"accountId": self._registry.arns.account} if account else {}
        payload: dict[str, JsonValue] = {
            "eventType": f"{kind}_EVENT",
            "eventId": self._new_id(),
            "timestamp": epoch_ms(self._now()),
            "operation": operation,
            **named,
            **rest,
        }
        self._publish(Event(f"$aws/events/{topic}", lambda: payload))

    # --- things -----------------------------------------------------------------------------------------

    def _thing_changed(self, old: Thing | None, new: Thing | None) -> None:
        thing = new or old
        assert thing is not None, "a change has a fact before it or after it"
        if old is None or new is None or replace(old, groups=new.groups, version=new.version) != new:
            operation = _operation(old, new)
            self._tell("THING", f"thing/{thing.name}/{operation.lower()}", operation, _thing(thing))
        elif old.groups == new.groups:  # an update that says what was there is one, too
            self._tell("THING", f"thing/{thing.name}/updated", _UPDATED, _thing(thing))
        if new is None:
            return
        self._association(new, None if old is None else old.thing_type)
        self._memberships(new, () if old is None else old.groups)

    def _association(self, thing: Thing, before: str | None) -> None:
        if before == thing.thing_type:
            return
        for name, operation in ((before, _DELETED), (thing.thing_type, _CREATED)):
            if name is not None:
                facts: dict[str, JsonValue] = {
                    "thingId": thing.id,
                    "thingName": thing.name,
                    "thingTypeName": name,
                }
                topic = f"thingTypeAssociation/thing/{thing.name}/{name}"
                self._tell("THING_TYPE_ASSOCIATION", topic, operation, facts, account=False)

    def _memberships(self, thing: Thing, before: tuple[str, ...]) -> None:
        for names, others, operation in (
            (before, thing.groups, _REMOVED),
            (thing.groups, before, _ADDED),
        ):
            for name in names:
                group = self._registry.things.groups.get(name)
                if name not in others and group is not None:
                    topic = f"thingGroupMembership/thingGroup/{name}/thing/{thing.name}/{operation.lower()}"
                    self._tell("THING_GROUP_MEMBERSHIP", topic, operation, _membership(group, thing))

    # --- types and groups -------------------------------------------------------------------------------

    def _type_changed(self, old: ThingType | None, new: ThingType | None) -> None:
        kind = new or old
        assert kind is not None, "a change has a fact before it or after it"
        operation = _operation(old, new)
        self._tell("THING_TYPE", f"thingType/{kind.name}/{operation.lower()}", operation, _type(kind))

    def _group_changed(self, old: Group | None, new: Group | None) -> None:
        group = new or old
        assert group is not None, "a change has a fact before it or after it"
        operation = _operation(old, new)
        topic = f"thingGroup/{group.name}/{operation.lower()}"
        self._tell("THING_GROUP", topic, operation, self._group(group))
        before, after = (None if each is None else each.parent for each in (old, new))
        if before != after:
            for name, change in ((before, _REMOVED), (after, _ADDED)):
                if name is not None and (parent := self._registry.things.groups.get(name)) is not None:
                    self._hierarchy(parent, group, change)

    def _hierarchy(self, parent: Group, child: Group, operation: str) -> None:
        ends = f"thingGroup/{parent.name}/childThingGroup/{child.name}"
        facts: dict[str, JsonValue] = {
            "thingGroupId": parent.id,
            "thingGroupName": parent.name,
            "childGroupId": child.id,
            "childGroupName": child.name,
        }
        topic = f"thingGroupHierarchy/{ends}/{operation.lower()}"
        self._tell("THING_GROUP_HIERARCHY", topic, operation, facts)

    def _group(self, group: Group) -> dict[str, JsonValue]:
        above = () if group.parent is None else self._registry.things.lineage(group.parent)
        way: list[JsonValue] = [{"groupArn": each.arn, "groupId": each.id} for each in reversed(above)]
        return {
            "thingGroupId": group.id,
            "thingGroupName": group.name,
            "versionNumber": group.version,
            "parentGroupName": group.parent,
            "parentGroupId": above[0].id if above else None,
            "description": group.description,
            "rootToParentThingGroups": way,
            "attributes": dict(group.attributes),
            "dynamicGroupMappingId": None,
        }


def _operation(old: object | None, new: object | None) -> str:
    if old is None:
        return _CREATED
    return _DELETED if new is None else _UPDATED


def _thing(thing: Thing) -> dict[str, JsonValue]:
    return {
        "thingId": thing.id,
        "thingName": thing.name,
        "versionNumber": thing.version,
        "thingTypeName": thing.thing_type,
        "attributes": dict(thing.attributes),
    }


def _type(kind: ThingType) -> dict[str, JsonValue]:
    deprecated = kind.deprecation_date
    return {
        "thingTypeId": kind.id,
        "thingTypeName": kind.name,
        "isDeprecated": deprecated is not None,
        "deprecationDate": None if deprecated is None else epoch_ms(deprecated),
        "searchableAttributes": list(kind.searchable_attributes),
        "description": kind.description,
    }


def _membership(group: Group, thing: Thing) -> dict[str, JsonValue]:
    return {
        "groupArn": group.arn,
        "groupId": group.id,
        "thingArn": thing.arn,
        "thingId": thing.id,
        "membershipId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{group.arn} {group.id} {thing.id}")),
    }
