"""The own rebuild against the wheel: the same bytes, or the same status number, from the same chip."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitplab.lab import Lab, Settings
from softatecc.certificate import (
    CertificateDefinition,
    CertificateLocation,
    CertificateStatus,
    DateFormat,
    DeviceLocation,
    DeviceZone,
    Element,
    SerialSource,
    Transform,
)
from softatecc.chip import Chip
from softatecc.compressed import DateDigits, compressed_dates
from softatecc.hostlib import HostLibrary
from softatecc.library import CertificateLibrary, LibraryError
from softatecc.transports import EmulatorTransport

Sketch = Callable[..., CertificateDefinition]
Both = Callable[[CertificateDefinition], tuple[bytes | int | None, bytes | int | None]]
Spoil = Callable[[CertificateDefinition, str], CertificateDefinition]
Opened = Callable[[str, EmulatorTransport], AbstractContextManager[CertificateLibrary]]

HOST_SLEEPS = sys.platform != "linux"

ISSUED = DateDigits(2021, 1, 14, 21)
CA_KEY = bytes(range(64))
KEY = bytes(range(100, 164))
SERIAL_SIZES = {SerialSource.DEVICE_SN: 10, SerialSource.SIGNER_ID: 3}

fixtures_stay = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
octets = st.binary(min_size=72, max_size=72)
pytestmark = pytest.mark.wheel

#: What is wrong, and the status number that the wheel gives; 0 is success.
SPOILED = {
    "template id": 11,
    "chain id": 11,
    "serial source": 11,
    "serial size": 7,
    "serial place": 9,
    "signer id size": 7,
    "issue date size": 7,
    "expire date size": 7,
    "public key size": 7,
    "public key place": 9,
    "no public key place": 0,
    "subject key id size": 7,
    "authority key id size": 7,
    "signature place": 9,
    "no signer id": 0,
    "no dates": 0,
    "no issue date": 0,
    "no serial place": 0,
    "no key ids": 0,
    "no slots": 0,
    "slot without read": -12,
    "no such slot": -30,
    "behind the slot": -30,
    "across the slot's end": 7,
    "transform size": 7,
    "element place": 9,
    "element without place": 0,
    "indefinite length": 4,
    "length of length": 10,
    "length of nine": 4,
    "wrong length": 10,
    "short length": 10,
}


def compressed_for(definition: CertificateDefinition, body: bytes, date_format: int = 0) -> bytes:
    """``body`` with the ids that make it belong to ``definition``."""
    ids = definition.template_id << 4 | definition.chain_id
    return body[:69] + bytes([ids, definition.serial_source << 4 | date_format, body[71]])


def dated(issued: DateDigits, years: int, definition: CertificateDefinition) -> bytes:
    dates, date_format, more = compressed_dates(issued, years)
    body = bytes(range(1, 65)) + dates + b"\xab\xcd" + bytes(2) + bytes([more])
    return compressed_for(definition, body, date_format)


def fill(chip: Chip, compressed: bytes) -> None:
    chip.memory.store(10, compressed)
    chip.memory.store(11, b"PADX" + KEY[:32] + b"PADY" + KEY[32:])
    chip.memory.store(14, bytes(range(72)))


@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
@pytest.mark.parametrize("writer,reader", [("cryptoauthlib", "own"), ("own", "cryptoauthlib")])
def test_what_one_library_wrote_the_other_rebuilds(
    seed: str,
    writer: str,
    reader: str,
    opened: Opened,
) -> None:
    with Lab(Settings(seed=seed, library=writer, host_sleeps=HOST_SLEEPS)) as lab:
        device = lab.provision_device()
        chip = lab.bench.chip
    with opened(reader, EmulatorTransport(chip)) as library:
        leaf = library.read_cert(device.device_definition, library.read_pubkey(11))
        signer = library.read_cert(device.signer_definition, library.read_pubkey(15))

    assert leaf == device.certificate
    assert signer == lab.signer.certificate


@pytest.mark.parametrize("serial_source", list(SerialSource))
@pytest.mark.parametrize("date_format", [0, 1, 2])
@pytest.mark.parametrize("stored_key", [False, True])
def test_every_serial_source_gives_the_same_bytes(
    wheel: CertificateLibrary,
    own: HostLibrary,
    chip: Chip,
    sketch: Sketch,
    serial_source: SerialSource,
    date_format: int,
    stored_key: bool,
) -> None:
    size = SERIAL_SIZES.get(serial_source, 16)
    definition = sketch(serial_source=serial_source, serial_size=size, stored_key=stored_key)
    body = dated(ISSUED, 28, definition)[:71] + b"\x15"
    fill(chip, compressed_for(definition, body, date_format))
    theirs = wheel.read_cert(definition, CA_KEY)

    assert own.read_cert(definition, CA_KEY) == theirs
    assert theirs[16 : 16 + size] != definition.template[16 : 16 + size]
    assert theirs[208:212] == b"ABCD"


@pytest.mark.parametrize("formats", list(product(DateFormat, DateFormat)))
@pytest.mark.parametrize("years", [0, 1, 28, 31, 32, 127])
@pytest.mark.parametrize("year", [2000, 2021, 2031, 2032, 2049, 2050, 2127])
def test_every_date_reads_the_same(
    read_by_both: Both,
    chip: Chip,
    sketch: Sketch,
    formats: tuple[DateFormat, DateFormat],
    years: int,
    year: int,
) -> None:
    definition = sketch(issue_format=formats[0], expire_format=formats[1])
    fill(chip, dated(DateDigits(year, 2, 29, 23), years, definition))
    theirs, ours = read_by_both(definition)
    beyond_utc_time = (year > 2049 and formats[0] is DateFormat.UTC_TIME) or (
        years > 0 and year + years > 2049 and formats[1] is DateFormat.UTC_TIME
    )

    assert ours == theirs
    assert (theirs == CertificateStatus.INVALID_DATE) == beyond_utc_time


@fixtures_stay
@given(body=octets, date_format=st.integers(0, 3))
def test_any_compressed_certificate_that_belongs_gives_the_same_bytes_or_status(
    read_by_both: Both, chip: Chip, sketch: Sketch, body: bytes, date_format: int
) -> None:
    definition = sketch(serial_source=SerialSource.PUB_KEY_HASH)
    fill(chip, compressed_for(definition, body, date_format))
    theirs, ours = read_by_both(definition)

    assert ours == theirs


@fixtures_stay
@given(signature=st.lists(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]), min_size=64, max_size=64).map(bytes))
def test_signatures_that_shrink_and_grow_are_encoded_the_same(
    read_by_both: Both, chip: Chip, sketch: Sketch, signature: bytes
) -> None:
    definition = sketch()
    fill(chip, signature + dated(ISSUED, 0, definition)[64:])
    theirs, ours = read_by_both(definition)

    assert ours == theirs
    assert isinstance(theirs, bytes)


@pytest.mark.parametrize("zeros,shorter", [(0, -2), (1, 0), (2, 2), (31, 60), (32, 62)])
def test_short_integers_are_encoded_the_same(
    read_by_both: Both, chip: Chip, sketch: Sketch, zeros: int, shorter: int
) -> None:
    definition = sketch()
    half = bytes(zeros) + b"\x80" * (32 - zeros)
    fill(chip, half + half + dated(ISSUED, 0, definition)[64:])
    theirs, ours = read_by_both(definition)

    assert ours == theirs
    assert isinstance(theirs, bytes)
    assert len(theirs) == len(definition.template) - shorter


def test_a_length_that_would_become_negative_is_refused_alike(
    read_by_both: Both, chip: Chip, sketch: Sketch
) -> None:
    template = b"\x30\x00" + sketch().template[2:]
    fill(chip, bytes(64) + dated(ISSUED, 0, sketch())[64:])
    theirs, ours = read_by_both(sketch(template=template))

    assert ours == theirs == CertificateStatus.ERROR


@pytest.mark.parametrize("transform", list(Transform))
@pytest.mark.parametrize(
    "device",
    [
        DeviceLocation(DeviceZone.CONFIG, 0, 0, 4),
        DeviceLocation(DeviceZone.OTP, 0, 30, 4),
        DeviceLocation(DeviceZone.DATA, 14, 40, 4),
        DeviceLocation(DeviceZone.DATA, 8, 412, 4),
        DeviceLocation(DeviceZone.DATA, 0, 3, 4, is_genkey=True),
    ],
)
def test_elements_of_every_zone_and_transform_give_the_same_bytes(
    read_by_both: Both, chip: Chip, sketch: Sketch, transform: Transform, device: DeviceLocation
) -> None:
    size = 8 if transform in {Transform.HEX_UPPER, Transform.HEX_LOWER} else 4
    element = Element("extra", device, CertificateLocation(216, size), transform)
    definition = replace(sketch(), elements=(element,))
    fill(chip, dated(ISSUED, 0, definition))
    chip.memory.store(8, bytes(range(256)) + bytes(range(160)))
    chip.memory.otp = bytes(range(64))
    theirs, ours = read_by_both(definition)

    assert ours == theirs
    assert isinstance(theirs, bytes)
    assert theirs[216 : 216 + size] != definition.template[216 : 216 + size]


@pytest.mark.parametrize("what,status", SPOILED.items())
def test_a_spoiled_definition_gets_the_same_answer(
    read_by_both: Both, chip: Chip, sketch: Sketch, spoil: Spoil, what: str, status: int
) -> None:
    fill(chip, dated(ISSUED, 0, sketch()))
    theirs, ours = read_by_both(spoil(sketch(), what))

    assert ours == theirs
    assert (theirs if isinstance(theirs, int) else 0) == status


@pytest.mark.parametrize("serial_source", list(SerialSource))
@pytest.mark.parametrize("size", [0, 1, 3, 10, 16, 32, 33])
def test_every_size_of_a_serial_number_is_judged_alike(
    read_by_both: Both, chip: Chip, sketch: Sketch, serial_source: SerialSource, size: int
) -> None:
    definition = sketch(serial_source=serial_source, serial_size=size)
    fill(chip, dated(ISSUED, 0, definition))
    theirs, ours = read_by_both(definition)

    assert ours == theirs


@pytest.mark.parametrize("serial_source", [SerialSource.PUB_KEY_HASH, SerialSource.DEVICE_SN])
@pytest.mark.parametrize("missing", ["compressed", "at_public_key"])
def test_a_serial_number_that_lacks_its_source_is_judged_alike(
    read_by_both: Both, chip: Chip, sketch: Sketch, serial_source: SerialSource, missing: str
) -> None:
    definition = sketch(serial_source=serial_source, serial_size=10)
    fill(chip, dated(ISSUED, 0, definition))
    theirs, ours = read_by_both(
        replace(definition, compressed=DeviceLocation())
        if missing == "compressed"
        else replace(definition, at_public_key=CertificateLocation())
    )

    assert ours == theirs
    assert isinstance(theirs, int) == ((missing, serial_source) != ("compressed", SerialSource.DEVICE_SN))


@pytest.mark.parametrize("slot", [0, 8, 9, 10, 14, 15])
def test_a_slot_without_compressed_certificate_is_refused_alike(
    read_by_both: Both, sketch: Sketch, slot: int
) -> None:
    theirs, ours = read_by_both(replace(sketch(), compressed=DeviceLocation(DeviceZone.DATA, slot, 0, 72)))

    assert ours == theirs
    assert isinstance(theirs, int)


@pytest.mark.parametrize(
    "body,status",
    [
        ("another template", CertificateStatus.WRONG_CERT_DEF),
        ("format 3", CertificateStatus.DECODING_ERROR),
        ("month 0", CertificateStatus.INVALID_DATE),
    ],
)
def test_the_sentence_behind_a_status_names_the_slot_or_the_date(
    own: HostLibrary,
    chip: Chip,
    sketch: Sketch,
    body: str,
    status: CertificateStatus,
) -> None:
    definition = sketch()
    compressed = dated(ISSUED, 0, definition)
    fill(
        chip,
        {
            "another template": compressed[:69] + b"\x12" + compressed[70:],
            "format 3": compressed_for(definition, compressed, 3),
            "month 0": compressed[:64] + bytes(3) + compressed[67:],
        }[body],
    )
    with pytest.raises(LibraryError) as caught:
        own.read_cert(definition, CA_KEY)

    assert caught.value.status == status
    assert status.name in str(caught.value)
    sentence = str(caught.value.__cause__)
    assert "month 0" in sentence if body == "month 0" else "slot 10" in sentence
