"""Registry facts as JSON, under the names AWS's answers use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
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
from jitpbroker.registry.settings import EventConfigurations, EventLogLevel, LoggingOptions, Transfer
from jitpbroker.registry.templates import ProvisioningTemplate, TemplateVersion
from jitpbroker.trace import JsonValue
from jitpbroker.x509 import Certificate

Entity: TypeAlias = (
    CaCertificate
    | DeviceCertificate
    | Thing
    | Policy
    | PolicyVersion
    | RegistrationConfig
    | ProvisioningTemplate
    | TemplateVersion
    | LoggingOptions
    | EventLogLevel
    | EventConfigurations
    | Transfer
)

#: Where AWS's name is not the field's own in camel case.
_NAMES = {
    "auto_registration": "autoRegistrationStatus",
    "groups": "thingGroupNames",
    "thing_type": "thingTypeName",
    "billing_group": "billingGroupName",
}

#: Left out while they are ``None``: most facts never get them.
_OPTIONAL = frozenset({"template_name", "previous_owned_by"})


def as_json(entity: Entity) -> dict[str, JsonValue]:
    """One fact; times in ISO 8601, a certificate as its id and PEM."""
    out: dict[str, JsonValue] = {}
    for field in fields(entity):
        value = getattr(entity, field.name)
        if isinstance(value, Certificate):
            out |= {"certificateId": value.id, "certificatePem": value.pem}
        elif value is not None or field.name not in _OPTIONAL:
            out[json_name(field.name)] = plain(value)
    return out


def plain(value: object) -> JsonValue:
    """A fact's value, or a fact, as JSON; a key of several parts is joined by a slash."""
    match value:
        case datetime():
            return value.isoformat()
        case tuple() | list():
            return [plain(each) for each in value]
        case Mapping():
            return {
                "/".join(key) if isinstance(key, tuple) else key: plain(each) for key, each in value.items()
            }
        case str():
            return str(value)  # a StrEnum's plain text
        case bool() | int() | None:
            return value
        case _:
            assert is_dataclass(value), f"{value!r} is no registry fact"
            return as_json(value)  # type: ignore[arg-type]


def json_name(name: str) -> str:
    """AWS's name of a fact's field."""
    first, *rest = name.split("_")
    return _NAMES.get(name) or first + "".join(word.capitalize() for word in rest)
