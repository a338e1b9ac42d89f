"""Who wants a topic, without asking everybody: filters as a tree of topic levels.

Rules of this file:
1. ``+`` stands for one level, ``#`` for one or more: AWS IoT's ``a/#`` does not match ``a``.
2. A wildcard in the first level does not match topics that begin with ``$``.
3. Of several filters of one client the highest QoS counts.

Evidence: document - AWS IoT developer guide, page topics, for rule 1; OASIS MQTT 3.1.1 section 4.7.2 for
rule 2; rule 3 is inferred.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Level:
    below: dict[str, _Level] = field(default_factory=dict)
    clients: dict[str, int] = field(default_factory=dict)


class Subscriptions:
    """Filters by client id; both are well-formed."""

    def __init__(self) -> None:
        self._top = _Level()

    def add(self, topic_filter: str, client_id: str, qos: int) -> None:
        """Note a filter; a client's second subscription to it replaces the first."""
        level = self._top
        for name in topic_filter.split("/"):
            level = level.below.setdefault(name, _Level())
        level.clients[client_id] = qos

    def remove(self, topic_filter: str, client_id: str) -> None:
        """Forget a filter, and the levels that lead to no other."""
        path = [self._top]
        names = topic_filter.split("/")
        for name in names:
            if name not in path[-1].below:
                return
            path.append(path[-1].below[name])
        path[-1].clients.pop(client_id, None)
        for name, above, level in zip(reversed(names), path[-2::-1], path[:0:-1], strict=True):
            if level.clients or level.below:
                return
            del above.below[name]

    def clear(self) -> None:
        """Forget everything."""
        self._top = _Level()

    def matching(self, topic: str) -> dict[str, int]:
        """The highest QoS wanted, by client id."""
        found: dict[str, int] = {}
        levels = [self._top]
        wildcards = not topic.startswith("$")
        for name in topic.split("/"):
            below: list[_Level] = []
            for level in levels:
                if wildcards and (rest := level.below.get("#")) is not None:
                    _take(rest, found)
                if wildcards and (any_one := level.below.get("+")) is not None:
                    below.append(any_one)
                if (exact := level.below.get(name)) is not None:
                    below.append(exact)
            if not below:
                return found
            levels, wildcards = below, True
        for level in levels:
            _take(level, found)
        return found


def _take(level: _Level, found: dict[str, int]) -> None:
    for client_id, qos in level.clients.items():
        found[client_id] = max(qos, found.get(client_id, 0))
