"""Whether the facts of a registry that came from outside fit together.

Look-ups take it for granted that what is attached exists; this is where that is made sure of.
"""

from __future__ import annotations

from collections.abc import Iterator

from jitpbroker.registry.store import Registry
from jitpbroker.registry.tables import Key

#: Tables whose key is the fact's own name or id.
_NAMED = {
    "caCertificates": "id",
    "certificates": "id",
    "policies": "name",
    "provisioningTemplates": "name",
    "thingTypes": "name",
    "thingGroups": "name",
    "billingGroups": "name",
    "things": "name",
    "transfers": "certificate_id",
}


def objection(registry: Registry) -> str | None:
    """What does not fit, ``None`` if everything does."""
    return next(_objections(registry), None)


def _objections(registry: Registry) -> Iterator[str]:
    tables = registry.tables
    for name, attribute in _NAMED.items():
        for key, fact in tables[name].items():
            if getattr(fact, attribute) != key:
                yield f"{name} holds {getattr(fact, attribute)!r} under the name {key!r}"
    yield from _missing("policyTargets", _ends(registry, "policyTargets", 0), "policies", tables["policies"])
    yield from _missing("thingPrincipals", _ends(registry, "thingPrincipals", 0), "things", tables["things"])
    yield from _missing("things", _named_by_things(registry, "type"), "thingTypes", tables["thingTypes"])
    yield from _missing("things", _named_by_things(registry, "group"), "thingGroups", tables["thingGroups"])
    yield from _missing(
        "things", _named_by_things(registry, "billing"), "billingGroups", tables["billingGroups"]
    )
    for policy in registry.policies:
        numbers = [version.id for version in policy.versions]
        latest = tables["policyVersions"].get(policy.name)
        yield from _versions(f"policy {policy.name}", numbers, policy.default_version_id, latest)
    for template in registry.templates:
        numbers = [str(version.id) for version in template.versions]
        latest = tables["templateVersions"].get(template.name)
        yield from _versions(f"template {template.name}", numbers, str(template.default_version_id), latest)


def _ends(registry: Registry, table: str, end: int) -> Iterator[Key]:
    return (key[end] for key in registry.tables[table])


def _named_by_things(registry: Registry, what: str) -> Iterator[str]:
    for thing in registry.things:
        by_kind = {"type": (thing.thing_type,), "group": thing.groups, "billing": (thing.billing_group,)}
        yield from (name for name in by_kind[what] if name is not None)


def _missing(where: str, names: Iterator[Key], table: str, held: object) -> Iterator[str]:
    assert isinstance(held, dict)
    return (f"{where} names {name!r}, which {table} does not hold" for name in names if name not in held)


def _versions(what: str, numbers: list[str], default: str, latest: object) -> Iterator[str]:
    if default not in numbers:
        yield f"{what} has no version {default}, its default"
    if not all(number.isdecimal() for number in numbers):
        yield f"{what} has a version that is no number"
    elif not isinstance(latest, int) or latest < max(map(int, numbers)):
        yield f"{what} has versions {', '.join(numbers)}, but {latest} is said to be its latest"
