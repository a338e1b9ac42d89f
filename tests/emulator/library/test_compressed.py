"""The 72 bytes, held against published certificates and worked dates (tests/vectors/case)."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc.compressed import (
    CertificateError,
    CertificateStatus,
    DateDigits,
    DateFormat,
    SerialSource,
    compressed_dates,
    decode_dates,
    encode_dates,
    format_date,
    hashed_serial,
    key_identifier,
    latest,
    pad_public_key,
    parse_date,
    unpad_public_key,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "case" / "certificates.json").read_text(encoding="utf-8")
)
DEVICE, SIGNER = VECTORS["device"], VECTORS["signer"]


def seventy_two(dates: bytes, byte_70: int = 0, byte_71: int = 0) -> bytes:
    return bytes(64) + dates + bytes(3) + bytes([byte_70, byte_71])


def test_the_published_subject_key_identifier_is_the_hash_of_the_devices_key() -> None:
    assert key_identifier(bytes.fromhex(DEVICE["public_key"])).hex() == DEVICE["subject_key_identifier"]


def test_the_published_authority_key_identifier_is_the_hash_of_the_signers_key() -> None:
    assert key_identifier(bytes.fromhex(SIGNER["public_key"])).hex() == DEVICE["authority_key_identifier"]


def test_the_published_serial_number_is_the_hash_of_key_and_dates() -> None:
    dates = encode_dates(datetime.fromisoformat(DEVICE["not_before"]), 0)
    key = bytes.fromhex(DEVICE["public_key"])
    serial = hashed_serial(SerialSource.PUB_KEY_HASH, key, seventy_two(dates), 16)

    assert dates.hex() == DEVICE["encoded_dates"]
    assert serial.hex() == DEVICE["serial"]


def test_the_signers_published_serial_number_is_no_such_hash() -> None:
    dates = encode_dates(datetime.fromisoformat(SIGNER["not_before"]), 0)
    key = bytes.fromhex(SIGNER["public_key"])

    assert hashed_serial(SerialSource.PUB_KEY_HASH, key, seventy_two(dates), 16).hex() != SIGNER["serial"]


def test_the_signers_published_lifetime_does_not_fit_five_bits() -> None:
    issued = datetime.fromisoformat(SIGNER["not_before"])
    years = datetime.fromisoformat(SIGNER["not_after"]).year - issued.year

    with pytest.raises(CertificateError, match="50 years does not fit") as caught:
        encode_dates(issued, years)
    assert caught.value.status is CertificateStatus.INVALID_DATE


@pytest.mark.parametrize("vector", VECTORS["dates"], ids=lambda vector: vector["encoded"])
def test_worked_dates_are_packed_and_unpacked(vector: dict[str, list[int] | int | str]) -> None:
    encoded, (byte_70, byte_71) = str(vector["encoded"]), (vector["byte_70"], vector["byte_71"])
    issued, years = vector["issued"], vector["years"]
    assert isinstance(issued, list)
    assert isinstance(years, int)
    assert isinstance(byte_70, int)
    assert isinstance(byte_71, int)
    when = DateDigits(*issued)
    found = decode_dates(seventy_two(bytes.fromhex(encoded), byte_70, byte_71), DateFormat.GENERALIZED_TIME)
    expires = (
        DateDigits(when.year + years, when.month, when.day, when.hour)
        if years
        else DateDigits(9999, 12, 31, 23, 59, 59)
    )

    assert found == (when, expires)
    assert compressed_dates(when, years) == (bytes.fromhex(encoded), byte_70, byte_71)


@pytest.mark.parametrize("year", [1999, 2032])
def test_format_0_ends_in_2031(year: int) -> None:
    with pytest.raises(CertificateError, match=f"issue year {year} does not fit") as caught:
        encode_dates(datetime(year, 6, 1, tzinfo=UTC), 0)

    assert caught.value.status is CertificateStatus.INVALID_DATE


@given(
    year=st.integers(2000, 2127),
    month=st.integers(1, 12),
    day=st.integers(1, 31),
    hour=st.integers(0, 23),
    years=st.integers(0, 127),
)
def test_every_date_that_fits_comes_back(year: int, month: int, day: int, hour: int, years: int) -> None:
    issued = DateDigits(year, month, day, hour)
    dates, date_format, more = compressed_dates(issued, years)
    found, expires = decode_dates(seventy_two(dates, date_format, more), DateFormat.UTC_TIME)

    assert found == issued
    assert expires == (DateDigits(year + years, month, day, hour) if years else latest(DateFormat.UTC_TIME))
    assert date_format == (1 if year > 2031 or years > 31 else 0)


@pytest.mark.parametrize("date_format", list(DateFormat))
def test_a_date_is_written_as_it_is_read(date_format: DateFormat) -> None:
    when = DateDigits(2049, 2, 31, 1, 2, 3)
    text = format_date(when, date_format)

    assert len(text) == date_format.size
    assert text.endswith(b"490231010203Z")
    assert parse_date(text, date_format) == when


def test_two_digits_of_a_year_turn_at_fifty() -> None:
    assert parse_date(b"491231235959Z", DateFormat.UTC_TIME).year == 2049
    assert parse_date(b"500101000000Z", DateFormat.UTC_TIME).year == 1950


@pytest.mark.parametrize("when", [DateDigits(1949, 1, 1, 0), DateDigits(2050, 1, 1, 0)])
def test_utc_time_has_a_first_and_a_last_year(when: DateDigits) -> None:
    with pytest.raises(CertificateError, match="does not fit UTCTime") as caught:
        format_date(when, DateFormat.UTC_TIME)

    assert caught.value.status is CertificateStatus.INVALID_DATE


@pytest.mark.parametrize(
    "when",
    [
        DateDigits(2021, 0, 1, 0),
        DateDigits(2021, 13, 1, 0),
        DateDigits(2021, 1, 0, 0),
        DateDigits(2021, 1, 1, 24),
    ],
)
def test_digits_that_no_clock_shows_are_no_date(when: DateDigits) -> None:
    with pytest.raises(CertificateError, match="is no date; does the slot hold") as caught:
        format_date(when, DateFormat.GENERALIZED_TIME)

    assert caught.value.status is CertificateStatus.INVALID_DATE


@pytest.mark.parametrize(
    "text", [b"", b"210114210000", b"210114210000X", b"2101142100 0Z", b"20210114210000Z"]
)
def test_other_characters_are_no_date(text: bytes) -> None:
    with pytest.raises(CertificateError, match="is no date in the format UTC_TIME") as caught:
        parse_date(text, DateFormat.UTC_TIME)

    assert caught.value.status is CertificateStatus.DECODING_ERROR


@pytest.mark.parametrize(
    "source,first",
    [
        (SerialSource.PUB_KEY_HASH, 0x40),
        (SerialSource.PUB_KEY_HASH_POS, 0x00),
        (SerialSource.PUB_KEY_HASH_RAW, 0x80),
        (SerialSource.DEVICE_SN_HASH, 0x40),
        (SerialSource.DEVICE_SN_HASH_POS, 0x00),
        (SerialSource.DEVICE_SN_HASH_RAW, 0x80),
    ],
)
def test_the_two_highest_bits_tell_the_hash_sources_apart(source: SerialSource, first: int) -> None:
    # The first key whose hash starts with binary 10, so that each source shows in the first byte.
    keys = (bytes([n]) * 64 for n in range(256))
    key = next(
        k
        for k in keys
        if hashed_serial(SerialSource.PUB_KEY_HASH_RAW, k, seventy_two(b"abc"), 1)[0] >> 6 == 2
    )

    assert hashed_serial(source, key, seventy_two(b"abc"), 1)[0] & 0xC0 == first


def test_the_later_formats_hash_four_more_bits_of_the_date() -> None:
    def serial(byte_70: int, byte_71: int) -> bytes:
        return hashed_serial(SerialSource.PUB_KEY_HASH, bytes(64), seventy_two(b"abc", byte_70, byte_71), 16)

    assert serial(1, 0x40) == serial(2, 0x4F) != serial(1, 0x80)
    assert serial(0, 0x40) == serial(0, 0x80)


@pytest.mark.parametrize(
    "count,status", [(0, CertificateStatus.BAD_PARAMS), (33, CertificateStatus.BAD_CERT)]
)
def test_a_hash_has_one_to_32_bytes(count: int, status: CertificateStatus) -> None:
    with pytest.raises(CertificateError, match=f"1 to 32 bytes, not {count}") as caught:
        hashed_serial(SerialSource.PUB_KEY_HASH, bytes(64), seventy_two(b"abc"), count)

    assert caught.value.status is status


@given(key=st.binary(min_size=64, max_size=64))
def test_a_key_survives_its_padding(key: bytes) -> None:
    assert len(pad_public_key(key)) == 72
    assert unpad_public_key(pad_public_key(key)) == key
