"""Read, Write, Lock and UpdateExtra, beyond the permission matrix."""

import hashlib
from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.memory import SourceFlag, TempKey
from softatecc.model import DeviceModel
from softatecc.packet import Opcode, crc16
from softatecc.status import Status

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, PARSE_ERROR, EXECUTION_ERROR = b"\x00", b"\x03", b"\x0f"
CLEAR, ENCRYPTED, WRITE_KEY = 12, 8, 4
MASK, PLAIN = bytes(range(0x40, 0x60)), bytes(range(0xA0, 0xC0))


def _crc(image: bytes) -> int:
    return int.from_bytes(crc16(image), "little")


# --- Read and Write -------------------------------------------------------------------------------


def test_a_wide_read_of_the_partial_last_block_is_padded(part: Part, ask: Ask) -> None:
    chip = part()
    chip.memory.store(CLEAR, bytes(range(72)))

    assert ask(chip, Opcode.READ, 0x82, 0x200 | CLEAR << 3) == bytes(range(64, 72)) + b"\xff" * 24


def test_a_model_may_pad_otherwise_or_refuse_that_read(part: Part, ask: Ask, why: Why) -> None:
    zeros, strict = part(model=DeviceModel(pad=0)), part(model=DeviceModel(partial_block_readable=False))

    assert ask(zeros, Opcode.READ, 0x82, 0x200 | CLEAR << 3) == b"\xff" * 8 + bytes(24)
    assert ask(strict, Opcode.READ, 0x82, 0x200 | CLEAR << 3) == EXECUTION_ERROR
    assert "slot 12 ends within block 2" in why(strict)


def test_a_wide_write_to_the_partial_last_block_drops_the_excess(part: Part, ask: Ask) -> None:
    chip = part()

    assert ask(chip, Opcode.WRITE, 0x82, 0x200 | CLEAR << 3, PLAIN) == SUCCESS
    assert chip.memory.slot(CLEAR) == b"\xff" * 64 + PLAIN[:8]


@pytest.mark.parametrize(
    "mode, param2, data",
    [
        (0x04, 0, b""),
        (0x42, 0, b""),
        (0x03, 0, b""),
        (0x00, 0x20, b""),
        (0x02, 0x0200 | CLEAR << 3 | 2, b""),
        (0x00, 0, b"x"),
    ],
)
def test_read_refuses_what_it_does_not_know(
    part: Part, ask: Ask, mode: int, param2: int, data: bytes
) -> None:
    assert ask(part(), Opcode.READ, mode, param2, data) == PARSE_ERROR


@pytest.mark.parametrize(
    "mode, param2, size",
    [
        (0x04, 0, 4),
        (0x03, 0, 4),
        (0x00, 4, 32),
        (0x80, 8, 4),
        (0xC0, 8, 64),
        (0x80, 8, 64),
        (0x42, CLEAR << 3, 4),
        (0xC2, ENCRYPTED << 3, 48),
        (0x82, 0x300 | CLEAR << 3, 32),
    ],
)
def test_write_refuses_what_it_does_not_know(part: Part, ask: Ask, mode: int, param2: int, size: int) -> None:
    assert ask(part(), Opcode.WRITE, mode, param2, bytes(size)) == PARSE_ERROR


def test_address_errors_answer_as_the_model_says(part: Part, ask: Ask) -> None:
    chip = part(model=DeviceModel(address_error=Status.EXECUTION_ERROR))

    assert ask(chip, Opcode.READ, 0x00, 0x20) == EXECUTION_ERROR
    assert ask(chip, Opcode.WRITE, 0x03, 0, bytes(4)) == EXECUTION_ERROR


def _load(chip: Chip, **changes: bool) -> None:
    chip.volatile.temp_key = TempKey(
        MASK.ljust(64, b"\x00"),
        SourceFlag.FIXED if changes.get("fixed") else SourceFlag.RANDOM,
        key_id=WRITE_KEY + changes.get("other_slot", False),
        gen_dig_data=not changes.get("no_gen_dig"),
        no_mac_flag=changes.get("no_mac", False),
    )


def _sealed(chip: Chip, mode: int, param2: int) -> bytes:
    """Cipher and MAC as a host makes them, from the formula alone."""
    serial = chip.configuration.serial_number
    head = bytes((0x12, mode)) + param2.to_bytes(2, "little")
    mac = hashlib.sha256(MASK + head + serial[8:9] + serial[0:2] + bytes(25) + PLAIN).digest()
    return bytes(a ^ b for a, b in zip(PLAIN, MASK, strict=True)) + mac


@pytest.mark.parametrize("mode", [0x82, 0xC2])
@pytest.mark.parametrize("locked", ["config", "data"])
def test_an_encrypted_write_stores_the_plain_bytes(part: Part, ask: Ask, mode: int, locked: str) -> None:
    chip = part(locked=locked)
    _load(chip)

    assert ask(chip, Opcode.WRITE, mode, ENCRYPTED << 3, _sealed(chip, mode, ENCRYPTED << 3)) == SUCCESS
    assert chip.memory.slot(ENCRYPTED)[:32] == PLAIN
    assert chip.volatile.temp_key is None


def test_the_first_parameter_as_sent_is_in_the_mac(part: Part, ask: Ask, why: Why) -> None:
    chip = part()
    _load(chip)

    assert (
        ask(chip, Opcode.WRITE, 0xC2, ENCRYPTED << 3, _sealed(chip, 0x82, ENCRYPTED << 3)) == EXECUTION_ERROR
    )
    assert "the MAC of the encrypted write to slot 8 is wrong or missing" in why(chip)
    assert chip.memory.slot(ENCRYPTED)[:32] == b"\xff" * 32
    assert chip.volatile.temp_key is None


@pytest.mark.parametrize("locked, answer", [("config", SUCCESS), ("data", EXECUTION_ERROR)])
def test_the_mac_may_be_left_out_only_before_the_data_lock(
    part: Part, ask: Ask, locked: str, answer: bytes
) -> None:
    chip = part(locked=locked)
    _load(chip)

    assert ask(chip, Opcode.WRITE, 0xC2, ENCRYPTED << 3, bytes(32)) == answer


@pytest.mark.parametrize("change", ["fixed", "other_slot", "no_gen_dig", "no_mac"])
def test_an_encrypted_write_wants_its_own_temp_key_and_uses_it_up(
    part: Part, ask: Ask, why: Why, change: str
) -> None:
    chip = part()
    _load(chip, **{change: True})

    assert (
        ask(chip, Opcode.WRITE, 0xC2, ENCRYPTED << 3, _sealed(chip, 0xC2, ENCRYPTED << 3)) == EXECUTION_ERROR
    )
    assert "written under a random nonce digested (GenDig) with slot 4" in why(chip)
    assert chip.volatile.temp_key is None


def test_a_slot_that_demands_encryption_takes_no_clear_write(part: Part, ask: Ask, why: Why) -> None:
    chip = part()

    assert ask(chip, Opcode.WRITE, 0x82, ENCRYPTED << 3, PLAIN) == EXECUTION_ERROR
    assert "slot 8 is written only encrypted" in why(chip)


def test_any_write_to_block_0_of_a_validated_key_marks_it_invalid(part: Part, ask: Ask) -> None:
    chip = part()
    chip.memory.store(14, b"\x50" + bytes(71))
    ask(chip, Opcode.WRITE, 0x82, 0x100 | 14 << 3, PLAIN)
    later_block = chip.memory.slot(14)[0]
    ask(chip, Opcode.WRITE, 0x02, 14 << 3 | 3, PLAIN[:4])

    assert (later_block, chip.memory.slot(14)[0]) == (0x50, 0xA0)


# --- Lock -----------------------------------------------------------------------------------------


def test_the_configuration_is_locked_with_the_crc_of_all_its_bytes(part: Part, ask: Ask, why: Why) -> None:
    chip = part(locked="none")
    crc = _crc(chip.configuration.image)
    wrong = ask(chip, Opcode.LOCK, 0x00, crc ^ 1)
    reason, still = why(chip), chip.configuration.config_locked
    right = ask(chip, Opcode.LOCK, 0x00, crc)
    again = ask(chip, Opcode.LOCK, 0x80)

    assert (wrong, right, again) == (EXECUTION_ERROR, SUCCESS, EXECUTION_ERROR)
    assert (still, chip.configuration.config_locked) == (False, True)
    assert f"it is 0x{crc:04X}" in reason
    assert "locked already (LockConfig, byte 87)" in why(chip)


def test_a_model_may_answer_a_wrong_crc_otherwise(part: Part, ask: Ask) -> None:
    chip = part(locked="none", model=DeviceModel(lock_mismatch=Status.PARSE_ERROR))

    assert ask(chip, Opcode.LOCK, 0x00, _crc(chip.configuration.image) ^ 1) == PARSE_ERROR


def test_data_and_otp_are_locked_with_the_crc_of_what_is_not_private(part: Part, ask: Ask, why: Why) -> None:
    chip = part("mbedtls_examples_608", locked="config")
    ask(chip, Opcode.GENKEY, 4, 0)
    ask(chip, Opcode.WRITE, 0x82, CLEAR << 3, PLAIN)
    ask(chip, Opcode.WRITE, 0x81, 0, PLAIN)
    slots = [b"\xff" * size for size in [36] * 8 + [416] + [72] * 7]
    slots[CLEAR] = PLAIN + slots[CLEAR][32:]
    image = b"".join(slots[n] for n in range(16) if n not in (0, 2, 3, 7)) + PLAIN + b"\xff" * 32
    wrong = ask(chip, Opcode.LOCK, 0x01, _crc(image) ^ 0x8000)
    right = ask(chip, Opcode.LOCK, 0x01, _crc(image))
    again = ask(chip, Opcode.LOCK, 0x81)

    assert (wrong, right, again) == (EXECUTION_ERROR, SUCCESS, EXECUTION_ERROR)
    assert chip.configuration.data_locked
    assert "locked already (LockValue, byte 86)" in why(chip)


@pytest.mark.parametrize("mode", [0x81, 0x82])
def test_data_and_slots_are_locked_only_after_the_configuration(
    part: Part, ask: Ask, why: Why, mode: int
) -> None:
    chip = part(locked="none")

    assert ask(chip, Opcode.LOCK, mode) == EXECUTION_ERROR
    assert "configuration zone is not locked" in why(chip)


@pytest.mark.parametrize("locked", ["config", "data"])
@pytest.mark.parametrize("slot", [0, 13])
def test_a_lockable_slot_is_locked_once(part: Part, ask: Ask, why: Why, locked: str, slot: int) -> None:
    chip = part(locked=locked)
    answers = [ask(chip, Opcode.LOCK, 0x02 | slot << 2) for _ in range(2)]

    assert answers == [SUCCESS, EXECUTION_ERROR]
    assert [number for number in range(16) if chip.configuration.slot_locked(number)] == [slot]
    assert f"slot {slot} is locked" in why(chip)


def test_a_slot_that_is_not_lockable_stays_as_it_is(part: Part, ask: Ask, why: Why) -> None:
    chip = part()

    assert ask(chip, Opcode.LOCK, 0x02 | 2 << 2) == EXECUTION_ERROR
    assert "slot 2 cannot be locked by itself: KeyConfig.Lockable (bit 5) is 0" in why(chip)


@pytest.mark.parametrize("mode, data", [(0x40, b""), (0x03, b""), (0x04, b""), (0x80, b"x")])
def test_lock_refuses_what_it_does_not_know(part: Part, ask: Ask, mode: int, data: bytes) -> None:
    chip = part(locked="none")

    assert ask(chip, Opcode.LOCK, mode, 0, data) == PARSE_ERROR
    assert not chip.configuration.config_locked


# --- UpdateExtra ----------------------------------------------------------------------------------


@pytest.mark.parametrize("locked", ["none", "config", "data"])
@pytest.mark.parametrize("mode, offset, name", [(0, 84, "UserExtra"), (1, 85, "UserExtraAdd")])
def test_update_extra_sets_a_byte_once(
    part: Part, ask: Ask, why: Why, locked: str, mode: int, offset: int, name: str
) -> None:
    chip = part(locked=locked)
    answers = [ask(chip, Opcode.UPDATEEXTRA, mode, value) for value in (0x00, 0x5A, 0x5B, 0x00)]

    assert answers == [SUCCESS, SUCCESS, EXECUTION_ERROR, EXECUTION_ERROR]
    assert chip.configuration.image[offset] == 0x5A
    assert f"{name} (byte {offset}) is 5A" in why(chip)


@pytest.mark.parametrize("mode, data", [(2, b""), (0, b"x")])
def test_update_extra_refuses_what_it_does_not_know(part: Part, ask: Ask, mode: int, data: bytes) -> None:
    assert ask(part(), Opcode.UPDATEEXTRA, mode, 0, data) == PARSE_ERROR
