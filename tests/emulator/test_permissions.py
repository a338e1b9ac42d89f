"""The permission matrix of Read and Write, written down a second time, as the data sheet tabulates it."""

from collections.abc import Callable
from itertools import product

import pytest

from softatecc.chip import Chip
from softatecc.memory import SourceFlag, TempKey
from softatecc.packet import Opcode

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

EXECUTION_ERROR, SUCCESS = b"\x0f", b"\x00"
LOCKS = ("none", "config", "data")
SLOT = 9
DATA_KEY, PRIVATE_KEY, PUBLIC_KEY, VALIDATED_KEY = 0x001C, 0x0033, 0x0010, 0x0012
READ_KEY = WRITE_KEY = 3


def _load(chip: Chip, **flags: bool) -> bytes:
    """A TempKey as Nonce and GenDig with slot 3 leave it."""
    mask = bytes(range(0x40, 0x60))
    chip.volatile.temp_key = TempKey(
        mask.ljust(64, b"\x00"),
        SourceFlag.FIXED if flags.get("fixed") else SourceFlag.RANDOM,
        key_id=7 if flags.get("other_slot") else READ_KEY,
        gen_dig_data=not flags.get("no_gen_dig"),
        no_mac_flag=flags.get("no_mac", False),
    )
    return mask


@pytest.mark.parametrize("locked", LOCKS)
@pytest.mark.parametrize("secret, encrypted, private", list(product((False, True), repeat=3)))
@pytest.mark.parametrize("size", [4, 32])
def test_reads_follow_the_table(
    part: Part, ask: Ask, locked: str, secret: bool, encrypted: bool, private: bool, size: int
) -> None:
    slot_config = READ_KEY | encrypted << 6 | secret << 7
    chip = part(
        locked=locked,
        slot_config={SLOT: slot_config},
        key_config={SLOT: PRIVATE_KEY if private else DATA_KEY},
    )
    contents = bytes(range(72))
    chip.memory.store(SLOT, contents)
    mask = _load(chip)
    covered = bytes(a ^ b for a, b in zip(contents[:32], mask, strict=True))

    answer = ask(chip, Opcode.READ, 0x82 if size == 32 else 0x02, SLOT << 3)

    if locked != "data" or private:
        expected = EXECUTION_ERROR
    elif not secret and not encrypted:
        expected = contents[:size]
    elif secret and encrypted and size == 32:
        expected = covered
    else:
        expected = EXECUTION_ERROR
    assert answer == expected


@pytest.mark.parametrize("flags", ["fixed", "other_slot", "no_gen_dig", "no_mac"])
def test_an_encrypted_read_wants_its_own_temp_key_and_uses_it_up(
    part: Part, ask: Ask, why: Why, flags: str
) -> None:
    chip = part(slot_config={SLOT: READ_KEY | 0xC0}, key_config={SLOT: DATA_KEY})
    _load(chip, **{flags: True})
    answers = [ask(chip, Opcode.READ, 0x82, SLOT << 3)]
    reason = why(chip)
    answers.append(ask(chip, Opcode.READ, 0x82, SLOT << 3))

    assert answers == [EXECUTION_ERROR] * 2
    assert "read under a random nonce digested (GenDig) with slot 3" in reason
    assert chip.volatile.temp_key is None


@pytest.mark.parametrize("locked", LOCKS)
@pytest.mark.parametrize("write_config", range(16))
@pytest.mark.parametrize("size", [4, 32])
@pytest.mark.parametrize(
    "secret, key_config, nibble",
    [
        (False, DATA_KEY, 0x0),
        (True, DATA_KEY, 0x0),
        (False, PRIVATE_KEY, 0x0),
        (False, VALIDATED_KEY, 0x5),
        (False, VALIDATED_KEY, 0xA),
        (False, PUBLIC_KEY, 0x5),
    ],
)
def test_clear_writes_follow_the_table(
    part: Part,
    ask: Ask,
    locked: str,
    write_config: int,
    size: int,
    secret: bool,
    key_config: int,
    nibble: int,
) -> None:
    chip = part(
        locked=locked,
        slot_config={SLOT: write_config << 12 | secret << 7},
        key_config={SLOT: key_config},
    )
    before = bytes((nibble << 4,)) + bytes(71)
    chip.memory.store(SLOT, before)

    answer = ask(chip, Opcode.WRITE, 0x82 if size == 32 else 0x02, SLOT << 3, b"\x77" * size)

    private, validated = key_config == PRIVATE_KEY, key_config == VALIDATED_KEY and nibble == 0x5
    if locked == "none" or private:
        allowed = False
    elif locked == "config":
        allowed = size == 32
    else:
        always, pub_invalid = write_config == 0b0000, write_config == 0b0001
        allowed = (always or (pub_invalid and not validated)) and not (secret and size == 4)
    written = b"\x77" * size + before[size:]
    if key_config == VALIDATED_KEY:
        written = b"\xa7" + written[1:]
    assert answer == (SUCCESS if allowed else EXECUTION_ERROR)
    assert chip.memory.slot(SLOT) == (written if allowed else before)


@pytest.mark.parametrize("locked", LOCKS)
@pytest.mark.parametrize("mode, size", [(0x82, 32), (0x02, 4)])
def test_a_locked_slot_is_never_written(
    part: Part, ask: Ask, why: Why, locked: str, mode: int, size: int
) -> None:
    chip = part(
        locked=locked, octets={89: 0xFF & ~(1 << SLOT - 8)}, slot_config={SLOT: 0}, key_config={SLOT: 0x1C}
    )

    assert ask(chip, Opcode.WRITE, mode, SLOT << 3, bytes(size)) == EXECUTION_ERROR
    assert ("slot 9 is locked" if locked != "none" else "configuration zone is not locked") in why(chip)


@pytest.mark.parametrize("locked", LOCKS)
@pytest.mark.parametrize("slot", range(8))
@pytest.mark.parametrize("mode", [0x02, 0x82])
def test_a_private_slot_is_never_read_whatever_its_bits(
    part: Part, ask: Ask, why: Why, locked: str, slot: int, mode: int
) -> None:
    chip = part(locked=locked, slot_config={slot: 0x0000}, key_config={slot: PRIVATE_KEY})
    chip.memory.store_private_key(slot, bytes(range(1, 33)))

    assert ask(chip, Opcode.READ, mode, slot << 3) == EXECUTION_ERROR
    assert f"slot {slot} holds a private key" in why(chip)


@pytest.mark.parametrize("locked", LOCKS)
@pytest.mark.parametrize("mode, size", [(0x01, 4), (0x81, 32)])
def test_the_otp_zone_follows_the_locks(part: Part, ask: Ask, locked: str, mode: int, size: int) -> None:
    chip = part(locked=locked)
    written = ask(chip, Opcode.WRITE, mode, 0, b"\x77" * size)
    read = ask(chip, Opcode.READ, mode, 0)

    assert written == (SUCCESS if locked == "config" and size == 32 else EXECUTION_ERROR)
    assert read == (b"\xff" * size if locked == "data" else EXECUTION_ERROR)
    assert chip.memory.otp == (b"\x77" * 32 if written == SUCCESS else b"\xff" * 32) + b"\xff" * 32


@pytest.mark.parametrize("locked", LOCKS)
@pytest.mark.parametrize("word", range(32))
def test_the_configuration_is_written_word_by_word_where_it_is_writable(
    part: Part, ask: Ask, locked: str, word: int
) -> None:
    chip = part(locked=locked)
    before = chip.configuration.image
    answer = ask(chip, Opcode.WRITE, 0x00, word, b"\x01\x02\x03\x04")
    writable = locked == "none" and word >= 4 and word != 21

    assert answer == (SUCCESS if writable else EXECUTION_ERROR)
    assert chip.configuration.image[4 * word : 4 * word + 4] == (
        b"\x01\x02\x03\x04" if writable else before[4 * word : 4 * word + 4]
    )


@pytest.mark.parametrize("locked", LOCKS)
@pytest.mark.parametrize("block", range(4))
def test_the_configuration_is_written_by_blocks_only_in_blocks_1_and_3(
    part: Part, ask: Ask, why: Why, locked: str, block: int
) -> None:
    chip = part(locked=locked)
    answer = ask(chip, Opcode.WRITE, 0x80, block << 3, bytes(32))

    assert answer == (SUCCESS if locked == "none" and block in (1, 3) else EXECUTION_ERROR)
    if locked == "none" and block == 2:
        assert "bytes 84-87 are written by UpdateExtra and Lock alone" in why(chip)


@pytest.mark.parametrize("locked", LOCKS)
@pytest.mark.parametrize("word", range(32))
def test_the_configuration_is_read_in_every_lock_state(part: Part, ask: Ask, locked: str, word: int) -> None:
    chip = part(locked=locked)
    image = chip.configuration.image

    assert ask(chip, Opcode.READ, 0x00, word) == image[4 * word : 4 * word + 4]
    assert ask(chip, Opcode.READ, 0x80, word & 0x18) == image[4 * (word & 0x18) :][:32]
