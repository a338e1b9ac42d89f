"""Waits of one length: who expires, when, and with how many timers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from jitpbroker.deadlines import Deadlines


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until it is turned on."""

    at = 0.0

    def time(self) -> float:
        return self.at

    def turn(self, seconds: float) -> None:
        """Time goes on; what is due happens before this returns."""
        self.at += seconds
        self.run_until_complete(asyncio.sleep(0))  # timers
        self.run_until_complete(asyncio.sleep(0))  # and what they called for

    @property
    def timers(self) -> int:
        return sum(not each.cancelled() for each in self._scheduled)  # type: ignore[attr-defined]


@pytest.fixture
def clock() -> Iterator[Clock]:
    loop = Clock()
    yield loop
    loop.close()


def test_each_expires_after_its_own_time_and_once(clock: Clock) -> None:
    expired: list[str] = []
    deadlines = Deadlines(clock, 10.0, expired.append)
    deadlines.begin("a")
    clock.turn(4.0)
    deadlines.begin("b")
    assert clock.timers == 1

    clock.turn(5.9)
    assert expired == []
    clock.turn(0.1)
    assert expired == ["a"]
    clock.turn(4.0)
    assert expired == ["a", "b"]
    clock.turn(100.0)
    assert expired == ["a", "b"]
    assert clock.timers == 0


def test_who_has_ended_never_expires(clock: Clock) -> None:
    expired: list[str] = []
    deadlines = Deadlines(clock, 10.0, expired.append)
    for who in "abc":
        deadlines.begin(who)
    deadlines.end("b")
    deadlines.end("a stranger")
    clock.turn(10.0)
    assert expired == ["a", "c"]


def test_who_begins_again_waits_anew(clock: Clock) -> None:
    expired: list[str] = []
    deadlines = Deadlines(clock, 10.0, expired.append)
    deadlines.begin("a")
    clock.turn(9.0)
    deadlines.begin("a")
    clock.turn(9.0)
    assert expired == []
    clock.turn(1.0)
    assert expired == ["a"]


def test_an_expiry_may_end_another_and_begin_one(clock: Clock) -> None:
    expired: list[str] = []

    def expire(who: str) -> None:
        expired.append(who)
        if who == "a":
            deadlines.end("b")
            deadlines.begin("c")

    deadlines = Deadlines(clock, 10.0, expire)
    deadlines.begin("a")
    deadlines.begin("b")
    clock.turn(10.0)
    assert expired == ["a"]
    clock.turn(10.0)
    assert expired == ["a", "c"]


def test_one_that_fails_is_reported_and_takes_nobody_along(clock: Clock) -> None:
    expired: list[str] = []
    reported: list[BaseException] = []

    def expire(who: str) -> None:
        if who == "a":
            raise RuntimeError("a")
        expired.append(who)

    clock.set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
    deadlines = Deadlines(clock, 10.0, expire)
    deadlines.begin("a")
    deadlines.begin("b")
    clock.turn(10.0)
    assert expired == ["b"]
    assert [str(each) for each in reported] == ["a"]


def test_closing_forgets_everybody(clock: Clock) -> None:
    expired: list[str] = []
    deadlines = Deadlines(clock, 10.0, expired.append)
    deadlines.begin("a")
    deadlines.close()
    assert clock.timers == 0
    clock.turn(10.0)
    assert expired == []
    deadlines.begin("b")
    clock.turn(10.0)
    assert expired == ["b"]
