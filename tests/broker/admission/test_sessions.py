"""How often a client id has connected, and that ids nobody uses are forgotten."""

from __future__ import annotations

from jitpbroker.admission.authorize import Session
from jitpbroker.admission.sessions import Sessions


def session(version: int) -> Session:
    return Session(f"session {version}", version, "127.0.0.1", 1, ())


def test_of_two_sessions_the_older_ends_first_and_the_version_counts_on() -> None:
    sessions = Sessions()
    sessions.opened("a", session(sessions.next_version("a")))
    sessions.opened("a", session(sessions.next_version("a")))
    ended = [sessions.closed("a") for _ in range(3)]

    assert ended == [session(0), session(1), None]
    assert sessions.next_version("a") == 2
    assert sessions.latest("a") == session(1)


def test_the_longest_unused_client_id_is_forgotten_and_never_one_in_use() -> None:
    sessions = Sessions(most=2)
    for client_id in ("used", "left", "back", "new"):
        sessions.opened(client_id, session(sessions.next_version(client_id)))
        if client_id != "used":
            sessions.closed(client_id)

    assert [sessions.next_version(each) for each in ("used", "left", "back", "new")] == [1, 0, 0, 1]


def test_when_all_are_in_use_none_is_forgotten() -> None:
    sessions = Sessions(most=1)
    for client_id in ("a", "b"):
        sessions.opened(client_id, session(sessions.next_version(client_id)))

    assert [sessions.next_version(each) for each in ("a", "b")] == [1, 1]
