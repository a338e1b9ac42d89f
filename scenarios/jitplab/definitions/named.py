"""A definition with its names: the C constants in it, and JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jitpbroker.registry.jsontext import Json
from softatecc.certificate import (
    CertificateDefinition,
    CertificateLocation,
    DateFormat,
    DeviceLocation,
    Transform,
)

#: The standard elements in Microchip's order: our names, which `CertificateDefinition` has behind ``at_``,
#: and the C constants.  Evidence: vendor-library - enum atcacert_std_cert_element_e in cryptoauthlib 3.8.0,
#: lib/atcacert/atcacert_def.h; so are the constants below.
STANDARD: Final[Mapping[str, str]] = {
    "public_key": "STDCERT_PUBLIC_KEY",
    "signature": "STDCERT_SIGNATURE",
    "issue_date": "STDCERT_ISSUE_DATE",
    "expire_date": "STDCERT_EXPIRE_DATE",
    "signer_id": "STDCERT_SIGNER_ID",
    "serial": "STDCERT_CERT_SN",
    "authority_key_id": "STDCERT_AUTH_KEY_ID",
    "subject_key_id": "STDCERT_SUBJ_KEY_ID",
}
TRANSFORMS: Final[Mapping[Transform, str]] = {
    Transform.NONE: "TF_NONE",
    Transform.REVERSE: "TF_REVERSE",
    Transform.HEX_UPPER: "TF_BIN2HEX_UC",
    Transform.HEX_LOWER: "TF_BIN2HEX_LC",
}
DATE_FORMATS: Final[Mapping[DateFormat, str]] = {
    DateFormat.UTC_TIME: "DATEFMT_RFC5280_UTC",
    DateFormat.GENERALIZED_TIME: "DATEFMT_RFC5280_GEN",
}


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
        "at": {name: _place(getattr(made, f"at_{name}")) for name in STANDARD},
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
