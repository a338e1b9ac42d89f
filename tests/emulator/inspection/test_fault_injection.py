"""What goes wrong on the bus, what our host makes of it, and what Microchip's library does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc import cal
from softatecc.chip import Chip
from softatecc.fault_injection import Fault, FaultyDevice, Injection, ThinDriver, torn
from softatecc.host import DeviceError, Host, NonceTarget
from softatecc.library import LibraryError
from softatecc.packet import Opcode, ResponseError
from softatecc.state import Contents
from softatecc.status import Status
from softatecc.trace import PowerRecord
from softatecc.transports import NoResponse
from softatecc.wire import I2cPort
from softatecc.zones import Zone

Part = Callable[..., Chip]

FOREVER = 1000
OK = 32
RANDOM = Opcode.RANDOM
CLEAR_SLOT, PRIVATE_SLOT = 8, 0
OLD, NEW = bytes(range(1, 33)), bytes(range(0x81, 0xA1))


@dataclass(frozen=True, slots=True)
class Case:
    """A fault at a Random, and the outcome of two calls in a row: by our host, by cryptoauthlib."""

    injection: Injection
    ours: tuple[object, object]
    theirs: tuple[int, int]

    def __str__(self) -> str:
        what = self.injection
        return f"{what.fault.name}-{what.times}-{what.octets}-{what.accesses}"


CASES = [
    Case(Injection(Fault.LOST_WAKE), (NoResponse, OK), (OK, OK)),
    Case(Injection(Fault.LOST_WAKE, times=FOREVER), (NoResponse, NoResponse), (-16, -16)),
    Case(Injection(Fault.NACK, RANDOM), (NoResponse, OK), (-16, OK)),
    Case(Injection(Fault.REQUEST_CRC, RANDOM), (Status.COMMUNICATION_ERROR, OK), (-44, OK)),
    Case(Injection(Fault.RESPONSE_CRC, RANDOM), (ResponseError, OK), (-27, OK)),
    Case(Injection(Fault.TRUNCATED, RANDOM, octets=0), (ResponseError, OK), (-19, OK)),
    Case(Injection(Fault.TRUNCATED, RANDOM, octets=10), (ResponseError, OK), (-27, OK)),
    Case(Injection(Fault.WATCHDOG, RANDOM), (NoResponse, OK), (-16, OK)),
    Case(Injection(Fault.WATCHDOG_WARNING, RANDOM), (Status.WATCHDOG_ABOUT_TO_EXPIRE, OK), (-31, OK)),
    Case(Injection(Fault.HEALTH_TEST), (Status.HEALTH_TEST_ERROR, Status.HEALTH_TEST_ERROR), (-6, -6)),
    Case(Injection(Fault.SELF_TEST), (Status.SELF_TEST_ERROR, Status.SELF_TEST_ERROR), (-41, -41)),
    Case(Injection(Fault.STUCK_BUSY, RANDOM, accesses=5), (OK, OK), (OK, OK)),
    Case(Injection(Fault.STUCK_BUSY, RANDOM), (NoResponse, NoResponse), (-16, -16)),
    Case(Injection(Fault.BROWN_OUT, RANDOM), (NoResponse, OK), (-16, OK)),
]


def faulty(chip: Chip, *injections: Injection) -> FaultyDevice:
    return FaultyDevice(I2cPort(chip), *injections)


def by_host(host: Host) -> object:
    try:
        return len(host.random())
    except DeviceError as error:
        return error.status
    except (NoResponse, ResponseError) as error:
        return type(error)


def by_library(library: cal.CryptoAuthLib) -> int:
    try:
        return len(library.random())
    except LibraryError as error:
        return error.status


@pytest.mark.parametrize("case", CASES, ids=str)
def test_our_host_says_what_happened_and_recovers_where_the_part_does(chip: Chip, case: Case) -> None:
    device = faulty(chip, case.injection)
    host = Host(ThinDriver(device))

    assert (by_host(host), by_host(host)) == case.ours
    assert device.log[0].startswith(case.injection.fault.name)


@pytest.mark.wheel
@pytest.mark.skipif(not cal.available(), reason="cryptoauthlib is not installed for this Python")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_cryptoauthlib_makes_of_a_fault_what_it_always_does(chip: Chip, case: Case) -> None:
    device = faulty(chip, case.injection)
    with cal.CryptoAuthLib(device, host_sleeps=False) as library:
        seen = by_library(library), by_library(library)

    assert seen == case.theirs
    assert device.log


def test_an_injection_waits_for_its_command_and_counts(chip: Chip) -> None:
    device = faulty(chip, Injection(Fault.NACK, RANDOM, skip=1, times=2))
    host = Host(ThinDriver(device))
    host.info_revision()

    assert [by_host(host) for _ in range(5)] == [OK, NoResponse, NoResponse, OK, OK]
    assert len(device.log) == 2
    assert "at Random" in device.log[0]


def test_two_faults_at_once_take_their_turns(chip: Chip) -> None:
    device = faulty(chip, Injection(Fault.REQUEST_CRC, RANDOM), Injection(Fault.RESPONSE_CRC))
    host = Host(ThinDriver(device))

    assert [by_host(host) for _ in range(3)] == [Status.COMMUNICATION_ERROR, ResponseError, OK]


def test_a_flipped_bit_never_reaches_the_command(chip: Chip) -> None:
    host = Host(ThinDriver(faulty(chip, Injection(Fault.REQUEST_CRC, Opcode.GENKEY))))
    with pytest.raises(DeviceError) as caught:
        host.genkey(PRIVATE_SLOT)

    assert caught.value.status is Status.COMMUNICATION_ERROR
    assert chip.memory.private_key(PRIVATE_SLOT) is None
    assert "CRC received" in (chip.last_command.why or "")


def test_a_broken_response_can_be_rewound_but_stays_broken(chip: Chip) -> None:
    device = faulty(chip, Injection(Fault.RESPONSE_CRC))
    device.wake()
    device.write(0x03, bytes.fromhex("0730000000035d"))
    first = device.read(7)
    device.write(0x00)

    assert first == device.read(7) == bytes.fromhex("07000060028039")


def test_a_spoiled_answer_waits_until_the_part_is_ready(chip: Chip) -> None:
    device = FaultyDevice(I2cPort(chip, busy_polls=lambda _: 2), Injection(Fault.RESPONSE_CRC))
    device.wake()
    device.write(0x03, bytes.fromhex("0730000000035d"))

    assert [device.read(7) for _ in range(3)] == [None, None, bytes.fromhex("07000060028039")]


def test_the_watchdog_costs_the_registers(chip: Chip) -> None:
    host = Host(ThinDriver(faulty(chip, Injection(Fault.WATCHDOG, Opcode.INFO))))
    host.nonce_passthrough(OLD, NonceTarget.MESSAGE_DIGEST_BUFFER)
    with pytest.raises(NoResponse):
        host.info_revision()

    assert chip.volatile.message_digest_buffer is None
    assert PowerRecord("watchdog", ("MessageDigestBuffer",)) in chip.trace


def test_a_warned_part_executes_nothing(chip: Chip) -> None:
    host = Host(ThinDriver(faulty(chip, Injection(Fault.WATCHDOG_WARNING, Opcode.GENKEY))))
    with pytest.raises(DeviceError):
        host.genkey(PRIVATE_SLOT)

    assert not any(getattr(record, "name", "") == "GenKey" for record in chip.trace)


def test_a_stuck_part_comes_free_by_power_alone(chip: Chip) -> None:
    device = faulty(chip, Injection(Fault.STUCK_BUSY, RANDOM))
    host = Host(ThinDriver(device))
    before = [by_host(host), by_host(host)]
    with pytest.raises(NoResponse, match="did not wake"):
        host.transport.wake()
    device.power_cycle()

    assert before == [NoResponse, NoResponse]
    assert by_host(host) == OK


def test_defects_of_the_part_stay_until_they_are_healed(chip: Chip) -> None:
    device = faulty(chip, Injection(Fault.HEALTH_TEST), Injection(Fault.SELF_TEST), Injection(Fault.NACK))
    host = Host(ThinDriver(device))
    failing = by_host(host)
    device.heal()
    host.transport.wake()
    host.transport.sleep()

    assert failing is NoResponse
    assert by_host(host) == OK
    assert host.execute(Opcode.SELFTEST, 0x3D) == b""


def test_only_self_test_and_the_configuration_answer_after_a_failed_self_test(chip: Chip) -> None:
    host = Host(ThinDriver(faulty(chip, Injection(Fault.SELF_TEST))))

    assert len(host.read(Zone.CONFIG, 0, 32)) == 32
    assert by_host(host) is Status.SELF_TEST_ERROR
    host.transport.idle()
    assert host.transport.wake() != bytes.fromhex("04113343")


# --- brown-out --------------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", [0, 1, 13, 32, None])
def test_a_brown_out_leaves_the_first_bytes_of_a_write(chip: Chip, octets: int | None) -> None:
    device = faulty(chip, Injection(Fault.BROWN_OUT, Opcode.WRITE, skip=1, octets=octets))
    host = Host(ThinDriver(device))
    host.write(Zone.DATA, 0, OLD, CLEAR_SLOT)
    with pytest.raises(NoResponse):
        host.write(Zone.DATA, 0, NEW, CLEAR_SLOT)
    cut = 32 if octets is None else octets

    assert chip.memory.slot(CLEAR_SLOT)[:32] == NEW[:cut] + OLD[cut:]
    assert PowerRecord("power-up") in chip.trace
    assert by_host(host) == OK


@pytest.mark.parametrize("octets, kept", [(0, "old"), (5, "none"), (None, "new")])
def test_a_key_is_whole_after_a_brown_out_or_gone(chip: Chip, octets: int | None, kept: str) -> None:
    device = faulty(chip, Injection(Fault.BROWN_OUT, Opcode.GENKEY, skip=1, octets=octets))
    host = Host(ThinDriver(device))
    old = host.genkey(PRIVATE_SLOT)
    with pytest.raises(NoResponse):
        host.genkey(PRIVATE_SLOT)
    key = chip.memory.private_key(PRIVATE_SLOT)

    assert {"old": key is not None and key.public == old, "none": key is None, "new": key is not None}[kept]


def test_a_lock_that_was_cut_short_is_open(chip: Chip) -> None:
    device = faulty(chip, Injection(Fault.BROWN_OUT, Opcode.LOCK, octets=0))
    host = Host(ThinDriver(device))
    with pytest.raises(NoResponse):
        host.lock_data()

    assert not host.is_data_locked()
    host.lock_data()
    assert host.is_data_locked()


CONTENTS = st.binary(min_size=36, max_size=36)


@settings(deadline=None)
@given(CONTENTS, CONTENTS, st.integers(0, 40))
def test_a_torn_memory_is_new_up_to_somewhere_and_old_from_there(old: bytes, new: bytes, octets: int) -> None:
    def contents(slot: bytes) -> Contents:
        chip = Chip.blank(bytes(9))
        chip.memory.store(3, slot)
        return Contents.of(chip)

    before, after = contents(old), contents(new)
    mixed = torn(before, after, octets).slots[3]
    differing = [at for at in range(36) if old[at] != new[at]]
    written, kept = differing[:octets], differing[octets:]

    assert all(mixed[at] == new[at] for at in written)
    assert all(mixed[at] == old[at] for at in kept)
    assert torn(before, after, 36) == after
    assert torn(before, after, 0) == before
