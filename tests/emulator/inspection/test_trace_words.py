"""A trace in words, and back from JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.describe.record import as_tree, headline, octets, record_from, record_lines
from softatecc.describe.response import answer, body_words, status_words
from softatecc.inspection import Journal
from softatecc.packet import Command, Opcode, encode_response
from softatecc.status import Status
from softatecc.trace import CommandRecord, Hidden, PowerRecord

Ask = Callable[..., bytes]

SHOWN = st.one_of(st.binary(max_size=80), st.builds(Hidden, st.integers(0, 148), st.text(max_size=20)))
RECORDS = st.one_of(
    st.builds(
        CommandRecord,
        st.one_of(st.none(), st.integers(0, 255)),
        st.text(max_size=20),
        st.one_of(st.none(), st.integers(0, 255)),
        st.one_of(st.none(), st.integers(0, 0xFFFF)),
        SHOWN,
        st.sampled_from(Status),
        st.one_of(
            st.binary(min_size=1, max_size=64), st.builds(Hidden, st.integers(1, 64), st.text(max_size=9))
        ),
        st.one_of(st.none(), st.text(max_size=40)),
    ),
    st.builds(PowerRecord, st.sampled_from(["wake", "idle", "sleep", "watchdog", "restored"])),
    st.just(PowerRecord("sleep", ("TempKey", "SHA context"))),
)


def line_with(key: str, value: int) -> str:
    good = CommandRecord(0x30, "Info", 0, 0, b"", Status.SUCCESS, bytes(4))
    return json.dumps({**as_tree(good), key: value})


@settings(deadline=None)
@given(RECORDS)
def test_a_record_comes_back_from_its_line_of_json(record: CommandRecord | PowerRecord) -> None:
    line = json.dumps(as_tree(record))

    assert record_from(line) == record


@settings(deadline=None)
@given(RECORDS)
def test_any_record_has_lines_and_the_first_bears_its_number(record: CommandRecord | PowerRecord) -> None:
    head, *rest = record_lines(7, record)

    assert head.startswith("   7  ")
    if isinstance(record, CommandRecord):
        assert any(line.startswith("      answered  ") for line in rest)
        assert (f"      why       {record.why}" in rest) is (record.why is not None)


def test_a_refusal_tells_what_was_asked_checked_answered_and_why(chip: Chip, ask: Ask) -> None:
    journal = Journal(chip)
    ask(chip, Opcode.GENKEY, 4, 8)
    record, checks = journal.last
    lines = list(record_lines(1, record, checks))

    assert lines[0] == "   1  GenKey (40 04 0008): create a private key; slot 8"
    assert any("config_is_unlocked" in line and line.endswith("no objection") for line in lines)
    assert any("is_no_private_p256" in line and line.endswith("OBJECTS") for line in lines)
    assert lines[-2] == "      answered  0F (execution error)"
    assert lines[-1].startswith("      why       slot 8 is no P-256 private key slot")


def test_data_are_told_piece_by_piece_and_long_ones_are_cut(chip: Chip, ask: Ask) -> None:
    journal = Journal(chip)
    ask(chip, Opcode.VERIFY, 0x22, 4, bytes(100))
    lines = list(record_lines(1, *journal.last))

    assert any(line.startswith("      sent      signature R || S: 00") for line in lines)
    assert any("(36 of 64 bytes)" in line for line in lines)
    assert octets(bytes(64)).endswith("... (64 bytes)")


def test_hidden_bytes_stay_hidden_in_words_and_in_json(chip: Chip, ask: Ask) -> None:
    secret = bytes(range(0xC0, 0xE0))
    ask(chip, Opcode.WRITE, 0x82, 4 << 3, secret)
    text = "\n".join(record_lines(1, chip.last_command)) + json.dumps(as_tree(chip.last_command))

    assert secret.hex()[:16] not in text
    assert "32 bytes hidden: slot 4 is secret" in text


def test_a_garbled_packet_has_no_mode_to_tell(chip: Chip) -> None:
    chip.exchange(b"\x07\x30\x00\x00\x00\xff\xff")
    record = chip.last_command

    assert headline(record) == "garbled Info"
    assert "meaning" not in as_tree(record)
    assert next(
        record_lines(1, CommandRecord(0x30, "garbled Info", None, None, b"\x07", Status(255), b"\xff"))
    )


def test_power_is_told_with_what_it_cost() -> None:
    assert next(iter(record_lines(3, PowerRecord("sleep", ("TempKey",))))).endswith(
        "the chip sleeps, forgets its registers; lost: TempKey"
    )


@pytest.mark.parametrize(
    "line, reason",
    [
        ("{", "is no line of JSON"),
        ("[]", "is no record of a trace"),
        ('{"kind": "song"}', "kind 'song' is neither command nor power"),
        ('{"kind": "power", "event": "wake"}', "'lost' is missing"),
        (line_with("opcode", -1), "-1 is no parameter"),
        (line_with("data", 7), "7 are no bytes"),
        (line_with("status", 0x42), "66 is not a valid Status"),
    ],
)
def test_a_line_that_is_no_record_is_refused_by_a_sentence(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match="is no") as caught:
        record_from(line)

    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_response_says_status_or_data_and_whether_its_crc_is_right() -> None:
    good = answer(encode_response(b"\x0f"))
    bad = answer(b"\x04\x0f\x00\x00")
    short = answer(b"\x04")
    long = answer(encode_response(bytes(32)), Command(Opcode.RANDOM, 0, 0, b""))

    assert (good.status, good.words, good.wrong) == (0x0F, "0F (execution error)", "")
    assert "CRC 00 00 is wrong, the bytes give 23 42" in bad.wrong
    assert short.status is None
    assert long.words == "32 random bytes"
    assert answer(b"\x03\x00").wrong == "2 bytes are no group; the shortest has 4"
    assert answer(encode_response(bytes(9))).words == "9 bytes of data"
    assert status_words(0x42) == "42 (a status no 608 has)"


def test_the_one_byte_of_a_self_test_is_a_bitmap_unless_it_is_a_status() -> None:
    tests = Command(Opcode.SELFTEST, 0x3D, 0, b"")

    assert body_words(b"\x00", tests) == (0, "all tests passed")
    assert body_words(b"\x05", tests) == (0, "failed tests: bit 0, bit 2")
    assert body_words(b"\x03", tests) == (3, "03 (parse error)")
    assert body_words(b"\xff", tests) == (0xFF, "FF (communication error)")
