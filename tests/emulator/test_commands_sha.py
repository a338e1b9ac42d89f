"""SHA: hashes, HMAC and contexts."""

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.entropy import SeededEntropy
from softatecc.memory import SourceFlag, temp_key
from softatecc.packet import Command, Opcode, decode_response

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, PARSE_ERROR, EXECUTION_ERROR = b"\x00", b"\x03", b"\x0f"
PUBLIC, SECRET, NO_MAC, PRIVATE = 11, 4, 6, 2
KEY = bytes(range(0x20, 0x40))


@given(st.lists(st.binary(max_size=64), max_size=6), st.binary(max_size=63))
def test_the_chip_hashes_as_the_standard_library_does(parts: list[bytes], last: bytes) -> None:
    chip = Chip.blank(bytes(9), entropy=SeededEntropy("sha"))
    commands = [
        Command(Opcode.SHA, 0, 0),
        *(Command(Opcode.SHA, 1, len(part), part) for part in parts),
        Command(Opcode.SHA, 2, len(last), last),
    ]
    answers = [decode_response(chip.exchange(command.encode())) for command in commands]

    assert answers[:-1] == [SUCCESS] * (len(parts) + 1)
    assert answers[-1] == hashlib.sha256(b"".join(parts) + last).digest()


@pytest.mark.parametrize(
    "mode, in_temp_key, in_buffer", [(0x02, True, False), (0x42, False, True), (0xC2, False, False)]
)
def test_the_end_leaves_the_digest_where_the_mode_says(
    part: Part, ask: Ask, mode: int, in_temp_key: bool, in_buffer: bool
) -> None:
    chip = part()
    ask(chip, Opcode.SHA, 0)
    digest = ask(chip, Opcode.SHA, mode, 3, b"abc")

    assert digest == hashlib.sha256(b"abc").digest()
    assert chip.volatile.temp_key == (temp_key(digest, SourceFlag.FIXED) if in_temp_key else None)
    assert chip.volatile.message_digest_buffer == (digest if in_buffer else None)


@pytest.mark.parametrize("mode, data", [(1, b"abc"), (2, b""), (6, b"")])
def test_nothing_goes_on_that_was_not_started(part: Part, ask: Ask, why: Why, mode: int, data: bytes) -> None:
    chip = part()

    assert ask(chip, Opcode.SHA, mode, len(data), data) == EXECUTION_ERROR
    assert "no SHA calculation is under way" in why(chip)


def test_the_end_ends_it(part: Part, ask: Ask) -> None:
    chip = part()
    ask(chip, Opcode.SHA, 0)
    ask(chip, Opcode.SHA, 2)

    assert ask(chip, Opcode.SHA, 2) == EXECUTION_ERROR


def test_a_stored_public_key_is_taken_in_without_its_padding(part: Part, ask: Ask, why: Why) -> None:
    chip = part()
    chip.memory.store(PUBLIC, bytes(4) + b"X" * 32 + bytes(4) + b"Y" * 32)
    ask(chip, Opcode.SHA, 0)
    refused = ask(chip, Opcode.SHA, 3, 8)
    reason = why(chip)
    taken = ask(chip, Opcode.SHA, 3, PUBLIC)

    assert (refused, taken) == (EXECUTION_ERROR, SUCCESS)
    assert ask(chip, Opcode.SHA, 2) == hashlib.sha256(b"X" * 32 + b"Y" * 32).digest()
    assert "slot 8 is no P-256 public key slot" in reason


@pytest.mark.parametrize("locked, where", [("config", SECRET), ("data", SECRET), ("data", 0xFFFF)])
def test_hmac_agrees_with_the_standard_library(part: Part, ask: Ask, locked: str, where: int) -> None:
    chip = part(locked=locked)
    chip.memory.store(SECRET, KEY + bytes(4))
    ask(chip, Opcode.NONCE, 3, 0, KEY)
    message = bytes(range(100))
    ask(chip, Opcode.SHA, 4, where)
    ask(chip, Opcode.SHA, 1, 64, message[:64])

    assert ask(chip, Opcode.SHA, 0xC2, 36, message[64:]) == hmac.digest(KEY, message, "sha256")
    assert chip.volatile.temp_key == temp_key(KEY, SourceFlag.FIXED)


@pytest.mark.parametrize(
    "locked, where, words",
    [
        ("none", SECRET, "configuration zone is not locked"),
        ("data", PRIVATE, "and a secret is wanted"),
        ("data", NO_MAC, "SlotConfig.NoMac (bit 4) is 1"),
        ("data", 5, "the persistent latch is clear"),
        ("data", 0xFFFF, "TempKey is not valid"),
    ],
)
def test_hmac_refuses_by_slot(part: Part, ask: Ask, why: Why, locked: str, where: int, words: str) -> None:
    chip = part(locked=locked)

    assert ask(chip, Opcode.SHA, 4, where) == EXECUTION_ERROR
    assert words in why(chip)


def test_a_limited_key_counts_each_hmac(part: Part, ask: Ask) -> None:
    chip = part(slot_config={SECRET: 0x0FAF})
    ask(chip, Opcode.SHA, 4, SECRET)

    assert chip.configuration.counter(0) == 1


def test_the_context_is_laid_out_as_the_library_reads_it(part: Part, ask: Ask) -> None:
    chip = part()
    ask(chip, Opcode.SHA, 0)
    ask(chip, Opcode.SHA, 1, 5, bytes(range(1, 6)))

    assert ask(chip, Opcode.SHA, 6).hex() == (
        "05000000" + "67e6096a85ae67bb72f36e3c3af54fa57f520e518c68059babd9831f19cde05b" + "0102030405"
    )


@given(st.binary(max_size=200), st.binary(max_size=63))
def test_a_context_goes_on_in_another_chip(first: bytes, last: bytes) -> None:
    one, other = Chip.blank(bytes(9)), Chip.blank(bytes(9))

    def tell(chip: Chip, mode: int, data: bytes = b"") -> bytes:
        return decode_response(chip.exchange(Command(Opcode.SHA, mode, len(data), data).encode()))

    tell(one, 0)
    for start in range(0, len(first), 64):
        tell(one, 1, first[start : start + 64])
    context = tell(one, 6)

    assert tell(other, 7, context) == SUCCESS
    assert tell(other, 2, last) == tell(one, 2, last) == hashlib.sha256(first + last).digest()


def test_the_context_of_an_hmac_stays_inside(part: Part, ask: Ask, why: Why) -> None:
    chip = part()
    ask(chip, Opcode.SHA, 4, SECRET)

    assert ask(chip, Opcode.SHA, 6) == EXECUTION_ERROR
    assert "depends on its key" in why(chip)


def test_the_context_counts_no_further_than_its_four_bytes(part: Part, ask: Ask, why: Why) -> None:
    chip = part()
    full = b"\xff" * 4 + bytes(32) + bytes(63)
    ask(chip, Opcode.SHA, 7, len(full), full)

    assert ask(chip, Opcode.SHA, 1, 1, b"x") == EXECUTION_ERROR
    assert "more than 4 294 967 295 bytes" in why(chip)


@pytest.mark.parametrize(
    "mode, param2, data",
    [
        (0x05, 0, b""),
        (0x08, 0, b""),
        (0x40, 0, b""),
        (0x82, 0, b""),
        (0x0A, 0, b""),
        (0x00, 0, b"x"),
        (0x01, 65, bytes(65)),
        (0x01, 2, b"x"),
        (0x02, 64, bytes(64)),
        (0x03, 16, b""),
        (0x03, 11, b"x"),
        (0x04, 16, b""),
        (0x04, 4, b"x"),
        (0x06, 0, b"x"),
        (0x07, 35, bytes(35)),
        (0x07, 36, b"\x01" + bytes(35)),
        (0x07, 37, bytes(36)),
        (0x07, 0, b""),
    ],
)
def test_sha_refuses_what_it_does_not_know_and_keeps_the_context(
    part: Part, ask: Ask, mode: int, param2: int, data: bytes
) -> None:
    chip = part()
    ask(chip, Opcode.SHA, 0)

    assert ask(chip, Opcode.SHA, mode, param2, data) == PARSE_ERROR
    assert ask(chip, Opcode.SHA, 2) == hashlib.sha256().digest()
