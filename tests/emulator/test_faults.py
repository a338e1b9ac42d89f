"""Counter, SelfTest, and every status that a healthy part seldom shows: 05, 07, 08, EE."""

from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.crypto import PrivateKey
from softatecc.entropy import SeededEntropy
from softatecc.model import DeviceModel
from softatecc.packet import WAKE_RESPONSE, Command, Opcode, encode_response
from softatecc.trace import PowerRecord

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, PARSE_ERROR, ECC_FAULT, SELF_TEST_ERROR = b"\x00", b"\x03", b"\x05", b"\x07"
HEALTH_TEST_ERROR, EXECUTION_ERROR, TOO_LATE = b"\x08", b"\x0f", b"\xee"
KEY = PrivateKey(bytes(range(1, 33)))
PRIVATE, PUBLIC = 2, 11
RNG, LIBRARY_ECDSA, ECDSA, ECDH, AES, SHA = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
ALL = RNG | ECDSA | ECDH | AES | SHA
AUTO_CLEAR, POST = 0x08, 0x01


# --- Counter --------------------------------------------------------------------------------------


@pytest.mark.parametrize("locked", ["none", "config", "data"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_counter_counts_in_every_lock_state(part: Part, ask: Ask, locked: str, number: int) -> None:
    chip = part(locked=locked)
    values = [ask(chip, Opcode.COUNTER, mode, number) for mode in (0, 1, 1, 0)]

    assert [int.from_bytes(value, "little") for value in values] == [0, 1, 2, 2]
    assert (chip.configuration.counter(number), chip.configuration.counter(1 - number)) == (2, 0)


def test_a_counter_stops_at_its_end(part: Part, ask: Ask, why: Why) -> None:
    chip = part(octets=dict(enumerate(bytes.fromhex("00000001ffffffff"), 60)))
    values = [ask(chip, Opcode.COUNTER, mode, 1) for mode in (0, 0, 1)]

    assert values == [(2_097_151).to_bytes(4, "little")] * 2 + [EXECUTION_ERROR]
    assert chip.configuration.counter(1) == 2_097_151
    assert "Counter[1] has reached 2097151, its end" in why(chip)


@pytest.mark.parametrize(
    "opcode, mode, param2, size",
    [
        (Opcode.COUNTER, 2, 0, 0),
        (Opcode.COUNTER, 0, 2, 0),
        (Opcode.COUNTER, 0, 0, 1),
        (Opcode.SELFTEST, 0x40, 0, 0),
        (Opcode.SELFTEST, 0x80, 0, 0),
        (Opcode.SELFTEST, 0x01, 1, 0),
        (Opcode.SELFTEST, 0x01, 0, 1),
    ],
)
def test_what_no_state_permits_is_a_parse_error(
    part: Part, ask: Ask, opcode: Opcode, mode: int, param2: int, size: int
) -> None:
    assert ask(part(), opcode, mode, param2, bytes(size)) == PARSE_ERROR


# --- SelfTest -------------------------------------------------------------------------------------


@pytest.mark.parametrize("locked", ["none", "config", "data"])
@pytest.mark.parametrize("mode", [RNG, LIBRARY_ECDSA, ECDSA, ECDH, AES, SHA, 0x3B, 0x3D, 0x3F, 0])
def test_a_healthy_part_passes_every_test(part: Part, ask: Ask, locked: str, mode: int) -> None:
    assert ask(part(locked=locked), Opcode.SELFTEST, mode, 0) == SUCCESS


@pytest.mark.parametrize("failing", [RNG, ECDSA, ECDH, AES, SHA, RNG | SHA, ALL])
@pytest.mark.parametrize("mode", [RNG, ECDSA, ALL, 0x3B])
def test_a_test_that_fails_sets_its_bit(part: Part, ask: Ask, failing: int, mode: int) -> None:
    chip = part()
    chip.faults.self_test_failures = failing
    asked = ALL if mode == 0x3B else mode
    answers = [ask(chip, Opcode.SELFTEST, mode, 0), ask(chip, Opcode.SELFTEST, 0, 0)]

    assert answers == [bytes((failing & asked,))] * 2
    assert chip.volatile.failed_tests == failing & asked


@pytest.mark.parametrize("bit", [LIBRARY_ECDSA, ECDSA])
@pytest.mark.parametrize("asked", [LIBRARY_ECDSA, ECDSA])
@pytest.mark.parametrize("broken", [LIBRARY_ECDSA, ECDSA])
def test_ecdsa_is_reported_under_the_bit_the_model_names(
    part: Part, ask: Ask, bit: int, asked: int, broken: int
) -> None:
    chip = part(model=DeviceModel(ecdsa_self_test=bit))
    chip.faults.self_test_failures = broken

    assert ask(chip, Opcode.SELFTEST, asked, 0) == bytes((bit,))


def test_a_test_that_passes_again_clears_its_own_bit_alone(part: Part, ask: Ask) -> None:
    chip = part()
    chip.faults.self_test_failures = AES | SHA
    ask(chip, Opcode.SELFTEST, ALL, 0)
    chip.faults.self_test_failures = 0
    answers = [ask(chip, Opcode.SELFTEST, mode, 0) for mode in (AES, 0, SHA, 0)]

    assert answers == [SUCCESS, bytes((SHA,)), SUCCESS, SUCCESS]


@pytest.mark.parametrize(
    "opcode, mode, param2, works",
    [
        (Opcode.SELFTEST, 0, 0, True),
        (Opcode.READ, 0x00, 0, True),
        (Opcode.READ, 0x80, 0, True),
        (Opcode.READ, 0x02, 8 << 3, False),
        (Opcode.READ, 0x01, 0, False),
        (Opcode.INFO, 0, 0, False),
        (Opcode.RANDOM, 0, 0, False),
        (Opcode.COUNTER, 0, 0, False),
        (0x99, 0, 0, False),
    ],
)
def test_after_a_failed_test_only_selftest_and_the_configuration_answer(
    part: Part, ask: Ask, why: Why, opcode: int, mode: int, param2: int, works: bool
) -> None:
    chip = part()
    chip.volatile.failed_tests = SHA
    answer = ask(chip, opcode, mode, param2)

    assert (answer != SELF_TEST_ERROR) == works
    if not works:
        assert "self tests failed (register 0x20)" in why(chip)


@pytest.mark.parametrize("end, kept", [("idle", True), ("sleep", False), ("power_cycle", False)])
def test_idle_keeps_the_failures_and_sleep_forgets_them(part: Part, end: str, kept: bool) -> None:
    chip = part()
    chip.volatile.failed_tests, chip.volatile.health_failed = SHA, True
    getattr(chip, end)()

    assert (chip.volatile.failed_tests, chip.volatile.health_failed) == ((SHA, True) if kept else (0, False))
    if not kept:
        record = chip.trace[-1]
        assert isinstance(record, PowerRecord)
        assert record.lost == ("SelfTest failures", "health test failure")


@pytest.mark.parametrize("options, failing", [(0x0E | POST, True), (0x0E, False)])
def test_the_self_tests_run_at_power_up_where_the_configuration_asks(
    part: Part, ask: Ask, options: int, failing: bool
) -> None:
    chip = part(octets={90: options})
    chip.faults.self_test_failures = AES
    healthy = chip.wake_response
    chip.wake()

    assert healthy == WAKE_RESPONSE
    assert (chip.wake_response == bytes.fromhex("0407c440")) == failing
    assert (ask(chip, Opcode.INFO) == SELF_TEST_ERROR) == failing


@pytest.mark.parametrize("reported", [0x02, 0x04])
@pytest.mark.parametrize("broken", [0x02, 0x04])
def test_power_up_and_selftest_mean_the_same_ecdsa(part: Part, ask: Ask, reported: int, broken: int) -> None:
    """Sources give ECDSA two bits; whichever fails is reported under one, and cleared under it."""
    chip = part(octets={90: 0x0E | POST}, model=DeviceModel(ecdsa_self_test=reported))
    chip.faults.self_test_failures = broken
    chip.wake()
    at_power_up = ask(chip, Opcode.SELFTEST, 0)
    chip.faults.self_test_failures = 0
    ask(chip, Opcode.SELFTEST, 0x3D)

    assert at_power_up == bytes((reported,))
    assert ask(chip, Opcode.SELFTEST, 0) == b"\x00"


def test_a_wake_from_idle_runs_no_self_test(part: Part, ask: Ask) -> None:
    chip = part(octets={90: 0x0E | POST})
    chip.wake()
    chip.idle()
    chip.faults.self_test_failures = AES
    chip.wake()

    assert chip.wake_response == WAKE_RESPONSE
    assert ask(chip, Opcode.INFO) != SELF_TEST_ERROR


# --- health test ----------------------------------------------------------------------------------

WANT_RANDOM_NUMBERS = [
    (Opcode.RANDOM, 0, 0, b""),
    (Opcode.NONCE, 0, 0, bytes(20)),
    (Opcode.GENKEY, 4, PRIVATE, b""),
    (Opcode.GENKEY, 4, 0xFFFF, b""),
    (Opcode.SIGN, 0xA0, PRIVATE, b""),
    (Opcode.ECDH, 0x0E, PRIVATE, KEY.public),
]


def signer(part: Part, **words: object) -> Chip:
    chip = part(**words)
    chip.memory.store_private_key(PRIVATE, bytes(range(1, 33)))
    chip.volatile.message_digest_buffer = bytes(32)
    return chip


@pytest.mark.parametrize("opcode, mode, param2, data", WANT_RANDOM_NUMBERS)
def test_what_needs_random_numbers_is_refused_once_they_fail(
    part: Part, ask: Ask, why: Why, opcode: Opcode, mode: int, param2: int, data: bytes
) -> None:
    chip = signer(part)
    chip.faults.health_test_fails = True
    before = chip.memory.slot(PRIVATE)

    assert ask(chip, opcode, mode, param2, data) == HEALTH_TEST_ERROR
    assert "a random number failed its health test" in why(chip)
    assert chip.memory.slot(PRIVATE) == before


@pytest.mark.parametrize(
    "options, after", [(0x06, [HEALTH_TEST_ERROR] * 3), (0x06 | AUTO_CLEAR, [HEALTH_TEST_ERROR, b"", b""])]
)
def test_a_failure_stays_unless_the_configuration_forgets_the_first(
    part: Part, ask: Ask, options: int, after: list[bytes]
) -> None:
    chip = signer(part, octets={90: options})
    chip.faults.health_test_fails = True
    answers = [ask(chip, Opcode.RANDOM)]
    chip.faults.health_test_fails = False
    answers += [ask(chip, Opcode.RANDOM) for _ in range(2)]

    assert [answer if len(answer) == 1 else b"" for answer in answers] == after


@pytest.mark.parametrize("cure", ["SelfTest", "sleep"])
def test_a_failure_is_cured_by_a_passed_self_test_or_by_sleep(part: Part, ask: Ask, cure: str) -> None:
    chip = signer(part, octets={90: 0x06})
    chip.faults.health_test_fails = True
    ask(chip, Opcode.RANDOM)
    chip.faults.health_test_fails = False
    if cure == "SelfTest":
        ask(chip, Opcode.SELFTEST, AES, 0)
        still = ask(chip, Opcode.RANDOM)
        ask(chip, Opcode.SELFTEST, RNG, 0)
    else:
        still = ask(chip, Opcode.RANDOM)
        chip.sleep()

    assert still == HEALTH_TEST_ERROR
    assert len(ask(chip, Opcode.RANDOM)) == 32


def test_a_self_test_that_fails_cures_no_health_failure(part: Part, ask: Ask) -> None:
    chip = signer(part, octets={90: 0x06})
    chip.volatile.health_failed, chip.faults.self_test_failures = True, RNG
    ask(chip, Opcode.SELFTEST, RNG, 0)

    assert chip.volatile.health_failed


def test_the_pattern_before_the_configuration_lock_is_never_tested(part: Part, ask: Ask) -> None:
    chip = part(locked="none")
    chip.faults.health_test_fails = True

    assert ask(chip, Opcode.RANDOM) == bytes.fromhex("ffff0000") * 8


# --- the ECC engine -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "opcode, mode, param2, data",
    [
        (Opcode.GENKEY, 4, PRIVATE, b""),
        (Opcode.GENKEY, 4, 0xFFFF, b""),
        (Opcode.SIGN, 0xA0, PRIVATE, b""),
        (Opcode.VERIFY, 0x22, 4, KEY.sign(bytes(32), SeededEntropy("ecc")) + KEY.public),
        (Opcode.ECDH, 0x0C, PRIVATE, KEY.public),
        (Opcode.SECUREBOOT, 5, 0, bytes(32) + KEY.sign(bytes(32), SeededEntropy("ecc"))),
    ],
)
def test_a_failed_ecc_computation_is_a_fault_and_a_second_try_may_succeed(
    part: Part, ask: Ask, why: Why, opcode: Opcode, mode: int, param2: int, data: bytes
) -> None:
    chip = signer(part)
    chip.memory.store(PUBLIC, bytes(4) + KEY.public[:32] + bytes(4) + KEY.public[32:])
    chip.faults.ecc_fails = True
    faulty = ask(chip, opcode, mode, param2, data)
    reason = why(chip)
    chip.faults.ecc_fails = False

    assert faulty == ECC_FAULT
    assert "the ECC engine's check of its own result failed" in reason
    assert ask(chip, opcode, mode, param2, data) not in (ECC_FAULT, EXECUTION_ERROR)


# --- the watchdog ---------------------------------------------------------------------------------


def test_a_command_for_which_time_is_too_short_is_not_begun(part: Part, why: Why) -> None:
    chip = signer(part)
    packet = Command(Opcode.SIGN, 0xA0, PRIVATE).encode()
    answers = [chip.exchange(packet, milliseconds_left=left) for left in (100.0, 1000.0)]

    assert answers[0] == encode_response(TOO_LATE)
    assert len(answers[1]) == 67
    assert chip.trace[0].why is not None


def test_time_is_asked_for_before_the_self_tests_and_after_the_crc(part: Part) -> None:
    chip = part()
    chip.volatile.failed_tests = SHA
    packets = (Command(Opcode.INFO, 0, 0).encode(), bytes.fromhex("0730000000ffff"))
    answers = [chip.exchange(packet, milliseconds_left=0.0) for packet in packets]

    assert answers == [encode_response(TOO_LATE), bytes.fromhex("04ff0142")]
