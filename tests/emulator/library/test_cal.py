"""Microchip's library on our bus: what it sends, and what becomes of its HAL."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from softatecc import cal
from softatecc.cal import CalMissing, CryptoAuthLib
from softatecc.certificate import CertificateDefinition
from softatecc.chip import Chip
from softatecc.hostlib import HostLibrary
from softatecc.library import LibraryError
from softatecc.transports import EmulatorTransport
from softatecc.wire import I2cPort

pytestmark = pytest.mark.wheel

HOST_SLEEPS = sys.platform != "linux"
COMM_FAIL, EXECUTION_ERROR = -16, -12
Event = tuple[str, int, str]


class BrokenBusError(Exception):
    """What a device of these tests raises."""


@dataclass(slots=True)
class Recorder:
    """A device that notes every transaction; it may be deaf, break, or lie about lengths."""

    port: I2cPort
    events: list[Event] = field(default_factory=list)
    deaf: bool = False
    fails_with: BaseException | None = None
    too_much: int = 0

    @property
    def address(self) -> int:
        return self.port.address

    def wake(self) -> None:
        self.events.append(("wake", 0, ""))
        if not self.deaf:
            self.port.wake()

    def write(self, word_address: int, data: bytes = b"") -> bool:
        if self.fails_with is not None:
            raise self.fails_with
        self.events.append(("write", word_address, data.hex()))
        return not self.deaf and self.port.write(word_address, data)

    def read(self, count: int) -> bytes | None:
        answer = None if self.deaf else self.port.read(count)
        self.events.append(("read", count, answer.hex() if answer is not None else "nack"))
        return answer if answer is None else answer + bytes(self.too_much)


@pytest.fixture
def bus(chip: Chip) -> Recorder:
    return Recorder(I2cPort(chip))


def opened_on(*devices: Recorder, host_sleeps: bool = HOST_SLEEPS, baud: int = 100_000) -> CryptoAuthLib:
    return CryptoAuthLib(*devices, host_sleeps=host_sleeps, baud=baud)


def test_opening_the_library_puts_nothing_on_the_bus(bus: Recorder) -> None:
    with opened_on(bus):
        assert bus.events == []


def test_info_wakes_asks_rewinds_reads_and_idles(bus: Recorder) -> None:
    with opened_on(bus) as library:
        revision = library.info()
        during = list(bus.events)

    assert revision.hex() == "00006002"
    assert during == [
        ("wake", 0, ""),
        ("read", 4, "04113343"),
        ("write", 3, "0730000000035d"),
        ("write", 0, ""),
        ("read", 1, "07"),
        ("read", 6, "00006002" + during[5][2][8:]),
        ("write", 2, ""),
    ]


@pytest.mark.parametrize(
    "call",
    [
        CryptoAuthLib.info,
        CryptoAuthLib.random,
        CryptoAuthLib.read_serial_number,
        lambda library: library.get_pubkey(0),
        lambda library: library.sign(0, bytes(32)),
        lambda library: library.is_locked(1),
    ],
)
def test_the_chip_idles_after_every_call(bus: Recorder, call: Callable[[CryptoAuthLib], object]) -> None:
    with opened_on(bus) as library:
        call(library)

        assert bus.events[-1] == ("write", 2, "")


def test_the_chip_idles_after_a_refused_command(bus: Recorder, chip: Chip) -> None:
    with opened_on(bus) as library, pytest.raises(LibraryError) as caught:
        library.get_pubkey(9)

    assert bus.events[-1] == ("write", 2, "")
    assert caught.value.status == EXECUTION_ERROR
    assert chip.last_command.why is not None


def test_a_deaf_device_is_an_error_and_no_hang(bus: Recorder) -> None:
    bus.deaf = True
    with opened_on(bus) as library, pytest.raises(LibraryError) as caught:
        library.info()

    assert caught.value.status == COMM_FAIL
    assert ("read", 4, "nack") in bus.events


def test_nobody_at_the_address_is_an_error(bus: Recorder, chip: Chip, part: Callable[..., Chip]) -> None:
    moved = Recorder(I2cPort(part("mbedtls_examples_608", octets={16: 0x6A})))
    with opened_on(moved) as library:
        library._bus._devices = (bus,)
        with pytest.raises(LibraryError) as caught:
            library.info()

    assert caught.value.status == COMM_FAIL


@pytest.mark.parametrize("error", [BrokenBusError("the wire is cut"), KeyboardInterrupt()])
def test_an_exception_in_a_device_reaches_the_caller_and_the_next_call_works(
    bus: Recorder, error: BaseException
) -> None:
    with opened_on(bus) as library:
        bus.fails_with = error
        with pytest.raises(type(error)) as caught:
            library.info()
        bus.fails_with = None

        assert caught.value is error
        assert library.info().hex() == "00006002"


def test_more_bytes_than_were_asked_for_do_not_reach_the_librarys_memory(bus: Recorder) -> None:
    bus.too_much = 1
    with (
        opened_on(bus) as library,
        pytest.raises(ValueError, match="answered 5 bytes where 4 were asked for"),
    ):
        library.info()


def test_another_chip_can_be_opened_afterwards(bus: Recorder, part: Callable[..., Chip]) -> None:
    with opened_on(bus) as library:
        first = library.read_serial_number()
    other = Recorder(I2cPort(part("mbedtls_examples_608", octets={8: 0x55})))
    silent = len(bus.events)
    with opened_on(other) as library:
        second = library.read_serial_number()

    assert first.hex() == "0223528e47b3461dee"
    assert second.hex() == "0223528e55b3461dee"
    assert len(bus.events) == silent


def test_the_old_hal_is_back_after_the_exit(bus: Recorder) -> None:
    with opened_on(bus) as library:
        before = library._old_hal.value
    with opened_on(bus) as again:
        seen = again._old_hal.value

    assert before is not None
    assert seen == before


def test_the_old_hal_is_back_when_opening_failed(bus: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_on(bus) as library:
        before = library._old_hal.value
    with monkeypatch.context() as patched:

        def refuse(function: str, *_: object) -> None:
            raise LibraryError(function, COMM_FAIL)

        failing = opened_on(bus)
        patched.setattr(failing, "_call", refuse)
        with pytest.raises(LibraryError, match="atcab_init"), failing:
            pytest.fail("it was opened")
    with opened_on(bus) as again:
        seen = again._old_hal.value
        revision = again.info()

    assert seen == before
    assert revision.hex() == "00006002"


def test_the_old_hal_is_back_when_the_release_broke(bus: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise BrokenBusError("the wire is cut")

    library = opened_on(bus)
    library.__enter__()
    before = library._old_hal.value
    with monkeypatch.context() as patched:
        patched.setattr(library, "_call", breaks)
        with pytest.raises(BrokenBusError):
            library.__exit__(None, None, None)
    with opened_on(bus) as again:
        seen = again._old_hal.value

    assert seen == before


def test_a_second_one_cannot_be_opened_at_the_same_time(bus: Recorder) -> None:
    with opened_on(bus) as library:
        with pytest.raises(RuntimeError, match="is open already"), opened_on(bus):
            pytest.fail("it was opened")

        assert library.info().hex() == "00006002"


def test_no_device_is_no_bus() -> None:
    with pytest.raises(ValueError, match="pass at least one"):
        CryptoAuthLib()


def test_a_chip_at_another_address_is_found_there(part: Callable[..., Chip]) -> None:
    moved = Recorder(I2cPort(part("mbedtls_examples_608", octets={16: 0x6A})))
    with opened_on(moved) as library:
        serial_number = library.read_serial_number()

    assert moved.address == 0x35
    assert serial_number.hex() == "0223528e47b3461dee"


def test_of_two_devices_the_first_is_asked_and_both_hear_the_wake_pulse(
    bus: Recorder, part: Callable[..., Chip]
) -> None:
    other = Recorder(I2cPort(part("mbedtls_examples_608", octets={16: 0x6A, 8: 0x55})))
    with opened_on(other, bus) as library:
        serial_number = library.read_serial_number()

    assert serial_number.hex() == "0223528e55b3461dee"
    assert bus.events == [("wake", 0, "")] * len(bus.events)
    assert bus.events


def test_above_100_khz_only_the_addressed_device_is_woken(bus: Recorder, part: Callable[..., Chip]) -> None:
    other = Recorder(I2cPort(part("mbedtls_examples_608", octets={16: 0x6A})))
    with opened_on(bus, other, baud=400_000) as library:
        revision = library.info()

    assert revision.hex() == "00006002"
    assert ("wake", 0, "") in bus.events
    assert other.events == []


def test_the_same_calls_give_the_same_results_with_and_without_host_sleeps(
    part: Callable[..., Chip],
) -> None:
    results = []
    for host_sleeps in (True, HOST_SLEEPS):
        chip = part("mbedtls_examples_608", locked="data")
        chip.memory.store_private_key(0, b"\x01" * 32)
        bus = Recorder(I2cPort(chip))
        with opened_on(bus, host_sleeps=host_sleeps) as library:
            answers = library.random(), library.get_pubkey(0), library.sign(0, bytes(32))
        results.append((answers, bus.events))

    assert results[0] == results[1]


def test_verification_in_the_chip_says_yes_and_no(bus: Recorder) -> None:
    digest = bytes(range(32))
    with opened_on(bus) as library:
        signature, key = library.sign(0, digest), library.get_pubkey(0)

        assert library.verify_extern(digest, signature, key)
        assert not library.verify_extern(bytes(32), signature, key)


def test_provisioning_calls_lock_what_they_name(part: Callable[..., Chip], bus: Recorder) -> None:
    blank = Recorder(I2cPort(part("mbedtls_examples_608", locked="none")))
    with opened_on(blank) as library:
        before = library.is_locked(0), library.is_locked(1)
        library.lock_config_zone()
        library.write_bytes_zone(2, 8, 32, b"\x12" * 32)
        library.lock_data_zone()

        assert before == (False, False)
        assert (library.is_locked(0), library.is_locked(1)) == (True, True)
        assert library.read_bytes_zone(2, 8, 30, 4).hex() == "ffff1212"


@pytest.mark.parametrize(
    "call,sentence",
    [
        (lambda library: library.sign(0, bytes(31)), "a digest has 32 bytes, 31 came"),
        (lambda library: library.write_pubkey(11, bytes(72)), "a public key has 64 bytes, 72 came"),
        (lambda library: library.write_config_zone(bytes(127)), "a configuration has 128 bytes, 127 came"),
    ],
)
@pytest.mark.parametrize("name", ["cryptoauthlib", "own"])
def test_sizes_that_c_would_read_beyond_are_refused_by_both(
    bus: Recorder,
    transport: EmulatorTransport,
    call: Callable[[object], object],
    sentence: str,
    name: str,
) -> None:
    with opened_on(bus) as wheel, pytest.raises(ValueError, match=sentence):
        call(wheel if name == "cryptoauthlib" else HostLibrary(transport))

    assert bus.events == []


def test_a_key_longer_than_the_librarys_buffer_is_refused(
    bus: Recorder, sketch: Callable[..., CertificateDefinition]
) -> None:
    with opened_on(bus) as library, pytest.raises(ValueError, match="has 73 bytes and the library has room"):
        library.read_cert(sketch(), bytes(73))


def test_without_the_package_the_sentence_says_what_to_install(
    bus: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(CalMissing, match=r"wheels exist for CPython 3.11 to 3.13.*pip install cryptoauthlib"):
        CryptoAuthLib(bus)
    assert not cal.available()


def test_both_libraries_say_who_they_are(bus: Recorder, transport: EmulatorTransport) -> None:
    with opened_on(bus) as library:
        assert "cryptoauthlib 20" in library.description
    assert "own rebuild" in HostLibrary(transport).description
