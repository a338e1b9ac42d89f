"""The state file: kept before it is acknowledged, and refused when it is not sound."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc import statefile
from softatecc.chip import Chip
from softatecc.entropy import SeededEntropy
from softatecc.packet import Command, Opcode
from softatecc.state import PACKED_SIZE, Contents
from softatecc.statefile import StateError, StateFile
from softatecc.wire import I2cPort, WordAddress

HEAD, RECORD = 20, PACKED_SIZE + 32


def a_part(*keys: int) -> Chip:
    chip = Chip.unprovisioned("cal_test_608", bytes(range(9)), entropy=SeededEntropy("file"))
    chip.exchange(Command(Opcode.LOCK, 0x80, 0).encode())
    for slot in keys:
        chip.exchange(Command(Opcode.GENKEY, 4, slot).encode())
    return chip


def refuse(path: Path) -> str:
    with pytest.raises(StateError) as caught:
        StateFile(path)
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "part.state"


@pytest.fixture
def kept(path: Path) -> list[Contents]:
    """What a file with three records holds, oldest first."""
    contents = []
    with StateFile(path) as file:
        chip = a_part()
        for slot in (None, 0, 2):
            if slot is not None:
                chip.exchange(Command(Opcode.GENKEY, 4, slot).encode())
            file.keep(chip)
            contents.append(Contents.of(chip))
    return contents


def test_what_was_kept_is_there_again(path: Path, kept: list[Contents]) -> None:
    with StateFile(path) as file:
        assert file.contents == kept[-1]
        assert file.dropped == 0
    assert path.stat().st_size == HEAD + 3 * RECORD


def test_there_is_nothing_before_the_first_keep(path: Path) -> None:
    with StateFile(path) as file:
        assert file.contents is None
    assert not path.exists()


def test_only_its_owner_may_read_the_file(path: Path, kept: list[Contents]) -> None:
    first = path.stat().st_mode & 0o777
    path.chmod(0o644)
    with StateFile(path):
        again = path.stat().st_mode & 0o777

    assert (first, again) == (0o600, 0o600)


def test_nothing_is_written_when_nothing_changed(path: Path) -> None:
    chip = a_part(0)
    with StateFile(path) as file:
        file.keep(chip)
        size = path.stat().st_size
        for packet in (Command(Opcode.RANDOM, 0, 0).encode(), Command(Opcode.GENKEY, 0, 0).encode()):
            chip.exchange(packet)
            file.keep(chip)

        assert path.stat().st_size == size


def test_a_key_that_is_no_key_any_more_is_a_change_though_its_bytes_stay(path: Path) -> None:
    chip = a_part(0)
    with StateFile(path) as file:
        file.keep(chip)
        chip.memory.store(0, bytes(bytearray(chip.memory.slot(0))))
        file.keep(chip)

        assert file.contents is not None
        assert file.contents.private == frozenset()
        assert path.stat().st_size == HEAD + 2 * RECORD


def test_a_change_is_in_the_file_before_its_answer_can_be_read(path: Path) -> None:
    chip = a_part()
    seen: list[bool] = []
    with StateFile(path) as file:
        file.keep(chip)

        def settle(chip: Chip) -> None:
            file.keep(chip)
            seen.append(port.read(1) in (None, b"\xff"))

        port = I2cPort(chip, settle=settle)
        port.wake()
        port.write(WordAddress.COMMAND, Command(Opcode.GENKEY, 4, 0).encode())
        answer = port.read(67)
        written = path.read_bytes()[-RECORD:]

    assert answer is not None
    assert answer[0] == 67
    assert seen == [True]
    assert Contents.unpacked(written[:PACKED_SIZE]) == Contents.of(chip)


def test_two_devices_on_one_file_are_refused(path: Path) -> None:
    with StateFile(path) as file:
        file.keep(a_part())

        assert "is in use by another device; stop that one or name another file" in refuse(path)
    with StateFile(path) as file:
        assert file.contents is not None


def test_another_process_is_refused_too(path: Path, kept: list[Contents]) -> None:
    code = "import pathlib, sys, softatecc.statefile as s; s.StateFile(pathlib.Path(sys.argv[1]))"
    with StateFile(path):
        ran = subprocess.run(
            (sys.executable, "-c", code, str(path)), capture_output=True, text=True, check=False
        )

    assert ran.returncode != 0
    assert "is in use by another device" in ran.stderr


def test_of_two_devices_that_begin_with_no_file_the_slower_is_refused(path: Path) -> None:
    with StateFile(path) as quick, StateFile(path) as slow:
        quick.keep(a_part())

        with pytest.raises(StateError, match="in use by another device"):
            slow.keep(a_part(0))
        assert os.listdir(path.parent) == [path.name]  # noqa: PTH208 - names are wanted


def test_a_file_that_grew_long_is_written_anew_and_stays_locked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statefile, "_MOST_RECORDS", 3)
    chip = a_part()
    sizes = []
    with StateFile(path) as file:
        for _ in range(8):
            chip.exchange(Command(Opcode.GENKEY, 4, 0).encode())
            file.keep(chip)
            sizes.append((path.stat().st_size - HEAD) // RECORD)

            assert "is in use" in refuse(path)
    with StateFile(path) as file:
        assert file.contents == Contents.of(chip)
    assert sizes == [1, 2, 3, 1, 2, 3, 1, 2]


def test_a_file_replaced_while_it_is_opened_is_opened_again(
    path: Path, kept: list[Contents], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    with StateFile(other) as file:
        file.keep(a_part(0))
    held = Contents.of(a_part(0))
    lock = statefile._lock

    def replace_first(descriptor: int, name: Path) -> None:
        if other.exists():
            other.rename(path)
        lock(descriptor, name)

    monkeypatch.setattr(statefile, "_lock", replace_first)
    with StateFile(path) as file:
        assert file.contents == held


def test_a_file_removed_while_it_is_opened_is_as_if_never_there(
    path: Path, kept: list[Contents], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = statefile._lock

    def remove_first(descriptor: int, name: Path) -> None:
        name.unlink()
        lock(descriptor, name)

    monkeypatch.setattr(statefile, "_lock", remove_first)
    with StateFile(path) as file:
        assert file.contents is None


def test_what_a_kill_left_of_writing_anew_is_removed(path: Path, kept: list[Contents]) -> None:
    leftover = path.with_name(f".{path.name}.abcd.new")
    stranger = path.with_name(f".{path.name}x.abcd.new")
    leftover.write_bytes(b"half")
    stranger.write_bytes(b"of another part")
    with StateFile(path):
        assert not leftover.exists()
        assert stranger.exists()


# --- cut short -------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_record_cut_short_is_dropped_and_the_one_before_counts(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "part.state"
    chips = [a_part(), a_part(0), a_part(0, 2)]
    with StateFile(path) as file:
        for chip in chips:
            file.keep(chip)
    missing = data.draw(st.integers(1, RECORD - 1))
    os.truncate(path, path.stat().st_size - missing)
    with StateFile(path) as file:
        assert file.contents == Contents.of(chips[1])
        assert file.dropped == RECORD - missing
        file.keep(chips[2])
    with StateFile(path) as file:
        assert (file.contents, file.dropped) == (Contents.of(chips[2]), 0)


@pytest.mark.parametrize("length", [0, 5, HEAD, HEAD + 1, HEAD + RECORD - 1])
def test_a_file_that_ends_before_its_first_record_is_damaged(
    path: Path, kept: list[Contents], length: int
) -> None:
    os.truncate(path, length)

    assert f"is damaged: it ends after {length} bytes, before its first record does" in refuse(path)


# --- not sound -------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_altered_byte_passes(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("bit") / "part.state"
    with StateFile(path) as file:
        for chip in (a_part(), a_part(0)):
            file.keep(chip)
    octets = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(octets)

    sentence = refuse(path)

    assert str(path) in sentence
    assert any(word in sentence for word in ("damaged", "is not a part's state", "newer version"))
    assert path.read_bytes() == octets


@pytest.mark.parametrize(
    "alter",
    [
        lambda records: [records[1], records[0], records[2]],
        lambda records: [records[0], records[2]],
        lambda records: [records[0], records[0], records[1], records[2]],
        lambda records: [records[1], records[2]],
    ],
    ids=["swapped", "one taken out", "one twice", "the first taken out"],
)
def test_records_that_were_moved_are_found_out(
    path: Path, kept: list[Contents], alter: Callable[[list[bytes]], list[bytes]]
) -> None:
    octets = path.read_bytes()
    records = [octets[HEAD + number * RECORD : HEAD + (number + 1) * RECORD] for number in range(3)]
    path.write_bytes(octets[:HEAD] + b"".join(alter(records)))

    assert "does not have the digest it carries" in refuse(path)


@pytest.mark.parametrize(
    "octets, words",
    [
        (b"#!/bin/sh\necho hello\n", "is not a part's state: it begins with b'#!/bin/sh\\necho h'"),
        (b"\x00" * 4000, "is not a part's state"),
        (b"softatecc state\n\x02\x00\x00\x00", "is a state of format 2, which a newer version wrote"),
        (b"softatecc state\n\x00\x00\x00\x00", "is damaged: it says format 0"),
        (b"softatecc state\n\x01", "is damaged: it says format 1"),
    ],
)
def test_a_foreign_or_newer_file_is_refused_and_left_alone(path: Path, octets: bytes, words: str) -> None:
    path.write_bytes(octets)
    sentence = refuse(path)

    assert words in sentence
    assert path.read_bytes() == octets


def test_a_record_whose_digest_fits_must_still_be_a_part(path: Path) -> None:
    packed = bytes(4) + bytes(PACKED_SIZE - 4)
    head = statefile._HEAD
    path.write_bytes(head + packed + statefile._digest(head, packed))

    assert "is damaged: b'\\x00\\x00\\x00\\x00' is not a valid Revision" in refuse(path)


def test_a_file_that_may_not_be_opened_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path} cannot be used as a state: Is a directory" in refuse(tmp_path)


# --- no room ---------------------------------------------------------------------------------------


def test_what_cannot_be_written_is_not_kept_and_the_file_stays_sound(
    path: Path, kept: list[Contents], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(descriptor: int, octets: bytes) -> int:
        if len(octets) < RECORD:
            raise OSError(28, "No space left on device")
        return write(descriptor, octets[: RECORD // 2])

    with StateFile(path) as file:
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(StateError, match=r"cannot be kept in .*: No space left on device"):
            file.keep(a_part(0, 2, 7))
        monkeypatch.undo()

        assert file.contents == kept[-1]
    with StateFile(path) as file:
        assert (file.contents, file.dropped) == (kept[-1], 0)


def test_a_first_state_that_cannot_be_written_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with StateFile(path) as file:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StateError, match="No space left on device"):
            file.keep(a_part())
        monkeypatch.undo()

    assert list(path.parent.iterdir()) == []


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with StateFile(tmp_path / "none" / "part.state") as file, pytest.raises(StateError) as caught:
        file.keep(a_part())

    assert "No such file or directory" in str(caught.value)
