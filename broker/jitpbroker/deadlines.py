"""Many waits of one length behind one timer of the event loop.

A timer of the loop's own costs as much as reading a packet does, and nearly all of a broker's timers are
cancelled: the handshake ends, CONNECT comes, the client closes.

Rules of this file:
1. All waits of one object are equally long, so that the first to begin is the first to expire.
2. ``expired`` is called once for each wait that nobody has ended, never before its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Waits of ``seconds`` each, told apart by who waits; ``expired`` hears who has waited long enough."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, expired: Callable[[T], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._expired = expired
        self._waiting: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, who: T) -> None:
        """``who`` waits from now on, and no longer since whenever it did."""
        deadline = self._loop.time() + self._seconds
        self._waiting.pop(who, None)
        self._waiting[who] = deadline
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._look)

    def end(self, who: T) -> None:
        """``who`` waits no longer, if it ever did."""
        self._waiting.pop(who, None)

    def close(self) -> None:
        """Forget everybody."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        for who, deadline in self._waiting.items():
            if deadline > now:
                self._timer = self._loop.call_at(deadline, self._look)
                break
            self._loop.call_soon(self._expire, who, deadline)  # each on its own, should one of them fail

    def _expire(self, who: T, deadline: float) -> None:
        if self._waiting.get(who) == deadline:  # else ended, or begun anew, since
            del self._waiting[who]
            self._expired(who)
