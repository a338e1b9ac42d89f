"""Thing types; a deprecated one takes no new things.

Evidence: document - AWS's service model, CreateThingType and its companions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.messages import Answer, Value
from jitpbroker.control.operations.tags import tags_in
from jitpbroker.registry.entities import ThingType
from jitpbroker.registry.errors import already_exists, not_found


def create_thing_type(call: Call) -> Answer:
    """Create a thing type; the same type again is no error."""
    name = call.asked.text("thingTypeName")
    properties = call.asked.object("thingTypeProperties")
    description = properties.maybe_text("thingTypeDescription")
    searchable = tuple(properties.texts("searchableAttributes"))
    tags = tags_in(call)
    things = call.registry.things
    existing = things.types.get(name)
    if existing is not None:
        if (existing.description, existing.searchable_attributes) != (description, searchable):
            raise already_exists(
                f"Thing type {name} already exists with different properties", arn=existing.arn, id=name
            )
        kind = existing
    else:
        kind = things.create_type(name, at=call.at, description=description, searchable_attributes=searchable)
        call.registry.tags.set(kind.arn, tags)
    return {"thingTypeName": name, "thingTypeArn": kind.arn, "thingTypeId": kind.id}


def describe_thing_type(call: Call) -> Answer:
    """A thing type."""
    kind = _require(call)
    return {**_written(kind), "thingTypeId": kind.id}


def list_thing_types(call: Call) -> Answer:
    """All thing types, or the one named."""
    name = call.asked.maybe_text("thingTypeName")
    found = [_written(each) for each in call.registry.things.types.values() if name in (None, each.name)]
    return page(call, found, size="maxResults", marker="nextToken", answer=("thingTypes", "nextToken"))


def _written(kind: ThingType) -> dict[str, Value]:
    return {
        "thingTypeName": kind.name,
        "thingTypeArn": kind.arn,
        "thingTypeProperties": {
            "thingTypeDescription": kind.description,
            "searchableAttributes": list(kind.searchable_attributes),
        },
        "thingTypeMetadata": {
            "deprecated": kind.deprecation_date is not None,
            "deprecationDate": kind.deprecation_date,
            "creationDate": kind.creation_date,
        },
    }


def deprecate_thing_type(call: Call) -> Answer:
    """Deprecate a thing type, or undo that."""
    kind = _require(call)
    undo = call.asked.flag("undoDeprecate")
    call.registry.things.replace_type(replace(kind, deprecation_date=None if undo else call.at))
    return {}


def delete_thing_type(call: Call) -> Answer:
    """Delete a deprecated thing type."""
    name = call.asked.text("thingTypeName")
    call.registry.things.delete_type(name)
    call.registry.tags.forget(call.registry.arns.thing_type(name))
    return {}


def _require(call: Call) -> ThingType:
    name = call.asked.text("thingTypeName")
    kind = call.registry.things.types.get(name)
    if kind is None:
        raise not_found(f"Thing type {name} does not exist.")
    return kind


OPERATIONS: Final[Mapping[str, Handler]] = {
    "CreateThingType": create_thing_type,
    "DescribeThingType": describe_thing_type,
    "ListThingTypes": list_thing_types,
    "DeprecateThingType": deprecate_thing_type,
    "DeleteThingType": delete_thing_type,
}
