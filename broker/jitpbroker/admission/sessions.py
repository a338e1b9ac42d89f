"""Who is connected under which client id, and how often that id has connected."""

from __future__ import annotations

from collections import OrderedDict, deque

from jitpbroker.admission.authorize import Session


class Sessions:
    """Sessions by client id; of ids that nobody uses, the longest unused are forgotten first.

    Args:
        most: client ids to remember. Evidence: assumed - AWS counts versions per client id and forgets those
            that stay away long; how many are kept here is an own choice.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._latest: OrderedDict[str, Session] = OrderedDict()
        self._open: dict[str, deque[Session]] = {}

    def next_version(self, client_id: str) -> int:
        """AWS's versionNumber for one more connection."""
        latest = self._latest.get(client_id)
        return 0 if latest is None else latest.version + 1

    def opened(self, client_id: str, session: Session) -> None:
        """A connection was admitted; an older one may still have to end."""
        self._latest[client_id] = session
        self._latest.move_to_end(client_id)
        self._open.setdefault(client_id, deque(maxlen=2)).append(session)
        if len(self._latest) > self._most:
            unused = next((each for each in self._latest if each not in self._open), None)
            if unused is not None:
                del self._latest[unused]

    def others(self, client_id: str) -> int:
        """How many client ids beside this one are connected."""
        return len(self._open) - (client_id in self._open)

    def latest(self, client_id: str) -> Session:
        """The newest session of a client id that is connected."""
        return self._latest[client_id]

    def closed(self, client_id: str) -> Session | None:
        """The session that ends now, the older one of two; ``None`` when none is open."""
        waiting = self._open.get(client_id)
        if waiting is None:
            return None
        session = waiting.popleft()
        if not waiting:
            del self._open[client_id]
        return session
