"""Our library outside certificates: the wheel's status numbers for everything a chip can answer."""

import sys
from collections.abc import Callable

import pytest

from softatecc import cal
from softatecc.chip import Chip
from softatecc.hostlib import HostLibrary
from softatecc.library import LibraryError, status_name
from softatecc.packet import encode_response
from softatecc.transports import EmulatorTransport
from softatecc.wire import I2cPort

HOST_SLEEPS = sys.platform != "linux"
Answer = Callable[[Callable[[], bytes | bool | None]], bytes | bool | int | None]


class StubbornPort(I2cPort):
    """A chip that answers every command with the same group."""

    def __init__(self, chip: Chip, group: bytes | None) -> None:
        super().__init__(chip)
        self.group = group
        self.answering = False
        self.at = 0

    def write(self, word_address: int, data: bytes = b"") -> bool:
        self.at = 0
        self.answering = word_address == 3 or (self.answering and word_address == 0)
        return super().write(word_address, data)

    def read(self, count: int) -> bytes | None:
        if not self.answering:
            return super().read(count)
        if self.group is None:
            return None
        octets = self.group[self.at : self.at + count]
        self.at += count
        return octets.ljust(count, b"\xff")


@pytest.mark.wheel
@pytest.mark.parametrize("status", range(1, 256))
def test_every_status_byte_becomes_the_wheels_number(chip: Chip, answer: Answer, status: int) -> None:
    transport = EmulatorTransport(chip)
    transport.port = StubbornPort(chip, encode_response(bytes([status])))
    own = answer(lambda: HostLibrary(transport).get_pubkey(0))
    with cal.CryptoAuthLib(transport.port, host_sleeps=HOST_SLEEPS) as wheel:
        theirs = answer(lambda: wheel.get_pubkey(0))

    assert own == theirs
    assert isinstance(own, int)
    assert own < 0


@pytest.mark.wheel
@pytest.mark.parametrize(
    "group",
    [b"\x04\x00\x00\x00", b"\x07\x00\x00\x60\x02\x00\x00", b"\x43" + bytes(66)],
)
def test_a_response_with_a_wrong_crc_becomes_the_wheels_number(
    chip: Chip, answer: Answer, group: bytes
) -> None:
    transport = EmulatorTransport(chip)
    transport.port = StubbornPort(chip, group)
    own = answer(lambda: HostLibrary(transport).get_pubkey(0))
    with cal.CryptoAuthLib(transport.port, host_sleeps=HOST_SLEEPS) as wheel:
        theirs = answer(lambda: wheel.get_pubkey(0))

    assert own == theirs == -27


def test_a_chip_that_does_not_answer_is_a_failed_communication(chip: Chip) -> None:
    transport = EmulatorTransport(chip)
    transport.port = StubbornPort(chip, None)

    with pytest.raises(LibraryError, match="ATCA_COMM_FAIL") as caught:
        HostLibrary(transport).get_pubkey(0)
    assert caught.value.status == -16


@pytest.mark.wheel
@pytest.mark.parametrize("slot", range(19))
@pytest.mark.parametrize("function", ["read_pubkey", "get_pubkey", "genkey"])
def test_every_slot_number_is_judged_alike(
    wheel: cal.CryptoAuthLib, own: HostLibrary, answer: Answer, function: str, slot: int
) -> None:
    theirs = answer(lambda: getattr(wheel, function)(slot))
    ours = answer(lambda: getattr(own, function)(slot))

    assert (theirs if isinstance(theirs, int) else "") == (ours if isinstance(ours, int) else "")


@pytest.mark.wheel
@pytest.mark.parametrize("zone", range(5))
def test_every_zone_is_judged_alike_by_is_locked(
    wheel: cal.CryptoAuthLib, own: HostLibrary, answer: Answer, zone: int
) -> None:
    assert answer(lambda: own.is_locked(zone)) == answer(lambda: wheel.is_locked(zone))


@pytest.mark.wheel
@pytest.mark.parametrize(
    "zone,slot,offset,count",
    [
        (0, 0, 0, 128), (0, 0, 120, 8), (0, 0, 120, 16), (0, 0, 128, 4), (0, 0, 3, 5),
        (1, 0, 0, 64), (1, 0, 33, 3), (1, 0, 60, 8),
        (2, 10, 0, 72), (2, 10, 3, 7), (2, 10, 70, 2), (2, 10, 70, 4), (2, 10, 72, 4), (2, 15, 0, 0),
        (2, 8, 400, 16), (2, 8, 410, 10), (2, 9, 0, 4), (2, 0, 0, 4), (2, 16, 0, 4), (3, 0, 0, 4),
    ],
)  # fmt: skip
def test_every_range_is_read_alike(
    wheel: cal.CryptoAuthLib,
    own: HostLibrary,
    answer: Answer,
    zone: int,
    slot: int,
    offset: int,
    count: int,
) -> None:
    theirs = answer(lambda: wheel.read_bytes_zone(zone, slot, offset, count))

    assert answer(lambda: own.read_bytes_zone(zone, slot, offset, count)) == theirs


def test_the_chip_idles_after_every_call_also_a_refused_one(own: HostLibrary, chip: Chip) -> None:
    own.read_serial_number()
    after_success = getattr(chip.trace[-1], "event", None)
    with pytest.raises(LibraryError):
        own.get_pubkey(9)

    assert after_success == "idle"
    assert getattr(chip.trace[-1], "event", None) == "idle"
    assert chip.last_command.why is not None


def test_an_unlisted_status_keeps_its_number() -> None:
    assert status_name(-99) == "?"
    assert str(LibraryError("atcab_info", -99)) == "atcab_info returned -99 (0x9D ?)"
