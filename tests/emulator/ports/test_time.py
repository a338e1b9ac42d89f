"""Time on the bus: busy parts, the watchdog, the clock divider.  The clock is the test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.config import CHIP_MODE
from softatecc.fields import ChipMode
from softatecc.model import DeviceModel
from softatecc.packet import Command, Opcode
from softatecc.status import Rejected, Status
from softatecc.timing import EXECUTION_TIMES, execution_time, require_time, watchdog_time
from softatecc.trace import PowerRecord
from softatecc.wire import I2cPort, Power, WordAddress

Part = Callable[..., Chip]

INFO = Command(Opcode.INFO, 0, 0).encode()
GENKEY = Command(Opcode.GENKEY, 4, 0).encode()
NONCE = Command(Opcode.NONCE, 0x03, 0, bytes(range(32))).encode()
SIGN = Command(Opcode.SIGN, 0x80, 0).encode()
M1, M2, LONG_WATCHDOG = 0x28, 0x68, 0x04
EXPIRES_SOON = bytes.fromhex("04ee3141")


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_ms(self, milliseconds: float) -> None:
        self.now += milliseconds / 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def port(part: Part, clock: Clock) -> I2cPort:
    """A part that has just been woken and listens."""
    port = I2cPort(part("mbedtls_examples_608", locked="config"), clock=clock)
    port.wake()
    clock.pass_ms(1.5)
    return port


def ask(port: I2cPort, clock: Clock, packet: bytes) -> bytes | None:
    port.write(WordAddress.COMMAND, packet)
    clock.pass_ms(port.busy_for * 1000)
    return port.read(4)


def test_a_part_does_not_listen_until_it_has_woken(part: Part, clock: Clock) -> None:
    port = I2cPort(part(), clock=clock)
    port.wake()
    at_once = port.read(4)
    clock.pass_ms(1.5)

    assert (at_once, port.read(4)) == (None, bytes.fromhex("04113343"))


def test_a_busy_part_acknowledges_nothing_and_keeps_its_answer(port: I2cPort, clock: Clock) -> None:
    port.write(WordAddress.COMMAND, GENKEY)
    heard = []
    for _ in range(115):
        heard.append((port.write(WordAddress.RESET), port.read(1), port.acknowledges()))
        clock.pass_ms(1)
    clock.pass_ms(0.001)

    assert set(heard) == {(False, None, False)}
    assert port.write(WordAddress.RESET) is True
    assert port.read(1) == b"\x43"


def test_a_busy_part_can_be_neither_idled_nor_put_to_sleep(port: I2cPort) -> None:
    port.write(WordAddress.COMMAND, INFO)

    assert port.write(WordAddress.SLEEP) is False
    assert port.power is Power.AWAKE


@pytest.mark.parametrize("divider, column", [(0, 0), (M1, 1), (M2, 2)])
@pytest.mark.parametrize("opcode", EXECUTION_TIMES)
def test_a_command_takes_the_time_of_its_clock_divider(opcode: Opcode, divider: int, column: int) -> None:
    assert execution_time(opcode, ChipMode(divider)) == EXECUTION_TIMES[opcode][column]


def test_published_times_are_in_the_table() -> None:
    published = {Opcode.SIGN: (115, 220, 665), Opcode.VERIFY: (105, 295, 1085), Opcode.READ: (5, 5, 5)}

    assert {opcode: EXECUTION_TIMES[opcode] for opcode in published} == published
    assert set(EXECUTION_TIMES) == set(Opcode) - {Opcode.HMAC, Opcode.PAUSE}


def test_what_is_no_command_is_answered_quickly(port: I2cPort, clock: Clock) -> None:
    port.write(WordAddress.COMMAND, GENKEY[:-1] + b"\x00")
    garbled = port.busy_for
    clock.pass_ms(5)
    answer = port.read(4)
    port.write(WordAddress.COMMAND, b"\x03")
    impossible = port.busy_for

    assert answer == bytes.fromhex("04ff0142")
    assert garbled == pytest.approx(0.005)
    assert impossible == pytest.approx(0.005)
    assert execution_time(0xEA, ChipMode(0)) == execution_time(None, ChipMode(M2)) == 5


def test_the_configured_clock_divider_slows_the_part_down(part: Part, clock: Clock) -> None:
    port = I2cPort(part(octets={CHIP_MODE: M2}), clock=clock)
    port.wake()
    clock.pass_ms(1.5)
    port.write(WordAddress.COMMAND, GENKEY)

    assert port.busy_for == pytest.approx(0.653)


# --- watchdog --------------------------------------------------------------------------------------


def test_a_part_left_awake_falls_asleep_and_loses_its_registers(port: I2cPort, clock: Clock) -> None:
    ask(port, clock, NONCE)
    clock.pass_ms(1300)

    assert port.read(1) is None
    assert port.power is Power.ASLEEP
    assert port.chip.volatile.temp_key is None
    assert port.chip.trace[-1] == PowerRecord("watchdog", ("TempKey",))


def test_idle_stops_the_watchdog_and_a_wake_starts_it_anew(port: I2cPort, clock: Clock) -> None:
    ask(port, clock, GENKEY)
    ask(port, clock, NONCE)
    clock.pass_ms(1000)
    port.write(WordAddress.IDLE)
    clock.pass_ms(60_000)
    port.wake()
    clock.pass_ms(1100)
    answer = ask(port, clock, SIGN)

    assert answer is not None
    assert answer[0] == 67
    assert PowerRecord("watchdog", ("TempKey",)) not in port.chip.trace


def test_commands_do_not_extend_the_watchdog(port: I2cPort, clock: Clock) -> None:
    answers = []
    for _ in range(14):
        answers.append(ask(port, clock, INFO))
        clock.pass_ms(95)

    assert answers[-1] is None
    assert answers[0] is not None


def test_a_wake_of_a_part_that_is_awake_does_not_extend_the_watchdog(port: I2cPort, clock: Clock) -> None:
    clock.pass_ms(1200)
    port.wake()
    clock.pass_ms(200)

    assert port.power is Power.ASLEEP


def test_a_command_for_which_too_little_time_is_left_is_refused_and_not_begun(
    port: I2cPort, clock: Clock
) -> None:
    clock.pass_ms(1300 - 1.5 - 100)
    refused = ask(port, clock, GENKEY)
    quick = ask(port, clock, INFO)

    assert refused == EXPIRES_SOON
    assert quick == bytes.fromhex("07000060")
    record = next(record for record in port.chip.trace if record.why is not None)
    assert record.why == (
        "GenKey may take 115 ms and the watchdog expires in 100 ms; idle or sleep, then wake, starts it anew"
    )
    assert port.chip.memory.private_key(0) is None


def test_a_wrong_crc_is_told_before_the_time(port: I2cPort, clock: Clock) -> None:
    clock.pass_ms(1290)

    assert ask(port, clock, GENKEY[:-1] + b"\x00") == bytes.fromhex("04ff0142")


def test_a_long_watchdog_is_ten_times_longer_and_its_length_is_a_switch(part: Part, clock: Clock) -> None:
    port = I2cPort(part(octets={CHIP_MODE: LONG_WATCHDOG}), clock=clock)
    port.wake()
    clock.pass_ms(12_900)
    awake = port.power
    clock.pass_ms(200)

    assert (awake, port.power) == (Power.AWAKE, Power.ASLEEP)
    assert watchdog_time(ChipMode(LONG_WATCHDOG), DeviceModel(long_watchdog=10_000)) == 10_000
    assert watchdog_time(ChipMode(0), DeviceModel(long_watchdog=10_000)) == 1_300


def test_the_watchdog_puts_a_changed_address_in_force(part: Part, clock: Clock) -> None:
    port = I2cPort(part("blank", locked="none"), clock=clock)
    port.wake()
    clock.pass_ms(1.5)
    ask(port, clock, Command(Opcode.WRITE, 0, 4, bytes.fromhex("6a000000")).encode())
    before = port.address
    clock.pass_ms(1300)

    assert (before, port.address) == (0x60, 0x35)


def test_without_a_clock_no_time_passes(part: Part) -> None:
    port = I2cPort(part())
    port.wake()
    port.write(WordAddress.COMMAND, GENKEY)

    assert port.busy_for == 0
    assert port.acknowledges() is True
    require_time(Opcode.SELFTEST, ChipMode(M2), None)


@given(st.sampled_from(Opcode), st.integers(0, 255), st.floats(0, 3000))
def test_a_command_is_refused_exactly_when_it_could_take_longer_than_is_left(
    opcode: Opcode, mode: int, left: float
) -> None:
    if execution_time(opcode, ChipMode(mode)) <= left:
        require_time(opcode, ChipMode(mode), left)
        return
    with pytest.raises(Rejected) as caught:
        require_time(opcode, ChipMode(mode), left)

    assert caught.value.status is Status.WATCHDOG_ABOUT_TO_EXPIRE
