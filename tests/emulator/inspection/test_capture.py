"""Captures explained: directions, word addresses, pieces, CRCs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc.capture import Direction, explain
from softatecc.packet import Command, Opcode, encode_response

INFO, REVISION = "0730000000035d", "07000060028038"
#: A published bus trace of a 608A: wake, Info read in two pieces, idle (word addresses included).
PUBLISHED = ["> 00", "< 04113343", "> 03 07 30 00 00 00 03 5D", "> 00", "< 07", "< 00 00 60 02 80 38", "> 02"]


def told(*lines: str) -> list[str]:
    return [str(finding) for finding in explain(lines)]


def test_a_published_capture_is_explained_line_by_line() -> None:
    findings = list(explain(PUBLISHED))

    assert [finding.line for finding in findings] == [1, 2, 3, 4, 6, 7]
    assert not any(finding.wrong for finding in findings)
    assert findings[1].headline == "11 (after wake): the chip is awake"
    assert findings[2].headline == "Info (30 00 0000): revision"
    assert findings[4].headline == "Info answers 00 (success), 4 bytes"
    assert "data: 00006002" in findings[4].particulars
    assert "idles the chip" in findings[5].headline


def test_without_directions_the_bytes_tell() -> None:
    bare = [line[2:] for line in PUBLISHED]

    assert [finding.direction for finding in explain(bare)] == [f.direction for f in explain(PUBLISHED)]


@pytest.mark.parametrize("prefix", ["> ", "tx ", "W: ", "host ", "-> ", ""])
@pytest.mark.parametrize(
    "form", [INFO, "07 30 00 00 00 03 5d", "0x07,0x30,0x00,0x00,0x00,0x03,0x5D", "03" + INFO]
)
def test_many_ways_of_writing_hex_are_read(prefix: str, form: str) -> None:
    (finding,) = explain([prefix + form + "  # the first command"])

    assert finding.direction is Direction.TO_CHIP
    assert finding.headline == "Info (30 00 0000): revision"


def test_a_wrong_crc_is_told_in_either_direction() -> None:
    sent, heard = explain(["> 07300000000000", "< 040f0000"])

    assert sent.wrong == "CRC 00 00 is wrong, the bytes give 03 5D"
    assert heard.wrong == "CRC 00 00 is wrong, the bytes give 23 42"
    assert "WRONG: CRC 00 00" in str(sent)


def test_a_count_that_does_not_fit_and_a_stump_are_told() -> None:
    long, stump, word = explain(["> 08" + INFO[2:], "> 0730", "> 7f"])

    assert long.wrong == "the count says 8 bytes, here are 7"
    assert stump.wrong == "2 bytes are no command; the shortest has 7"
    assert word.headline == "word address 7F is a reserved word address"


def test_a_response_cut_short_is_told_when_something_else_begins() -> None:
    findings = list(explain([f"> {INFO}", "< 07 00 00", f"> {INFO}", "< 23 00"]))

    assert [bool(finding.wrong) for finding in findings] == [False, True, False, True]
    assert findings[1].wrong == "the count says 7 bytes, here are 3"


def test_a_wake_answer_after_a_command_means_that_the_chip_was_reset() -> None:
    findings = list(explain([f"> {INFO}", "< 04113343"]))

    assert "the chip was reset" in findings[1].headline


def test_addresses_and_pieces_are_told() -> None:
    read = Command(Opcode.READ, 0x82, 0x58, b"").encode()
    verify = Command(Opcode.VERIFY, 0x22, 4, bytes(128)).encode()
    lines = "\n".join(told(read.hex(), encode_response(b"\x0f").hex(), verify.hex()))

    assert "param2: address 0x0058 (block 0): bytes 0-31 of slot 11" in lines
    assert "Read answers 0F (execution error)" in lines
    assert "public key X || Y: 00" in lines


@pytest.mark.parametrize("line", ["xyz", "> 0", "07 3", "GenKey"])
def test_what_is_not_hex_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ValueError, match="is not hex") as caught:
        list(explain(["", "# nothing", line]))

    assert "line 3, " in str(caught.value)


def test_empty_lines_and_comments_are_passed_over() -> None:
    assert told("", "   ", "# a remark") == []


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40).map(bytes.hex), max_size=8))
def test_any_bytes_in_any_order_are_explained(lines: list[str]) -> None:
    findings = list(explain(lines))

    assert b"".join(finding.octets for finding in findings) == bytes.fromhex("".join(lines))
