"""How much a connection may do in a second; times are passed in.

Rules of this file:
1. A limit of ``None`` allows everything.
2. Messages are counted second by second, bytes flow into a bucket that empties steadily.

Evidence: document - AWS General Reference, AWS IoT Core quotas: publishes beyond the limit are discarded,
bytes beyond it wait; where a second begins is inferred.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_SECOND: Final = timedelta(seconds=1)


@dataclass(slots=True)
class PerSecond:
    """Counts; a second begins with the first that is counted in it.

    Attributes:
        limit: how many one second bears.
        used: how many the current second has seen.
    """

    limit: int | None
    used: int = 0
    _began: datetime | None = None

    def take(self, at: datetime) -> bool:
        """Count one; whether it is within the limit. A clock that was set back begins a new second."""
        if self.limit is None:
            return True
        if self._began is None or not timedelta() <= at - self._began < _SECOND:
            self._began, self.used = at, 0
        self.used += 1
        return self.used <= self.limit


@dataclass(slots=True)
class Throughput:
    """A bucket of one second's bytes.

    Attributes:
        limit: bytes a second.
        level: bytes not yet flown off.
    """

    limit: int | None
    level: float = 0.0
    _since: float = 0.0

    def spend(self, size: int, now: float) -> float:
        """Pour ``size`` bytes in; the seconds to wait before more are read, 0 while there is room."""
        if self.limit is None:
            return 0.0
        self.level = max(0.0, self.level - (now - self._since) * self.limit) + size
        self._since = now
        return max(0.0, (self.level - self.limit) / self.limit)
