"""Verify: public keys that must be validated, and the answer with a MAC."""

import hashlib
from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.crypto import PrivateKey
from softatecc.entropy import SeededEntropy
from softatecc.packet import Opcode

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, MISCOMPARE, EXECUTION_ERROR = b"\x00", b"\x01", b"\x0f"
VALIDATE, INVALIDATE = 3, 7
STORED, PARENT, PRIVATE = 14, 15, 2
KEY, AUTHORITY = PrivateKey(bytes(range(1, 33))), PrivateKey(bytes(range(2, 34)))
DIGEST, NONCE, IO_KEY = hashlib.sha256(b"message").digest(), bytes(range(0x40, 0x60)), bytes(range(32))


def padded(point: bytes, nibble: int = 0) -> bytes:
    return bytes((nibble << 4, 0, 0, 0)) + point[:32] + bytes(4) + point[32:]


def ready(part: Part, **words: object) -> Chip:
    chip = part(**words)
    chip.memory.store(STORED, padded(KEY.public, 0xA))
    chip.memory.store(PARENT, padded(AUTHORITY.public))
    return chip


def digested(ask: Ask, chip: Chip, slot: int = STORED) -> bytes:
    """Nonce and GenKey of the stored key; what TempKey then holds."""
    ask(chip, Opcode.NONCE, 3, 0, NONCE)
    ask(chip, Opcode.GENKEY, 0x10, slot, b"\x10\x00\x00")
    held = chip.volatile.temp_key
    return b"" if held is None else held.lower


def authorization(chip: Chip, held: bytes, *, seen_valid: bool) -> bytes:
    """What an authority signs that knows the part: signature and OtherData."""
    serial, image = chip.configuration.serial_number, chip.configuration.image
    slot_config, key_config = image[20 + 2 * STORED :][:2], image[96 + 2 * STORED :][:2]
    other = (
        bytes((seen_valid, STORED, 0))
        + slot_config
        + key_config
        + bytes((STORED | 1 << 4 | 1 << 6, 0, 0))
        + serial[4:8]
        + serial[2:4]
        + bytes((1, seen_valid, 0))
    )
    message = held + b"\x41" + other[:10] + serial[8:9] + other[10:14] + serial[0:2] + other[14:]
    assert (len(other), len(message)) == (19, 55)
    return AUTHORITY.sign(hashlib.sha256(message).digest(), SeededEntropy("authority")) + other


@pytest.mark.parametrize("mode, before, after", [(VALIDATE, 0xA, 0x5), (INVALIDATE, 0x5, 0xA)])
def test_the_parents_signature_changes_the_mark(
    part: Part, ask: Ask, mode: int, before: int, after: int
) -> None:
    chip = ready(part)
    chip.memory.store(STORED, padded(KEY.public, before))
    held = digested(ask, chip)
    answer = ask(chip, Opcode.VERIFY, mode, STORED, authorization(chip, held, seen_valid=mode == INVALIDATE))

    assert answer == SUCCESS
    assert chip.memory.slot(STORED) == padded(KEY.public, after)
    assert chip.volatile.temp_key is None


def test_a_signature_made_internally_by_a_chip_validates_a_key(part: Part, ask: Ask) -> None:
    chip = ready(part)
    chip.memory.store_private_key(PRIVATE, bytes(range(2, 34)))
    digested(ask, chip)
    signature = ask(chip, Opcode.SIGN, 0x40, PRIVATE)
    serial = chip.configuration.serial_number
    other = authorization(chip, bytes(32), seen_valid=False)[64:]
    other = bytes((0x40, PRIVATE, 0)) + other[3:10] + serial[4:8] + serial[2:4] + other[16:]
    digested(ask, chip)

    assert ask(chip, Opcode.VERIFY, VALIDATE, STORED, signature + other) == SUCCESS
    assert chip.memory.slot(STORED)[0] >> 4 == 0x5


def test_a_key_once_validated_verifies_until_it_is_written_again(part: Part, ask: Ask) -> None:
    chip = ready(part)
    signature = KEY.sign(DIGEST, SeededEntropy("key"))

    def verified() -> bytes:
        ask(chip, Opcode.NONCE, 0x43, 0, DIGEST)
        return ask(chip, Opcode.VERIFY, 0x20, STORED, signature)

    answers = [verified()]
    ask(chip, Opcode.VERIFY, VALIDATE, STORED, authorization(chip, digested(ask, chip), seen_valid=False))
    answers.append(verified())
    ask(chip, Opcode.WRITE, 0x82, STORED << 3, padded(KEY.public)[:32])
    answers.append(verified())

    assert answers == [EXECUTION_ERROR, SUCCESS, EXECUTION_ERROR]


def test_another_signature_is_a_miscompare_and_changes_nothing(part: Part, ask: Ask, why: Why) -> None:
    chip = ready(part)
    data = authorization(chip, bytes(32), seen_valid=False)
    digested(ask, chip)

    assert ask(chip, Opcode.VERIFY, VALIDATE, STORED, data) == MISCOMPARE
    assert "not made with this key" in why(chip)
    assert chip.memory.slot(STORED)[0] >> 4 == 0xA


@pytest.mark.parametrize(
    "words, mode, slot, seen_valid, reason",
    [
        ({"locked": "none"}, VALIDATE, STORED, False, "configuration zone is not locked"),
        ({}, VALIDATE, 11, False, "slot 11 holds no public key to validate: KeyConfig.PubInfo (bit 1) is 0"),
        ({}, VALIDATE, 8, False, "slot 8 holds no public key to validate"),
        ({"octets": {89: 0xBF}}, VALIDATE, STORED, False, "slot 14 is locked"),
        ({}, VALIDATE, STORED, True, "the signer saw slot 14 valid already"),
        ({}, INVALIDATE, STORED, False, "the signer saw slot 14 invalid already"),
        ({"slot_config": {STORED: 0x0F08}}, VALIDATE, STORED, False, "slot 8 is no P-256 public key slot"),
        (
            {"key_config": {PARENT: 0x0032}},
            VALIDATE,
            STORED,
            False,
            "slot 15 holds a public key nobody validated",
        ),
        ({"locked": "none"}, 1, STORED, False, "configuration zone is not locked"),
        ({}, 1, 11, False, "slot 11 holds no public key to validate"),
        ({}, 1, STORED, False, "slot 14 is not validated by certificate"),
    ],
)
def test_a_validation_refuses_by_slot_and_signer(
    part: Part,
    ask: Ask,
    why: Why,
    words: dict[str, dict[int, int]],
    mode: int,
    slot: int,
    seen_valid: bool,
    reason: str,
) -> None:
    chip = ready(part, **words)
    held = digested(ask, chip)
    data = bytes(128) if mode == 1 else authorization(chip, held, seen_valid=seen_valid)

    assert ask(chip, Opcode.VERIFY, mode, slot, data) == EXECUTION_ERROR
    assert reason in why(chip)


@pytest.mark.parametrize(
    "digested_slot, reason",
    [(None, "TempKey is not valid"), (0, "no GenKey digest of slot 14"), (11, "no GenKey digest of slot 14")],
)
def test_a_validation_wants_the_digest_of_its_own_slot(
    part: Part, ask: Ask, why: Why, digested_slot: int | None, reason: str
) -> None:
    chip = ready(part)
    chip.memory.store(11, padded(KEY.public))
    if digested_slot == 11:
        digested(ask, chip, 11)
    elif digested_slot == 0:
        ask(chip, Opcode.NONCE, 3, 0, NONCE)
    data = authorization(chip, NONCE, seen_valid=False)

    assert ask(chip, Opcode.VERIFY, VALIDATE, STORED, data) == EXECUTION_ERROR
    assert reason in why(chip)


# --- the answer with a MAC ------------------------------------------------------------------------

SIGNATURE = KEY.sign(DIGEST, SeededEntropy("key"))


@pytest.mark.parametrize("mode", [0x82, 0xA2, 0x80, 0xA0])
def test_a_verification_is_proven_by_the_io_protection_key(part: Part, ask: Ask, mode: int) -> None:
    chip = ready(part)
    chip.memory.store(4, IO_KEY + bytes(4))
    chip.memory.store(11, padded(KEY.public))
    slot = 4 if mode & 2 else 11
    in_buffer = mode & 0x20
    ask(chip, Opcode.NONCE, 0x63 if in_buffer else 0x43, 0, DIGEST + NONCE if in_buffer else NONCE)
    ask(chip, Opcode.NONCE, 0x03, 0, DIGEST)
    proof = hashlib.sha256(IO_KEY + DIGEST + NONCE + SIGNATURE + bytes((0x45, mode, slot, 0))).digest()
    data = SIGNATURE + (KEY.public if mode & 2 else b"")

    assert ask(chip, Opcode.VERIFY, mode, slot, data) == proof


def test_a_wrong_signature_is_answered_without_a_mac(part: Part, ask: Ask) -> None:
    chip = ready(part)
    ask(chip, Opcode.NONCE, 0x63, 0, bytes(64))

    assert ask(chip, Opcode.VERIFY, 0xA2, 4, SIGNATURE + KEY.public) == MISCOMPARE


@pytest.mark.parametrize(
    "words, nonce, mode, reason",
    [
        ({"locked": "none"}, 0x63, 0xA2, "configuration zone is not locked"),
        ({"octets": {90: 0x0C}}, 0x63, 0xA2, "the I/O protection key is off"),
        ({}, 0x43, 0xA2, "the nonce of the MAC is in its upper half"),
        ({}, 0x03, 0x82, "the Message Digest Buffer is not valid"),
    ],
)
def test_a_mac_wants_key_and_nonce(
    part: Part, ask: Ask, why: Why, words: dict[str, object], nonce: int, mode: int, reason: str
) -> None:
    chip = ready(part, **words)
    ask(chip, Opcode.NONCE, nonce, 0, bytes(64 if nonce & 0x20 else 32))

    assert ask(chip, Opcode.VERIFY, mode, 4, SIGNATURE + KEY.public) == EXECUTION_ERROR
    assert reason in why(chip)
