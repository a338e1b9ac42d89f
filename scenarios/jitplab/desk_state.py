"""What ``jitplab broker --state`` keeps; SQLAlchemy is loaded only when it is asked for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jitpbroker.engine import Engine
from jitpbroker.engine.local import LocalEngine
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.names import Arns
from jitpbroker.registry.store import Registry
from jitpbroker.store.errors import StateError
from jitplab.scenario import NeedUnmet

if TYPE_CHECKING:
    from jitpbroker.store.state import State


class Kept:
    """A broker's state, open.

    Args:
        directory: where it is kept.
        new_id: UUIDs.
        tell: takes a sentence for the operator.

    Raises:
        NeedUnmet: SQLAlchemy is not installed.
        StateError: the state cannot be used; the sentence says why.
    """

    def __init__(self, directory: Path, *, new_id: IdSource, tell: Callable[[str], None]) -> None:
        self._state = open_state(directory, new_id=new_id)
        self._tell = tell
        self._told = ""

    @property
    def registry(self) -> Registry:
        """Of the account that MQTT connections are judged by."""
        return self._state.registry

    @property
    def others(self) -> tuple[Registry, ...]:
        """Of further accounts and Regions."""
        return self._state.others

    def keep(self, registry: Registry) -> None:
        """Keep a further account's registry, too."""
        self._state.keep(registry)

    def engine(self, now: Callable[[], datetime]) -> Engine:
        """The default engine with all it had; whoever was connected then has left now."""
        engine = LocalEngine(keeper=self._state.keeper)
        engine.restore(self._state.sessions, self._state.retained, now())
        return engine

    def commit(self) -> None:
        """Write down what is pending; what stands in the way is told once."""
        try:
            self._state.commit()
        except StateError as error:
            if str(error) != self._told:
                self._told = str(error)
                self._tell(self._told)
            raise
        self._told = ""

    def close(self) -> None:
        """Write down what is pending and let go of the file."""
        self._state.close()


def open_state(directory: Path, *, new_id: IdSource, home: Arns | None = None, begin: bool = True) -> State:
    """The state in a directory; one that begins now is of the account ``home``.

    Raises:
        NeedUnmet: SQLAlchemy is not installed.
        StateError: the state cannot be used, or there is none and none shall begin; the sentence says why.
    """
    if importlib.util.find_spec("sqlalchemy") is None:
        raise NeedUnmet("--state needs SQLAlchemy; run pip install 'jitplab[state]'")
    from jitpbroker.store.file import FILE_NAME  # noqa: PLC0415 - optional
    from jitpbroker.store.state import State as Opened  # noqa: PLC0415

    if not begin and not (directory / FILE_NAME).exists():
        raise StateError(f"there is no state {directory}; name the directory that a broker was given")

    return Opened.open(directory, new_id=new_id, home=home)
