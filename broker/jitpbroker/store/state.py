"""The state of a broker: what was kept, and where changes go from now on.

Rules of this file:
1. Everything is read, checked and parsed when a state is opened; nothing unsound is ever served.
2. `State.commit` writes what is pending or raises; nothing may be acknowledged before it has returned.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.exc import DatabaseError

from jitpbroker.engine.keeper import KeptMessage, KeptSession
from jitpbroker.gate import Principal
from jitpbroker.mqtt import Publish
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.names import Arns
from jitpbroker.registry.store import Registry
from jitpbroker.store.codec import read_fact, read_key
from jitpbroker.store.errors import StateError
from jitpbroker.store.file import FILE_NAME, damaged, open_file, sentence
from jitpbroker.store.pending import Pending
from jitpbroker.store.schema import (
    ACCOUNTS,
    FACTS,
    MESSAGES,
    RETAINED,
    SESSIONS,
    SUBSCRIPTIONS,
    Row,
    seal_of,
    sealed,
)
from jitpbroker.store.soundness import objection


class State:
    """An open state file; use `State.open`.

    Attributes:
        registry: of the account that MQTT connections are judged by.
        others: registries of further accounts and Regions.
        sessions: persistent sessions as they were kept.
        retained: retained messages as they were kept.
        keeper: what the engine tells.
    """

    def __init__(self, path: Path, connection: Connection, new_id: IdSource) -> None:
        self.keeper = Pending()
        self._path = path
        self._connection = connection
        registries = {(each.arns.account, each.arns.region): each for each in self._registries(new_id)}
        self._load_facts(registries)
        for registry in registries.values():
            registry.reindex()
            if (why := objection(registry)) is not None:
                raise StateError(damaged(path, why))
            self.keeper.watch(registry)
        self.registry, *others = registries.values()
        self.others = tuple(others)
        for other in others:
            self.registry.know_other_endpoint(other.endpoint)
        self.retained = tuple(
            Publish(each.text("topic"), each.blob("payload"), each.number("qos"), retain=True)
            for each in self._rows(RETAINED)
        )
        self.sessions = tuple(self._sessions())

    @classmethod
    def open(cls, directory: Path, *, new_id: IdSource, home: Arns | None = None) -> Self:
        """Open the state in ``directory``, or begin one there.

        Args:
            directory: made if it is not there.
            new_id: UUIDs for what is registered from now on.
            home: the account of a state that begins now; ``None`` is the usual one.

        Raises:
            StateError: it cannot be used; the sentence says why and what to do.
        """
        path = directory / FILE_NAME
        connection = open_file(directory, home)
        try:
            state = cls(path, connection, new_id)
            connection.commit()
        except DatabaseError as error:
            connection.engine.dispose()
            raise StateError(sentence(error, path)) from None
        except StateError:
            connection.engine.dispose()
            raise
        return state

    def keep(self, registry: Registry) -> None:
        """Keep the registry of another account or Region from now on.

        Raises:
            StateError: it cannot be written.
        """
        arns = registry.arns
        row = {"account": arns.account, "region": arns.region, "partition": arns.partition}
        try:
            self._connection.execute(insert(ACCOUNTS), [sealed(row)])
            self._connection.commit()
        except DatabaseError as error:
            self._connection.rollback()
            raise StateError(sentence(error, self._path)) from None
        self.keeper.watch(registry)
        self.others = (*self.others, registry)

    def commit(self) -> None:
        """Write what is pending; once this has returned it survives.

        Raises:
            StateError: it cannot be written; it stays pending.
        """
        if not self.keeper.dirty:
            return
        try:
            self.keeper.write(self._connection)
            self._connection.commit()
        except DatabaseError as error:
            self._connection.rollback()
            raise StateError(sentence(error, self._path)) from None
        self.keeper.written()

    def close(self) -> None:
        """Write what is pending and let go of the file.

        Raises:
            StateError: it cannot be written.
        """
        try:
            self.commit()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of the file; what is pending is never written."""
        engine = self._connection.engine
        self._connection.close()
        engine.dispose()

    # -- reading -----------------------------------------------------------------------------------------

    def _registries(self, new_id: IdSource) -> Iterator[Registry]:
        for row in self._rows(ACCOUNTS, ACCOUNTS.c.position.name):
            account, region, partition = (row.text(name) for name in ("account", "region", "partition"))
            try:
                yield Registry(Arns(account, region, partition), new_id=new_id)
            except ValueError as error:
                raise row.bad(str(error)) from None

    def _load_facts(self, registries: dict[tuple[str, str], Registry]) -> None:
        if not registries:
            raise StateError(damaged(self._path, "it names no account"))
        tables = {
            (*where, name): table
            for where, registry in registries.items()
            for name, table in registry.tables.items()
        }
        for row in self._rows(FACTS, FACTS.c.position.name):
            table = tables.get((row.text("account"), row.text("region"), row.text("kind")))
            if table is None:
                raise row.bad(f"nobody knows {row.text('kind')} of {row.text('account')}")
            try:
                table.load([(read_key(row.text("key")), read_fact(table.kind, row.text("body")))])
            except ValueError as error:
                raise row.bad(str(error)) from None

    def _sessions(self) -> Iterator[KeptSession]:
        filters: dict[str, dict[str, int]] = {}
        for row in self._rows(SUBSCRIPTIONS):
            filters.setdefault(row.text("client_id"), {})[row.text("topic_filter")] = row.number("qos")
        messages: dict[str, list[KeptMessage]] = {}
        for row in self._rows(MESSAGES, MESSAGES.c.number.name):
            messages.setdefault(row.text("client_id"), []).append(_message(row))
        for row in self._rows(SESSIONS):
            client_id = row.text("client_id")
            yield KeptSession(
                Principal(row.text("certificate_id"), client_id),
                row.moment("left_at"),
                filters.pop(client_id, {}),
                tuple(messages.pop(client_id, ())),
            )
        if filters or messages:
            orphan = next(iter((*filters, *messages)))
            raise StateError(damaged(self._path, f"something is left of the session {orphan!r}"))

    def _rows(self, table: Table, order: str | None = None) -> Iterator[_Row]:
        query = select(table) if order is None else select(table).order_by(order)
        for found in self._connection.execute(query).mappings():
            row = _Row({str(name): value for name, value in found.items()}, f"{table.name}", self._path)
            row.check()
            yield row


class _Row:
    """One row, its columns by type."""

    def __init__(self, row: Row, table: str, path: Path) -> None:
        self._row = row
        self._table = table
        self._path = path

    def check(self) -> None:
        if self._row["seal"] != seal_of(self._row):
            raise self.bad("its seal is broken")

    def bad(self, why: str) -> StateError:
        first = next(iter(self._row.values()))
        return StateError(damaged(self._path, f"{self._table} {first!r}: {why}"))

    def text(self, name: str) -> str:
        value = self._row[name]
        if not isinstance(value, str):
            raise self.bad(f"{name} is no text")
        return value

    def number(self, name: str) -> int:
        value = self._row[name]
        if not isinstance(value, int):
            raise self.bad(f"{name} is no number")
        return value

    def blob(self, name: str) -> bytes:
        value = self._row[name]
        if not isinstance(value, bytes):
            raise self.bad(f"{name} is no bytes")
        return value

    def moment(self, name: str) -> datetime | None:
        if self._row[name] is None:
            return None
        try:
            return datetime.fromisoformat(self.text(name))
        except ValueError:
            raise self.bad(f"{name} is no time") from None

    def packet_id(self) -> int | None:
        return None if self._row["packet_id"] is None else self.number("packet_id")


def _message(row: _Row) -> KeptMessage:
    message = Publish(
        row.text("topic"),
        row.blob("payload"),
        qos=1,
        retain=bool(row.number("retain")),
        packet_id=row.packet_id(),
    )
    return KeptMessage(row.number("number"), message, row.moment("sent"))
