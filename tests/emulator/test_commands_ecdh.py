"""ECDH: every source, every target, and what leaves the chip how."""

import hashlib
from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.crypto import PrivateKey
from softatecc.entropy import FixedEntropy, SeededEntropy
from softatecc.memory import SourceFlag, TempKey, temp_key
from softatecc.model import DeviceModel
from softatecc.packet import Opcode
from softatecc.trace import Hidden

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, PARSE_ERROR, EXECUTION_ERROR = b"\x00", b"\x03", b"\x0f"
#: RFC 5903, 8.1.
OURS = bytes.fromhex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433")
THEIRS = bytes.fromhex(
    "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
)
SHARED = bytes.fromhex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de")
IO_KEY, OUT_NONCE = bytes(range(32)), bytes(range(0x80, 0xA0))
SLOT, IO_SLOT = 2, 4
TO_SLOT = 0x208F
#: ChipOptions of the test configuration: I/O protection key on, in slot 4.
OPTIONS = 0x400E


def ready(part: Part, **words: object) -> Chip:
    """The key of RFC 5903 in slot 2 and in TempKey, the next random number known."""
    chip = part(entropy=FixedEntropy(OUT_NONCE, SeededEntropy("rest")), **words)
    chip.memory.store_private_key(SLOT, OURS)
    chip.memory.store(IO_SLOT, IO_KEY + bytes(4))
    chip.volatile.temp_key = TempKey(OURS + bytes(32), SourceFlag.RANDOM, gen_key_data=True, private=True)
    return chip


def unhidden(answer: bytes) -> bytes:
    cipher, nonce = answer[:32], answer[32:]
    mask = hashlib.sha256(IO_KEY + nonce[:16]).digest()
    return bytes(a ^ b for a, b in zip(cipher, mask, strict=True))


@pytest.mark.parametrize("mode", [0x00, 0x0C, 0x0D])
def test_the_secret_of_rfc_5903_comes_out_in_clear(part: Part, ask: Ask, mode: int) -> None:
    chip = ready(part)

    assert ask(chip, Opcode.ECDH, mode, SLOT, THEIRS) == SHARED
    assert isinstance(chip.last_command.response, Hidden)


@pytest.mark.parametrize("mode", [0x0E, 0x0F])
def test_an_encrypted_output_opens_with_the_io_protection_key(part: Part, ask: Ask, mode: int) -> None:
    chip = ready(part)
    answer = ask(chip, Opcode.ECDH, mode, SLOT, THEIRS)

    assert answer[32:] == OUT_NONCE
    assert unhidden(answer) == SHARED
    assert chip.last_command.response == answer


@pytest.mark.parametrize("mode", [0x08, 0x09])
@pytest.mark.parametrize("source", list(SourceFlag))
def test_the_secret_may_stay_in_temp_key(part: Part, ask: Ask, mode: int, source: SourceFlag) -> None:
    chip = ready(part, model=DeviceModel(derived_temp_key_source=source))

    assert ask(chip, Opcode.ECDH, mode, SLOT, THEIRS) == SUCCESS
    assert chip.volatile.temp_key == temp_key(SHARED, source)


@pytest.mark.parametrize(
    "mode, slot_config, param2, target",
    [(0x00, TO_SLOT, SLOT, 3), (0x04, TO_SLOT, SLOT, 3), (0x04, 0x2087, SLOT, 3), (0x05, 0x2087, 9, 9)],
)
def test_the_secret_may_go_to_a_slot(
    part: Part, ask: Ask, mode: int, slot_config: int, param2: int, target: int
) -> None:
    chip = ready(part, slot_config={SLOT: slot_config, 3: 0x44C4})
    before = chip.memory.slot(target)

    assert ask(chip, Opcode.ECDH, mode, param2, THEIRS) == SUCCESS
    assert chip.memory.slot(target) == SHARED + before[32:]


@pytest.mark.parametrize("mode", [0x05, 0x09, 0x0D, 0x0F])
def test_an_ephemeral_key_serves_once(part: Part, ask: Ask, why: Why, mode: int) -> None:
    chip = ready(part)
    first = ask(chip, Opcode.ECDH, mode, 9, THEIRS)
    second = ask(chip, Opcode.ECDH, mode, 9, THEIRS)

    assert first != EXECUTION_ERROR
    assert second == EXECUTION_ERROR
    assert "TempKey holds no ephemeral private key" in why(chip)


def test_an_ephemeral_key_of_the_chips_making_agrees_with_its_public_half(part: Part, ask: Ask) -> None:
    chip, other = part(), PrivateKey(OURS)
    point = ask(chip, Opcode.GENKEY, 4, 0xFFFF)
    chip.memory.store_private_key(SLOT, OURS)
    ephemeral = ask(chip, Opcode.ECDH, 0x0D, 0, other.public)

    assert ask(chip, Opcode.ECDH, 0x0C, SLOT, point) == ephemeral


@pytest.mark.parametrize(
    "words, mode, param2, reason",
    [
        ({"locked": "none"}, 0x00, SLOT, "configuration zone is not locked"),
        ({}, 0x00, 8, "slot 8 is no P-256 private key slot"),
        ({}, 0x00, 7, "slot 7 agrees on no secrets: SlotConfig.ReadKey bit 2 is 0"),
        ({"slot_config": {7: 0x6487}}, 0x00, 7, "slot 7 holds no private key yet"),
        ({"slot_config": {SLOT: TO_SLOT}}, 0x0C, SLOT, "to slot 3 alone: SlotConfig.ReadKey bit 3 is 1"),
        ({"slot_config": {SLOT: TO_SLOT}}, 0x0E, SLOT, "to slot 3 alone: SlotConfig.ReadKey bit 3 is 1"),
        ({"key_config": {SLOT: 0x1013}}, 0x00, SLOT, "the persistent latch is clear"),
        ({"key_config": {SLOT: 0x0493}}, 0x00, SLOT, "CheckMac has not proven slot 4"),
        ({"key_config": {3: 0x0013}}, 0x04, SLOT, "slot 3 holds a private key"),
        ({"slot_config": {3: 0x8FC4}}, 0x04, SLOT, "slot 3 takes no result"),
        ({"octets": {88: 0xF7}}, 0x04, SLOT, "slot 3 is locked"),
        ({}, 0x05, 2, "slot 2 holds a private key"),
        ({"octets": {90: 0x0C}}, 0x0E, SLOT, "the I/O protection key is off"),
        ({"octets": {91: 0x20}}, 0x0E, SLOT, "slot 2 holds a private key"),
    ],
)
def test_ecdh_refuses_by_state_and_slot(
    part: Part, ask: Ask, why: Why, words: dict[str, object], mode: int, param2: int, reason: str
) -> None:
    chip = ready(part, **words)

    assert ask(chip, Opcode.ECDH, mode, param2, THEIRS) == EXECUTION_ERROR
    assert reason in why(chip)


@pytest.mark.parametrize("held", [None, temp_key(OURS, SourceFlag.FIXED)])
def test_only_genkey_puts_a_key_for_ecdh_into_temp_key(
    part: Part, ask: Ask, why: Why, held: TempKey | None
) -> None:
    chip = ready(part)
    chip.volatile.temp_key = held

    assert ask(chip, Opcode.ECDH, 0x0D, 0, THEIRS) == EXECUTION_ERROR
    assert "GenKey with param2 FFFF makes one" in why(chip)


@pytest.mark.parametrize("mode", [0x0C, 0x0D])
def test_a_point_off_the_curve_is_refused_and_costs_nothing(
    part: Part, ask: Ask, why: Why, mode: int
) -> None:
    chip = ready(part, slot_config={SLOT: 0x20A7})

    assert ask(chip, Opcode.ECDH, mode, SLOT, THEIRS[:-1] + b"\x00") == EXECUTION_ERROR
    assert "no point of the curve P-256" in why(chip)
    assert chip.volatile.temp_key is not None
    assert chip.configuration.counter(0) == 0


def test_a_limited_key_counts(part: Part, ask: Ask, why: Why) -> None:
    chip = ready(part, slot_config={SLOT: 0x20A7})
    chip.memory.store(10, (1).to_bytes(4, "little") * 2 + bytes(64))
    sizes = [len(ask(chip, Opcode.ECDH, 0x0C, SLOT, THEIRS)) for _ in range(2)]

    assert sizes == [32, 1]
    assert "slot 2 is used up" in why(chip)


#: ECDHPROT, mode, param2: what comes back, by its length.
PROTECTION = [
    *((0, mode, 32) for mode in (0x00, 0x0C, 0x0D)),
    *((0, mode, 64) for mode in (0x0E, 0x0F)),
    *((1, mode, 64) for mode in (0x00, 0x0C, 0x0D, 0x0E, 0x0F)),
    *((2, mode, 1) for mode in (0x00, 0x0C, 0x0D, 0x0E, 0x0F)),
    *((3, mode, 1) for mode in (0x00, 0x0C, 0x0D, 0x0E, 0x0F)),
]


@pytest.mark.parametrize("protection, mode, size", PROTECTION)
def test_ecdhprot_decides_how_a_secret_leaves(
    part: Part, ask: Ask, why: Why, protection: int, mode: int, size: int
) -> None:
    chip = ready(part, octets={91: 0x40 | protection})
    answer = ask(chip, Opcode.ECDH, mode, SLOT, THEIRS)

    assert len(answer) == size
    if size == 64:
        assert unhidden(answer) == SHARED
    if size == 1:
        assert answer == EXECUTION_ERROR
        assert f"ChipOptions.ECDHPROT is {protection}" in why(chip)


@pytest.mark.parametrize("strict", [2, 3])
@pytest.mark.parametrize("protection", range(4))
@pytest.mark.parametrize("mode, param2", [(0x04, SLOT), (0x05, 9), (0x08, SLOT), (0x09, 0)])
def test_ecdhprot_decides_whether_a_slot_may_take_it(
    part: Part, ask: Ask, why: Why, strict: int, protection: int, mode: int, param2: int
) -> None:
    chip = ready(part, octets={91: 0x40 | protection}, model=DeviceModel(temp_key_only=strict))
    into_slot = mode < 0x08
    answer = ask(chip, Opcode.ECDH, mode, param2, THEIRS)

    assert answer == (EXECUTION_ERROR if into_slot and protection == strict else SUCCESS)
    if answer == EXECUTION_ERROR:
        assert f"no result may go to a slot: ChipOptions.ECDHPROT is {strict}" in why(chip)


def test_a_model_may_let_results_into_slots_that_are_never_written(part: Part, ask: Ask) -> None:
    chip = ready(part, slot_config={3: 0x8FC4}, model=DeviceModel(kdf_writes_never_slots=True))

    assert ask(chip, Opcode.ECDH, 0x04, SLOT, THEIRS) == SUCCESS


@pytest.mark.parametrize("known, answer", [(True, SUCCESS), (False, PARSE_ERROR)])
def test_a_model_may_not_know_the_way_from_slot_to_slot(
    part: Part, ask: Ask, known: bool, answer: bytes
) -> None:
    chip = ready(part, model=DeviceModel(ecdh_slot_to_slot=known))

    assert ask(chip, Opcode.ECDH, 0x04, SLOT, THEIRS) == answer


@pytest.mark.parametrize(
    "mode, param2, size",
    [
        *((mode, SLOT, 64) for mode in (0x01, 0x02, 0x03, 0x06, 0x07, 0x0A, 0x0B, 0x10, 0x80)),
        (0x00, 16, 64),
        (0x05, 16, 64),
        (0x00, SLOT, 63),
    ],
)
def test_what_no_state_permits_is_a_parse_error(
    part: Part, ask: Ask, mode: int, param2: int, size: int
) -> None:
    assert ask(ready(part), Opcode.ECDH, mode, param2, bytes(size)) == PARSE_ERROR
