"""Slot map, configuration and certificate definitions of the case.

As in Microchip's mbedtls-examples, the code base the case started from. The slot numbers are the whole
point: the root's public key lies in 15, and the firmware of the case read 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from jitplab import anatomy
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

#: The 9 bytes whose hexadecimal digits are in the device's common name.
CHIP_SERIAL_NUMBER = bytes.fromhex("0223528E47B3461DEE")
CONFIGURATION = "mbedtls_examples_608"


class Slot(IntEnum):
    """What lies where (mbedtls-examples; the second CA in 13 is the case's trap)."""

    DEVICE_PRIVATE_KEY = 0
    DEVICE_COMPRESSED = 10
    SIGNER_PUBLIC_KEY = 11
    SIGNER_COMPRESSED = 12
    OTHER_CA_PUBLIC_KEY = 13
    SIGNER_SERIAL_AND_DATES = 14
    ROOT_PUBLIC_KEY = 15


#: What lies in each slot, in words.
HELD: Final[Mapping[int, str]] = {
    Slot.DEVICE_PRIVATE_KEY: "device private key",
    Slot.DEVICE_COMPRESSED: "device certificate, compressed",
    Slot.SIGNER_PUBLIC_KEY: "signer public key",
    Slot.SIGNER_COMPRESSED: "signer certificate, compressed",
    Slot.OTHER_CA_PUBLIC_KEY: "public key of some other CA",
    Slot.SIGNER_SERIAL_AND_DATES: "serial number and dates of the signer",
    Slot.ROOT_PUBLIC_KEY: "root public key",
}


def device_common_name(chip_serial_number: bytes) -> str:
    """``pu`` and the 18 digits of the chip's serial number."""
    return "pu" + chip_serial_number.hex().upper()


def signer_definition(issued: bytes) -> CertificateDefinition:
    """The definition that rebuilds the signer from slots 11, 12 and 14.

    Its lifetime of fifty years does not fit the five bits of a compressed certificate, and 2070 does not
    fit UTCTime: serial number and both dates are stored in slot 14, the expiry as GeneralizedTime.

    Args:
        issued: DER of the signer as issued; everything that the chip must supply is blanked in the
            template, except the authority key identifier, which an honest template carries.

    Raises:
        ValueError: it lacks something that the case's signer has.
    """
    name = _common_name(issued, "subject")
    return CertificateDefinition(
        name="signer",
        template=_template(issued),
        tbs=_tbs(issued),
        template_id=1,
        chain_id=0,
        serial_source=SerialSource.STORED,
        compressed=DeviceLocation(DeviceZone.DATA, Slot.SIGNER_COMPRESSED, 0, 72),
        public_key=DeviceLocation(DeviceZone.DATA, Slot.SIGNER_PUBLIC_KEY, 0, 72),
        serial_location=DeviceLocation(DeviceZone.DATA, Slot.SIGNER_SERIAL_AND_DATES, 4, 16),
        private_key_slot=0,
        issue_date_format=DateFormat.UTC_TIME,
        expire_date_format=DateFormat.GENERALIZED_TIME,
        expire_years=0,
        at_signer_id=CertificateLocation(name.end - 4, 4),
        at_issue_date=_at(issued, "notBefore"),
        at_expire_date=_at(issued, "notAfter"),
        elements=(
            Element(
                "IssueDate",
                DeviceLocation(DeviceZone.DATA, Slot.SIGNER_SERIAL_AND_DATES, 22, 13),
                _at(issued, "notBefore"),
            ),
            Element(
                "ExpireDate",
                DeviceLocation(DeviceZone.DATA, Slot.SIGNER_SERIAL_AND_DATES, 37, 15),
                _at(issued, "notAfter"),
            ),
        ),
        at_public_key=_at(issued, "subjectPublicKey"),
        at_signature=_signature_at(issued),
        at_serial=_at(issued, "serialNumber"),
        at_authority_key_id=_at(issued, "authorityKeyIdentifier"),
        at_subject_key_id=_at(issued, "subjectKeyIdentifier"),
    )


def device_definition(issued: bytes) -> CertificateDefinition:
    """The definition that rebuilds the device certificate from slots 0 and 10.

    The expiry of 3000-12-31 is the template's own: the element is left out, since the algorithm would
    render "no expiry" as 9999-12-31 and break the signature.

    Args:
        issued: DER of the device certificate as issued.

    Raises:
        ValueError: it lacks something that the case's device certificate has.
    """
    subject, issuer = _common_name(issued, "subject"), _common_name(issued, "issuer")
    return CertificateDefinition(
        name="device",
        template=_template(issued, keep=("notAfter",)),
        tbs=_tbs(issued),
        template_id=2,
        chain_id=0,
        serial_source=SerialSource.PUB_KEY_HASH,
        compressed=DeviceLocation(DeviceZone.DATA, Slot.DEVICE_COMPRESSED, 0, 72),
        public_key=DeviceLocation(DeviceZone.DATA, Slot.DEVICE_PRIVATE_KEY, 0, 64, is_genkey=True),
        serial_location=DeviceLocation(),
        private_key_slot=Slot.DEVICE_PRIVATE_KEY,
        issue_date_format=DateFormat.UTC_TIME,
        expire_date_format=DateFormat.GENERALIZED_TIME,
        expire_years=0,
        at_signer_id=CertificateLocation(issuer.end - 4, 4),
        at_issue_date=_at(issued, "notBefore"),
        at_expire_date=CertificateLocation(),
        elements=(
            Element(
                "SN03",
                DeviceLocation(DeviceZone.CONFIG, 0, 0, 4),
                CertificateLocation(subject.offset + 2, 8),
                Transform.HEX_UPPER,
            ),
            Element(
                "SN48",
                DeviceLocation(DeviceZone.CONFIG, 0, 8, 5),
                CertificateLocation(subject.offset + 10, 10),
                Transform.HEX_UPPER,
            ),
        ),
        at_public_key=_at(issued, "subjectPublicKey"),
        at_signature=_signature_at(issued),
        at_serial=_at(issued, "serialNumber"),
        at_authority_key_id=_at(issued, "authorityKeyIdentifier"),
        at_subject_key_id=_at(issued, "subjectKeyIdentifier"),
    )


def definition_of(which: str, issued: bytes) -> CertificateDefinition:
    """The definition of the case's kind for one of its certificates.

    Args:
        which: ``signer`` or ``device``.
        issued: DER.

    Raises:
        ValueError: it is no certificate of that kind; the sentence says what it lacks.
    """
    make = signer_definition if which == "signer" else device_definition
    try:
        return make(issued)
    except ValueError as error:
        raise ValueError(f"it is no {which} of the case's kind: {error}") from None


def _tbs(der: bytes) -> CertificateLocation:
    field = anatomy.tbs_certificate(der)
    return CertificateLocation(field.offset, field.length)


def _at(der: bytes, name: str) -> CertificateLocation:
    field = anatomy.field_named(der, name)
    if field is None:
        raise ValueError(f"it has no {name}; a certificate of the case's kind has one")
    return CertificateLocation(field.offset, field.length)


def _common_name(der: bytes, which: str) -> anatomy.Field:
    field = anatomy.common_name(der, which)
    if field is None:
        raise ValueError(f"its {which} has no common name; a certificate of the case's kind has one")
    return field


def _signature_at(der: bytes) -> CertificateLocation:
    tbs = anatomy.tbs_certificate(der)
    algorithm = anatomy.read_tlv(der, tbs.end, len(der))
    return CertificateLocation(algorithm.end, len(der) - algorithm.end)


def _template(der: bytes, keep: tuple[str, ...] = ()) -> bytes:
    """``der`` with everything blanked that must come from the chip, so that nothing can come from here."""
    out = bytearray(der)
    blank = {"serialNumber", "notBefore", "notAfter", "subjectPublicKey", "subjectKeyIdentifier"} - set(keep)
    for field in anatomy.fields(der):
        if field.name in blank:
            out[field.offset : field.end] = bytes(field.length)
    return bytes(out)
