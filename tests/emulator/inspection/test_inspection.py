"""Watching a chip decide changes nothing and misses nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.entropy import SeededEntropy
from softatecc.evidence import Grade, Mark, Marked, marked_in, marks_in
from softatecc.inspection import Journal, watching
from softatecc.packet import Command, Opcode
from softatecc.trace import CommandRecord, PowerRecord
from softatecc.transports import EmulatorTransport

Ask = Callable[..., bytes]
Part = Callable[..., Chip]

PACKETS = st.lists(
    st.builds(
        Command, st.sampled_from(Opcode), st.integers(0, 255), st.integers(0, 20), st.binary(max_size=70)
    ),
    max_size=6,
)


def blank() -> Chip:
    return Chip.unprovisioned("cal_test_608", bytes(9), entropy=SeededEntropy("watched"))


@settings(deadline=None)
@given(PACKETS)
def test_a_watched_chip_answers_and_records_as_an_unwatched_one(commands: list[Command]) -> None:
    watched, alone = blank(), blank()
    journal = Journal(watched)
    answers = [watched.exchange(each.encode()) for each in commands]

    assert answers == [alone.exchange(each.encode()) for each in commands]
    assert watched.trace == alone.trace
    assert [record for record, _ in journal.entries()] == alone.trace


def test_the_deciding_question_carries_the_objection(chip: Chip, ask: Ask) -> None:
    journal = Journal(chip)
    ask(chip, Opcode.READ, 0x82, 9 << 3)
    record, checks = journal.last
    objecting = {check.rule: check.objection for check in checks if check.objection}

    assert objecting["data_is_unlocked"] == record.why
    assert any(check.mark is not None and check.mark.grade is Grade.SILICON for check in checks)
    assert checks[0].as_json()["rule"] == "Command.decode"


def test_a_guard_that_refuses_by_itself_carries_the_objection(chip: Chip, ask: Ask) -> None:
    journal = Journal(chip)
    ask(chip, Opcode.RANDOM, 0, 5)
    record, checks = journal.last

    assert checks[-1].rule == "expect_param2"
    assert checks[-1].objection == record.why
    assert str(checks[-1]).endswith("OBJECTS")


def test_what_is_granted_meets_no_objection(chip: Chip, ask: Ask) -> None:
    journal = Journal(chip)
    ask(chip, Opcode.GENKEY, 4, 0)
    _, checks = journal.last

    assert {"config_is_unlocked", "is_no_private_p256", "forbids_create"} <= {check.rule for check in checks}
    assert not any(check.objection for check in checks)
    assert str(checks[0]).endswith("no objection")


def test_power_has_no_checks_and_a_closed_journal_watches_no_more(chip: Chip) -> None:
    journal = Journal(chip)
    transport = EmulatorTransport(chip)
    transport.exchange(Command(Opcode.INFO, 0, 0, b"").encode())
    journal.close()
    transport.exchange(Command(Opcode.INFO, 0, 0, b"").encode())
    kinds = [(type(record), bool(checks)) for record, checks in journal.entries()]

    assert kinds == [(PowerRecord, False), (CommandRecord, True), (CommandRecord, False)]


def test_a_profile_function_that_was_there_is_put_back() -> None:
    def mine(frame: FrameType, event: str, value: object) -> None:
        pass

    sys.setprofile(mine)
    try:
        with watching(lambda _: None, lambda _, __: None):
            pass
        found = sys.getprofile()
    finally:
        sys.setprofile(None)

    assert found is mine


def test_a_mark_is_read_with_the_text_before_it() -> None:
    found = list(
        marked_in(
            "One thing.\nEvidence: silicon - a dump,\n  seen twice.\nAnother: Evidence: assumed - nobody says"
        )
    )

    assert found == [
        Marked("One thing.\n", Mark(Grade.SILICON, "a dump, seen twice")),
        Marked(".\nAnother: ", Mark(Grade.ASSUMED, "nobody says")),
    ]
    assert str(found[0].mark) == "silicon - a dump, seen twice"
    assert marks_in("nothing here") == ()


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("Evidence: rumour - a friend", "'rumour' is no grade"),
        ("Evidence: silicon", "is no mark; write it as"),
    ],
)
def test_a_mark_that_is_none_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        marks_in(text)
