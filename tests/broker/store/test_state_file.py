"""A file that is not sound is refused with a sentence; so is a disk that takes nothing."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from jitpbroker.registry.ids import counting_ids
from jitpbroker.store.errors import StateError
from jitpbroker.store.file import FILE_NAME, sentence
from jitpbroker.store.state import State

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
POLICY = '{"Version":"2012-10-17","Statement":[]}'


def opened(directory: Path) -> State:
    return State.open(directory, new_id=counting_ids())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A closed state with facts in it."""
    state = opened(tmp_path)
    for number in range(50):
        state.registry.policies.create(f"policy-{number}", POLICY, at=NOW)
    state.registry.things.create("thing", at=NOW)
    state.registry.things.attach("thing", "arn:aws:iot:eu-west-1:123456789012:cert/1")
    state.close()
    return tmp_path / FILE_NAME


def test_a_new_file_is_for_its_owner_alone_and_leaves_nothing_else_behind(tmp_path: Path) -> None:
    opened(tmp_path / "new" / "folder").close()

    assert [each.name for each in (tmp_path / "new" / "folder").iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((tmp_path / "new" / "folder" / FILE_NAME).stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_theirs_no_longer(file: Path) -> None:
    file.chmod(0o644)
    opened(file.parent).close()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_one_broker_at_a_time(tmp_path: Path) -> None:
    first = opened(tmp_path)

    with pytest.raises(StateError, match="in use by another broker; stop that one, or choose another"):
        opened(tmp_path)
    first.close()
    opened(tmp_path).close()


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def text(file: Path) -> None:
    file.write_text("dear diary", encoding="utf-8")


def garbled(file: Path) -> None:
    octets = bytearray(file.read_bytes())
    octets[4096:8192] = bytes(4096)
    file.write_bytes(octets)


def statement(sql: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        with sqlite3.connect(file) as connection:
            connection.execute(sql)
        connection.close()

    return change


@pytest.mark.parametrize(
    "spoil, why",
    [
        (cut_short, "is damaged"),
        (emptied, "is no SQLite file; move it away"),
        (text, "is no SQLite file; move it away"),
        (garbled, "is damaged"),
        (statement("PRAGMA application_id=1"), "some other program's SQLite file"),
        (statement("PRAGMA user_version=99"), "has version 99, this jitplab knows 1; use the newer jitplab"),
        (statement("UPDATE facts SET body=replace(body,'policy-7','policy-8')"), "its seal is broken"),
        (statement("DROP TABLE retained"), "retained"),
        (statement("DELETE FROM accounts"), "it names no account"),
        (statement("DELETE FROM facts WHERE kind='things'"), "which things does not hold"),
    ],
)
def test_a_file_that_is_not_sound_is_refused_by_what_is_wrong_with_it(
    file: Path, spoil: Callable[[Path], None], why: str
) -> None:
    spoil(file)
    before = file.read_bytes()

    with pytest.raises(StateError, match=why) as refused:
        opened(file.parent)

    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert file.read_bytes()[100:] == before[100:]  # all but SQLite's own header, which counts changes


def test_a_folder_in_the_files_place_and_a_file_in_the_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(StateError, match="is no file; choose another --state"):
        opened(tmp_path)

    (tmp_path / "plain").write_text("")
    with pytest.raises(StateError, match=r"cannot be kept: .*choose another directory"):
        opened(tmp_path / "plain")


@pytest.mark.parametrize(
    "name, why",
    [
        ("SQLITE_FULL", "cannot be written .*make room or give write access"),
        ("SQLITE_READONLY", "cannot be written"),
        ("SQLITE_BUSY", "in use by another broker"),
        ("SQLITE_CORRUPT", "is damaged"),
        ("SQLITE_MISMATCH", "cannot be used"),
    ],
)
def test_every_complaint_of_sqlite_is_a_sentence(name: str, why: str) -> None:
    complaint = sqlite3.OperationalError("disk trouble")
    complaint.sqlite_errorname = name

    assert sentence(DatabaseError("", {}, complaint), Path("the-file"))
    with pytest.raises(StateError, match=why):
        raise StateError(sentence(DatabaseError("", {}, complaint), Path("the-file")))


def test_what_could_not_be_written_stays_pending_and_the_next_commit_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = opened(tmp_path)
    state.registry.policies.create("a", POLICY, at=NOW)
    with monkeypatch.context() as broken:
        broken.setattr(state._connection, "commit", _fail)
        with pytest.raises(StateError, match="make room"):
            state.commit()
    state.commit()
    state._connection.engine.dispose()

    again = opened(tmp_path)
    assert [policy.name for policy in again.registry.policies] == ["a"]
    again.close()


def _fail() -> None:
    complaint = sqlite3.OperationalError("database or disk is full")
    complaint.sqlite_errorname = "SQLITE_FULL"
    raise DatabaseError("", {}, complaint)
