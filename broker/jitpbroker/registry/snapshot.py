"""Registry facts as JSON, under the names AWS's answers use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import TypeAlias

from jitpbroker.registry.entities import (
    CaCertificate,
    DeviceCertificate,
    Policy,
    PolicyVersion,
    RegistrationConfig,
    Thing,
)
from jitpbroker.trace import JsonValue
from jitpbroker.x509 import Certificate

Entity: TypeAlias = CaCertificate | DeviceCertificate | Thing | Policy | PolicyVersion | RegistrationConfig

#: Where AWS's name is not the field's own in camel case.
_NAMES = {
    "auto_registration": "autoRegistrationStatus",
    "groups": "thingGroupNames",
    "thing_type": "thingTypeName",
    "billing_group": "billingGroupName",
}


def as_json(entity: Entity) -> dict[str, JsonValue]:
    """One fact; times in ISO 8601, a certificate as its id and PEM."""
    out: dict[str, JsonValue] = {}
    for field in fields(entity):
        value = getattr(entity, field.name)
        if isinstance(value, Certificate):
            out |= {"certificateId": value.id, "certificatePem": value.pem}
        else:
            out[_NAMES.get(field.name, _camel(field.name))] = _value(value)
    return out


def _value(
    value: str
    | int
    | datetime
    | tuple[PolicyVersion | str, ...]
    | Mapping[str, str]
    | RegistrationConfig
    | None,
) -> JsonValue:
    match value:
        case datetime():
            return value.isoformat()
        case tuple():
            return [each if isinstance(each, str) else as_json(each) for each in value]
        case Mapping():
            return dict(value)
        case RegistrationConfig():
            return as_json(value)
        case str():
            return str(value)  # a StrEnum's plain text
        case _:
            return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
