"""KDF: PRF, AES and HKDF, from every source to every target."""

import hashlib
import hmac
from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.entropy import FixedEntropy, SeededEntropy
from softatecc.memory import SourceFlag, TempKey, temp_key
from softatecc.model import DeviceModel
from softatecc.packet import Opcode
from softatecc.trace import Hidden

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, PARSE_ERROR, EXECUTION_ERROR = b"\x00", b"\x03", b"\x0f"
PRF, AES, HKDF = 0x00, 0x20, 0x40
FROM_TEMP_KEY, FROM_UPPER, FROM_SLOT, FROM_BUFFER = range(4)
TO_TEMP_KEY, TO_UPPER, TO_SLOT, TO_BUFFER, OUT, OUT_ENCRYPTED = range(0, 24, 4)
INPUT, INPUT_WITH_IV, ZERO_KEY = 2, 3, 4
LONG, AEAD = 0x100, 0x200
MATERIAL = bytes(range(0x30, 0x70))
BUFFER = bytes(range(0xB0, 0xD0))
IO_KEY, OUT_NONCE = bytes(range(32)), bytes(range(0x80, 0xA0))
KEY_SLOT, AES_SLOT, TARGET = 9, 10, 8
#: KeyConfig of a slot that KDF may write: PubInfo, and no P-256 key.
WRITABLE = 0x001E
WRITES = {"key_config": {TARGET: WRITABLE}}


def ready(part: Part, **words: object) -> Chip:
    chip = part(entropy=FixedEntropy(OUT_NONCE, SeededEntropy("rest")), **words)
    chip.volatile.temp_key = temp_key(MATERIAL, SourceFlag.RANDOM)
    chip.volatile.alternate_key_buffer = BUFFER
    for number, octets in ((4, IO_KEY), (KEY_SLOT, MATERIAL[::-1]), (AES_SLOT, MATERIAL)):
        chip.memory.store(number, octets + chip.memory.slot(number)[len(octets) :])
    return chip


def order(details: int, message: bytes) -> bytes:
    return (details | len(message) << 24).to_bytes(4, "little") + message


def p_sha256(secret: bytes, seed: bytes, size: int) -> bytes:
    """RFC 5246, 5, written down once more."""
    chained, stream = seed, b""
    while len(stream) < size:
        chained = hmac.new(secret, chained, hashlib.sha256).digest()
        stream += hmac.new(secret, chained + seed, hashlib.sha256).digest()
    return stream[:size]


# --- published values -----------------------------------------------------------------------------


def test_the_prf_of_tls_1_2_as_published(part: Part, ask: Ask) -> None:
    """Vector of the IETF TLS working group's mailing list for PRF with SHA-256, its first 64 bytes."""
    chip = ready(part)
    chip.volatile.temp_key = temp_key(
        bytes.fromhex("9bbe436ba940f017b17652849a71db35") + bytes(16), SourceFlag.FIXED
    )
    message = b"test label" + bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    answer = ask(chip, Opcode.KDF, PRF | OUT, 0, order(LONG, message))

    assert answer.hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
        "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
    )


def test_both_halves_of_hkdf_as_published(part: Part, ask: Ask) -> None:
    """RFC 5869, A.1: the salt is the key of the first step; HMAC fills both up with zero bytes."""
    chip = ready(part)
    chip.volatile.temp_key = temp_key(bytes(range(13)) + bytes(19), SourceFlag.FIXED)
    extract = order(INPUT, b"\x0b" * 22)
    prk = ask(chip, Opcode.KDF, HKDF | OUT, 0, extract)
    ask(chip, Opcode.KDF, HKDF | TO_TEMP_KEY, 0, extract)
    okm = ask(chip, Opcode.KDF, HKDF | OUT, 0, order(INPUT, bytes(range(0xF0, 0xFA)) + b"\x01"))

    assert prk.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_hkdf_without_a_salt_as_published(part: Part, ask: Ask) -> None:
    """RFC 5869, A.3: no salt is a key of zero bytes, which the mode brings itself."""
    chip = ready(part)
    chip.volatile.temp_key = None
    prk = ask(chip, Opcode.KDF, HKDF | OUT, 0, order(INPUT | ZERO_KEY, b"\x0b" * 22))

    assert prk.hex() == "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"


@pytest.mark.parametrize("block", range(4))
def test_aes_by_the_example_of_fips_197(part: Part, ask: Ask, block: int) -> None:
    chip = ready(part)
    keys = b"".join(bytes(range(16)) if number == block else bytes(16) for number in range(4))
    chip.volatile.temp_key = temp_key(keys, SourceFlag.FIXED)
    plain = bytes.fromhex("00112233445566778899aabbccddeeff")
    answer = ask(chip, Opcode.KDF, AES | OUT, 0, order(block, plain))

    assert answer.hex() == "69c4e0d86a7b0430d8cdb78070b4c55a" + "00" * 16


# --- sources --------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", range(4))
@pytest.mark.parametrize("blocks", range(1, 5))
def test_the_prf_takes_16_to_64_bytes_from_every_source(
    part: Part, ask: Ask, why: Why, source: int, blocks: int
) -> None:
    chip = ready(part)
    material = (MATERIAL, MATERIAL[32:], MATERIAL[::-1], BUFFER)[source]
    before = chip.volatile.temp_key
    answer = ask(chip, Opcode.KDF, PRF | OUT | source, KEY_SLOT, order(blocks - 1, b"label"))

    if len(material) < 16 * blocks:
        assert answer == EXECUTION_ERROR
        assert f"the source holds 32 bytes; {16 * blocks} are wanted" in why(chip)
    else:
        assert answer == p_sha256(material[: 16 * blocks], b"label", 32)
    assert chip.volatile.temp_key is before


@pytest.mark.parametrize(
    "words, mode, param2, details, reason",
    [
        ({"locked": "none"}, PRF | OUT, 0, 0, "configuration zone is not locked"),
        ({}, PRF | OUT | FROM_SLOT, 4, 3, "slot 4 holds 36 bytes; 64 are wanted"),
        ({}, PRF | OUT | FROM_SLOT, 2, 0, "slot 2 holds a private key"),
        ({"key_config": {9: 0x101C}}, PRF | OUT | FROM_SLOT, 9, 0, "the persistent latch is clear"),
        ({}, AES | OUT | FROM_SLOT, 9, 0, "slot 9 is no AES key slot"),
        ({"octets": {90: 0x0A}}, AES | OUT, 0, 0, "KDF by AES is off: ChipOptions.KdfAesEnable"),
        ({}, HKDF | OUT, 0, 3, "the message has no IV 6976 at byte 9"),
        ({"key_config": {9: 0x101C}}, HKDF | OUT, 0, 0x900, "the persistent latch is clear"),
        ({}, HKDF | OUT, 0, 0x200, "slot 2 holds a private key"),
    ],
)
def test_kdf_refuses_by_state_and_source(
    part: Part,
    ask: Ask,
    why: Why,
    words: dict[str, object],
    mode: int,
    param2: int,
    details: int,
    reason: str,
) -> None:
    chip = ready(part, **words)

    assert ask(chip, Opcode.KDF, mode, param2, order(details, bytes(16))) == EXECUTION_ERROR
    assert reason in why(chip)


@pytest.mark.parametrize(
    "held, source, reason",
    [
        (None, FROM_TEMP_KEY, "TempKey is not valid"),
        (None, FROM_UPPER, "TempKey is not valid"),
        (temp_key(bytes(32), SourceFlag.FIXED), FROM_UPPER, "there is no upper half"),
        (TempKey(bytes(64), SourceFlag.RANDOM, private=True), FROM_TEMP_KEY, "which only ECDH may use"),
        (None, FROM_BUFFER, "the Alternate Key Buffer is not valid"),
    ],
)
def test_a_register_without_a_key_is_refused(
    part: Part, ask: Ask, why: Why, held: TempKey | None, source: int, reason: str
) -> None:
    chip = ready(part)
    chip.volatile.temp_key, chip.volatile.alternate_key_buffer = held, None

    assert ask(chip, Opcode.KDF, HKDF | OUT | source, 0, order(INPUT, b"message")) == EXECUTION_ERROR
    assert reason in why(chip)


@pytest.mark.parametrize("random", [True, False])
def test_a_key_slot_that_wants_a_random_nonce_gets_one(part: Part, ask: Ask, why: Why, random: bool) -> None:
    chip = ready(part, key_config={KEY_SLOT: 0x005C})
    chip.volatile.temp_key = temp_key(MATERIAL, SourceFlag.RANDOM if random else SourceFlag.FIXED)
    answer = ask(chip, Opcode.KDF, HKDF | OUT | FROM_SLOT, KEY_SLOT, order(INPUT, b"message"))

    assert len(answer) == (32 if random else 1)
    if not random:
        assert "KeyConfig.ReqRandom (bit 6) is 1" in why(chip)


@pytest.mark.parametrize(
    "to, details, used",
    [
        (OUT, INPUT, 1),
        (TO_BUFFER, INPUT, 1),
        (OUT, INPUT | ZERO_KEY, 0),
        (OUT, INPUT_WITH_IV, 0),
        (TO_SLOT, INPUT, 0),
    ],
)
def test_a_use_of_a_limited_key_is_counted_and_a_refusal_is_not(
    part: Part, ask: Ask, to: int, details: int, used: int
) -> None:
    chip = ready(part, slot_config={KEY_SLOT: 0x64E4, 1: 0x84C4})
    chip.memory.store(10, (32).to_bytes(4, "little") * 2 + bytes(64))
    ask(chip, Opcode.KDF, HKDF | to | FROM_SLOT, 1 << 8 | KEY_SLOT, order(details, b"message"))

    assert chip.configuration.counter(0) == used


def test_an_aes_key_in_a_slot_derives(part: Part, ask: Ask) -> None:
    chip = ready(part)
    from_slot = ask(chip, Opcode.KDF, AES | OUT | FROM_SLOT, AES_SLOT, order(1, bytes(16)))

    assert from_slot == ask(chip, Opcode.KDF, AES | OUT, 0, order(1, bytes(16)))


def test_aes_takes_a_block_whatever_length_the_details_announce(part: Part, ask: Ask) -> None:
    chip = ready(part)

    assert len(ask(chip, Opcode.KDF, AES | OUT, 0, bytes(4) + bytes(16))) == 32


# --- HKDF's message -------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [32, 64])
@pytest.mark.parametrize("place", ["slot", "TempKey"])
def test_hkdf_takes_its_message_from_a_slot_or_from_temp_key(
    part: Part, ask: Ask, length: int, place: str
) -> None:
    chip = ready(part)
    held = MATERIAL[::-1] if place == "slot" else MATERIAL
    details = KEY_SLOT << 8 if place == "slot" else 1
    answer = ask(chip, Opcode.KDF, HKDF | OUT | FROM_BUFFER, 0, order(details, bytes(length)))

    assert answer == hmac.digest(BUFFER, held[:length], "sha256")


@pytest.mark.parametrize("length", [0, 1, 31, 33, 63])
@pytest.mark.parametrize("key", [0, 4], ids=["the key of a register", "the key of zeros"])
@pytest.mark.parametrize("place", ["slot", "TempKey"])
def test_what_cannot_be_read_is_no_message_of_a_few_bytes(
    part: Part, ask: Ask, why: Why, length: int, key: int, place: str
) -> None:
    """Under a key the host knows, a message that grows byte by byte could be guessed byte by byte."""
    details = key | (KEY_SLOT << 8 if place == "slot" else 1)
    chip = ready(part)
    answer = ask(chip, Opcode.KDF, HKDF | OUT | FROM_BUFFER, 0, order(details, bytes(length)))

    assert answer == EXECUTION_ERROR
    assert "cannot be read: HKDF takes whole blocks of 32 bytes" in why(chip)


@pytest.mark.parametrize("length", [1, 32])
def test_a_message_that_anybody_may_read_has_any_length(part: Part, ask: Ask, length: int) -> None:
    chip = ready(part, slot_config={KEY_SLOT: 0x0000})
    answer = ask(chip, Opcode.KDF, HKDF | OUT | FROM_BUFFER, 0, order(KEY_SLOT << 8, bytes(length)))

    assert answer == hmac.digest(BUFFER, MATERIAL[::-1][:length], "sha256")


def test_a_message_from_a_limited_slot_counts_and_one_that_wants_a_random_nonce_gets_one(
    part: Part, ask: Ask, why: Why
) -> None:
    message = order(KEY_SLOT << 8, bytes(32))
    chip = ready(part, slot_config={KEY_SLOT: 0x00AF})
    before = chip.configuration.counter(0)
    answer = ask(chip, Opcode.KDF, HKDF | OUT | FROM_BUFFER, 0, message)
    after = chip.configuration.counter(0)
    chip = ready(part, key_config={KEY_SLOT: 0x005C})
    chip.volatile.temp_key = temp_key(MATERIAL, SourceFlag.FIXED)

    assert len(answer) == 32
    assert after == before + 1
    assert ask(chip, Opcode.KDF, HKDF | OUT | FROM_BUFFER, 0, message) == EXECUTION_ERROR
    assert "KeyConfig.ReqRandom (bit 6) is 1" in why(chip)


@pytest.mark.parametrize("to", [OUT, TO_TEMP_KEY, TO_SLOT, TO_BUFFER])
def test_not_even_a_key_of_zeros_derives_before_the_configuration_lock(
    part: Part, ask: Ask, why: Why, to: int
) -> None:
    chip = ready(part, locked="none", key_config={TARGET: WRITABLE})
    before = chip.memory.slot(TARGET)

    assert ask(chip, Opcode.KDF, HKDF | to, TARGET << 8, order(INPUT | 4, b"m")) == EXECUTION_ERROR
    assert "the configuration zone is not locked" in why(chip)
    assert chip.memory.slot(TARGET) == before


@pytest.mark.parametrize("details, held", [(KEY_SLOT << 8, 72), (1, 64)])
def test_a_message_longer_than_its_place_is_refused(
    part: Part, ask: Ask, why: Why, details: int, held: int
) -> None:
    chip = ready(part)
    answer = ask(chip, Opcode.KDF, HKDF | OUT | FROM_BUFFER, 0, order(details, bytes(96)))

    assert answer == EXECUTION_ERROR
    assert f"a message of 96 bytes is wanted of a place that holds {held}" in why(chip)


def test_a_short_temp_key_is_a_short_message(part: Part, ask: Ask, why: Why) -> None:
    chip = ready(part)
    chip.volatile.temp_key = temp_key(MATERIAL[:32], SourceFlag.FIXED)
    message = order(1, bytes(64))

    assert ask(chip, Opcode.KDF, HKDF | OUT | FROM_BUFFER, 0, message) == EXECUTION_ERROR
    assert "a place that holds 32" in why(chip)


def test_the_iv_must_stand_where_the_configuration_says(part: Part, ask: Ask) -> None:
    chip = ready(part)
    message = bytes(9) + b"iv" + bytes(5)
    answer = ask(chip, Opcode.KDF, HKDF | OUT | FROM_BUFFER, 0, order(INPUT_WITH_IV, message))

    assert answer == hmac.digest(BUFFER, message, "sha256")


# --- targets --------------------------------------------------------------------------------------

DERIVED = p_sha256(MATERIAL[:16], b"label", 64)


@pytest.mark.parametrize(
    "details, target, output", [(0, 32, 0), (LONG, 64, 0), (AEAD, 32, 32), (LONG | AEAD, 32, 32)]
)
@pytest.mark.parametrize("to", [TO_TEMP_KEY, TO_UPPER, TO_SLOT, TO_BUFFER])
@pytest.mark.parametrize("source", list(SourceFlag))
def test_a_derived_key_goes_where_the_mode_says(
    part: Part, ask: Ask, why: Why, details: int, target: int, output: int, to: int, source: SourceFlag
) -> None:
    chip = ready(part, model=DeviceModel(derived_temp_key_source=source), key_config={TARGET: WRITABLE})
    before = chip.memory.slot(TARGET)
    answer = ask(chip, Opcode.KDF, PRF | to, TARGET << 8, order(details, b"label"))
    held: dict[int, TempKey | bytes | None] = {
        TO_TEMP_KEY: chip.volatile.temp_key,
        TO_UPPER: chip.volatile.temp_key,
        TO_SLOT: chip.memory.slot(TARGET),
        TO_BUFFER: chip.volatile.alternate_key_buffer,
    }
    wanted: dict[int, TempKey | bytes | None] = {
        TO_TEMP_KEY: temp_key(DERIVED[:target], source),
        TO_UPPER: TempKey(MATERIAL[:32] + DERIVED[:32], source, is64=True),
        TO_SLOT: DERIVED[:target] + before[target:],
        TO_BUFFER: DERIVED[:32],
    }

    if target == 64 and to in (TO_UPPER, TO_BUFFER):
        assert answer == EXECUTION_ERROR
        assert "the target holds 32 bytes; 64 were derived" in why(chip)
    else:
        assert answer == (DERIVED[32:] if output else SUCCESS)
        assert held[to] == wanted[to]


@pytest.mark.parametrize("details, size", [(0, 32), (LONG, 64), (AEAD, 64)])
@pytest.mark.parametrize("to", [OUT, OUT_ENCRYPTED])
def test_a_derived_key_leaves_in_clear_or_under_the_io_protection_key(
    part: Part, ask: Ask, details: int, size: int, to: int
) -> None:
    chip = ready(part)
    answer = ask(chip, Opcode.KDF, PRF | to, 0, order(details, b"label"))
    masks = b"".join(hashlib.sha256(IO_KEY + OUT_NONCE[start : start + 16]).digest() for start in (0, 16))
    cipher = bytes(a ^ b for a, b in zip(DERIVED[:size], masks, strict=False))

    assert answer == (DERIVED[:size] if to == OUT else cipher + OUT_NONCE)
    assert isinstance(chip.last_command.response, Hidden) == (to == OUT)
    assert isinstance(chip.last_command.data, Hidden)


@pytest.mark.parametrize(
    "words, to, param2, details, reason",
    [
        ({}, TO_SLOT, 2 << 8, 0, "slot 2 holds a private key"),
        ({"key_config": {TARGET: 0x001C}}, TO_SLOT, TARGET << 8, 0, "slot 8 takes no result of KDF"),
        (WRITES | {"slot_config": {TARGET: 0x8000}}, TO_SLOT, TARGET << 8, 0, "slot 8 takes no result:"),
        (WRITES | {"octets": {89: 0xFE}}, TO_SLOT, TARGET << 8, 0, "slot 8 is locked"),
        ({"key_config": {1: WRITABLE}}, TO_SLOT, 1 << 8, LONG, "slot 1 holds 36 bytes; 64 were derived"),
        (
            {"key_config": {9: 0x0012}, "slot_config": {9: 0x1000}},
            *(TO_SLOT, 9 << 8, 0),
            "slot 9 holds a validated public key and SlotConfig.WriteConfig is 1 (PubInvalid)",
        ),
        ({"octets": {90: 0x0C}}, OUT_ENCRYPTED, 0, 0, "the I/O protection key is off"),
        ({"octets": {91: 0x48}}, OUT, 0, 0, "no result may leave by the output: ChipOptions.KDFPROT is 2"),
        (
            {"octets": {91: 0x4C}},
            OUT_ENCRYPTED,
            0,
            0,
            "leave by the encrypted output: ChipOptions.KDFPROT is 3",
        ),
        ({"octets": {91: 0x4C}}, TO_SLOT, TARGET << 8, 0, "no result may go to a slot"),
    ],
)
def test_kdf_refuses_by_target(
    part: Part, ask: Ask, why: Why, words: dict[str, object], to: int, param2: int, details: int, reason: str
) -> None:
    chip = ready(part, **words)
    chip.memory.store(9, b"\x50" + chip.memory.slot(9)[1:])

    assert ask(chip, Opcode.KDF, PRF | to, param2, order(details, b"label")) == EXECUTION_ERROR
    assert reason in why(chip)


@pytest.mark.parametrize("write_config", [0x0000, 0x1000])
@pytest.mark.parametrize("nibble", [0x5, 0xA])
def test_pub_invalid_is_about_public_keys_and_about_nothing_else(
    part: Part, ask: Ask, write_config: int, nibble: int
) -> None:
    chip = ready(part, key_config={TARGET: WRITABLE}, slot_config={TARGET: write_config})
    chip.memory.store(TARGET, bytes((nibble << 4,)) + chip.memory.slot(TARGET)[1:])

    assert ask(chip, Opcode.KDF, PRF | TO_SLOT, TARGET << 8, order(0, b"label")) == SUCCESS


def test_kdfprot_1_encrypts_what_would_be_clear(part: Part, ask: Ask) -> None:
    chip = ready(part, octets={91: 0x44})

    assert ask(chip, Opcode.KDF, PRF | OUT, 0, order(0, b"label"))[32:] == OUT_NONCE


@pytest.mark.parametrize("details", [0, AEAD])
def test_a_protected_aead_never_puts_its_second_half_out_in_clear(
    part: Part, ask: Ask, why: Why, details: int
) -> None:
    chip = ready(part, octets={91: 0x48})
    answer = ask(chip, Opcode.KDF, PRF | TO_BUFFER, 0, order(details, b"label"))

    assert answer == (EXECUTION_ERROR if details else SUCCESS)
    if details:
        assert "ChipOptions.KDFPROT is 2" in why(chip)


def test_the_upper_half_is_filled_only_beside_a_lower_one(part: Part, ask: Ask, why: Why) -> None:
    chip = ready(part)
    chip.volatile.temp_key = None
    mode = HKDF | TO_UPPER | FROM_BUFFER

    assert ask(chip, Opcode.KDF, mode, 0, order(INPUT, b"message")) == EXECUTION_ERROR
    assert "TempKey is not valid" in why(chip)


@pytest.mark.parametrize(
    "octets, mode, param2, data",
    [
        ({}, 0x60 | OUT, 0, order(0, b"")),
        ({}, 0x80 | OUT, 0, order(0, b"")),
        ({}, 0x18, 0, order(0, b"")),
        ({}, 0x1C, 0, order(0, b"")),
        ({}, OUT, 0, b"abc"),
        ({}, OUT, 0, b"\x00\x00\x00\x05abcd"),
        ({}, OUT, 0, order(0x400, b"label")),
        ({}, OUT, 0, order(0x600, b"label")),
        ({}, AES | OUT, 0, order(0, bytes(15))),
        ({13: 0}, AES | OUT, 0, order(0, bytes(16))),
        ({}, HKDF | OUT, 0, b"\x02\x00\x00\x05abcd"),
        ({}, PRF | OUT | FROM_SLOT, 16, order(0, b"label")),
        ({}, PRF | TO_SLOT, 16 << 8, order(0, b"label")),
    ],
)
def test_what_no_state_permits_is_a_parse_error(
    part: Part, ask: Ask, octets: dict[int, int], mode: int, param2: int, data: bytes
) -> None:
    assert ask(ready(part, octets=octets), Opcode.KDF, mode, param2, data) == PARSE_ERROR
