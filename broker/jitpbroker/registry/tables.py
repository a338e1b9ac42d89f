"""The registry's dictionaries, each of which can tell listeners what changes.

Rules of this file:
1. A table is a dict: reading one costs what reading a dict costs.
2. Every change is told to the listeners after it was made, by its key and the fact that stood there before;
   what is loaded is no change.
3. What can be worked out from tables (who is attached to a principal, say) is no table but an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn, TypeAlias, TypeVar, overload

#: A name, or the two ends of an attachment.
Key: TypeAlias = "str | tuple[str, str]"

K = TypeVar("K", bound=Key)
V = TypeVar("V")
D = TypeVar("D")


class Table(dict[K, V]):
    """Facts of one kind by key, in the order they came.

    Attributes:
        name: under which the facts are kept and exported.
        kind: the facts' type, as a type or a type's annotation.
        listeners: told the key of each change and the fact it had, ``None`` for none.
    """

    def __init__(self, name: str, kind: object) -> None:
        super().__init__()
        self.name = name
        self.kind = kind
        self.listeners: list[Callable[[K, V | None], None]] = []

    def load(self, facts: Iterable[tuple[K, V]]) -> None:
        """Take facts from where they were kept; the listeners know them already."""
        super().update(facts)

    def __setitem__(self, key: K, value: V) -> None:
        old = self.get(key)
        super().__setitem__(key, value)
        self._tell(key, old)

    def __delitem__(self, key: K) -> None:
        old = self[key]
        super().__delitem__(key)
        self._tell(key, old)

    @overload
    def pop(self, key: K, /) -> V: ...
    @overload
    def pop(self, key: K, default: V, /) -> V: ...
    @overload
    def pop(self, key: K, default: D, /) -> V | D: ...
    def pop(self, key: K, *default: object) -> object:
        """As a dict's; a key that is not there is no change."""
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def _tell(self, key: K, old: V | None) -> None:
        for listener in self.listeners:
            listener(key, old)

    def _refuse(self, *_arguments: object, **_more: object) -> NoReturn:
        raise TypeError(f"the table {self.name} is changed key by key; use assignment, del or pop")

    #: Ways around the listeners that nobody needs.
    update = clear = popitem = setdefault = __ior__ = _refuse


#: A table whose facts are looked at one by one, by whoever keeps them.
AnyTable: TypeAlias = "Table[Key, object]"
