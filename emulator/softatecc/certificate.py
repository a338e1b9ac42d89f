"""Certificates that live in the chip as 72 compressed bytes: definitions, rebuild, taking apart.

This is the host's side of the chip, written from Microchip's public compressed-certificate definition
(AN8974 / DS20006367); results are compared byte for byte with cryptoauthlib's in the tests. It serves
where no cryptoauthlib wheel exists, and it explains: every byte a rebuild sets is known by its origin.

Rules of this file:
1. The chip is read and written as `certificate_definition.locations` says, one location after another.
2. A rebuild starts from the template and sets, after each read and from it, in this order: stored serial
   number, public key with subject key identifier, what the compressed certificate holds, the additional
   elements; last of all a computed serial number. A later step overwrites an earlier one.
3. The CA's public key is used for one thing only: ``SHA1(04 || key)`` in the authority key identifier.
   Nothing is verified. That is cryptoauthlib's behaviour, and the root of the case.

Evidence: vendor-library - cryptoauthlib 3.8.0, lib/atcacert/atcacert_def.c and atcacert_client.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from softatecc.certificate_definition import (
    BLOCK,
    DEVICE_SERIAL,
    DEVICE_SN_SOURCES,
    PADDED_KEY,
    CertificateDefinition,
    CertificateLocation,
    DeviceLocation,
    DeviceZone,
    Element,
    Transform,
    cut,
    locations,
    place,
)
from softatecc.certificate_writing import compress
from softatecc.compressed import (
    CertificateError,
    CertificateStatus,
    DateDigits,
    DateFormat,
    SerialSource,
    decode_dates,
    encode_dates,
    format_date,
    hashed_serial,
    key_identifier,
    pad_public_key,
    unpad_public_key,
)
from softatecc.ecdsa_der import adjust_length, set_signature

__all__ = [
    "BLOCK",
    "CertificateDefinition",
    "CertificateError",
    "CertificateLocation",
    "CertificateStatus",
    "DateFormat",
    "DeviceLocation",
    "DeviceZone",
    "Element",
    "Reader",
    "SerialSource",
    "Transform",
    "compress",
    "encode_dates",
    "hashed_serial",
    "key_identifier",
    "locations",
    "pad_public_key",
    "rebuild",
    "unpad_public_key",
]


#: Reads ``count`` bytes of the chip, or has GenKey compute a public key. Where the zone ends earlier,
#: it returns what there is.
Reader = Callable[[DeviceLocation], bytes]


def rebuild(definition: CertificateDefinition, read: Reader, ca_public_key: bytes | None) -> bytes:
    """The certificate (DER) that ``definition`` makes of the chip's contents.

    Args:
        definition: where things lie.
        read: reads the chip.
        ca_public_key: ``X || Y`` of the issuing CA; goes into the authority key identifier and nowhere
            else. ``None`` keeps the template's identifier.

    Raises:
        CertificateError: the chip holds something the definition does not fit.
    """
    der = bytearray(definition.template)
    adjust_length(der, 0)
    if ca_public_key is not None:
        place(der, definition.at_authority_key_id, key_identifier(ca_public_key))
    held: dict[DeviceLocation, bytes] = {}
    parts = [definition.serial_location, definition.public_key, definition.compressed, DEVICE_SERIAL]
    parts += [element.device for element in definition.elements]
    for where in locations(definition):
        octets = read(where).ljust(where.count, b"\0")
        brought = {
            part: octets[part.offset - where.offset : part.end - where.offset]
            for part in parts
            if where.holds(part)
        }
        _fill(der, definition, brought)
        held |= brought
    if definition.serial_source is not SerialSource.STORED:
        place(der, definition.at_serial, _computed_serial(definition, der, held))
    return bytes(der)


def _fill(der: bytearray, definition: CertificateDefinition, brought: Mapping[DeviceLocation, bytes]) -> None:
    """Set what one read of the chip has brought."""
    if (serial := brought.get(definition.serial_location)) is not None:
        place(der, definition.at_serial, serial)
    if (key := brought.get(definition.public_key)) is not None:
        public_key = unpad_public_key(key) if len(key) == PADDED_KEY else key
        place(der, definition.at_public_key, public_key)
        place(der, definition.at_subject_key_id, key_identifier(public_key))
    if (compressed := brought.get(definition.compressed)) is not None:
        _check_belongs(definition, compressed)
        set_signature(der, definition.at_signature.offset, compressed[:64])
        issued, expires = decode_dates(compressed, definition.expire_date_format)
        _place_date(der, definition.at_issue_date, issued, definition.issue_date_format)
        _place_date(der, definition.at_expire_date, expires, definition.expire_date_format)
        place(der, definition.at_signer_id, compressed[67:69].hex().upper().encode())
    for element in definition.elements:
        if (data := brought.get(element.device)) is not None:
            place(der, element.certificate, _transformed(element.transform, data))


def _check_belongs(definition: CertificateDefinition, compressed: bytes) -> None:
    if compressed[70] & 0x0F > 2:
        raise CertificateError(
            CertificateStatus.DECODING_ERROR,
            f"compressed format {compressed[70] & 0xF} of slot {definition.compressed.slot} is unknown; "
            "formats 0, 1 and 2 exist; does the slot hold a compressed certificate?",
        )
    wanted = (definition.template_id, definition.chain_id, definition.serial_source)
    found = (compressed[69] >> 4, compressed[69] & 0xF, compressed[70] >> 4)
    if found != wanted:
        raise CertificateError(
            CertificateStatus.WRONG_CERT_DEF,
            f"slot {definition.compressed.slot} holds template {found[0]}, chain {found[1]}, serial source "
            f"{found[2]:X}; definition {definition.name!r} is for template {wanted[0]}, chain {wanted[1]}, "
            f"serial source {wanted[2]:X}; use the definition it was written with",
        )


def _computed_serial(
    definition: CertificateDefinition, der: bytearray, held: Mapping[DeviceLocation, bytes]
) -> bytes:
    count = definition.at_serial.count
    if count > 32:
        raise CertificateError(
            CertificateStatus.BAD_CERT, f"a computed serial number has at most 32 bytes, not {count}"
        )
    public_key = cut(der, definition.at_public_key, definition.at_public_key.count)
    configuration = held.get(DEVICE_SERIAL, b"")
    device_serial = configuration[:4] + configuration[8:13]
    compressed = held.get(definition.compressed)
    fixed = {SerialSource.DEVICE_SN: 10, SerialSource.SIGNER_ID: 3}.get(definition.serial_source, count)
    if count != fixed or (compressed is None and definition.serial_source is not SerialSource.DEVICE_SN):
        raise CertificateError(
            CertificateStatus.BAD_PARAMS,
            f"a serial number from {definition.serial_source.name} has {fixed} bytes and needs a compressed "
            f"certificate; definition {definition.name!r} gives it {count}; correct the definition",
        )
    if compressed is None or definition.serial_source is SerialSource.DEVICE_SN:
        return b"\x40" + device_serial
    if definition.serial_source is SerialSource.SIGNER_ID:
        return b"\x40" + compressed[67:69]
    hashed = device_serial if definition.serial_source in DEVICE_SN_SOURCES else public_key
    return hashed_serial(definition.serial_source, hashed, compressed, count)


def _transformed(transform: Transform, data: bytes) -> bytes:
    if transform is Transform.NONE:
        return data
    if transform is Transform.REVERSE:
        return data[::-1]
    digits = data.hex()
    return (digits.upper() if transform is Transform.HEX_UPPER else digits).encode()


def _place_date(
    der: bytearray, where: CertificateLocation, when: DateDigits, date_format: DateFormat
) -> None:
    if where.count:
        place(der, where, format_date(when, date_format))
