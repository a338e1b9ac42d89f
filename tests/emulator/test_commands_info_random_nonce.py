"""Info, Random and Nonce."""

import hashlib
from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.entropy import FixedEntropy, SeededEntropy
from softatecc.memory import SourceFlag, TempKey, temp_key
from softatecc.model import DeviceModel, Revision
from softatecc.packet import Opcode

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

PARSE_ERROR, EXECUTION_ERROR = b"\x03", b"\x0f"
PATTERN = bytes.fromhex("ffff0000") * 8
NUMBER = bytes(range(0x80, 0xA0))
NUM_IN = bytes(range(20))


@pytest.fixture
def loaded(part: Part) -> Chip:
    """A part whose next random number is 80 … 9F."""
    return part(entropy=FixedEntropy(NUMBER, SeededEntropy("rest")))


@pytest.mark.parametrize("locked", ["none", "config", "data"])
@pytest.mark.parametrize("revision", Revision)
def test_the_revision_is_silicon_in_every_lock_state(
    part: Part, ask: Ask, locked: str, revision: Revision
) -> None:
    chip = part(locked=locked, model=DeviceModel(revision=revision))

    assert ask(chip, Opcode.INFO) == revision.value


def test_key_valid_tells_whether_a_private_key_was_made(part: Part, ask: Ask) -> None:
    chip = part("mbedtls_examples_608", locked="config")
    before = ask(chip, Opcode.INFO, 1, 0)
    ask(chip, Opcode.GENKEY, 4, 0)

    assert (before.hex(), ask(chip, Opcode.INFO, 1, 0).hex()) == ("00000000", "01000000")


@pytest.mark.parametrize("nibble, valid", [(0x5, "01000000"), (0xA, "00000000")])
def test_key_valid_tells_whether_a_public_key_was_validated(
    part: Part, ask: Ask, nibble: int, valid: str
) -> None:
    chip = part()
    chip.memory.store(14, bytes((nibble << 4,)) + bytes(71))
    chip.memory.store(15, bytes((nibble << 4,)) + bytes(71))

    assert ask(chip, Opcode.INFO, 1, 14).hex() == valid
    assert ask(chip, Opcode.INFO, 1, 15).hex() == "00000000"


def test_key_valid_of_a_slot_without_an_ecc_key_answers_as_the_model_says(
    part: Part, ask: Ask, why: Why
) -> None:
    strict, lenient = part(), part(model=DeviceModel(key_valid_needs_ecc_slot=False))

    assert ask(strict, Opcode.INFO, 1, 8) == EXECUTION_ERROR
    assert ask(lenient, Opcode.INFO, 1, 8) == bytes(4)
    assert "slot 8 holds no ECC key" in why(strict)


def test_state_shows_the_flags_of_temp_key_and_the_proven_key(part: Part, ask: Ask) -> None:
    chip = part()
    empty = ask(chip, Opcode.INFO, 2)
    chip.volatile.temp_key = TempKey(
        bytes(64), SourceFlag.FIXED, key_id=9, gen_dig_data=True, gen_key_data=True, no_mac_flag=True
    )
    chip.volatile.auth_key = 5

    assert empty == bytes(4)
    assert ask(chip, Opcode.INFO, 2).hex() == "f9ac0000"


@pytest.mark.parametrize(
    "mode, param2, status, words",
    [
        (1, 16, PARSE_ERROR, "no slot 16"),
        (3, 0, EXECUTION_ERROR, "no GPIO"),
        (4, 4, PARSE_ERROR, "takes param2"),
        (5, 0, PARSE_ERROR, "Info has no mode 0x05"),
    ],
)
def test_info_refuses_what_it_does_not_know(
    part: Part, ask: Ask, why: Why, mode: int, param2: int, status: bytes, words: str
) -> None:
    chip = part()

    assert ask(chip, Opcode.INFO, mode, param2) == status
    assert words in why(chip)


def test_info_takes_no_data(part: Part, ask: Ask, why: Why) -> None:
    chip = part()

    assert ask(chip, Opcode.INFO, 0, 0, b"\x00") == PARSE_ERROR
    assert "takes 0 data bytes, 1 came" in why(chip)


def test_the_latch_is_set_only_after_its_key_was_proven(part: Part, ask: Ask, why: Why) -> None:
    chip = part()
    refused = ask(chip, Opcode.INFO, 4, 3)
    reason = why(chip)
    chip.volatile.auth_key = 4
    set_, read = ask(chip, Opcode.INFO, 4, 3), ask(chip, Opcode.INFO, 4, 0)
    chip.volatile.auth_key = None
    cleared, read_again = ask(chip, Opcode.INFO, 4, 2), ask(chip, Opcode.INFO, 4, 1)

    assert (refused, set_, read.hex()) == (EXECUTION_ERROR, bytes(4), "01000000")
    assert (cleared, read_again) == (bytes(4), bytes(4))
    assert "only after CheckMac has proven slot 4" in reason


def test_a_latch_that_no_command_sets_can_still_be_cleared(part: Part, ask: Ask, why: Why) -> None:
    """SecureBoot may have set it."""
    chip = part("mbedtls_examples_608")
    chip.persistent_latch = True
    refused = ask(chip, Opcode.INFO, 4, 3)
    reason = why(chip)

    assert refused == EXECUTION_ERROR
    assert "VolatileKeyPermission (byte 69) bit 7 is 0" in reason
    assert ask(chip, Opcode.INFO, 4, 2) == bytes(4)
    assert not chip.persistent_latch


@pytest.mark.parametrize("mode", [0, 1])
def test_random_gives_the_pattern_until_the_configuration_is_locked(part: Part, ask: Ask, mode: int) -> None:
    unlocked, locked = part(locked="none"), part(locked="config")
    numbers = {ask(locked, Opcode.RANDOM, mode) for _ in range(3)}

    assert ask(unlocked, Opcode.RANDOM, mode) == PATTERN
    assert len(numbers) == 3
    assert all(len(number) == 32 for number in numbers)


def test_random_leaves_temp_key_alone(part: Part, ask: Ask) -> None:
    chip = part()
    chip.volatile.temp_key = held = temp_key(bytes(32), SourceFlag.FIXED)
    ask(chip, Opcode.RANDOM)

    assert chip.volatile.temp_key is held


@pytest.mark.parametrize("mode, param2, data", [(2, 0, b""), (0, 1, b""), (0, 0, b"x")])
def test_random_refuses_what_it_does_not_know(
    part: Part, ask: Ask, mode: int, param2: int, data: bytes
) -> None:
    assert ask(part(), Opcode.RANDOM, mode, param2, data) == PARSE_ERROR


@pytest.mark.parametrize("mode", [0, 1])
def test_a_random_nonce_hashes_both_sides_numbers_into_temp_key(loaded: Chip, ask: Ask, mode: int) -> None:
    number = ask(loaded, Opcode.NONCE, mode, 0, NUM_IN)
    value = hashlib.sha256(NUMBER + NUM_IN + bytes((0x16, mode, 0))).digest()

    assert number == NUMBER
    assert loaded.volatile.temp_key == temp_key(value, SourceFlag.RANDOM)


@pytest.mark.parametrize("random", [False, True])
def test_a_calculated_nonce_hashes_temp_key_and_answers_with_the_new_one(
    part: Part, ask: Ask, random: bool
) -> None:
    chip = part(model=DeviceModel(calculated_nonce_is_random=random))
    ask(chip, Opcode.NONCE, 3, 0, NUMBER)
    value = hashlib.sha256(NUMBER + NUM_IN + bytes((0x16, 0, 0))).digest()

    assert ask(chip, Opcode.NONCE, 0, 0x8000, NUM_IN) == value
    assert chip.volatile.temp_key == temp_key(value, SourceFlag.RANDOM if random else SourceFlag.FIXED)


def test_a_calculated_nonce_needs_a_valid_temp_key(part: Part, ask: Ask, why: Why) -> None:
    chip = part()

    assert ask(chip, Opcode.NONCE, 0, 0x8000, NUM_IN) == EXECUTION_ERROR
    assert "TempKey is not valid" in why(chip)


@pytest.mark.parametrize("size, flag", [(32, 0x00), (64, 0x20)])
def test_a_passthrough_nonce_fills_temp_key_as_it_is(part: Part, ask: Ask, size: int, flag: int) -> None:
    chip = part()

    assert ask(chip, Opcode.NONCE, 0x03 | flag, 0, bytes(range(size))) == b"\x00"
    assert chip.volatile.temp_key == temp_key(bytes(range(size)), SourceFlag.FIXED)
    assert chip.volatile.temp_key.is64 == (size == 64)


@pytest.mark.parametrize("emptied", [False, True])
def test_the_other_buffers_are_registers_of_their_own(part: Part, ask: Ask, emptied: bool) -> None:
    chip = part(model=DeviceModel(buffer_nonce_empties_temp_key=emptied))
    answers = [
        ask(chip, Opcode.NONCE, 0x03, 0, NUMBER),
        ask(chip, Opcode.NONCE, 0x43, 0, b"\x01" * 32),
        ask(chip, Opcode.NONCE, 0x63, 0, b"\x02" * 64),
        ask(chip, Opcode.NONCE, 0x83, 0, b"\x03" * 32),
    ]

    assert answers == [b"\x00"] * 4
    assert chip.volatile.message_digest_buffer == b"\x02" * 64
    assert chip.volatile.alternate_key_buffer == b"\x03" * 32
    assert chip.volatile.temp_key == (None if emptied else temp_key(NUMBER, SourceFlag.FIXED))


@pytest.mark.parametrize(
    "mode, param2, size",
    [
        (0x02, 0, 20),
        (0x04, 0, 20),
        (0x20, 0, 20),
        (0x40, 0, 20),
        (0x00, 1, 20),
        (0x00, 0, 32),
        (0x03, 1, 32),
        (0x03, 0, 64),
        (0x23, 0, 32),
        (0xA3, 0, 64),
        (0xC3, 0, 32),
        (0x1F, 0, 32),
    ],
)
def test_nonce_refuses_what_it_does_not_know(part: Part, ask: Ask, mode: int, param2: int, size: int) -> None:
    chip = part()

    assert ask(chip, Opcode.NONCE, mode, param2, bytes(size)) == PARSE_ERROR
    assert chip.volatile.temp_key is None


def test_before_the_configuration_lock_the_nonce_works_on_the_pattern(part: Part, ask: Ask) -> None:
    chip = part(locked="none")

    assert ask(chip, Opcode.NONCE, 0, 0, NUM_IN) == PATTERN
