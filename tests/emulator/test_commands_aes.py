"""AES: single blocks, and the multiplication of GCM."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.commands.aes import multiply
from softatecc.memory import SourceFlag, temp_key
from softatecc.packet import Command, Opcode, decode_response

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

PARSE_ERROR, EXECUTION_ERROR = b"\x03", b"\x0f"
#: FIPS 197, C.1.
KEY, PLAIN = bytes(range(16)), bytes.fromhex("00112233445566778899aabbccddeeff")
CIPHER = bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a")
AES_SLOT, LATCHED = 10, 5
ENCRYPT, DECRYPT, MULTIPLY = 0, 1, 3


@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("place", ["slot", "TempKey"])
@pytest.mark.parametrize("operation, given_, taken", [(ENCRYPT, PLAIN, CIPHER), (DECRYPT, CIPHER, PLAIN)])
def test_the_example_of_fips_197_from_every_key_of_a_slot_and_of_temp_key(
    part: Part, ask: Ask, block: int, place: str, operation: int, given_: bytes, taken: bytes
) -> None:
    chip = part()
    keys = b"".join(KEY if number == block else bytes(16) for number in range(4))
    chip.memory.store(AES_SLOT, keys + bytes(8))
    chip.volatile.temp_key = temp_key(keys, SourceFlag.FIXED)
    number = AES_SLOT if place == "slot" else 0xFFFF

    assert ask(chip, Opcode.AES, operation | block << 6, number, given_) == taken
    assert chip.volatile.temp_key is not None


def test_temp_key_serves_before_the_configuration_lock(part: Part, ask: Ask) -> None:
    chip = part(locked="none")
    ask(chip, Opcode.NONCE, 0x03, 0, KEY + bytes(16))

    assert ask(chip, Opcode.AES, ENCRYPT, 0xFFFF, PLAIN) == CIPHER


@pytest.mark.parametrize(
    "words, mode, param2, reason",
    [
        ({"locked": "none"}, 0, AES_SLOT, "configuration zone is not locked"),
        ({}, 0, 4, "slot 4 is no AES key slot: KeyConfig.KeyType (bits 4:2) is 7, not 6"),
        ({"key_config": {AES_SLOT: 0x0039}}, 0, AES_SLOT, "slot 10 is no AES key slot"),
        ({}, 0, LATCHED, "the persistent latch is clear"),
        ({"key_config": {AES_SLOT: 0x04B8}}, 0, AES_SLOT, "CheckMac has not proven slot 4"),
        ({}, 0, 0xFFFF, "TempKey is not valid"),
    ],
)
def test_aes_refuses_by_state_and_slot(
    part: Part, ask: Ask, why: Why, words: dict[str, object], mode: int, param2: int, reason: str
) -> None:
    chip = part(**words)

    assert ask(chip, Opcode.AES, mode, param2, PLAIN) == EXECUTION_ERROR
    assert reason in why(chip)


def test_the_latch_opens_the_slot(part: Part, ask: Ask) -> None:
    chip = part()
    chip.memory.store(LATCHED, KEY + bytes(20))
    chip.persistent_latch = True

    assert ask(chip, Opcode.AES, ENCRYPT, LATCHED, PLAIN) == CIPHER


def test_a_limited_aes_key_counts(part: Part, ask: Ask, why: Why) -> None:
    chip = part(slot_config={AES_SLOT: 0x0F2F}, octets={18: 0xB1})
    chip.memory.store(11, (1).to_bytes(4, "little") * 2 + bytes(64))
    sizes = [len(ask(chip, Opcode.AES, ENCRYPT, AES_SLOT, PLAIN)) for _ in range(2)]

    assert sizes == [16, 1]
    assert "slot 10 is used up" in why(chip)


@pytest.mark.parametrize(
    "octets, mode, param2, size, reason",
    [
        ({13: 0x00}, 0x00, AES_SLOT, 16, "AES_Enable (byte 13, bit 0) is 0"),
        ({13: 0xC0}, 0x03, 0, 32, "AES_Enable (byte 13, bit 0) is 0"),
        ({}, 0x02, AES_SLOT, 16, "has no mode"),
        ({}, 0x04, AES_SLOT, 16, "has no mode"),
        ({}, 0x08, AES_SLOT, 16, "has no mode"),
        ({}, 0x20, AES_SLOT, 16, "has no mode"),
        ({}, 0x43, 0, 32, "has no mode"),
        ({}, 0x00, AES_SLOT, 32, "takes 16 data bytes"),
        ({}, 0x03, 0, 16, "takes 32 data bytes"),
        ({}, 0x00, 16, 16, "no slot 16"),
        ({}, 0x80, LATCHED, 16, "slot 5 holds 36 bytes; there is no AES key 2"),
        ({}, 0x80, 0xFFFF, 16, "TempKey holds 32 bytes; there is no AES key 2"),
    ],
)
def test_what_no_state_permits_is_a_parse_error(
    part: Part, ask: Ask, why: Why, octets: dict[int, int], mode: int, param2: int, size: int, reason: str
) -> None:
    chip = part(octets=octets)
    chip.volatile.temp_key = temp_key(KEY * 2, SourceFlag.FIXED)

    assert ask(chip, Opcode.AES, mode, param2, bytes(size)) == PARSE_ERROR
    assert reason in why(chip)


@given(
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=12, max_size=12),
    st.lists(st.binary(min_size=16, max_size=16), max_size=3),
)
def test_the_multiplication_makes_the_tags_of_gcm(key: bytes, nonce: bytes, blocks: list[bytes]) -> None:
    """GHASH over additional data alone, put together from the chip's product, against a library's GCM."""
    tag = AESGCM(key).encrypt(nonce, b"", b"".join(blocks))
    chip = Chip.blank(bytes(9))
    chip.volatile.temp_key = temp_key(key + bytes(16), SourceFlag.FIXED)
    subkey, state = _ask(chip, ENCRYPT, 0xFFFF, bytes(16)), 0
    for block in (*blocks, (128 * len(blocks)).to_bytes(8, "big") + bytes(8)):
        mixed = (state ^ int.from_bytes(block, "big")).to_bytes(16, "big")
        state = int.from_bytes(_ask(chip, MULTIPLY, 0, subkey + mixed), "big")
    mask = int.from_bytes(_ask(chip, ENCRYPT, 0xFFFF, nonce + b"\x00\x00\x00\x01"), "big")

    assert (state ^ mask).to_bytes(16, "big") == tag


def _ask(chip: Chip, mode: int, param2: int, data: bytes) -> bytes:
    return decode_response(chip.exchange(Command(Opcode.AES, mode, param2, data).encode()))


@given(*(st.binary(min_size=16, max_size=16) for _ in range(3)))
def test_the_multiplication_is_a_fields(one: bytes, other: bytes, third: bytes) -> None:
    total = bytes(a ^ b for a, b in zip(other, third, strict=True))
    unit = b"\x80" + bytes(15)
    separate = zip(multiply(one, other), multiply(one, third), strict=True)

    assert multiply(one, other) == multiply(other, one)
    assert multiply(one, total) == bytes(a ^ b for a, b in separate)
    assert multiply(one, unit) == one
