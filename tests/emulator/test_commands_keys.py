"""GenKey, Sign and Verify."""

import hashlib
from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.crypto import PrivateKey, SignatureMismatch, public_key, verify
from softatecc.entropy import FixedEntropy, SeededEntropy, SystemEntropy
from softatecc.memory import SourceFlag, TempKey, temp_key
from softatecc.model import DeviceModel
from softatecc.packet import Opcode

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, MISCOMPARE, PARSE_ERROR, EXECUTION_ERROR = b"\x00", b"\x01", b"\x03", b"\x0f"
SCALAR = bytes(range(0x80, 0xA0))
DIGEST = hashlib.sha256(b"message").digest()
PRIVATE, DATA, PUBLIC, VALIDATED = 2, 8, 11, 14


def _padded(point: bytes, first: int = 0) -> bytes:
    return bytes((first, 0, 0, 0)) + point[:32] + bytes(4) + point[32:]


# --- GenKey ---------------------------------------------------------------------------------------


def test_genkey_makes_the_key_the_entropy_gives_and_answers_with_its_public_half(
    part: Part, ask: Ask
) -> None:
    chip = part(locked="config", entropy=FixedEntropy(SCALAR, SeededEntropy("rest")))
    point = ask(chip, Opcode.GENKEY, 4, PRIVATE)

    assert point == PrivateKey(SCALAR).public
    assert ask(chip, Opcode.GENKEY, 0, PRIVATE) == point
    assert chip.memory.slot(PRIVATE) == bytes(4) + SCALAR


def test_a_key_survives_a_power_cycle(part: Part, ask: Ask) -> None:
    chip = part(locked="config")
    point = ask(chip, Opcode.GENKEY, 4, PRIVATE)
    chip.power_cycle()

    assert ask(chip, Opcode.GENKEY, 0, PRIVATE) == point


@pytest.mark.parametrize(
    "profile, locked, mode, slot, words",
    [
        ("cal_test_608", "none", 4, PRIVATE, "configuration zone is not locked"),
        (
            "cal_test_608",
            "config",
            4,
            DATA,
            "slot 8 is no P-256 private key slot: KeyConfig.Private (bit 0) is 0",
        ),
        (
            "cal_test_608",
            "config",
            0,
            DATA,
            "slot 8 is no P-256 private key slot: KeyConfig.Private (bit 0) is 0",
        ),
        ("cal_test_608", "data", 0, PRIVATE, "slot 2 holds no private key yet"),
        ("cal_test_608", "data", 0x0C, PRIVATE, "TempKey is not valid"),
        ("cal_test_608", "data", 0x10, 7, "slot 7 holds 36 bytes; a public key needs 72"),
    ],
)
def test_genkey_refuses_by_slot_and_lock(
    part: Part, ask: Ask, why: Why, profile: str, locked: str, mode: int, slot: int, words: str
) -> None:
    chip = part(profile, locked=locked)

    assert ask(chip, Opcode.GENKEY, mode, slot, b"\x00\x00\x00" if mode == 0x10 else b"") == EXECUTION_ERROR
    assert words in why(chip)


def test_genkey_wants_a_slot_of_the_right_curve(part: Part, ask: Ask, why: Why) -> None:
    chip = part(locked="config", key_config={PRIVATE: 0x001F})

    assert ask(chip, Opcode.GENKEY, 4, PRIVATE) == EXECUTION_ERROR
    assert "KeyConfig.KeyType (bits 4:2) is 7, not 4" in why(chip)


@pytest.mark.parametrize("locked, answer", [("config", 64), ("data", 1)])
def test_after_the_data_lock_write_config_decides_whether_genkey_makes_a_key(
    part: Part, ask: Ask, why: Why, locked: str, answer: int
) -> None:
    chip = part(locked=locked, slot_config={PRIVATE: 0x0087})
    body = ask(chip, Opcode.GENKEY, 4, PRIVATE)

    assert len(body) == answer
    if answer == 1:
        assert body == EXECUTION_ERROR
        assert "SlotConfig.WriteConfig bit 1 (bit 13) is 0" in why(chip)


def test_a_locked_slot_keeps_its_key(part: Part, ask: Ask, why: Why) -> None:
    chip = part(octets={88: 0xFF & ~(1 << PRIVATE)})

    assert ask(chip, Opcode.GENKEY, 4, PRIVATE) == EXECUTION_ERROR
    assert "slot 2 is locked: its SlotLocked bit" in why(chip)


def test_pub_info_decides_whether_the_public_key_is_told_again(part: Part, ask: Ask, why: Why) -> None:
    chip = part(key_config={PRIVATE: 0x0011})
    created = ask(chip, Opcode.GENKEY, 4, PRIVATE)

    assert len(created) == 64
    assert ask(chip, Opcode.GENKEY, 0, PRIVATE) == EXECUTION_ERROR
    assert "KeyConfig.PubInfo (bit 1) is 0" in why(chip)


def test_req_auth_asks_for_a_proven_key(part: Part, ask: Ask, why: Why) -> None:
    chip = part(key_config={PRIVATE: 0x0593})
    refused = ask(chip, Opcode.GENKEY, 4, PRIVATE)
    reason = why(chip)
    chip.volatile.auth_key = 6
    other = ask(chip, Opcode.GENKEY, 4, PRIVATE)
    chip.volatile.auth_key = 5

    assert (refused, other) == (EXECUTION_ERROR, EXECUTION_ERROR)
    assert len(ask(chip, Opcode.GENKEY, 4, PRIVATE)) == 64
    assert "CheckMac has not proven slot 5" in reason


def test_persistent_disable_asks_for_the_latch(part: Part, ask: Ask, why: Why) -> None:
    chip = part(key_config={PRIVATE: 0x1013})
    refused = ask(chip, Opcode.GENKEY, 4, PRIVATE)
    reason = why(chip)
    chip.persistent_latch = True

    assert refused == EXECUTION_ERROR
    assert len(ask(chip, Opcode.GENKEY, 4, PRIVATE)) == 64
    assert "the persistent latch is clear" in reason


@pytest.mark.parametrize("mode", [0x08, 0x0C])
def test_genkey_digests_the_public_key_into_temp_key(part: Part, ask: Ask, mode: int) -> None:
    chip = part()
    ask(chip, Opcode.GENKEY, 4, PRIVATE)
    ask(chip, Opcode.NONCE, 3, 0, DIGEST)
    point = ask(chip, Opcode.GENKEY, mode, PRIVATE)
    serial = chip.configuration.serial_number
    message = DIGEST + bytes((0x40, mode, PRIVATE, 0)) + serial[8:9] + serial[0:2] + bytes(25) + point

    assert len(message) == 128
    assert chip.volatile.temp_key == temp_key(
        hashlib.sha256(message).digest(), SourceFlag.FIXED, gen_key_data=True, key_id=PRIVATE
    )


def test_genkey_digests_a_stored_public_key_with_the_hosts_three_bytes(part: Part, ask: Ask) -> None:
    chip = part()
    point = PrivateKey(SCALAR).public
    chip.memory.store(PUBLIC, _padded(point))
    ask(chip, Opcode.NONCE, 3, 0, DIGEST)
    serial = chip.configuration.serial_number
    message = DIGEST + b"\x40\x0a\x0b\x0c" + serial[8:9] + serial[0:2] + bytes(25) + point

    assert ask(chip, Opcode.GENKEY, 0x10, PUBLIC, b"\x0a\x0b\x0c") == SUCCESS
    assert chip.volatile.temp_key == temp_key(
        hashlib.sha256(message).digest(), SourceFlag.FIXED, gen_key_data=True, key_id=PUBLIC
    )


@pytest.mark.parametrize("random, size", [(True, 64), (False, 1)])
def test_req_random_asks_the_digest_for_a_random_nonce(
    part: Part, ask: Ask, why: Why, random: bool, size: int
) -> None:
    chip = part(key_config={PRIVATE: 0x0053})
    ask(chip, Opcode.GENKEY, 4, PRIVATE)
    ask(chip, Opcode.NONCE, 0 if random else 3, 0, bytes(20 if random else 32))

    assert len(ask(chip, Opcode.GENKEY, 0x08, PRIVATE)) == size
    if not random:
        assert "KeyConfig.ReqRandom (bit 6) is 1, the nonce is not the chip's" in why(chip)


def test_req_random_does_not_concern_making_and_publishing_a_key(part: Part, ask: Ask) -> None:
    chip = part(key_config={PRIVATE: 0x0053})
    ask(chip, Opcode.GENKEY, 4, PRIVATE)
    ask(chip, Opcode.NONCE, 3, 0, DIGEST)

    assert len(ask(chip, Opcode.GENKEY, 0, PRIVATE)) == 64
    assert len(ask(chip, Opcode.SIGN, 0x80, PRIVATE)) == 64


def test_a_digest_that_cannot_be_made_makes_no_key(part: Part, ask: Ask) -> None:
    chip = part()
    before = ask(chip, Opcode.GENKEY, 4, PRIVATE)

    assert ask(chip, Opcode.GENKEY, 0x0C, PRIVATE) == EXECUTION_ERROR
    assert ask(chip, Opcode.GENKEY, 0, PRIVATE) == before


def test_an_ephemeral_key_serves_no_command_but_ecdh(part: Part, ask: Ask, why: Why) -> None:
    chip = part()
    ask(chip, Opcode.GENKEY, 4, PRIVATE)
    point = ask(chip, Opcode.GENKEY, 4, 0xFFFF)
    answers = {
        ask(chip, Opcode.SIGN, 0x80, PRIVATE),
        ask(chip, Opcode.NONCE, 0, 0x8000, bytes(20)),
        ask(chip, Opcode.SHA, 4, 0xFFFF),
        ask(chip, Opcode.GENKEY, 0x08, PRIVATE),
    }

    assert len(point) == 64
    assert answers == {EXECUTION_ERROR}
    assert "which only ECDH may use" in why(chip)


@pytest.mark.parametrize(
    "mode, param2, data",
    [
        (0x01, 0, b""),
        (0x18, 8, b"xyz"),
        (0x04, 16, b""),
        (0x00, 0xFFFF, b""),
        (0x04, 0, b"xyz"),
        (0x10, 8, b""),
    ],
)
def test_genkey_refuses_what_it_does_not_know(
    part: Part, ask: Ask, mode: int, param2: int, data: bytes
) -> None:
    assert ask(part(), Opcode.GENKEY, mode, param2, data) == PARSE_ERROR


# --- Sign -----------------------------------------------------------------------------------------


@pytest.fixture
def signer(part: Part, ask: Ask) -> Chip:
    chip = part()
    ask(chip, Opcode.GENKEY, 4, PRIVATE)
    return chip


@pytest.mark.parametrize("mode, nonce", [(0x80, 0x03), (0xC0, 0x03), (0xA0, 0x43), (0xE0, 0x43)])
@pytest.mark.parametrize("entropy", [SeededEntropy("signer"), SystemEntropy()])
def test_sign_signs_the_register_the_mode_names(
    part: Part, ask: Ask, mode: int, nonce: int, entropy: SystemEntropy
) -> None:
    chip = part(entropy=entropy)
    point = ask(chip, Opcode.GENKEY, 4, PRIVATE)
    ask(chip, Opcode.NONCE, nonce, 0, DIGEST)
    ask(chip, Opcode.NONCE, nonce ^ 0x40, 0, bytes(32))
    signature = ask(chip, Opcode.SIGN, mode, PRIVATE)

    verify(public_key(point), DIGEST, signature)
    with pytest.raises(SignatureMismatch):
        verify(public_key(point), bytes(32), signature)


def test_sign_empties_temp_key_but_not_the_message_digest_buffer(signer: Chip, ask: Ask, why: Why) -> None:
    ask(signer, Opcode.NONCE, 0x03, 0, DIGEST)
    ask(signer, Opcode.NONCE, 0x43, 0, DIGEST)
    sizes = [len(ask(signer, Opcode.SIGN, mode, PRIVATE)) for mode in (0xA0, 0xA0, 0x80, 0x80)]

    assert sizes == [64, 64, 64, 1]
    assert "TempKey is not valid" in why(signer)


def test_a_model_may_empty_the_message_digest_buffer_too(part: Part, ask: Ask, why: Why) -> None:
    chip = part(model=DeviceModel(message_digest_buffer_consumed=True))
    ask(chip, Opcode.GENKEY, 4, PRIVATE)
    ask(chip, Opcode.NONCE, 0x43, 0, DIGEST)
    sizes = [len(ask(chip, Opcode.SIGN, 0xA0, PRIVATE)) for _ in range(2)]

    assert sizes == [64, 1]
    assert "Message Digest Buffer is not valid" in why(chip)


@pytest.mark.parametrize(
    "slot_config, mode, words",
    [
        (0x2086, 0x80, "ReadKey bit 0 is 0"),
        (0x2085, 0x00, "ReadKey bit 1 is 0"),
    ],
)
def test_read_key_decides_what_a_slot_signs(
    part: Part, ask: Ask, why: Why, slot_config: int, mode: int, words: str
) -> None:
    chip = part(slot_config={PRIVATE: slot_config})
    ask(chip, Opcode.GENKEY, 4, PRIVATE)
    ask(chip, Opcode.NONCE, 3, 0, DIGEST)

    assert ask(chip, Opcode.SIGN, mode, PRIVATE) == EXECUTION_ERROR
    assert words in why(chip)


@pytest.mark.parametrize(
    "locked, mode, slot, words",
    [
        ("none", 0x80, PRIVATE, "configuration zone is not locked"),
        ("data", 0x80, DATA, "slot 8 is no P-256 private key slot"),
        ("data", 0x80, 7, "slot 7 holds no private key yet"),
        ("data", 0x80, PRIVATE, "TempKey is not valid"),
        ("data", 0xA0, PRIVATE, "Message Digest Buffer is not valid"),
        ("data", 0x00, PRIVATE, "TempKey is not valid"),
    ],
)
def test_sign_refuses_by_slot_state_and_register(
    part: Part, ask: Ask, why: Why, locked: str, mode: int, slot: int, words: str
) -> None:
    chip = part(locked=locked)
    ask(chip, Opcode.GENKEY, 4, PRIVATE)

    assert ask(chip, Opcode.SIGN, mode, slot) == EXECUTION_ERROR
    assert words in why(chip)


@pytest.mark.parametrize(
    "mode, param2, data, words",
    [
        (0x81, PRIVATE, b"", "has no mode"),
        (0x90, PRIVATE, b"", "has no mode"),
        (0x80, 16, b"", "no slot 16"),
        (0x80, PRIVATE, b"x", "takes 0 data bytes"),
    ],
)
def test_sign_refuses_what_it_does_not_know(
    signer: Chip, ask: Ask, why: Why, mode: int, param2: int, data: bytes, words: str
) -> None:
    assert ask(signer, Opcode.SIGN, mode, param2, data) == PARSE_ERROR
    assert words in why(signer)


@pytest.mark.parametrize("mode", [0x00, 0x40, 0x01, 0x41])
@pytest.mark.parametrize(
    "stored, nibble, slot_locked, validity",
    [(PUBLIC, 5, False, "0100"), (VALIDATED, 5, True, "0001"), (VALIDATED, 0xA, False, "0100")],
)
def test_an_internal_signature_describes_what_temp_key_was_made_of(
    part: Part, ask: Ask, mode: int, stored: int, nibble: int, slot_locked: bool, validity: str
) -> None:
    chip = part(octets={89: 0xFF & ~(1 << stored - 8)} if slot_locked else {})
    point = ask(chip, Opcode.GENKEY, 4, PRIVATE)
    chip.memory.store(stored, _padded(point, nibble << 4))
    ask(chip, Opcode.NONCE, 3, 0, DIGEST)
    ask(chip, Opcode.GENKEY, 0x10, stored, b"\x10\x00\x00")
    held = chip.volatile.temp_key
    assert held is not None
    image, serial = chip.configuration.image, chip.configuration.serial_number
    message = (
        held.lower
        + bytes((0x41, mode, PRIVATE, 0))
        + image[20 + 2 * stored : 22 + 2 * stored]
        + image[96 + 2 * stored : 98 + 2 * stored]
        + bytes((stored | 1 << 4 | 1 << 6, 0, 0))
        + serial[8:9]
        + (serial[4:8] if mode & 0x40 else bytes(4))
        + serial[0:2]
        + (serial[2:4] if mode & 0x40 else bytes(2))
        + bytes.fromhex(validity)
        + b"\x00"
    )
    signature = ask(chip, Opcode.SIGN, mode, PRIVATE)

    assert len(message) == 55
    assert chip.volatile.temp_key is None
    verify(public_key(point), hashlib.sha256(message).digest(), signature)


def test_a_plain_nonce_is_not_signed_internally(signer: Chip, ask: Ask, why: Why) -> None:
    ask(signer, Opcode.NONCE, 3, 0, DIGEST)

    assert ask(signer, Opcode.SIGN, 0x00, PRIVATE) == EXECUTION_ERROR
    assert "neither a GenDig nor a GenKey digest" in why(signer)


@pytest.mark.parametrize("mode", [0x20, 0x60])
def test_the_message_digest_buffer_may_be_signed_in_place_of_temp_key(
    signer: Chip, ask: Ask, mode: int
) -> None:
    buffer, serial = bytes(range(0x20, 0x40)), signer.configuration.serial_number
    signer.volatile.temp_key = TempKey(bytes(64), SourceFlag.RANDOM, key_id=1, gen_dig_data=True)
    ask(signer, Opcode.NONCE, 0x43, 0, buffer)
    point = ask(signer, Opcode.GENKEY, 0, PRIVATE)
    image = signer.configuration.image
    message = (
        buffer
        + bytes((0x41, mode, PRIVATE, 0))
        + image[22:24]
        + image[98:100]
        + bytes((1 | 1 << 5, 0, 0))
        + serial[8:9]
        + (serial[4:8] if mode & 0x40 else bytes(4))
        + serial[0:2]
        + (serial[2:4] if mode & 0x40 else bytes(2))
        + b"\x01\x00\x00"
    )
    signature = ask(signer, Opcode.SIGN, mode, PRIVATE)

    verify(public_key(point), hashlib.sha256(message).digest(), signature)
    assert signer.volatile.held() == ("MessageDigestBuffer",)
    assert signer.volatile.message_digest_buffer == buffer


def test_a_model_may_sign_no_buffer_internally(part: Part, ask: Ask, why: Why) -> None:
    chip = part(model=DeviceModel(internal_sign_from_buffer=False))

    assert ask(chip, Opcode.SIGN, 0x20, PRIVATE) == PARSE_ERROR
    assert "Sign has no mode 0x20" in why(chip)


@pytest.mark.parametrize("source, size", [(SourceFlag.RANDOM, 64), (SourceFlag.FIXED, 1)])
def test_req_random_asks_an_internal_signature_for_a_random_nonce(
    part: Part, ask: Ask, why: Why, source: SourceFlag, size: int
) -> None:
    chip = part(key_config={PRIVATE: 0x0053})
    ask(chip, Opcode.GENKEY, 4, PRIVATE)
    chip.volatile.temp_key = TempKey(bytes(64), source, key_id=1, gen_dig_data=True)

    assert len(ask(chip, Opcode.SIGN, 0x00, PRIVATE)) == size
    if source is SourceFlag.FIXED:
        assert "KeyConfig.ReqRandom (bit 6) is 1" in why(chip)


def test_a_gendig_digest_is_signed_internally(signer: Chip, ask: Ask) -> None:
    signer.volatile.temp_key = TempKey(bytes(64), SourceFlag.RANDOM, key_id=1, gen_dig_data=True)

    assert len(ask(signer, Opcode.SIGN, 0x00, PRIVATE)) == 64


def test_a_limited_key_stops_at_the_match_value_and_the_counter_stays(part: Part, ask: Ask, why: Why) -> None:
    chip = part()
    ask(chip, Opcode.GENKEY, 4, 0)
    chip.memory.store(10, (32).to_bytes(4, "little") * 2 + bytes(64))
    ask(chip, Opcode.NONCE, 0x43, 0, DIGEST)
    sizes = [len(ask(chip, Opcode.SIGN, 0xA0, 0)) for _ in range(33)]

    assert sizes == [64] * 32 + [1]
    assert chip.configuration.counter(0) == 32
    assert "slot 0 is used up" in why(chip)


def test_a_refused_signature_is_not_counted(part: Part, ask: Ask) -> None:
    chip = part()
    ask(chip, Opcode.GENKEY, 4, 0)

    assert ask(chip, Opcode.SIGN, 0xA0, 0) == EXECUTION_ERROR
    assert chip.configuration.counter(0) == 0


def test_of_the_two_copies_of_the_match_value_the_first_counts(part: Part, ask: Ask, why: Why) -> None:
    chip = part()
    ask(chip, Opcode.GENKEY, 4, 0)
    chip.memory.store(10, bytes(4) + b"\x20\x00\x00\x00" + bytes(64))
    ask(chip, Opcode.NONCE, 0x43, 0, DIGEST)
    refused = ask(chip, Opcode.SIGN, 0xA0, 0)
    chip.memory.store(10, b"\x20\x00\x00\x00" + bytes(68))

    assert refused == EXECUTION_ERROR
    assert len(ask(chip, Opcode.SIGN, 0xA0, 0)) == 64


def test_without_count_match_a_limited_key_lasts_as_long_as_the_counter(
    part: Part, ask: Ask, why: Why
) -> None:
    chip = part(octets={18: 0x00} | dict(enumerate(bytes.fromhex("00000001ffffffff"), 52)))
    used = chip.configuration.counter(0)
    ask(chip, Opcode.GENKEY, 4, 0)
    ask(chip, Opcode.NONCE, 0x43, 0, DIGEST)

    assert used == 2_097_151
    assert ask(chip, Opcode.SIGN, 0xA0, 0) == EXECUTION_ERROR
    assert "the limit is 2097151" in why(chip)


# --- Verify ---------------------------------------------------------------------------------------

KEY = PrivateKey(SCALAR)
SIGNATURE = KEY.sign(DIGEST, SeededEntropy("verify"))


@pytest.mark.parametrize("locked", ["none", "config", "data"])
@pytest.mark.parametrize("mode, nonce", [(0x02, 0x03), (0x22, 0x43)])
def test_a_signature_is_verified_with_the_key_the_host_brings(
    part: Part, ask: Ask, why: Why, locked: str, mode: int, nonce: int
) -> None:
    chip = part(locked=locked)
    ask(chip, Opcode.NONCE, nonce, 0, DIGEST)
    good = ask(chip, Opcode.VERIFY, mode, 4, SIGNATURE + KEY.public)
    ask(chip, Opcode.NONCE, nonce, 0, bytes(32))
    bad = ask(chip, Opcode.VERIFY, mode, 4, SIGNATURE + KEY.public)

    assert (good, bad) == (SUCCESS, MISCOMPARE)
    assert "not made with this key" in why(chip)


@pytest.mark.parametrize("consumed, second", [(True, EXECUTION_ERROR), (False, SUCCESS)])
def test_verify_empties_temp_key_as_the_model_says(
    part: Part, ask: Ask, consumed: bool, second: bytes
) -> None:
    chip = part(model=DeviceModel(verify_consumes_temp_key=consumed))
    ask(chip, Opcode.NONCE, 0x03, 0, DIGEST)
    answers = [ask(chip, Opcode.VERIFY, 0x02, 4, SIGNATURE + KEY.public) for _ in range(2)]

    assert answers == [SUCCESS, second]


@pytest.mark.parametrize("consumed, second", [(True, EXECUTION_ERROR), (False, SUCCESS)])
def test_verify_empties_the_message_digest_buffer_as_the_model_says(
    part: Part, ask: Ask, consumed: bool, second: bytes
) -> None:
    chip = part(model=DeviceModel(message_digest_buffer_consumed=consumed))
    ask(chip, Opcode.NONCE, 0x43, 0, DIGEST)
    answers = [ask(chip, Opcode.VERIFY, 0x22, 4, SIGNATURE + KEY.public) for _ in range(2)]

    assert answers == [SUCCESS, second]


def test_a_stored_key_verifies(part: Part, ask: Ask) -> None:
    chip = part()
    chip.memory.store(PUBLIC, _padded(KEY.public))
    ask(chip, Opcode.NONCE, 0x43, 0, DIGEST)

    assert ask(chip, Opcode.VERIFY, 0x20, PUBLIC, SIGNATURE) == SUCCESS
    assert ask(chip, Opcode.VERIFY, 0x20, PUBLIC, SIGNATURE[::-1]) == MISCOMPARE


@pytest.mark.parametrize("nibble, answer", [(0x5, SUCCESS), (0xA, EXECUTION_ERROR), (0x0, EXECUTION_ERROR)])
def test_a_key_with_pub_info_verifies_only_once_validated(
    part: Part, ask: Ask, why: Why, nibble: int, answer: bytes
) -> None:
    chip = part()
    chip.memory.store(VALIDATED, _padded(KEY.public, nibble << 4))
    ask(chip, Opcode.NONCE, 0x43, 0, DIGEST)

    assert ask(chip, Opcode.VERIFY, 0x20, VALIDATED, SIGNATURE) == answer
    if answer == EXECUTION_ERROR:
        assert f"the high nibble of byte 0 is {nibble:X}, not 5" in why(chip)


@pytest.mark.parametrize(
    "locked, slot, words",
    [
        ("none", PUBLIC, "configuration zone is not locked"),
        ("data", 3, "slot 3 holds 36 bytes"),
        ("data", DATA, "slot 8 is no P-256 public key slot"),
        ("data", PUBLIC, "no point of the curve"),
    ],
)
def test_verify_stored_refuses_by_slot(
    part: Part, ask: Ask, why: Why, locked: str, slot: int, words: str
) -> None:
    chip = part(locked=locked)
    ask(chip, Opcode.NONCE, 0x43, 0, DIGEST)

    assert ask(chip, Opcode.VERIFY, 0x20, slot, SIGNATURE) == EXECUTION_ERROR
    assert words in why(chip)


@pytest.mark.parametrize(
    "nonce, mode, answer",
    [(0x00, 0x00, MISCOMPARE), (0x03, 0x00, EXECUTION_ERROR), (0x43, 0x20, EXECUTION_ERROR)],
)
def test_req_random_asks_verify_stored_for_a_random_nonce(
    part: Part, ask: Ask, nonce: int, mode: int, answer: bytes
) -> None:
    chip = part(key_config={PUBLIC: 0x0070})
    chip.memory.store(PUBLIC, _padded(KEY.public))
    ask(chip, Opcode.NONCE, nonce, 0, DIGEST if nonce else bytes(20))

    assert ask(chip, Opcode.VERIFY, mode, PUBLIC, SIGNATURE) == answer


@pytest.mark.parametrize("point", [bytes(64), b"\xff" * 64, KEY.public[:-1] + b"\x00"])
def test_a_point_off_the_curve_is_an_execution_error_and_empties_nothing(
    part: Part, ask: Ask, why: Why, point: bytes
) -> None:
    chip = part()
    ask(chip, Opcode.NONCE, 0x03, 0, DIGEST)

    assert ask(chip, Opcode.VERIFY, 0x02, 4, SIGNATURE + point) == EXECUTION_ERROR
    assert "no point of the curve" in why(chip)
    assert chip.volatile.temp_key is not None


@pytest.mark.parametrize(
    "mode, param2, size, words",
    [
        (0x02, 3, 128, "takes param2 0x0004"),
        (0x02, 4, 64, "takes 128 data bytes"),
        (0x00, 8, 128, "takes 64 data bytes"),
        (0x00, 16, 64, "no slot 16"),
        (0x04, 8, 64, "has no mode"),
        (0x08, 8, 64, "has no mode"),
        (0x01, 14, 64, "takes 128 data bytes"),
        (0x03, 14, 64, "takes 83 data bytes"),
        (0x07, 14, 128, "takes 83 data bytes"),
        (0x21, 14, 128, "has no mode"),
        (0x23, 14, 83, "has no mode"),
        (0x83, 14, 83, "has no mode"),
        (0x87, 14, 83, "has no mode"),
    ],
)
def test_verify_refuses_what_it_does_not_know(
    part: Part, ask: Ask, why: Why, mode: int, param2: int, size: int, words: str
) -> None:
    chip = part()

    assert ask(chip, Opcode.VERIFY, mode, param2, bytes(size)) == PARSE_ERROR
    assert words in why(chip)
