"""Watching a chip decide changes nothing and misses nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc import slots
from softatecc.capture import explain
from softatecc.chip import Chip
from softatecc.commands import genkey, guards, nonce
from softatecc.entropy import SeededEntropy
from softatecc.evidence import Grade, Mark, Marked, marked_in, marks_in
from softatecc.inspection import Asked, Function, Hook, Journal, checks_of, function_of, watching
from softatecc.packet import Command, Opcode
from softatecc.status import obey
from softatecc.survey import DETAIL, Listener
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


def frame_in(module: str) -> FrameType:
    """The frame of a function of that module, of which only code and globals matter."""
    generator = explain([]) if module == "softatecc.capture" else iter(range(1) for _ in range(1))
    frame = getattr(generator, "gi_frame", None)
    assert isinstance(frame, FrameType)
    return frame


def test_the_hook_reports_calls_and_returns_of_this_package_alone() -> None:
    heard: list[str] = []
    hook = Hook(lambda f: heard.append(f"> {f.name}"), lambda f, value: heard.append(f"< {f.name} {value}"))
    for event in ("call", "return", "c_call"):
        hook(frame_in("softatecc.capture"), event, 7)
        hook(frame_in("elsewhere"), event, 7)

    assert heard == ["> explain", "< explain 7"]


def test_what_a_function_is_is_read_off_the_function() -> None:
    def of(thing: object, module: str) -> Function | None:
        code = getattr(thing, "__code__", None)
        assert code is not None
        return function_of.__wrapped__(code, module)

    question = of(slots.config_is_unlocked, "softatecc.slots")
    guard = of(guards.permit_key, "softatecc.commands.guards")
    handler = of(genkey.genkey, "softatecc.commands.genkey")
    secrecy = of(nonce._hides_request, "softatecc.commands.nonce")

    assert question is not None
    assert (question.asks, question.guards) == (True, False)
    assert guard is not None
    assert (guard.asks, guard.guards) == (False, True)
    assert handler is not None
    assert (handler.asks, handler.guards) == (False, False)
    assert secrecy is None or not secrecy.asks
    assert of(vars(slots.Slot)["is_public_p256"].fget, "softatecc.slots") is not None
    assert of(obey, "softatecc.status") is None
    assert of(frame_in, "tests.inspection") is None
    assert of(frame_in, "softatecc.slots") is None
    assert of(function_of.__wrapped__, "softatecc.inspection") is None


def test_answers_are_kept_of_questions_and_guards_alone() -> None:
    asked = Asked()
    asks = Function("softatecc.slots", "forbids", "Asks.", asks=True, guards=False)
    guards_ = Function("softatecc.guards", "permit", "Guards.", asks=False, guards=True)
    acts = Function("softatecc.guards", "act", "Acts.", asks=False, guards=False)
    for function, value in ((acts, "text"), (asks, None), (guards_, b""), (asks, "no")):
        asked.left(function, value)

    assert [(function.name, answer) for function, answer in asked.answers] == [
        ("forbids", None),
        ("permit", None),
        ("forbids", "no"),
    ]
    assert [check.objection for check in checks_of(asked, "no")] == [None, "no"]
    assert checks_of(Asked(), "no") == ()


def test_a_listener_inherits_marks_from_callers() -> None:
    listener = Listener()
    marked = Function(
        "softatecc.commands.x", "x", "X.\n\nEvidence: silicon - seen.", asks=False, guards=False
    )
    bare = Function("softatecc.slots", "forbids", "Asks.", asks=True, guards=False)
    detailed = Function("softatecc.commands.guards", "valid_temp_key", "TempKey.", asks=False, guards=True)
    act = Function("softatecc.slots", "acts", "Acts.", asks=False, guards=False)
    sys.modules.setdefault("softatecc.commands.x", slots)
    try:
        for function in (marked, bare):
            listener.entered(function)
        listener.left(bare, None)
        listener.entered(act)
        listener.left(act, None)
        listener.left(marked, None)
        listener.entered(bare)
        listener.entered(detailed)
    finally:
        del sys.modules["softatecc.commands.x"]

    details = [rule for rule in listener.rules if rule.sentence == DETAIL]
    assert [rule.name for rule in details] == ["valid_temp_key"]
    listener.rules -= {rule for rule in listener.rules if rule.name == "valid_temp_key"}
    found = {(rule.name, None if rule.mark is None else rule.mark.grade) for rule in listener.rules}
    assert found == {("x", Grade.SILICON), ("forbids", Grade.SILICON), ("forbids", None)}


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
