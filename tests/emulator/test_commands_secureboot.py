"""SecureBoot: what a firmware must show, and what one boot leaves for the next."""

import hashlib
from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.crypto import PrivateKey
from softatecc.entropy import SeededEntropy
from softatecc.memory import SourceFlag, temp_key
from softatecc.packet import Opcode

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, MISCOMPARE, PARSE_ERROR, EXECUTION_ERROR = b"\x00", b"\x01", b"\x03", b"\x0f"
FULL, STORE, COPY = 5, 6, 7
PROHIBIT, ENCRYPTED = 0x40, 0x80
#: SecureBootMode; the key is in slot 11, what is kept goes to slot 12.
OFF, FULL_BOTH, FULL_SIG, FULL_DIG = range(4)
PERSIST, RAND_NONCE = 0x08, 0x10
KEY_SLOT, KEPT = 11, 12
KEY = PrivateKey(bytes(range(1, 33)))
DIGEST = hashlib.sha256(b"firmware").digest()
SIGNATURE = KEY.sign(DIGEST, SeededEntropy("boot"))
OTHER = hashlib.sha256(b"another firmware").digest()
IO_KEY, NONCE = bytes(range(32)), bytes(range(0x40, 0x60))


def ready(part: Part, settings: int, **words: object) -> Chip:
    octets = {70: settings} | words.pop("octets", {})  # type: ignore[operator]
    chip = part(octets=octets, **words)
    point = KEY.public
    chip.memory.store(KEY_SLOT, bytes(4) + point[:32] + bytes(4) + point[32:])
    chip.memory.store(4, IO_KEY + bytes(4))
    return chip


def boot(ask: Ask, chip: Chip, mode: int, digest: bytes = DIGEST) -> bytes:
    return ask(chip, Opcode.SECUREBOOT, mode, 0, digest if mode & 7 == STORE else digest + SIGNATURE)


@pytest.mark.parametrize("settings", [FULL_BOTH, FULL_SIG, FULL_DIG])
def test_full_verifies_the_signature_in_every_mode(part: Part, ask: Ask, why: Why, settings: int) -> None:
    chip = ready(part, settings)

    assert boot(ask, chip, FULL) == SUCCESS
    assert boot(ask, chip, FULL, OTHER) == MISCOMPARE
    assert "not made with this key" in why(chip)


@pytest.mark.parametrize(
    "settings, kept, words",
    [(FULL_SIG, SIGNATURE, "not made with this key"), (FULL_DIG, DIGEST, "is not the one")],
)
def test_fullcopy_leaves_what_fullstore_compares_with(
    part: Part, ask: Ask, why: Why, settings: int, kept: bytes, words: str
) -> None:
    chip = ready(part, settings)
    before = chip.memory.slot(KEPT)
    answers = [boot(ask, chip, COPY, OTHER), boot(ask, chip, COPY), boot(ask, chip, STORE)]
    answers.append(boot(ask, chip, STORE, OTHER))

    assert answers == [MISCOMPARE, SUCCESS, SUCCESS, MISCOMPARE]
    assert chip.memory.slot(KEPT) == kept + before[len(kept) :]
    assert words in why(chip)


def test_a_failed_fullcopy_leaves_nothing(part: Part, ask: Ask) -> None:
    chip = ready(part, FULL_DIG)
    before = chip.memory.slot(KEPT)

    assert boot(ask, chip, COPY, OTHER) == MISCOMPARE
    assert chip.memory.slot(KEPT) == before


@pytest.mark.parametrize("settings", [FULL_SIG, FULL_DIG])
def test_fullstore_before_any_fullcopy_has_nothing_to_compare_with(
    part: Part, ask: Ask, why: Why, settings: int
) -> None:
    chip = ready(part, settings)

    assert boot(ask, chip, STORE) == EXECUTION_ERROR
    assert "slot 12 holds nothing yet" in why(chip)


@pytest.mark.parametrize(
    "settings, words, mode, reason",
    [
        (FULL_DIG, {"locked": "none"}, FULL, "configuration zone is not locked"),
        (OFF, {}, FULL, "SecureBoot is off"),
        (FULL_BOTH, {}, STORE, "bits 1:0 are 1 (FullBoth)"),
        (FULL_BOTH, {}, COPY, "bits 1:0 are 1 (FullBoth)"),
        (FULL_DIG, {"key_config": {KEPT: 0x0033}}, COPY, "slot 12 holds a private key"),
        (FULL_SIG, {"octets": {71: 0xB6}}, COPY, "slot 6 holds 36 bytes; a signature needs 64"),
        (FULL_DIG, {"octets": {89: 0xEF}}, COPY, "slot 12 is locked"),
        (FULL_DIG, {"octets": {71: 0x9C}}, FULL, "slot 9 is no P-256 public key slot"),
        (FULL_DIG, {"octets": {71: 0xFC}}, FULL, "no point of the curve"),
        (FULL_DIG, {"octets": {71: 0xEC}}, FULL, "holds a public key nobody validated"),
        (FULL_DIG, {"key_config": {KEY_SLOT: 0x1030}}, FULL, "the persistent latch is clear"),
        (FULL_DIG | RAND_NONCE, {}, FULL, "SecureBoot wants an encrypted digest"),
        (FULL_DIG, {}, FULL | ENCRYPTED, "TempKey is not valid"),
        (FULL_DIG, {"octets": {90: 0x0C}}, FULL | ENCRYPTED, "the I/O protection key is off"),
    ],
)
def test_secureboot_refuses_by_configuration_and_state(
    part: Part, ask: Ask, why: Why, settings: int, words: dict[str, object], mode: int, reason: str
) -> None:
    chip = ready(part, settings, **words)

    assert boot(ask, chip, mode) == EXECUTION_ERROR
    assert reason in why(chip)


def test_a_locked_slot_still_compares(part: Part, ask: Ask) -> None:
    chip = ready(part, FULL_DIG, octets={89: 0xEF})
    chip.memory.store(KEPT, DIGEST + bytes(40))

    assert boot(ask, chip, STORE) == SUCCESS


@pytest.mark.parametrize("settings, latched", [(FULL_DIG, False), (FULL_DIG | PERSIST, True)])
def test_success_sets_the_persistent_latch_where_it_is_configured(
    part: Part, ask: Ask, settings: int, latched: bool
) -> None:
    chip = ready(part, settings)
    failed, after_failure = boot(ask, chip, FULL, OTHER), chip.persistent_latch

    assert (failed, after_failure) == (MISCOMPARE, False)
    assert boot(ask, chip, FULL) == SUCCESS
    assert chip.persistent_latch == latched


def test_a_prohibited_secureboot_waits_for_the_next_loss_of_power(part: Part, ask: Ask, why: Why) -> None:
    chip = ready(part, FULL_DIG)
    answers = [
        boot(ask, chip, FULL | PROHIBIT, OTHER),
        boot(ask, chip, FULL | PROHIBIT),
        boot(ask, chip, FULL),
    ]
    reason = why(chip)
    chip.sleep()
    answers.append(boot(ask, chip, FULL))
    chip.power_cycle()
    answers.append(boot(ask, chip, FULL))

    assert answers == [MISCOMPARE, SUCCESS, EXECUTION_ERROR, EXECUTION_ERROR, SUCCESS]
    assert "SecureBoot was prohibited until the next loss of power" in reason


@pytest.mark.parametrize(
    "settings, mode",
    [(FULL_BOTH, FULL), *((s, m) for s in (FULL_SIG, FULL_DIG) for m in (FULL, STORE, COPY))],
)
@pytest.mark.parametrize("random", [True, False])
def test_an_encrypted_digest_is_answered_with_a_mac(
    part: Part, ask: Ask, settings: int, mode: int, random: bool
) -> None:
    chip = ready(part, settings | (RAND_NONCE if random else 0))
    chip.memory.store(KEPT, DIGEST + bytes(40) if settings == FULL_DIG else SIGNATURE + bytes(8))
    chip.volatile.temp_key = temp_key(NONCE, SourceFlag.RANDOM if random else SourceFlag.FIXED)
    hiding = hashlib.sha256(IO_KEY + NONCE).digest()
    sent = bytes(a ^ b for a, b in zip(DIGEST, hiding, strict=True))
    signature = b"" if settings == FULL_DIG and mode == STORE else SIGNATURE
    header = bytes((0x80, mode | ENCRYPTED, 0, 0))

    assert (
        boot(ask, chip, mode | ENCRYPTED, sent)
        == hashlib.sha256(hiding + DIGEST + signature + header).digest()
    )
    assert chip.volatile.temp_key is None


def test_a_wrong_encrypted_digest_is_a_bare_miscompare(part: Part, ask: Ask) -> None:
    chip = ready(part, FULL_DIG)
    chip.volatile.temp_key = temp_key(NONCE, SourceFlag.RANDOM)

    assert boot(ask, chip, FULL | ENCRYPTED) == MISCOMPARE
    assert chip.volatile.temp_key is None


def test_rand_nonce_wants_a_nonce_of_the_chips_making(part: Part, ask: Ask, why: Why) -> None:
    chip = ready(part, FULL_DIG | RAND_NONCE)
    chip.volatile.temp_key = temp_key(NONCE, SourceFlag.FIXED)

    assert boot(ask, chip, FULL | ENCRYPTED) == EXECUTION_ERROR
    assert "SecureBoot wants a random nonce" in why(chip)


@pytest.mark.parametrize(
    "mode, param2, size",
    [(0, 0, 96), (4, 0, 96), (0x0D, 0, 96), (0x25, 0, 96), (5, 1, 96), (5, 0, 32), (6, 0, 96), (7, 0, 32)],
)
def test_what_no_state_permits_is_a_parse_error(
    part: Part, ask: Ask, mode: int, param2: int, size: int
) -> None:
    assert ask(ready(part, FULL_DIG), Opcode.SECUREBOOT, mode, param2, bytes(size)) == PARSE_ERROR
