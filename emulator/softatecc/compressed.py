"""The 72 bytes in which a chip keeps what varies in a certificate: signature, dates, signer id, sources.

Layout (public 608 data sheets and Microchip's compressed-certificate definition, AN8974 / DS20006367):

====== ============================================================================================
byte   holds
====== ============================================================================================
0-63   signature, ``R || S``
64-66  issue date and lifetime: year 5 bits, month 4, day 5, hour 5, years to expiry 5
67-68  signer id; its four hexadecimal digits stand in the signer's common name
69     template id, chain id: four bits each
70     serial source, format: four bits each
71     formats 1 and 2: two more bits of the year, two of the lifetime, four of nothing; format 0: 00
====== ============================================================================================

Rules of this file:
1. A date is its digits. The calendar is not asked: February has 31 days here, since the chip's bits say
   so and cryptoauthlib lets them. Months run from 1 to 12, days from 1 to 31, hours from 0 to 23.
2. A lifetime of 0 years means the last date that the date's format can say.
3. Whatever does not fit raises `CertificateError`, with the status cryptoauthlib returns for it.

Evidence: vendor-library - cryptoauthlib 3.8.0, lib/atcacert/atcacert_date.c and atcacert_def.c.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

_LATER_FORMATS: Final = frozenset({1, 2})


class CertificateStatus(IntEnum):
    """What the certificate functions return (lib/atcacert/atcacert.h, ``ATCACERT_E_...``).

    The negative ones are the library's general ATCA_GEN_FAIL, ATCA_BAD_PARAM and ATCA_SMALL_BUFFER in 3.8.0.
    """

    ERROR = -31
    BAD_PARAMS = -30
    BUFFER_TOO_SMALL = -19
    DECODING_ERROR = 4
    INVALID_DATE = 5
    UNEXPECTED_ELEM_SIZE = 7
    ELEM_MISSING = 8
    ELEM_OUT_OF_BOUNDS = 9
    BAD_CERT = 10
    WRONG_CERT_DEF = 11


class CertificateError(Exception):
    """A certificate cannot be rebuilt or compressed; ``str()`` says which rule stands against it.

    Attributes:
        status: what cryptoauthlib returns in its place.
    """

    def __init__(self, status: CertificateStatus, sentence: str) -> None:
        self.status = status
        super().__init__(f"{sentence} (ATCACERT_E_{status.name})")


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

    @property
    def size(self) -> int:
        """Number of characters."""
        return 13 if self is DateFormat.UTC_TIME else 15


@dataclass(frozen=True, slots=True)
class DateDigits:
    """A date as its digits, in UTC; whether the calendar has such a day is not asked."""

    year: int
    month: int
    day: int
    hour: int
    minute: int = 0
    second: int = 0


def latest(date_format: DateFormat) -> DateDigits:
    """The date that stands for "no expiry"."""
    return DateDigits(2049 if date_format is DateFormat.UTC_TIME else 9999, 12, 31, 23, 59, 59)


def key_identifier(public_key: bytes) -> bytes:
    """SHA-1 of ``04 || public_key`` (RFC 5280 section 4.2.1.2, method 1), 20 bytes."""
    return hashlib.sha1(b"\4" + public_key, usedforsecurity=False).digest()


def pad_public_key(public_key: bytes) -> bytes:
    """``X || Y`` as a data slot stores it: ``00000000 X 00000000 Y``, 72 bytes."""
    return bytes(4) + public_key[:32] + bytes(4) + public_key[32:64]


def unpad_public_key(stored: bytes) -> bytes:
    """``X || Y`` out of the 72-byte form; what stands in the padding is not looked at."""
    return stored[4:36] + stored[40:72]


def _invalid(sentence: str) -> CertificateError:
    return CertificateError(CertificateStatus.INVALID_DATE, sentence)


def encode_dates(issued: datetime | DateDigits, expire_years: int) -> bytes:
    """The three date bytes of a compressed certificate, format 0.

    Args:
        issued: minutes and seconds are lost.
        expire_years: 0 to 31; 0 means no expiry.

    Raises:
        CertificateError: year or lifetime does not fit into five bits.
    """
    if not 2000 <= issued.year <= 2031:
        raise _invalid(
            f"issue year {issued.year} does not fit the compressed format 0, which ends in 2031; "
            "re-issue with an earlier date or use format 1"
        )
    if not 0 <= expire_years <= 31:
        raise _invalid(
            f"a lifetime of {expire_years} years does not fit the five bits of format 0 (0 to 31); "
            "use 0 and store the expiry date in a slot"
        )
    return _packed(issued, expire_years)


def compressed_dates(issued: DateDigits, expire_years: int) -> tuple[bytes, int, int]:
    """The dates in the format they need.

    Args:
        issued: minutes and seconds are lost.
        expire_years: 0 to 127.

    Returns:
        bytes 64 to 66, the format for byte 70, and byte 71.

    Raises:
        CertificateError: year, month, day, hour or lifetime fit no format.
    """
    if not 2000 <= issued.year <= 2127 or not 0 <= expire_years <= 127:
        raise _invalid(
            f"issue year {issued.year} with a lifetime of {expire_years} years fits no compressed format "
            "(2000 to 2127, 0 to 127 years); store both dates in a slot"
        )
    _check_digits(issued)
    if issued.year <= 2031 and expire_years <= 31:
        return encode_dates(issued, expire_years), 0, 0
    more = (issued.year - 2000 & 0x60) << 1 | (expire_years & 0x60) >> 1
    return _packed(issued, expire_years), 1, more


def _packed(issued: datetime | DateDigits, expire_years: int) -> bytes:
    year, years = issued.year - 2000 & 0x1F, expire_years & 0x1F
    packed = year << 19 | issued.month << 15 | issued.day << 10 | issued.hour << 5 | years
    return packed.to_bytes(3)


def decode_dates(compressed: bytes, expire_format: DateFormat) -> tuple[DateDigits, DateDigits]:
    """Issue and expiry date out of a 72-byte compressed certificate; any bits are digits of something."""
    packed = int.from_bytes(compressed[64:67])
    year, lifetime = packed >> 19, packed & 0x1F
    if compressed[70] & 0x0F in _LATER_FORMATS:
        year |= (compressed[71] & 0xC0) >> 1
        lifetime |= (compressed[71] & 0x30) << 1
    month, day, hour = packed >> 15 & 0xF, packed >> 10 & 0x1F, packed >> 5 & 0x1F
    issued = DateDigits(2000 + year, month, day, hour)
    if not lifetime:
        return issued, latest(expire_format)
    return issued, DateDigits(issued.year + lifetime, month, day, hour)


def format_date(when: DateDigits, date_format: DateFormat) -> bytes:
    """The characters of a date, 13 for UTCTime and 15 for GeneralizedTime.

    Raises:
        CertificateError: a month, day or hour that no clock shows, or a year UTCTime cannot say.
    """
    _check_digits(when)
    year, *rest = astuple(when)
    if date_format is DateFormat.GENERALIZED_TIME:
        text = f"{year:04}"
    elif 1950 <= year <= 2049:
        text = f"{year % 100:02}"
    else:
        raise _invalid(
            f"year {year} does not fit UTCTime (1950 to 2049); use GeneralizedTime in the template"
        )
    return (text + "".join(f"{number:02}" for number in rest) + "Z").encode()


def _check_digits(when: DateDigits) -> None:
    if not (1 <= when.month <= 12 and 1 <= when.day <= 31 and 0 <= when.hour <= 23):
        raise _invalid(
            f"month {when.month}, day {when.day}, hour {when.hour} is no date; "
            "does the slot hold a compressed certificate?"
        )


def parse_date(text: bytes, date_format: DateFormat) -> DateDigits:
    """The digits of a date's characters.

    Raises:
        CertificateError: other characters than digits and a closing Z.
    """
    digits = text[:-1]
    if len(text) != date_format.size or text[-1:] != b"Z" or not digits.isdigit():
        raise CertificateError(
            CertificateStatus.DECODING_ERROR,
            f"{text!r} is no date in the format {date_format.name}; correct the definition's offsets",
        )
    year_size = date_format.size - 11
    year = int(digits[:year_size])
    if date_format is DateFormat.UTC_TIME:
        year += 2000 if year < 50 else 1900  # RFC 5280 section 4.1.2.5.1
    return DateDigits(year, *(int(digits[at : at + 2]) for at in range(year_size, len(digits), 2)))


def hashed_serial(source: SerialSource, hashed: bytes, compressed: bytes, count: int) -> bytes:
    """A serial number computed from a public key or a device serial number and the encoded dates.

    Args:
        source: one of the hash sources.
        hashed: ``X || Y`` or the 9-byte serial number of the chip.
        compressed: the 72-byte compressed certificate (bytes 64 to 66 and 70, 71 are used).
        count: length of the serial number, 1 to 32 bytes.

    Raises:
        CertificateError: no serial number has that length.
    """
    if not 1 <= count <= 32:
        # A hash is 32 bytes long; the library tells "too long" and "none" apart by these two numbers.
        status = CertificateStatus.BAD_CERT if count > 32 else CertificateStatus.BAD_PARAMS
        raise CertificateError(
            status, f"a hashed serial number has 1 to 32 bytes, not {count}; correct the definition"
        )
    message = hashed + compressed[64:67]
    if compressed[70] & 0x0F:
        message += bytes([compressed[71] & 0xF0])
    serial = bytearray(hashlib.sha256(message).digest()[:count])
    if source not in {SerialSource.PUB_KEY_HASH_RAW, SerialSource.DEVICE_SN_HASH_RAW}:
        serial[0] &= 0x7F
    if source in {SerialSource.PUB_KEY_HASH, SerialSource.DEVICE_SN_HASH}:
        serial[0] |= 0x40
    return bytes(serial)
