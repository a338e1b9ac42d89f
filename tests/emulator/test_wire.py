"""The I2C side: word addresses, the read pointer, sleep and idle."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.packet import Command, Opcode, decode_response
from softatecc.trace import CommandRecord, PowerRecord
from softatecc.wire import I2cPort, Power, WordAddress

Part = Callable[..., Chip]

INFO = bytes.fromhex("0730000000035d")
REVISION = bytes.fromhex("07000060028038")
WOKEN = bytes.fromhex("04113343")
PASSTHROUGH = Command(Opcode.NONCE, 0x03, 0, bytes(range(32))).encode()
SIGN = Command(Opcode.SIGN, 0x80, 0).encode()


@pytest.fixture
def port(chip: Chip) -> I2cPort:
    return I2cPort(chip)


@pytest.fixture
def awake(port: I2cPort) -> I2cPort:
    port.wake()
    return port


def test_asleep_the_chip_acknowledges_nothing(port: I2cPort) -> None:
    assert port.write(WordAddress.COMMAND, INFO) is False
    assert port.write(WordAddress.RESET) is False
    assert port.read(4) is None


def test_the_answer_to_a_wake_stays_readable_until_the_first_command(awake: I2cPort) -> None:
    answers = [awake.read(4)]
    awake.write(WordAddress.RESET)
    answers.append(awake.read(4))
    awake.write(WordAddress.COMMAND, INFO)
    answers.append(awake.read(7))

    assert answers == [WOKEN, WOKEN, REVISION]


def test_a_wake_while_awake_has_no_effect(awake: I2cPort, chip: Chip) -> None:
    awake.write(WordAddress.COMMAND, INFO)
    awake.wake()

    assert awake.read(7) == REVISION
    assert [record for record in chip.trace if isinstance(record, PowerRecord)] == [PowerRecord("wake")]


def test_the_read_pointer_goes_on_over_separate_reads(awake: I2cPort) -> None:
    awake.write(WordAddress.COMMAND, INFO)

    assert awake.read(1) == REVISION[:1]
    assert awake.read(6) == REVISION[1:]


def test_the_reset_word_address_rewinds_the_read_pointer(awake: I2cPort) -> None:
    awake.write(WordAddress.COMMAND, INFO)
    awake.read(5)
    awake.write(WordAddress.RESET)

    assert awake.read(7) == REVISION


def test_past_the_end_the_bus_reads_ff(awake: I2cPort) -> None:
    awake.write(WordAddress.COMMAND, INFO)

    assert awake.read(9) == REVISION + b"\xff\xff"
    assert awake.read(2) == b"\xff\xff"


def test_a_command_may_come_in_pieces_and_nothing_is_read_in_between(awake: I2cPort, chip: Chip) -> None:
    awake.write(WordAddress.COMMAND)
    untouched = awake.read(4)
    awake.write(WordAddress.COMMAND, INFO[:3])
    halfway = awake.read(1)
    awake.write(WordAddress.COMMAND, INFO[3:])

    assert (untouched, halfway, awake.read(7)) == (WOKEN, None, REVISION)
    assert sum(isinstance(record, CommandRecord) for record in chip.trace) == 1


def test_the_reset_word_address_drops_half_a_command(awake: I2cPort) -> None:
    awake.write(WordAddress.COMMAND, INFO[:3])
    awake.write(WordAddress.RESET)
    awake.write(WordAddress.COMMAND, INFO)

    assert awake.read(7) == REVISION


def test_the_first_byte_of_a_command_overwrites_the_last_answer(awake: I2cPort) -> None:
    awake.write(WordAddress.COMMAND, INFO[:1])
    awake.write(WordAddress.RESET)

    assert awake.read(4) == b"\xff" * 4


def test_an_impossible_count_is_answered_at_once(awake: I2cPort) -> None:
    awake.write(WordAddress.COMMAND, b"\x03")

    assert awake.read(4) == bytes.fromhex("04ff0142")


@pytest.mark.parametrize("reserved", [0x04, 0x77, 0xFF])
def test_reserved_word_addresses_do_nothing(awake: I2cPort, reserved: int) -> None:
    assert awake.write(reserved, INFO) is True
    assert awake.read(4) == WOKEN


def test_idle_keeps_temp_key_and_the_buffers_and_the_sha_context(awake: I2cPort, chip: Chip) -> None:
    awake.write(WordAddress.COMMAND, Command(Opcode.GENKEY, 0x04, 0).encode())
    awake.write(WordAddress.COMMAND, PASSTHROUGH)
    awake.write(WordAddress.COMMAND, Command(Opcode.NONCE, 0x43, 0, bytes(32)).encode())
    awake.write(WordAddress.COMMAND, Command(Opcode.SHA, 0, 0).encode())
    awake.write(WordAddress.IDLE)
    deaf = awake.read(1)
    awake.wake()
    for packet in (SIGN, Command(Opcode.SIGN, 0xA0, 0).encode(), Command(Opcode.SHA, 2, 0).encode()):
        awake.write(WordAddress.COMMAND, packet)
        answer = awake.read(100)

        assert answer is not None
        assert answer[0] > 4
    assert deaf is None
    assert PowerRecord("idle") in chip.trace


def test_sleep_clears_every_register_and_the_trace_names_them(awake: I2cPort, chip: Chip) -> None:
    for packet in (
        PASSTHROUGH,
        Command(Opcode.NONCE, 0x43, 0, bytes(32)).encode(),
        Command(Opcode.NONCE, 0x83, 0, bytes(32)).encode(),
        Command(Opcode.SHA, 0, 0).encode(),
    ):
        awake.write(WordAddress.COMMAND, packet)
    chip.volatile.auth_key = 4
    awake.write(WordAddress.SLEEP)
    power = awake.power
    awake.wake()
    awake.write(WordAddress.COMMAND, SIGN)

    assert awake.read(4) == bytes.fromhex("040f2342")
    assert power is Power.ASLEEP
    lost = ("TempKey", "MessageDigestBuffer", "AlternateKeyBuffer", "SHA context", "AuthComplete")
    assert PowerRecord("sleep", lost) in chip.trace


def test_a_power_cycle_clears_the_persistent_latch_and_sleep_does_not(chip: Chip) -> None:
    chip.persistent_latch = True
    chip.sleep()
    after_sleep = chip.persistent_latch
    chip.power_cycle()

    assert (after_sleep, chip.persistent_latch) == (True, False)
    assert chip.trace[-1] == PowerRecord("power-up")


def test_a_changed_address_counts_from_the_next_sleep(part: Part) -> None:
    port = I2cPort(part("blank", locked="none"))
    before = port.address
    port.wake()
    port.write(WordAddress.COMMAND, Command(Opcode.WRITE, 0, 4, bytes.fromhex("6a000000")).encode())
    still = port.address
    port.write(WordAddress.SLEEP)

    assert (before, still, port.address) == (0x60, 0x60, 0x35)


def test_a_busy_chip_acknowledges_only_after_its_time(chip: Chip) -> None:
    port = I2cPort(chip, busy_polls=lambda opcode: 2 if opcode == Opcode.INFO else 0)
    port.wake()
    port.write(WordAddress.COMMAND, INFO)

    assert [port.write(WordAddress.RESET) for _ in range(3)] == [False, False, True]
    assert port.read(7) == REVISION


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 0xFF), st.binary(max_size=170)),
            st.tuples(st.just(0x03), st.binary(max_size=20)),
            st.integers(0, 200),
        ),
        max_size=12,
    )
)
def test_no_traffic_on_the_bus_upsets_the_port(traffic: list[tuple[int, bytes] | int]) -> None:
    chip = Chip.blank(bytes(9))
    port = I2cPort(chip)
    for event in traffic:
        port.wake()
        if isinstance(event, int):
            answer = port.read(event)

            assert answer is None or len(answer) == event
        else:
            assert port.write(*event) is True
    port.wake()
    port.write(WordAddress.RESET)
    port.write(WordAddress.COMMAND, INFO)
    answer = port.read(7)

    assert answer is not None
    assert decode_response(answer) == bytes.fromhex("00006002")
