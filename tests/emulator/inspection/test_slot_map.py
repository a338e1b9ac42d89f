"""The slot map beside the chip: what the words promise, the chip does, for any slot whatever."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.config import KEY_CONFIG, SLOT_CONFIG, Configuration
from softatecc.describe.permission import Verdict
from softatecc.describe.slot_map import Locks, Page, locked_as, page_lines, slot_map
from softatecc.entropy import SeededEntropy
from softatecc.memory import SourceFlag, TempKey
from softatecc.packet import Command, Opcode, decode_response
from softatecc.zones import SLOT_SIZES

Part = Callable[..., Chip]

CASE = Configuration(profiles.load("mbedtls_examples_608").configuration)
SCALAR = bytes(31) + b"\x05"
WORDS = st.integers(0, 0xFFFF)
SLOTS = st.sampled_from([3, 8, 9, 14])


@st.composite
def parts(draw: st.DrawFn) -> tuple[Chip, int]:
    """A part with one slot of any configuration, in any state of the locks."""
    number = draw(SLOTS)
    image = bytearray(profiles.load("cal_test_608").configuration)
    for start in (SLOT_CONFIG, KEY_CONFIG):
        image[start + 2 * number : start + 2 * number + 2] = draw(WORDS).to_bytes(2, "little")
    image[KEY_CONFIG + 2 * number] &= 0x3F  # no authorization, no random nonce: those are conditions
    image[KEY_CONFIG + 2 * number + 1] &= 0xEF  # nor the latch
    image[SLOT_CONFIG + 2 * number] &= 0xDF  # nor limited use
    if draw(st.booleans()):
        image[88 + number // 8] &= ~(1 << number % 8)
    configuration = locked_as(Configuration(bytes(image)), draw(st.sampled_from(Locks)))
    chip = Chip(configuration, entropy=SeededEntropy("slot map"))
    if chip.slot(number).key.private:
        chip.memory.store_private_key(number, SCALAR)
    return chip, number


def ask(chip: Chip, opcode: int, param1: int, param2: int, data: bytes = b"") -> bytes:
    return decode_response(chip.exchange(Command(opcode, param1, param2, data).encode()))


def refused(answer: bytes) -> bool:
    return answer == b"\x0f"


def page_of(chip: Chip, number: int) -> Page:
    return slot_map(chip.configuration)[number]


@settings(deadline=None)
@given(parts())
def test_a_slot_is_read_in_the_clear_exactly_where_the_map_says_so(made: tuple[Chip, int]) -> None:
    chip, number = made
    verdict = page_of(chip, number).permission("read").verdict
    answer = ask(chip, Opcode.READ, 0x82, number << 3)

    assert (len(answer) == 32) is (verdict is Verdict.YES)
    if verdict is Verdict.ENCRYPTED:
        key = chip.slot(number).config.read_key
        chip.volatile.temp_key = TempKey(bytes(64), SourceFlag.RANDOM, key_id=key, gen_dig_data=True)
        assert ask(chip, Opcode.READ, 0x82, number << 3) == chip.memory.slot(number)[:32]


@settings(deadline=None)
@given(parts())
def test_a_slot_is_written_in_the_clear_exactly_where_the_map_says_so(made: tuple[Chip, int]) -> None:
    chip, number = made
    verdict = page_of(chip, number).permission("write").verdict
    if chip.slot(number).is_public_p256:
        chip.memory.store(number, b"\xa0" + chip.memory.slot(number)[1:])
    answer = ask(chip, Opcode.WRITE, 0x82, number << 3, bytes(32))

    assert (answer == b"\x00") is (verdict in (Verdict.YES, Verdict.CONDITION))


@settings(deadline=None)
@given(parts())
def test_a_private_slot_does_what_the_map_says(made: tuple[Chip, int]) -> None:
    chip, number = made
    page = page_of(chip, number)
    if not chip.slot(number).key.private:
        with pytest.raises(LookupError, match="has no action 'create'"):
            page.permission("create")
        return
    chip.volatile.message_digest_buffer = bytes(64)
    seen = {
        "public key": ask(chip, Opcode.GENKEY, 0x00, number),
        "sign external": ask(chip, Opcode.SIGN, 0xA0, number),
        "ecdh": ask(chip, Opcode.ECDH, 0x08, number, chip.memory.private_key(number).public),  # type: ignore[union-attr]
        "create": ask(chip, Opcode.GENKEY, 0x04, number),
    }
    chip.volatile.temp_key = TempKey(bytes(64), SourceFlag.RANDOM, gen_dig_data=True)
    seen["sign internal"] = ask(chip, Opcode.SIGN, 0x00, number)

    for action, answer in seen.items():
        assert refused(answer) is (page.permission(action).verdict is Verdict.NO), action


@settings(deadline=None)
@given(parts())
def test_a_key_is_locked_checked_and_derived_exactly_where_the_map_says_so(made: tuple[Chip, int]) -> None:
    chip, number = made
    page, slot = page_of(chip, number), chip.slot(number)
    if not slot.key.private and not slot.is_public_p256:
        mac = ask(chip, Opcode.MAC, 0x00, number, bytes(32))
        assert refused(mac) is (page.permission("mac").verdict is Verdict.NO)
        if not slot.config.derive_wants_mac:
            chip.volatile.temp_key = TempKey(bytes(64), SourceFlag.RANDOM)
            derived = ask(chip, Opcode.DERIVEKEY, 0x00, number)
            parent = chip.slot(slot.config.write_key if slot.config.write_config & 1 else number)
            if not parent.key.private and not parent.key.persistent_disable:
                assert refused(derived) is (page.permission("derive").verdict is Verdict.NO)
    answer = ask(chip, Opcode.LOCK, 0x02 | number << 2, 0)
    assert refused(answer) is (page.permission("lock").verdict is Verdict.NO)


@settings(deadline=None)
@given(parts())
def test_every_verdict_names_the_bits_behind_it(made: tuple[Chip, int]) -> None:
    chip, _ = made
    for page in slot_map(chip.configuration):
        lines = list(page_lines(page))

        assert lines[0].startswith(f"slot {page.number}: ")
        assert len(lines) == 1 + len(page.permissions) + len(page.conditions)
        assert page.size == SLOT_SIZES[page.number]
        assert all(each.why and each.words for each in (*page.permissions, *page.conditions))


@pytest.mark.parametrize(
    "number, action, words, why",
    [
        (
            9,
            "read",
            "readable only encrypted with the key in slot 4",
            "SlotConfig 44C4: IsSecret, EncryptRead, ReadKey 4",
        ),
        (9, "write", "writable only encrypted with the key in slot 4", "WriteConfig 4, WriteKey 4"),
        (0, "create", "GenKey may make a new key", "SlotConfig 208F: WriteConfig 2, bit 13"),
        (0, "read", "not readable", "KeyConfig.Private (bit 0) is 1"),
        (0, "ecdh", "ECDH allowed, its secret goes to slot 1", "bit 3 is 1"),
        (7, "priv write", "PrivWrite writes no key", "WriteConfig (bits 15:12) is 2"),
        (5, "derive", "DeriveKey may replace it, from slot 6", "WriteConfig 3"),
        (8, "read", "readable in the clear", "IsSecret 0, EncryptRead 0"),
        (11, "verify", "Verify may use it", "PubInfo 0"),
    ],
)
def test_the_slots_of_the_case_are_told_as_its_developer_meant_them(
    number: int, action: str, words: str, why: str
) -> None:
    found = slot_map(locked_as(CASE, Locks.DATA))[number].permission(action)

    assert words in found.words
    assert why in found.why


@pytest.mark.parametrize(
    "number, action, words",
    [
        (5, "latch", "only while the persistent latch is set"),
        (0, "limited use", "each use counts on Counter[0]"),
        (14, "verify", "once the key in slot 15 has validated it"),
        (5, "aes", "AES may use it"),
        (7, "priv write", "encrypted with the key in slot 4"),
    ],
)
def test_conditions_of_the_vendors_test_configuration_are_told(
    part: Part, number: int, action: str, words: str
) -> None:
    assert words in slot_map(part().configuration)[number].permission(action).words


def test_authorization_random_nonce_and_a_slots_own_lock_are_conditions(part: Part) -> None:
    chip = part(octets={KEY_CONFIG + 2 * 4: bytes((0xFC, 0x03)), 88: b"\xef\xff"})
    found = {each.action: each.words for each in slot_map(chip.configuration)[4].conditions}

    assert found["authorization"] == "CheckMac of slot 3 first"
    assert found["random nonce"] == "random nonces only"
    assert found["locked"] == "locked by itself, for good"


def test_aes_that_is_switched_off_is_said_to_be_off(part: Part) -> None:
    chip = part(octets={13: b"\x00"})

    assert "AES_Enable" in slot_map(chip.configuration)[5].permission("aes").why


def test_a_public_key_that_must_be_validated_is_written_only_while_it_is_not() -> None:
    tflxtls = locked_as(Configuration(profiles.load("tflxtls").configuration), Locks.DATA)
    permission = slot_map(tflxtls)[14].permission("write")

    assert permission.verdict is Verdict.CONDITION
    assert "only while the public key in it is not validated" in permission.words
