"""Things, their attributes, types and groups, and who is attached to them."""

from __future__ import annotations

from datetime import datetime

import pytest

from jitpbroker.registry import ErrorCode, Registry, RegistryError

ALICE = "arn:aws:iot:us-east-1:123456789012:cert/" + "a" * 64
BOB = "arn:aws:iot:us-east-1:123456789012:cert/" + "b" * 64


def test_a_thing_is_created_once(registry: Registry, now: datetime) -> None:
    thing = registry.things.create("pu02", at=now, attributes={"version": "v1"})

    with pytest.raises(RegistryError) as caught:
        registry.things.create("pu02", at=now)

    assert caught.value.code is ErrorCode.RESOURCE_ALREADY_EXISTS
    assert registry.things.get("pu02") == thing
    assert thing.arn == "arn:aws:iot:us-east-1:123456789012:thing/pu02"
    assert thing.version == 1


def test_a_things_attributes_cannot_be_changed_behind_the_registrys_back(
    registry: Registry, now: datetime
) -> None:
    attributes = {"version": "v1"}
    thing = registry.things.create("pu02", at=now, attributes=attributes)

    attributes["version"] = "v2"

    assert thing.attributes == {"version": "v1"}
    with pytest.raises(TypeError):
        thing.attributes["version"] = "v3"  # type: ignore[index]


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b", "ä", "a" * 129, "pu02\n"])
def test_a_thing_name_is_made_of_few_letters(registry: Registry, now: datetime, name: str) -> None:
    with pytest.raises(RegistryError) as caught:
        registry.things.create(name, at=now)

    assert caught.value.code is ErrorCode.INVALID_REQUEST
    assert "is no thing name" in str(caught.value)


@pytest.mark.parametrize("name", ["a", "a" * 128, "pu02:B-_9"])
def test_a_thing_name_may_have_128_of_them(registry: Registry, now: datetime, name: str) -> None:
    assert registry.things.create(name, at=now).name == name


@pytest.mark.parametrize(
    "attributes, reason",
    [
        ({"a b": "1"}, "is no attribute name"),
        ({"a": "1 2"}, "cannot hold"),
        ({"a": "1" * 801}, "cannot hold"),
    ],
)
def test_an_attribute_has_no_spaces_and_an_end(
    registry: Registry, now: datetime, attributes: dict[str, str], reason: str
) -> None:
    with pytest.raises(RegistryError, match=reason):
        registry.things.create("pu02", at=now, attributes=attributes)


def test_three_attributes_need_no_type_and_four_do(registry: Registry, now: datetime) -> None:
    registry.things.create_type("meter", at=now)
    four = {str(each): "x" for each in range(4)}

    with pytest.raises(RegistryError, match="give it a thing type for more"):
        registry.things.create("pu02", at=now, attributes=four)
    registry.things.create("pu03", at=now, attributes=four, thing_type="meter")
    with pytest.raises(RegistryError, match=r"has 51 attributes, at most 50 are allowed\.$"):
        registry.things.create(
            "pu04", at=now, attributes={str(each): "x" for each in range(51)}, thing_type="meter"
        )

    assert [each.name for each in registry.things] == ["pu03"]


def test_a_thing_needs_its_type_and_groups_to_exist(registry: Registry, now: datetime) -> None:
    with pytest.raises(RegistryError, match="Thing Type 123456789012:meter not found"):
        registry.things.create("pu02", at=now, thing_type="meter")
    with pytest.raises(RegistryError, match="ThingGroup 123456789012:all not found"):
        registry.things.create("pu02", at=now, groups=("all",))
    with pytest.raises(RegistryError, match="BillingGroup 123456789012:bill not found"):
        registry.things.create("pu02", at=now, billing_group="bill")

    assert registry.things.get("pu02") is None


def test_types_and_groups_are_created_once_and_kept(
    registry: Registry, now: datetime, later: datetime
) -> None:
    kind = registry.things.create_type("meter", at=now)
    group = registry.things.create_group("all", at=now)
    billing = registry.things.create_billing_group("bill", at=now)

    assert registry.things.create_type("meter", at=later) is kind
    assert registry.things.create_group("all", at=later) is group
    assert registry.things.create_billing_group("bill", at=later) is billing
    assert kind.arn.endswith(":thingtype/meter")
    assert group.arn.endswith(":thinggroup/all")
    assert billing.arn.endswith(":billinggroup/bill")
    thing = registry.things.create("pu02", at=now, thing_type="meter", groups=("all",), billing_group="bill")
    assert (thing.thing_type, thing.groups, thing.billing_group) == ("meter", ("all",), "bill")


def test_an_update_replaces_what_is_given(registry: Registry, now: datetime) -> None:
    registry.things.create_group("all", at=now)
    registry.things.create("pu02", at=now, attributes={"version": "v1"})

    grouped = registry.things.update("pu02", groups=("all",))
    changed = registry.things.update("pu02", attributes={"version": "v2"})

    assert grouped.attributes == {"version": "v1"}
    assert changed.attributes == {"version": "v2"}
    assert changed.groups == ("all",)
    assert changed.version == 3
    with pytest.raises(RegistryError, match="does not exist"):
        registry.things.update("nobody")


def test_a_principal_is_attached_in_both_directions_until_detached(registry: Registry, now: datetime) -> None:
    registry.things.create("one", at=now)
    registry.things.create("two", at=now)

    registry.things.attach("one", ALICE)
    registry.things.attach("one", ALICE)
    registry.things.attach("two", ALICE)
    registry.things.attach("one", BOB)

    assert registry.things.of_principal(ALICE) == ("one", "two")
    assert registry.things.principals_of("one") == (ALICE, BOB)
    registry.things.detach("one", ALICE)
    registry.things.detach("nobody", ALICE)
    assert registry.things.of_principal(ALICE) == ("two",)
    assert registry.things.principals_of("one") == (BOB,)
    with pytest.raises(RegistryError, match="does not exist"):
        registry.things.attach("three", ALICE)


def test_an_exclusive_attachment_stands_alone(registry: Registry, now: datetime) -> None:
    registry.things.create("one", at=now)
    registry.things.create("two", at=now)
    registry.things.attach("one", ALICE, exclusive=True)

    for thing, principal in (("two", ALICE), ("one", BOB)):
        with pytest.raises(RegistryError, match="an exclusive attachment stands alone"):
            registry.things.attach(thing, principal)
    registry.things.attach("two", BOB)
    with pytest.raises(RegistryError, match="an exclusive attachment stands alone"):
        registry.things.attach("two", "another", exclusive=True)

    assert registry.things.exclusive_thing_of(ALICE) == "one"
    assert registry.things.exclusive_thing_of(BOB) is None


def test_a_thing_with_a_principal_is_not_deleted(registry: Registry, now: datetime) -> None:
    registry.things.create("one", at=now)
    registry.things.attach("one", ALICE)

    with pytest.raises(RegistryError, match="detach them first"):
        registry.things.delete("one")
    registry.things.detach("one", ALICE)
    registry.things.delete("one")

    assert registry.things.get("one") is None
