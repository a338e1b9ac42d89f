"""Certificates that live in the chip as 72 compressed bytes: definitions, rebuild, compression.

This is the host's side of the chip, written from Microchip's public compressed-certificate definition
(AN8974 / DS20006367); results are compared byte for byte with cryptoauthlib's in the tests. It serves
where no cryptoauthlib wheel exists, and it explains: every byte a rebuild sets is known by its origin.

Rules of this file:
1. A rebuild starts from the template and sets, in this order: serial number, public key with subject
   key identifier, what the compressed certificate holds, the additional elements, and last a computed
   serial number. A later step overwrites an earlier one.
2. The CA's public key is used for one thing only: ``SHA1(04 || key)`` in the authority key identifier.
   Nothing is verified. That is cryptoauthlib's behaviour, and the root of the case.
3. A location of no bytes (``count == 0``) means that the certificate or the chip has no such element.

Evidence: vendor-library - cryptoauthlib 3.8.0, lib/atcacert/atcacert_def.c and atcacert_date.c.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

BLOCK = 32


class DeviceZone(IntEnum):
    """Where on the chip an element lies (``atcacert_device_zone_t``)."""

    CONFIG = 0
    OTP = 1
    DATA = 2
    NONE = 7


class SerialSource(IntEnum):
    """Where the certificate's serial number comes from (high nibble of byte 70)."""

    STORED = 0x0
    DEVICE_SN = 0x8
    SIGNER_ID = 0x9
    PUB_KEY_HASH = 0xA
    DEVICE_SN_HASH = 0xB
    PUB_KEY_HASH_POS = 0xC
    DEVICE_SN_HASH_POS = 0xD
    PUB_KEY_HASH_RAW = 0xE
    DEVICE_SN_HASH_RAW = 0xF


class DateFormat(IntEnum):
    """How a date is written in the certificate (``atcacert_date_format_t``)."""

    UTC_TIME = 1
    GENERALIZED_TIME = 4


class Transform(IntEnum):
    """What happens to an element on its way from chip to certificate (``atcacert_transform_t``)."""

    NONE = 0
    REVERSE = 1
    HEX_UPPER = 2
    HEX_LOWER = 3


class CertificateError(Exception):
    """A certificate cannot be rebuilt or compressed; ``str()`` says which rule stands against it."""


@dataclass(frozen=True, slots=True)
class DeviceLocation:
    """``count`` bytes at ``offset`` of a zone; ``is_genkey`` has GenKey compute them instead of Read."""

    zone: DeviceZone = DeviceZone.NONE
    slot: int = 0
    offset: int = 0
    count: int = 0
    is_genkey: bool = False


@dataclass(frozen=True, slots=True)
class CertificateLocation:
    """``count`` bytes at ``offset`` of the certificate's DER."""

    offset: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Element:
    """One additional element: from the chip, through a transform, into the certificate."""

    name: str
    device: DeviceLocation
    certificate: CertificateLocation
    transform: Transform = Transform.NONE


@dataclass(frozen=True, slots=True)
class CertificateDefinition:
    """What ``atcacert_def_t`` holds, by the same names without their prefixes.

    Attributes:
        template: DER of a certificate of the right shape; everything not set from the chip is taken from it.
        tbs: the signed part, tag and length included.
        ca_public_key: where the *firmware* finds the key of the CA that issued this certificate.
    """

    name: str
    template: bytes
    tbs: CertificateLocation
    template_id: int
    chain_id: int
    serial_source: SerialSource
    compressed: DeviceLocation
    public_key: DeviceLocation
    serial_location: DeviceLocation
    private_key_slot: int
    issue_date_format: DateFormat
    expire_date_format: DateFormat
    expire_years: int
    at_public_key: CertificateLocation
    at_signature: CertificateLocation
    at_issue_date: CertificateLocation
    at_expire_date: CertificateLocation
    at_signer_id: CertificateLocation
    at_serial: CertificateLocation
    at_authority_key_id: CertificateLocation
    at_subject_key_id: CertificateLocation
    elements: tuple[Element, ...] = ()


#: Reads ``count`` bytes of the chip, or has GenKey compute a public key.
Reader = Callable[[DeviceLocation], bytes]


def key_identifier(public_key: bytes) -> bytes:
    """SHA-1 of ``04 || public_key`` (RFC 5280 section 4.2.1.2, method 1), 20 bytes."""
    return hashlib.sha1(b"\4" + public_key, usedforsecurity=False).digest()


def pad_public_key(public_key: bytes) -> bytes:
    """``X || Y`` as a data slot stores it: ``00000000 X 00000000 Y``, 72 bytes."""
    return bytes(4) + public_key[:32] + bytes(4) + public_key[32:64]


def unpad_public_key(stored: bytes) -> bytes:
    """``X || Y`` out of the 72-byte form; what stands in the padding is not looked at."""
    return stored[4:36] + stored[40:72]


def encode_dates(issued: datetime, expire_years: int) -> bytes:
    """The three date bytes of a compressed certificate, format 0.

    Args:
        issued: minutes and seconds are lost.
        expire_years: 0 to 31; 0 means no expiry.

    Raises:
        CertificateError: year or lifetime does not fit into five bits.
    """
    if not 2000 <= issued.year <= 2031:
        raise CertificateError(
            f"issue year {issued.year} does not fit the compressed format 0, which ends in 2031; "
            "re-issue with an earlier date or use format 1"
        )
    if not 0 <= expire_years <= 31:
        raise CertificateError(
            f"a lifetime of {expire_years} years does not fit the five bits of format 0 (0 to 31); "
            "use 0 and store the expiry date in a slot"
        )
    packed = (
        (issued.year - 2000) << 19 | issued.month << 15 | issued.day << 10 | issued.hour << 5 | expire_years
    )
    return packed.to_bytes(3)


def decode_dates(compressed: bytes, expire_format: DateFormat) -> tuple[datetime, datetime]:
    """Issue and expiry date out of a 72-byte compressed certificate.

    Raises:
        CertificateError: the bits are no date (an empty slot, or another slot's contents).
    """
    packed = int.from_bytes(compressed[64:67])
    year, lifetime = packed >> 19, packed & 0x1F
    if compressed[70] & 0x0F:
        year |= (compressed[71] & 0xC0) >> 1
        lifetime |= (compressed[71] & 0x30) << 1
    try:
        issued = datetime(
            2000 + year, packed >> 15 & 0xF, packed >> 10 & 0x1F, packed >> 5 & 0x1F, tzinfo=UTC
        )
        expires = issued.replace(year=issued.year + lifetime) if lifetime else _latest(expire_format)
    except ValueError as error:
        raise CertificateError(
            f"the encoded dates {compressed[64:67].hex()} are no date ({error}); "
            "does this slot hold a compressed certificate?"
        ) from None
    return issued, expires


def _latest(date_format: DateFormat) -> datetime:
    year = 2049 if date_format is DateFormat.UTC_TIME else 9999
    return datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)


def format_date(when: datetime, date_format: DateFormat) -> bytes:
    """The characters of a date, 13 for UTCTime and 15 for GeneralizedTime."""
    text = when.strftime("%y%m%d%H%M%SZ" if date_format is DateFormat.UTC_TIME else "%Y%m%d%H%M%SZ")
    return text.rjust(13 if date_format is DateFormat.UTC_TIME else 15, "0").encode()


def hashed_serial(source: SerialSource, hashed: bytes, compressed: bytes, count: int) -> bytes:
    """A serial number computed from a public key or a device serial number and the encoded dates.

    Args:
        source: one of the hash sources.
        hashed: ``X || Y`` or the 9-byte serial number of the chip.
        compressed: the 72-byte compressed certificate (bytes 64 to 66 and 70, 71 are used).
        count: length of the serial number, at most 32 bytes.
    """
    message = hashed + compressed[64:67]
    if compressed[70] & 0x0F:
        message += bytes([compressed[71] & 0xF0])
    serial = bytearray(hashlib.sha256(message).digest()[:count])
    if source not in {SerialSource.PUB_KEY_HASH_RAW, SerialSource.DEVICE_SN_HASH_RAW}:
        serial[0] &= 0x7F
    if source in {SerialSource.PUB_KEY_HASH, SerialSource.DEVICE_SN_HASH}:
        serial[0] |= 0x40
    return bytes(serial)


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
    if ca_public_key is not None:
        _place(der, definition.at_authority_key_id, key_identifier(ca_public_key))
    compressed = read(definition.compressed)
    _check_belongs(definition, compressed)
    if definition.serial_location.count:
        _place(der, definition.at_serial, read(definition.serial_location))
    public_key = read(definition.public_key)
    if definition.public_key.count == 72 and not definition.public_key.is_genkey:
        public_key = unpad_public_key(public_key)
    _place(der, definition.at_public_key, public_key)
    _place(der, definition.at_subject_key_id, key_identifier(public_key))
    issued, expires = decode_dates(compressed, definition.expire_date_format)
    _place(der, definition.at_issue_date, format_date(issued, definition.issue_date_format))
    _place(der, definition.at_expire_date, format_date(expires, definition.expire_date_format))
    _place(der, definition.at_signer_id, compressed[67:69].hex().upper().encode())
    for element in definition.elements:
        _place(der, element.certificate, _transformed(element, read(element.device)))
    if definition.serial_source is not SerialSource.STORED:
        _place(der, definition.at_serial, _computed_serial(definition, read, public_key, compressed))
    return _with_signature(der, definition.at_signature.offset, compressed[:64])


def _check_belongs(definition: CertificateDefinition, compressed: bytes) -> None:
    wanted = (definition.template_id, definition.chain_id, definition.serial_source)
    found = (compressed[69] >> 4, compressed[69] & 0xF, compressed[70] >> 4)
    if compressed[70] & 0x0F > 2:
        raise CertificateError(
            f"compressed format {compressed[70] & 0xF} of slot {definition.compressed.slot} is unknown; "
            "formats 0, 1 and 2 exist (atcacert: ATCACERT_E_DECODING_ERROR)"
        )
    if found != wanted:
        raise CertificateError(
            f"slot {definition.compressed.slot} holds template {found[0]}, chain {found[1]}, serial source "
            f"{found[2]:X}; definition {definition.name!r} is for template {wanted[0]}, chain {wanted[1]}, "
            f"serial source {wanted[2]:X} (atcacert: ATCACERT_E_WRONG_CERT_DEF)"
        )


def _computed_serial(
    definition: CertificateDefinition, read: Reader, public_key: bytes, compressed: bytes
) -> bytes:
    count = definition.at_serial.count
    match definition.serial_source:
        case SerialSource.SIGNER_ID:
            return b"\x40" + compressed[67:69]
        case SerialSource.PUB_KEY_HASH | SerialSource.PUB_KEY_HASH_POS | SerialSource.PUB_KEY_HASH_RAW:
            return hashed_serial(definition.serial_source, public_key, compressed, count)
    configuration = read(DeviceLocation(DeviceZone.CONFIG, 0, 0, 13))
    device_serial = configuration[:4] + configuration[8:13]
    if definition.serial_source is SerialSource.DEVICE_SN:
        return b"\x40" + device_serial
    return hashed_serial(definition.serial_source, device_serial, compressed, count)


def _transformed(element: Element, data: bytes) -> bytes:
    match element.transform:
        case Transform.NONE:
            return data
        case Transform.REVERSE:
            return data[::-1]
        case Transform.HEX_UPPER:
            return data.hex().upper().encode()
        case Transform.HEX_LOWER:
            return data.hex().encode()


def _place(der: bytearray, where: CertificateLocation, data: bytes) -> None:
    if not where.count:
        return
    if len(data) != where.count or where.offset + where.count > len(der):
        raise CertificateError(
            f"{len(data)} bytes do not fit the element of {where.count} bytes at offset {where.offset} of a "
            f"{len(der)}-byte template; correct the definition"
        )
    der[where.offset : where.offset + where.count] = data


def _with_signature(der: bytearray, at: int, raw: bytes) -> bytes:
    """``der`` up to ``at``, then ``raw`` (R || S) as a BIT STRING, and the outer length put right."""
    value = _sequence(_integer(raw[:32]) + _integer(raw[32:]))
    bit_string = b"\3" + bytes([len(value) + 1]) + b"\0" + value
    body = bytes(der[4:at]) + bit_string
    return b"\x30\x82" + len(body).to_bytes(2) + body


def _sequence(body: bytes) -> bytes:
    return b"\x30" + bytes([len(body)]) + body


def _integer(number: bytes) -> bytes:
    stripped = number.lstrip(b"\0") or b"\0"
    if stripped[0] & 0x80:
        stripped = b"\0" + stripped
    return b"\2" + bytes([len(stripped)]) + stripped


def raw_signature(der: bytes, at: int) -> bytes:
    """``R || S``, 64 bytes, out of the signature BIT STRING at ``at``.

    Raises:
        CertificateError: no ECDSA P-256 signature stands there.
    """
    try:
        if der[at] != 3 or der[at + 3] != 0x30:
            raise CertificateError(f"no ECDSA signature at offset {at}")
        first = at + 5
        r_end = first + 2 + der[first + 1]
        s_end = r_end + 2 + der[r_end + 1]
        r, s = (int.from_bytes(der[a:b]) for a, b in ((first + 2, r_end), (r_end + 2, s_end)))
        return r.to_bytes(32) + s.to_bytes(32)
    except (IndexError, OverflowError):
        raise CertificateError(f"no P-256 signature at offset {at}") from None


def compress(definition: CertificateDefinition, der: bytes) -> Mapping[int, bytes]:
    """What must stand in which data slot so that ``rebuild`` gives ``der`` back.

    Returns:
        slot -> its contents from byte 0 on, a multiple of 32 bytes long, gaps filled with 00.

    Raises:
        CertificateError: the certificate does not fit the definition.
    """
    signature = raw_signature(der, definition.at_signature.offset)
    issued = _parse_date(_cut(der, definition.at_issue_date), definition.issue_date_format)
    signer_id = _signer_id(_cut(der, definition.at_signer_id))
    ids = bytes([definition.template_id << 4 | definition.chain_id, definition.serial_source << 4, 0])
    pieces: list[tuple[DeviceLocation, bytes]] = [
        (
            definition.compressed,
            signature + encode_dates(issued, definition.expire_years) + signer_id + ids,
        )
    ]
    if definition.serial_location.count:
        pieces.append((definition.serial_location, _cut(der, definition.at_serial)))
    if not definition.public_key.is_genkey:
        key = _cut(der, definition.at_public_key)
        pieces.append(
            (definition.public_key, pad_public_key(key) if definition.public_key.count == 72 else key)
        )
    pieces += [
        (element.device, _cut(der, element.certificate))
        for element in definition.elements
        if element.transform is Transform.NONE
    ]
    slots: dict[int, bytearray] = {}
    for where, data in pieces:
        if where.zone is not DeviceZone.DATA:
            continue
        image = slots.setdefault(where.slot, bytearray())
        end = -(-(where.offset + where.count) // BLOCK) * BLOCK
        image.extend(bytes(max(0, end - len(image))))
        image[where.offset : where.offset + where.count] = data
    return {slot: bytes(image) for slot, image in slots.items()}


def _cut(der: bytes, where: CertificateLocation) -> bytes:
    return bytes(der[where.offset : where.offset + where.count])


def _signer_id(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode("ascii")) if text else bytes(2)
    except ValueError:
        raise CertificateError(
            f"signer id {text!r} is not four hexadecimal digits; the common name must end in them"
        ) from None


def _parse_date(text: bytes, date_format: DateFormat) -> datetime:
    pattern = "%y%m%d%H%M%SZ" if date_format is DateFormat.UTC_TIME else "%Y%m%d%H%M%SZ"
    try:
        return datetime.strptime(text.decode("ascii"), pattern).replace(tzinfo=UTC)
    except ValueError:
        raise CertificateError(f"{text!r} is not a date in the format {date_format.name}") from None
