"""A definition with its names, and JSON for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jitpbroker.registry.jsontext import Json
from softatecc.certificate import (
    CertificateDefinition,
    CertificateLocation,
    DateFormat,
    DeviceLocation,
    DeviceZone,
    Element,
    SerialSource,
    Transform,
)

#: Our names of the standard elements, in the order of Microchip's STDCERT_ values.
STANDARD = (
    "public_key",
    "signature",
    "issue_date",
    "expire_date",
    "signer_id",
    "serial",
    "authority_key_id",
    "subject_key_id",
)


@dataclass(frozen=True, slots=True)
class Named:
    """A definition as a source file has it.

    Attributes:
        name: of its variable.
        definition: what it says.
        ca: the name of its CA's definition, ``None`` for NULL.
        where: file and line.
    """

    name: str
    definition: CertificateDefinition
    ca: str | None
    where: str


def as_json(named: Named) -> dict[str, Json]:
    """The definition as JSON; bytes in hex, enumerations by their names in lower case."""
    made = named.definition
    return {
        "name": named.name,
        "ca": named.ca,
        "template": made.template.hex(),
        "tbs": _place(made.tbs),
        "template_id": made.template_id,
        "chain_id": made.chain_id,
        "serial_source": made.serial_source.name.lower(),
        "private_key_slot": made.private_key_slot,
        "issue_date_format": made.issue_date_format.name.lower(),
        "expire_date_format": made.expire_date_format.name.lower(),
        "expire_years": made.expire_years,
        "compressed": _device(made.compressed),
        "public_key": _device(made.public_key),
        "serial_location": _device(made.serial_location),
        "at": {name: _place(getattr(made, attribute)) for name, attribute in ATTRIBUTES.items()},
        "elements": [
            {
                "name": each.name,
                "device": _device(each.device),
                "certificate": _place(each.certificate),
                "transform": each.transform.name.lower(),
            }
            for each in made.elements
        ],
    }


#: Standard elements to attributes of a definition.
ATTRIBUTES = {
    "public_key": "at_public_key",
    "signature": "at_signature",
    "issue_date": "at_issue_date",
    "expire_date": "at_expire_date",
    "signer_id": "at_signer_id",
    "serial": "at_serial",
    "authority_key_id": "at_authority_key_id",
    "subject_key_id": "at_subject_key_id",
}


def _place(where: CertificateLocation) -> dict[str, Json]:
    return {"offset": where.offset, "count": where.count}


def _device(where: DeviceLocation) -> dict[str, Json]:
    return {
        "zone": where.zone.name.lower(),
        "slot": where.slot,
        "offset": where.offset,
        "count": where.count,
        "is_genkey": where.is_genkey,
    }


def from_json(document: Json) -> Named:
    """A definition out of JSON.

    Raises:
        ValueError: it is none; the sentence names the member.
    """
    if not isinstance(document, dict):
        raise ValueError("a definition is a JSON object")  # noqa: TRY004 - one kind of error for bad input
    at = _object(document, "at")
    elements = document.get("elements", [])
    if not isinstance(elements, list):
        raise ValueError("elements is no list")  # noqa: TRY004 - one kind of error for bad input
    ca = document.get("ca")
    made = CertificateDefinition(
        name=_text(document, "name"),
        template=_hex(document, "template"),
        tbs=_place_of(document, "tbs"),
        template_id=_number(document, "template_id"),
        chain_id=_number(document, "chain_id"),
        serial_source=SerialSource[_name(document, "serial_source", SerialSource)],
        compressed=_device_of(document, "compressed"),
        public_key=_device_of(document, "public_key"),
        serial_location=_device_of(document, "serial_location"),
        private_key_slot=_number(document, "private_key_slot"),
        issue_date_format=DateFormat[_name(document, "issue_date_format", DateFormat)],
        expire_date_format=DateFormat[_name(document, "expire_date_format", DateFormat)],
        expire_years=_number(document, "expire_years"),
        elements=tuple(_element_of(each, number) for number, each in enumerate(elements)),
        **{attribute: _place_of(at, name) for name, attribute in ATTRIBUTES.items()},
    )
    return Named(made.name, made, ca if isinstance(ca, str) else None, "JSON")


def _element_of(each: Json, number: int) -> Element:
    if not isinstance(each, dict):
        raise ValueError(f"elements[{number}] is no object")  # noqa: TRY004 - one kind of error for bad input
    return Element(
        _text(each, "name"),
        _device_of(each, "device"),
        _place_of(each, "certificate"),
        Transform[_name(each, "transform", Transform)],
    )


def _object(of: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = of.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name} is missing or no object")  # noqa: TRY004 - one kind of error for bad input
    return value


def _text(of: Mapping[str, Json], name: str) -> str:
    value = of.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is missing or no text")  # noqa: TRY004 - one kind of error for bad input
    return value


def _number(of: Mapping[str, Json], name: str) -> int:
    value = of.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is missing or no whole number")  # noqa: TRY004 - one kind of error
    return value


def _hex(of: Mapping[str, Json], name: str) -> bytes:
    try:
        return bytes.fromhex(_text(of, name))
    except ValueError:
        raise ValueError(f"{name} is missing or not written in hex") from None


def _name(of: Mapping[str, Json], name: str, known: type[SerialSource | DateFormat | Transform]) -> str:
    value = _text(of, name).upper()
    if value not in known.__members__:
        names = ", ".join(each.lower() for each in known.__members__)
        raise ValueError(f"{name} is {value.lower()!r}; it is one of {names}")
    return value


def _place_of(of: Mapping[str, Json], name: str) -> CertificateLocation:
    value = _object(of, name)
    return CertificateLocation(_number(value, "offset"), _number(value, "count"))


def _device_of(of: Mapping[str, Json], name: str) -> DeviceLocation:
    value = _object(of, name)
    zone = _text(value, "zone").upper()
    if zone not in DeviceZone.__members__:
        raise ValueError(f"{name}.zone is {zone.lower()!r}; it is one of config, otp, data, none")
    return DeviceLocation(
        DeviceZone[zone],
        _number(value, "slot"),
        _number(value, "offset"),
        _number(value, "count"),
        is_genkey=value.get("is_genkey") is True,
    )
