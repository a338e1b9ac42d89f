"""Two libraries for one chip: Microchip's wheel and our own, and definitions to try on both."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial

import pytest

from softatecc import cal
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
from softatecc.chip import Chip
from softatecc.config import LOCK_VALUE
from softatecc.hostlib import HostLibrary
from softatecc.library import CertificateLibrary, LibraryError
from softatecc.transports import EmulatorTransport

#: The library's waiting can be taken out where the wheel is an ELF file of 64 bits.
HOST_SLEEPS = sys.platform != "linux"
CA_KEY = bytes(range(64))
SIGNATURE_AT = 300
SIGNATURE = b"\x03\x47\x00\x30\x44" + 2 * (b"\x02\x20" + b"\x11" * 32)

Opened = Callable[[str, EmulatorTransport], AbstractContextManager[CertificateLibrary]]


#: Status, slot 10, slot 8, OTP, and what the wheel then rebuilds: slots with gaps are judged by that.
Written = tuple[int, bytes, bytes, bytes, bytes | int | None]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("wheel") and not cal.available():
        pytest.skip("needs Microchip's cryptoauthlib wheel, which this Python has none of")


@contextmanager
def open_library(name: str, transport: EmulatorTransport) -> Iterator[CertificateLibrary]:
    if name == "own":
        yield HostLibrary(transport)
    else:
        with cal.CryptoAuthLib(transport.port, host_sleeps=HOST_SLEEPS) as wheel:
            yield wheel


@pytest.fixture
def opened() -> Opened:
    """Opens a library by its name on a transport."""
    return open_library


@pytest.fixture
def chip(part: Callable[..., Chip]) -> Chip:
    """A part of the case, both zones locked, a key in slot 0."""
    chip = part("mbedtls_examples_608", locked="data")
    chip.memory.store_private_key(0, b"\x01" * 32)
    return chip


@pytest.fixture
def transport(chip: Chip) -> EmulatorTransport:
    return EmulatorTransport(chip)


@pytest.fixture
def wheel(transport: EmulatorTransport) -> Iterator[CertificateLibrary]:
    with open_library("cryptoauthlib", transport) as library:
        yield library


@pytest.fixture
def own(transport: EmulatorTransport) -> HostLibrary:
    return HostLibrary(transport)


@pytest.fixture
def lock_data(chip: Chip) -> Callable[[bool], None]:
    """Locks or unlocks the data zone past the chip's own rules."""

    def lock(locked: bool) -> None:
        octet = b"\x00" if locked else b"\x55"
        chip.memory.configuration = chip.memory.configuration.replaced(LOCK_VALUE, octet)

    return lock


def status_or(act: Callable[[], bytes | None]) -> bytes | int | None:
    try:
        return act()
    except LibraryError as error:
        return error.status


@pytest.fixture
def answer() -> Callable[[Callable[[], bytes | None]], bytes | int | None]:
    """What a call returns, or the status it raises."""
    return status_or


def sketch_definition(
    *,
    template: bytes | None = None,
    serial_source: SerialSource = SerialSource.STORED,
    serial_size: int = 16,
    issue_format: DateFormat = DateFormat.UTC_TIME,
    expire_format: DateFormat = DateFormat.GENERALIZED_TIME,
    expire_years: int = 0,
    stored_key: bool = True,
) -> CertificateDefinition:
    """A certificate of no meaning, every part of which has a place of its own."""
    if template is None:
        body = bytes(range(4, 256)) + bytes(SIGNATURE_AT - 256) + SIGNATURE
        template = b"\x30\x82" + len(body).to_bytes(2) + body
    key = DeviceLocation(DeviceZone.DATA, 11, 0, 72)
    return CertificateDefinition(
        name="sketch",
        template=template,
        tbs=CertificateLocation(4, 284),
        template_id=3,
        chain_id=5,
        serial_source=serial_source,
        compressed=DeviceLocation(DeviceZone.DATA, 10, 0, 72),
        public_key=key if stored_key else DeviceLocation(DeviceZone.DATA, 0, 0, 64, is_genkey=True),
        serial_location=DeviceLocation(DeviceZone.DATA, 14, 4, serial_size)
        if serial_source is SerialSource.STORED
        else DeviceLocation(),
        private_key_slot=0,
        issue_date_format=issue_format,
        expire_date_format=expire_format,
        expire_years=expire_years,
        at_public_key=CertificateLocation(64, 64),
        at_signature=CertificateLocation(SIGNATURE_AT, len(SIGNATURE)),
        at_issue_date=CertificateLocation(176, issue_format.size),
        at_expire_date=CertificateLocation(192, expire_format.size),
        at_signer_id=CertificateLocation(208, 4),
        at_serial=CertificateLocation(16, serial_size),
        at_authority_key_id=CertificateLocation(152, 20),
        at_subject_key_id=CertificateLocation(128, 20),
    )


@pytest.fixture
def sketch() -> Callable[..., CertificateDefinition]:
    """Builds definitions."""
    return sketch_definition


def spoiled(definition: CertificateDefinition, what: str) -> CertificateDefinition:
    """The definition with one thing wrong."""
    data = DeviceZone.DATA
    wide = CertificateLocation(16, 17)
    far = CertificateLocation(5000, 16)
    none = CertificateLocation()
    hashed = SerialSource.PUB_KEY_HASH
    return {
        "template id": replace(definition, template_id=4),
        "chain id": replace(definition, chain_id=6),
        "serial source": replace(definition, serial_source=hashed),
        "serial size": replace(definition, at_serial=wide),
        "serial place": replace(definition, at_serial=far),
        "signer id size": replace(definition, at_signer_id=CertificateLocation(208, 5)),
        "issue date size": replace(definition, at_issue_date=CertificateLocation(176, 12)),
        "expire date size": replace(definition, at_expire_date=CertificateLocation(192, 13)),
        "public key size": replace(definition, at_public_key=CertificateLocation(64, 63)),
        "public key place": replace(definition, at_public_key=CertificateLocation(5000, 64)),
        "no public key place": replace(definition, at_public_key=none),
        "subject key id size": replace(definition, at_subject_key_id=CertificateLocation(128, 19)),
        "authority key id size": replace(definition, at_authority_key_id=CertificateLocation(152, 21)),
        "signature place": replace(definition, at_signature=CertificateLocation(5000, 72)),
        "no signer id": replace(definition, at_signer_id=none),
        "no dates": replace(definition, at_issue_date=none, at_expire_date=none),
        "no issue date": replace(definition, at_issue_date=none),
        "no serial place": replace(definition, at_serial=none),
        "no key ids": replace(definition, at_subject_key_id=none, at_authority_key_id=none),
        "no slots": replace(definition, compressed=DeviceLocation(), public_key=DeviceLocation()),
        "slot without read": replace(definition, public_key=DeviceLocation(data, 9, 0, 72)),
        "no such slot": replace(definition, public_key=DeviceLocation(data, 16, 0, 72)),
        "behind the slot": replace(definition, serial_location=DeviceLocation(data, 14, 128, 16)),
        "across the slot's end": replace(definition, serial_location=DeviceLocation(data, 14, 60, 12)),
        "transform size": replace(
            definition,
            elements=(
                Element(
                    "extra",
                    DeviceLocation(data, 14, 40, 4),
                    CertificateLocation(216, 4),
                    Transform.HEX_UPPER,
                ),
            ),
        ),
        "element place": replace(
            definition,
            elements=(Element("extra", DeviceLocation(data, 14, 40, 4), CertificateLocation(5000, 4)),),
        ),
        "element without place": replace(
            definition,
            elements=(
                Element("extra", DeviceLocation(data, 14, 40, 4), CertificateLocation(), Transform.REVERSE),
            ),
        ),
        "indefinite length": replace(definition, template=b"\x30\x80" + definition.template[2:]),
        "length of length": replace(definition, template=b"\x30\x83\x00" + definition.template[2:]),
        "length of nine": replace(definition, template=b"\x30\x89" + definition.template[2:]),
        "wrong length": replace(definition, template=b"\x30\x82\x01\x00" + definition.template[4:]),
        "short length": replace(definition, template=b"\x30\x05" + definition.template[2:]),
    }[what]


@pytest.fixture
def spoil() -> Callable[[CertificateDefinition, str], CertificateDefinition]:
    """Makes one thing wrong in a definition."""
    return spoiled


@pytest.fixture
def read_by_both(
    wheel: CertificateLibrary, own: HostLibrary
) -> Callable[[CertificateDefinition], tuple[bytes | int | None, bytes | int | None]]:
    """What the wheel and what our library make of a definition."""

    def read(definition: CertificateDefinition) -> tuple[bytes | int | None, bytes | int | None]:
        theirs, ours = (status_or(partial(library.read_cert, definition, CA_KEY)) for library in (wheel, own))
        return theirs, ours

    return read


@pytest.fixture
def written_by_both(
    wheel: CertificateLibrary, own: HostLibrary, chip: Chip, lock_data: Callable[[bool], None]
) -> Callable[[CertificateDefinition, bytes], tuple[Written, Written]]:
    """What the wheel and what our library leave in a chip that was full of AA."""

    def write(definition: CertificateDefinition, der: bytes) -> tuple[Written, Written]:
        return attempt(wheel, definition, der), attempt(own, definition, der)

    def attempt(library: CertificateLibrary, definition: CertificateDefinition, der: bytes) -> Written:
        for slot, size in ((8, 416), (10, 72), (11, 72), (14, 72)):
            chip.memory.store(slot, b"\xaa" * size)
        chip.memory.otp = b"\xaa" * 64
        lock_data(False)
        status = status_or(partial(library.write_cert, definition, der))
        lock_data(True)
        return (
            status if isinstance(status, int) else 0,
            chip.memory.slot(10),
            chip.memory.slot(8),
            chip.memory.otp,
            status_or(partial(wheel.read_cert, definition, None)),
        )

    return write
