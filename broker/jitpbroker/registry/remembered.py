"""Answers worked out from a registry, kept until anything in it changes.

Rules of this file:
1. Any change of any table wipes everything: nobody has to know what an answer rests on.
2. What is loaded is no change (`tables`, rule 2): load before anybody remembers.
3. What does not fit any more makes room for all that is new.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from jitpbroker.registry.store import Registry

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """At most ``most`` answers about ``registry``, by question."""

    def __init__(self, registry: Registry, most: int) -> None:
        self._most = most
        self._answers: dict[K, V] = {}
        for table in registry.tables.values():
            table.listeners.append(self._forget)

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, question: K) -> V | None:
        """The answer, ``None`` when it has to be worked out."""
        return self._answers.get(question)

    def keep(self, question: K, answer: V) -> None:
        """Remember an answer that has just been worked out."""
        if len(self._answers) >= self._most:
            self._answers.clear()
        self._answers[question] = answer

    def _forget(self, _key: object, _old: object) -> None:
        self._answers.clear()
