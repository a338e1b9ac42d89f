"""An operation's parameters, read by name once the model has been satisfied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jitpbroker.registry.jsontext import Json


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters that hold the model's types; a wrong name or type here is a fault of ours and may crash."""

    values: Mapping[str, Json]

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """A string the model requires."""
        value = self.values[name]
        assert isinstance(value, str), f"{name} is no string"
        return value

    def maybe_text(self, name: str) -> str | None:
        """A string, if it was given."""
        return self.text(name) if name in self else None

    def flag(self, name: str) -> bool:
        """A boolean, false unless given."""
        value = self.values.get(name)
        assert value is None or isinstance(value, bool), f"{name} is no boolean"
        return bool(value)

    def number(self, name: str) -> int | None:
        """An integer, if it was given."""
        value = self.values.get(name)
        assert value is None or isinstance(value, int), f"{name} is no integer"
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings, empty unless given."""
        return [each for each in self._list(name) if isinstance(each, str)]

    def objects(self, name: str) -> list[Params]:
        """A list of structures, empty unless given."""
        return [Params(each) for each in self._list(name) if isinstance(each, dict)]

    def object(self, name: str) -> Params:
        """A structure, empty unless given."""
        value = self.values.get(name)
        assert value is None or isinstance(value, dict), f"{name} is no structure"
        return Params(value or {})

    def strings(self, name: str) -> dict[str, str]:
        """A map from string to string, empty unless given."""
        return {key: value for key, value in self.object(name).values.items() if isinstance(value, str)}

    def _list(self, name: str) -> list[Json]:
        value = self.values.get(name)
        assert value is None or isinstance(value, list), f"{name} is no list"
        return value or []
