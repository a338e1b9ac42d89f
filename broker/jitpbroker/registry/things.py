"""Things, the types and groups they belong to, and the certificates attached to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from jitpbroker.registry.entities import Group, Thing, ThingType
from jitpbroker.registry.errors import ErrorCode, RegistryError, already_exists, not_found
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.names import Arns, check_attribute, check_thing_name
from jitpbroker.registry.tables import Table

#: Evidence: document - AWS General Reference, AWS IoT Core quotas (archived copy of 2019-20).
MOST_ATTRIBUTES_UNTYPED: Final = 3
MOST_ATTRIBUTES_TYPED: Final = 50


class ThingStore:
    """Things of one account in one Region; lookups in both directions are flat."""

    def __init__(self, arns: Arns, new_id: IdSource) -> None:
        self._arns = arns
        self._new_id = new_id
        self._things: Table[str, Thing] = Table("things", Thing)
        self._types: Table[str, ThingType] = Table("thingTypes", ThingType)
        self._groups: Table[str, Group] = Table("thingGroups", Group)
        self._billing_groups: Table[str, Group] = Table("billingGroups", Group)
        self._attached: Table[tuple[str, str], bool] = Table("thingPrincipals", bool)  # value: exclusive
        self._principals: dict[str, dict[str, bool]] = {}  # thing -> principal -> exclusive
        self._of_principal: dict[str, dict[str, bool]] = {}  # principal -> thing -> exclusive

    @property
    def tables(
        self,
    ) -> tuple[
        Table[str, Thing] | Table[str, ThingType] | Table[str, Group] | Table[tuple[str, str], bool], ...
    ]:
        """What has to be kept; types and groups before the things that name them."""
        return (self._types, self._groups, self._billing_groups, self._things, self._attached)

    def reindex(self) -> None:
        """Work out what tables that were loaded imply."""
        self._principals.clear()
        self._of_principal.clear()
        for (name, principal), exclusive in self._attached.items():
            self._index(name, principal, exclusive=exclusive)

    def _index(self, name: str, principal: str, *, exclusive: bool) -> None:
        self._principals.setdefault(name, {})[principal] = exclusive
        self._of_principal.setdefault(principal, {})[name] = exclusive

    def __iter__(self) -> Iterator[Thing]:
        return iter(tuple(self._things.values()))

    def get(self, name: str) -> Thing | None:
        """The thing of this name, if there is one."""
        return self._things.get(name)

    @property
    def types(self) -> Mapping[str, ThingType]:
        """Thing types by name."""
        return self._types

    @property
    def groups(self) -> Mapping[str, Group]:
        """Thing groups by name."""
        return self._groups

    @property
    def billing_groups(self) -> Mapping[str, Group]:
        """Billing groups by name."""
        return self._billing_groups

    def lineage(self, name: str) -> tuple[Group, ...]:
        """A thing group and its parents, from the inside out; nothing for a group that does not exist."""
        found: dict[str, Group] = {}
        group = self._groups.get(name)
        while group is not None and group.name not in found:
            found[group.name] = group
            group = None if group.parent is None else self._groups.get(group.parent)
        return tuple(found.values())

    def create_type(
        self,
        name: str,
        *,
        at: datetime,
        description: str | None = None,
        searchable_attributes: tuple[str, ...] = (),
    ) -> ThingType:
        """Create a thing type, or return the one there is."""
        check_thing_name(name)
        if name not in self._types:
            arn = self._arns.thing_type(name)
            self._types[name] = ThingType(name, arn, at, self._new_id(), description, searchable_attributes)
        return self._types[name]

    def create_group(
        self,
        name: str,
        *,
        at: datetime,
        description: str | None = None,
        attributes: tuple[tuple[str, str], ...] = (),
        parent: str | None = None,
    ) -> Group:
        """Create a thing group, or return the one there is."""
        check_thing_name(name)
        if name not in self._groups:
            arn = self._arns.thing_group(name)
            self._groups[name] = Group(name, arn, at, self._new_id(), description, attributes, parent)
        return self._groups[name]

    def create_billing_group(self, name: str, *, at: datetime, description: str | None = None) -> Group:
        """Create a billing group, or return the one there is."""
        check_thing_name(name)
        if name not in self._billing_groups:
            arn = self._arns.billing_group(name)
            self._billing_groups[name] = Group(name, arn, at, self._new_id(), description)
        return self._billing_groups[name]

    def replace_type(self, kind: ThingType) -> ThingType:
        """Put a changed thing type in the place of the one with its name."""
        self._types[kind.name] = kind
        return kind

    def replace_group(self, group: Group) -> Group:
        """Put a changed thing group in the place of the one with its name."""
        self._groups[group.name] = group
        return group

    def delete_type(self, name: str) -> None:
        """Delete a thing type that is deprecated and used by no thing.

        Evidence: document - DeleteThingType in AWS's service model; its five minutes' wait is left out.

        Raises:
            RegistryError: no such type, it is not deprecated, or things are of it.
        """
        if name not in self._types:
            raise not_found(f"Thing type {name} does not exist.")
        if self._types[name].deprecation_date is None:
            raise _invalid(f"Thing type {name} is not deprecated; deprecate it before deleting it.")
        if any(thing.thing_type == name for thing in self):
            raise _invalid(f"Thing type {name} has things; change or delete them first.")
        del self._types[name]

    def delete_group(self, name: str) -> None:
        """Delete a thing group without children; things leave it. Deleting a stranger changes nothing.

        Evidence: document - DeleteThingGroup in AWS's service model.

        Raises:
            RegistryError: it is some group's parent.
        """
        if any(group.parent == name for group in self._groups.values()):
            raise _invalid(f"Thing group {name} has child groups; delete them first.")
        for thing in self:
            if name in thing.groups:
                kept = tuple(each for each in thing.groups if each != name)
                self._things[thing.name] = replace(thing, groups=kept)
        self._groups.pop(name, None)

    def delete_billing_group(self, name: str) -> None:
        """Delete a billing group without things; deleting a stranger changes nothing.

        Evidence: document - DeleteBillingGroup in AWS's service model.

        Raises:
            RegistryError: things are in it.
        """
        if any(thing.billing_group == name for thing in self):
            raise _invalid(f"Billing group {name} has things; remove them first.")
        self._billing_groups.pop(name, None)

    def create(
        self,
        name: str,
        *,
        at: datetime,
        attributes: Mapping[str, str] | None = None,
        thing_type: str | None = None,
        groups: tuple[str, ...] = (),
        billing_group: str | None = None,
    ) -> Thing:
        """Create a thing.

        Raises:
            RegistryError: the name is taken or bad, an attribute is bad or one too many, or the type or a
                group does not exist.
        """
        check_thing_name(name)
        if name in self._things:
            raise already_exists(f"Thing {name} already exists.", arn=self._things[name].arn, id=name)
        thing = Thing(
            name,
            self._arns.thing(name),
            self._new_id(),
            at,
            attributes or {},
            thing_type,
            groups,
            billing_group,
        )
        self._check_thing(thing)
        self._check_type_is_not_deprecated(thing)
        self._things[name] = thing
        return thing

    def update(
        self,
        name: str,
        *,
        attributes: Mapping[str, str] | None = None,
        thing_type: str | None = None,
        groups: tuple[str, ...] | None = None,
        billing_group: str | None = None,
    ) -> Thing:
        """Replace what is given, leave the rest.

        Raises:
            RegistryError: no such thing, or the result would not have been accepted by ``create``.
        """
        old = self._require(name)
        thing = replace(
            old,
            attributes=old.attributes if attributes is None else attributes,
            thing_type=old.thing_type if thing_type is None else thing_type,
            groups=old.groups if groups is None else groups,
            billing_group=old.billing_group if billing_group is None else billing_group,
            version=old.version + 1,
        )
        self._check_thing(thing)
        self._things[name] = thing
        return thing

    def replace(self, thing: Thing) -> Thing:
        """Put a changed thing in the place of the one with its name; counts its version.

        Raises:
            RegistryError: no such thing, or ``create`` would not have accepted it.
        """
        old = self._require(thing.name)
        self._check_thing(thing)
        if thing.thing_type != old.thing_type:
            self._check_type_is_not_deprecated(thing)
        self._things[thing.name] = replace(thing, version=old.version + 1)
        return self._things[thing.name]

    def delete(self, name: str) -> None:
        """Forget a thing that nobody is attached to.

        Evidence: document - DeleteThing in AWS's service model (InvalidRequestException while attached).

        Raises:
            RegistryError: no such thing, or principals are attached.
        """
        self._require(name)
        if self._principals.get(name):
            raise _invalid(f"Thing {name} has principals attached; detach them first.")
        del self._things[name]

    def attach(self, name: str, principal: str, *, exclusive: bool = False) -> None:
        """Attach a principal (a certificate's ARN) to a thing; attaching twice changes nothing.

        Evidence: document - AttachThingPrincipal in AWS's service model, thingPrincipalType.

        Raises:
            RegistryError: no such thing, or either side is already bound exclusively elsewhere.
        """
        self._require(name)
        others = {**self._of_principal.get(principal, {}), **self._principals.get(name, {})}
        others.pop(name, None)
        others.pop(principal, None)
        if any(others.values()) or (exclusive and others):
            raise _invalid(
                f"Thing {name} and {principal} cannot be attached: an exclusive attachment stands alone."
            )
        self._attached[name, principal] = exclusive
        self._index(name, principal, exclusive=exclusive)

    def detach(self, name: str, principal: str) -> None:
        """Undo ``attach``; detaching a stranger changes nothing."""
        self._attached.pop((name, principal), None)
        self._principals.get(name, {}).pop(principal, None)
        self._of_principal.get(principal, {}).pop(name, None)

    def principals_of(self, name: str) -> tuple[str, ...]:
        """ARNs attached to a thing, oldest first."""
        return tuple(self._principals.get(name, ()))

    def of_principal(self, principal: str) -> tuple[str, ...]:
        """Names of the things a principal is attached to, oldest first."""
        return tuple(self._of_principal.get(principal, ()))

    def is_exclusive(self, name: str, principal: str) -> bool:
        """Whether a principal is attached to a thing exclusively."""
        return self._principals.get(name, {}).get(principal, False)

    def exclusive_thing_of(self, principal: str) -> str | None:
        """The thing this principal is bound to exclusively, if there is one."""
        found = self._of_principal.get(principal, {})
        return next((name for name, exclusive in found.items() if exclusive), None)

    def _require(self, name: str) -> Thing:
        if name not in self._things:
            raise not_found(f"Thing {name} does not exist.")
        return self._things[name]

    def _check_type_is_not_deprecated(self, thing: Thing) -> None:
        """Evidence: document - DeprecateThingType in AWS's service model."""
        if thing.thing_type is not None and self._types[thing.thing_type].deprecation_date is not None:
            raise _invalid(
                f"Thing type {thing.thing_type} is deprecated; choose another for thing {thing.name}."
            )

    def _check_thing(self, thing: Thing) -> None:
        most = MOST_ATTRIBUTES_UNTYPED if thing.thing_type is None else MOST_ATTRIBUTES_TYPED
        for name, value in thing.attributes.items():
            check_attribute(name, value)
        if len(thing.attributes) > most:
            raise RegistryError(
                ErrorCode.INVALID_REQUEST,
                f"Thing {thing.name} has {len(thing.attributes)} attributes, at most {most} are allowed"
                + ("; give it a thing type for more." if thing.thing_type is None else "."),
            )
        account = self._arns.account
        if thing.thing_type is not None and thing.thing_type not in self._types:
            raise not_found(f"Thing Type {account}:{thing.thing_type} not found.")
        for group in thing.groups:
            if group not in self._groups:
                raise not_found(f"ThingGroup {account}:{group} not found.")
        if thing.billing_group is not None and thing.billing_group not in self._billing_groups:
            raise not_found(f"BillingGroup {account}:{thing.billing_group} not found.")


def _invalid(message: str) -> RegistryError:
    return RegistryError(ErrorCode.INVALID_REQUEST, message)
