"""Things.

Evidence: document - AWS's service model; that creating a thing again with the same facts succeeds is
CreateThing's ResourceAlreadyExistsException ("already exists with a different configuration").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from jitpbroker.control.call import Call, Handler, page_of
from jitpbroker.control.messages import Answer, Value, invalid
from jitpbroker.registry.entities import Thing
from jitpbroker.registry.errors import ErrorCode, RegistryError, already_exists, not_found


def create_thing(call: Call) -> Answer:
    """Create a thing; the same thing again is no error, another one of its name is."""
    asked = call.asked
    name, kind, group = (
        asked.maybe_text(each) for each in ("thingName", "thingTypeName", "billingGroupName")
    )
    assert name is not None, "the model requires it"
    attributes = {key: value for key, value in _attributes(call).items() if value}
    existing = call.registry.things.get(name)
    if existing is None:
        thing = call.registry.things.create(
            name, at=call.at, attributes=attributes, thing_type=kind, billing_group=group
        )
    elif (existing.attributes, existing.thing_type, existing.billing_group) == (attributes, kind, group):
        thing = existing
    else:
        raise already_exists(
            f"Thing {name} already exists in account with different attributes", arn=existing.arn, id=name
        )
    return {"thingName": name, "thingArn": thing.arn, "thingId": thing.id}


def _attributes(call: Call) -> dict[str, str]:
    return call.asked.object("attributePayload").strings("attributes")


def describe_thing(call: Call) -> Answer:
    """A thing."""
    thing = require_thing(call)
    return {
        "defaultClientId": thing.name,
        "thingName": thing.name,
        "thingId": thing.id,
        "thingArn": thing.arn,
        "thingTypeName": thing.thing_type,
        "attributes": dict(thing.attributes),
        "version": thing.version,
        "billingGroupName": thing.billing_group,
    }


def list_things(call: Call) -> Answer:
    """Things, by attribute or type where these are given."""
    asked = call.asked
    name, value, kind = (
        asked.maybe_text(each) for each in ("attributeName", "attributeValue", "thingTypeName")
    )
    if (name is None) is not (value is None):
        raise invalid("attributeName and attributeValue go together; give both or none.")
    prefix = asked.flag("usePrefixAttributeValue")

    def wanted(thing: Thing) -> bool:
        if kind is not None and thing.thing_type != kind:
            return False
        if name is None or value is None:
            return True
        held = thing.attributes.get(name)
        return held is not None and (held.startswith(value) if prefix else held == value)

    found = [thing for thing in call.registry.things if wanted(thing)]
    return page_of(
        call, found, _listed, size="maxResults", marker="nextToken", answer=("things", "nextToken")
    )


def _listed(thing: Thing) -> dict[str, Value]:
    return {
        "thingName": thing.name,
        "thingTypeName": thing.thing_type,
        "thingArn": thing.arn,
        "attributes": dict(thing.attributes),
        "version": thing.version,
    }


def update_thing(call: Call) -> Answer:
    """Replace attributes and type; ``merge`` adds to the attributes, an empty value removes one."""
    thing = require_thing(call)
    _check_version(call, thing)
    kind, remove = call.asked.maybe_text("thingTypeName"), call.asked.flag("removeThingType")
    if kind is not None and remove:
        raise invalid("thingTypeName and removeThingType exclude each other; give one of them.")
    attributes = dict(thing.attributes)
    if "attributePayload" in call.asked:
        merge = call.asked.object("attributePayload").flag("merge")
        given = {**(attributes if merge else {}), **_attributes(call)}
        attributes = {key: value for key, value in given.items() if value}
    changed = None if remove else kind or thing.thing_type
    call.registry.things.replace(replace(thing, attributes=attributes, thing_type=changed))
    return {}


def delete_thing(call: Call) -> Answer:
    """Delete a thing nobody is attached to; one that is not there is as good as deleted.

    Evidence: document - AWS's service model: DeleteThing succeeds for a thing that does not exist.
    """
    thing = call.registry.things.get(call.asked.text("thingName"))
    if thing is not None:
        _check_version(call, thing)
        call.registry.things.delete(thing.name)
    return {}


def _check_version(call: Call, thing: Thing) -> None:
    expected = call.asked.number("expectedVersion")
    if expected is not None and expected != thing.version:
        raise RegistryError(
            ErrorCode.VERSION_CONFLICT,
            f"The version of thing {thing.name} is {thing.version}, not {expected}; read it again.",
        )


def require_thing(call: Call) -> Thing:
    """The thing of the parameter ``thingName``.

    Raises:
        RegistryError: there is none.
    """
    name = call.asked.text("thingName")
    thing = call.registry.things.get(name)
    if thing is None:
        raise not_found(f"Thing {name} does not exist.")
    return thing


OPERATIONS: Final[Mapping[str, Handler]] = {
    "CreateThing": create_thing,
    "DescribeThing": describe_thing,
    "ListThings": list_things,
    "UpdateThing": update_thing,
    "DeleteThing": delete_thing,
}
