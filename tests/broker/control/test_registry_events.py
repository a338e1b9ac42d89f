"""What operations make the service publish, once it has been asked to.

Payloads are those of the AWS IoT developer guide, page registry-events, with our facts in the sample's place.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jitpbroker.gate import Event
from jitpbroker.registry import counting_ids
from jitpbroker.registry.settings import EVENT_TYPES
from jitpbroker.registry_events import RegistryEvents

if TYPE_CHECKING:
    from tests.broker.control.conftest import Desk

NOW_MS = 1_795_521_600_000
ARN = "arn:aws:iot:us-east-1:123456789012:"


class Told(list[tuple[str, dict[str, Any]]]):
    """Topics below ``$aws/events/`` and what was said there, without the id each event has of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()

    def hear(self, event: Event) -> None:
        payload = json.loads(event.payload)
        self.ids.add(payload.pop("eventId"))
        self.append((event.topic.removeprefix("$aws/events/"), payload))

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _ in self]


@pytest.fixture
def told(desk: Desk) -> Told:
    """Everything published, nothing of it switched on yet."""
    heard = Told()
    RegistryEvents(desk.registry, heard.hear, now=lambda: desk.clock[0], new_id=counting_ids())
    return heard


@pytest.fixture
def all_on(desk: Desk, told: Told) -> Told:
    switch(desk, *EVENT_TYPES)
    return told


def switch(desk: Desk, *kinds: str, on: bool = True) -> None:
    desk.iot("UpdateEventConfigurations", eventConfigurations={kind: {"Enabled": on} for kind in kinds})


def live_a_little(desk: Desk) -> None:
    """Something of every kind happens."""
    desk.iot("CreateThingType", thingTypeName="meter")
    desk.iot("CreateThingGroup", thingGroupName="all")
    desk.iot("CreateThingGroup", thingGroupName="some", parentGroupName="all")
    desk.iot("CreateThing", thingName="d", thingTypeName="meter")
    desk.iot("AddThingToThingGroup", thingName="d", thingGroupName="some")
    desk.iot("UpdateThing", thingName="d", removeThingType=True)
    desk.iot("DeleteThing", thingName="d")
    desk.iot("DeleteThingGroup", thingGroupName="some")


def test_nothing_is_published_that_nobody_has_switched_on(desk: Desk, told: Told) -> None:
    """Evidence: document - AWS IoT developer guide, iot-events: off by default."""
    live_a_little(desk)

    assert told == []


@pytest.mark.parametrize(
    "kind, families",
    [
        ("THING", {"thing"}),
        ("THING_TYPE", {"thingType"}),
        ("THING_TYPE_ASSOCIATION", {"thingTypeAssociation"}),
        ("THING_GROUP", {"thingGroup"}),
        ("THING_GROUP_MEMBERSHIP", {"thingGroupMembership"}),
        ("THING_GROUP_HIERARCHY", {"thingGroupHierarchy"}),
        ("JOB", set()),
        ("CERTIFICATE", set()),
    ],
)
def test_each_kind_is_switched_on_and_off_by_itself(
    desk: Desk, told: Told, kind: str, families: set[str]
) -> None:
    switch(desk, kind)
    live_a_little(desk)
    heard = {topic.split("/")[0] for topic in told.topics}
    told.clear()
    switch(desk, kind, on=False)
    desk.iot("CreateThing", thingName="unheard")

    assert heard == families
    assert told == []


def test_a_things_life_is_told(desk: Desk, all_on: Told) -> None:
    thing = desk.iot("CreateThing", thingName="pump", attributePayload={"attributes": {"a": "1"}})
    desk.iot("UpdateThing", thingName="pump", attributePayload={"attributes": {"a": "2"}})
    desk.iot("DeleteThing", thingName="pump")

    facts = {
        "eventType": "THING_EVENT",
        "timestamp": NOW_MS,
        "accountId": "123456789012",
        "thingId": thing["thingId"],
        "thingName": "pump",
        "thingTypeName": None,
    }
    assert all_on == [
        (
            "thing/pump/created",
            {**facts, "operation": "CREATED", "versionNumber": 1, "attributes": {"a": "1"}},
        ),
        (
            "thing/pump/updated",
            {**facts, "operation": "UPDATED", "versionNumber": 2, "attributes": {"a": "2"}},
        ),
        (
            "thing/pump/deleted",
            {**facts, "operation": "DELETED", "versionNumber": 2, "attributes": {"a": "2"}},
        ),
    ]
    assert len(all_on.ids) == 3


def test_an_update_that_changes_nothing_is_told_and_so_is_the_same_thing_again_not(
    desk: Desk, all_on: Told
) -> None:
    """Evidence: assumed - the version counts on, so something was updated."""
    desk.iot("CreateThing", thingName="pump")
    desk.iot("CreateThing", thingName="pump")
    desk.iot("UpdateThing", thingName="pump")

    assert all_on.topics == ["thing/pump/created", "thing/pump/updated"]


def test_a_types_life_is_told(desk: Desk, all_on: Told) -> None:
    kind = desk.iot(
        "CreateThingType",
        thingTypeName="meter",
        thingTypeProperties={"thingTypeDescription": "measures", "searchableAttributes": ["a"]},
    )
    desk.iot("DeprecateThingType", thingTypeName="meter")
    desk.iot("DeprecateThingType", thingTypeName="meter", undoDeprecate=True)
    desk.iot("DeprecateThingType", thingTypeName="meter")
    desk.iot("DeleteThingType", thingTypeName="meter")

    facts = {
        "eventType": "THING_TYPE_EVENT",
        "timestamp": NOW_MS,
        "accountId": "123456789012",
        "thingTypeId": kind["thingTypeId"],
        "thingTypeName": "meter",
        "searchableAttributes": ["a"],
        "description": "measures",
    }
    new, old = (
        {"isDeprecated": False, "deprecationDate": None},
        {
            "isDeprecated": True,
            "deprecationDate": NOW_MS,
        },
    )
    assert all_on == [
        ("thingType/meter/created", {**facts, **new, "operation": "CREATED"}),
        ("thingType/meter/updated", {**facts, **old, "operation": "UPDATED"}),
        ("thingType/meter/updated", {**facts, **new, "operation": "UPDATED"}),
        ("thingType/meter/updated", {**facts, **old, "operation": "UPDATED"}),
        ("thingType/meter/deleted", {**facts, **old, "operation": "DELETED"}),
    ]


def test_a_type_that_comes_and_goes_is_told_with_its_thing(desk: Desk, told: Told) -> None:
    for each in ("meter", "valve"):
        desk.iot("CreateThingType", thingTypeName=each)
    switch(desk, "THING_TYPE_ASSOCIATION")
    thing = desk.iot("CreateThing", thingName="d", thingTypeName="meter")
    desk.iot("UpdateThing", thingName="d", thingTypeName="valve")
    desk.iot("UpdateThing", thingName="d", removeThingType=True)

    facts = {
        "eventType": "THING_TYPE_ASSOCIATION_EVENT",
        "timestamp": NOW_MS,
        "thingId": thing["thingId"],
        "thingName": "d",
    }
    assert told == [
        (f"thingTypeAssociation/thing/d/{kind}", {**facts, "operation": operation, "thingTypeName": kind})
        for kind, operation in (
            ("meter", "CREATED"),
            ("meter", "DELETED"),
            ("valve", "CREATED"),
            ("valve", "DELETED"),
        )
    ]


def test_a_groups_life_is_told_with_the_way_to_it_and_to_its_parent(desk: Desk, all_on: Told) -> None:
    root = desk.iot("CreateThingGroup", thingGroupName="root")["thingGroupId"]
    middle = desk.iot("CreateThingGroup", thingGroupName="middle", parentGroupName="root")["thingGroupId"]
    all_on.clear()
    leaf = desk.iot(
        "CreateThingGroup",
        thingGroupName="leaf",
        parentGroupName="middle",
        thingGroupProperties={
            "thingGroupDescription": "a leaf",
            "attributePayload": {"attributes": {"a": "1"}},
        },
    )["thingGroupId"]
    desk.iot("DeleteThingGroup", thingGroupName="leaf")

    facts = {"timestamp": NOW_MS, "accountId": "123456789012"}
    group = {
        **facts,
        "eventType": "THING_GROUP_EVENT",
        "thingGroupId": leaf,
        "thingGroupName": "leaf",
        "versionNumber": 1,
        "parentGroupName": "middle",
        "parentGroupId": middle,
        "description": "a leaf",
        "rootToParentThingGroups": [
            {"groupArn": f"{ARN}thinggroup/root", "groupId": root},
            {"groupArn": f"{ARN}thinggroup/middle", "groupId": middle},
        ],
        "attributes": {"a": "1"},
        "dynamicGroupMappingId": None,
    }
    hierarchy = {
        **facts,
        "eventType": "THING_GROUP_HIERARCHY_EVENT",
        "thingGroupId": middle,
        "thingGroupName": "middle",
        "childGroupId": leaf,
        "childGroupName": "leaf",
    }
    above = "thingGroupHierarchy/thingGroup/middle/childThingGroup/leaf"
    assert all_on == [
        ("thingGroup/leaf/created", {**group, "operation": "CREATED"}),
        (f"{above}/added", {**hierarchy, "operation": "ADDED"}),
        ("thingGroup/leaf/deleted", {**group, "operation": "DELETED"}),
        (f"{above}/removed", {**hierarchy, "operation": "REMOVED"}),
    ]


def test_who_joins_and_leaves_a_group_is_told_and_the_thing_is_not_updated_by_it(
    desk: Desk, told: Told
) -> None:
    group = desk.iot("CreateThingGroup", thingGroupName="all")["thingGroupId"]
    thing = desk.iot("CreateThing", thingName="d")["thingId"]
    switch(desk, "THING", "THING_GROUP_MEMBERSHIP")
    desk.iot("AddThingToThingGroup", thingName="d", thingGroupName="all")
    desk.iot("RemoveThingFromThingGroup", thingName="d", thingGroupName="all")
    desk.iot("AddThingToThingGroup", thingName="d", thingGroupName="all")
    desk.iot("DeleteThingGroup", thingGroupName="all")

    facts = {
        "eventType": "THING_GROUP_MEMBERSHIP_EVENT",
        "timestamp": NOW_MS,
        "accountId": "123456789012",
        "groupArn": f"{ARN}thinggroup/all",
        "groupId": group,
        "thingArn": f"{ARN}thing/d",
        "thingId": thing,
        "membershipId": told[0][1]["membershipId"],
    }
    topic = "thingGroupMembership/thingGroup/all/thing/d"
    assert (
        told
        == [
            (f"{topic}/added", {**facts, "operation": "ADDED"}),
            (f"{topic}/removed", {**facts, "operation": "REMOVED"}),
        ]
        * 2
    )


def test_another_accounts_things_are_no_news_here(desk: Desk, elsewhere: Desk, all_on: Told) -> None:
    """Evidence: assumed - events are published in their own account, to which no device connects here."""
    switch(elsewhere, *EVENT_TYPES)
    elsewhere.iot("CreateThing", thingName="d")

    assert all_on == []
