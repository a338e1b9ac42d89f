"""What has been told and not yet been written: the `Keeper` of the engine, the listener of the registries.

Rules of this file:
1. Of several changes to one thing in one commit only the last is written; what came and went is not.
2. Deletions are written before what was written anew, so that what was deleted and made again is last again.
3. What could not be written stays pending; the next commit tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.sql import Delete

from jitpbroker.engine.keeper import KeptMessage
from jitpbroker.gate import Principal
from jitpbroker.mqtt import Publish
from jitpbroker.registry.store import Registry
from jitpbroker.registry.tables import AnyTable, Key
from jitpbroker.store.codec import write_fact, write_key
from jitpbroker.store.schema import FACTS, MESSAGES, RETAINED, SESSIONS, SUBSCRIPTIONS, Row, sealed

#: What a client has in the three tables of sessions.
_OF_CLIENT: Final = (MESSAGES, SUBSCRIPTIONS, SESSIONS)


@dataclass(slots=True)
class _Client:
    """One client id's changes; ``None`` stands for a row that goes."""

    anew: bool = False  # whatever was written before goes first
    session: Row | None = None
    filters: dict[str, int | None] = field(default_factory=dict)
    messages: dict[int, KeptMessage | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Facts:
    """One table's changes: keys that were gone at some time since the last commit, keys that changed."""

    table: AnyTable
    where: Row
    gone: dict[Key, None] = field(default_factory=dict)
    changed: dict[Key, None] = field(default_factory=dict)

    def note(self, key: Key) -> None:
        if key in self.table:
            self.changed[key] = None
        else:
            self.gone[key] = None
            self.changed.pop(key, None)


class Pending:
    """Collects changes; `write` writes them."""

    def __init__(self) -> None:
        self.dirty = False
        self._clients: dict[str, _Client] = {}
        self._retained: dict[str, Publish | None] = {}
        self._facts: list[_Facts] = []

    def watch(self, registry: Registry) -> None:
        """Hear of every change of a registry from now on."""
        arns = registry.arns
        for name, table in registry.tables.items():
            facts = _Facts(table, {"account": arns.account, "region": arns.region, "kind": name})
            self._facts.append(facts)
            table.listeners.append(self._noting(facts))

    def _noting(self, facts: _Facts) -> Callable[[Key, object], None]:
        def note(key: Key, _old: object) -> None:
            self.dirty = True
            facts.note(key)

        return note

    # -- Keeper ----------------------------------------------------------------------------------------

    def session(self, principal: Principal, left_at: datetime | None) -> None:
        """A persistent session began, was resumed or left."""
        self._of(principal.client_id).session = {
            "client_id": principal.client_id,
            "certificate_id": principal.certificate_id,
            "left_at": None if left_at is None else left_at.isoformat(),
        }

    def forget(self, client_id: str) -> None:
        """A persistent session is over; what it had and was not written never will be."""
        self.dirty = True
        self._clients[client_id] = _Client(anew=True)

    def subscribed(self, client_id: str, topic_filter: str, qos: int) -> None:
        """A persistent session has a filter."""
        self._of(client_id).filters[topic_filter] = qos

    def unsubscribed(self, client_id: str, topic_filter: str) -> None:
        """A persistent session has given a filter back."""
        self._of(client_id).filters[topic_filter] = None

    def message(self, client_id: str, kept: KeptMessage) -> None:
        """A message waits for a persistent session, or is on its way to it."""
        self._of(client_id).messages[kept.number] = kept

    def done(self, client_id: str, number: int) -> None:
        """A message was acknowledged or dropped."""
        self._of(client_id).messages[number] = None

    def retain(self, topic: str, message: Publish | None) -> None:
        """A topic's retained message; ``None`` for none any more."""
        self.dirty = True
        self._retained[topic] = message

    def _of(self, client_id: str) -> _Client:
        self.dirty = True
        return self._clients.setdefault(client_id, _Client())

    # -- writing -----------------------------------------------------------------------------------------

    def write(self, connection: Connection) -> None:
        """Execute everything pending; `written` once it is committed."""
        for facts in self._facts:
            if facts.gone or facts.changed:
                _write_facts(connection, facts)
        self._write_clients(connection)
        _run(connection, _DELETE_RETAINED, [{"b_topic": t} for t, m in self._retained.items() if m is None])
        _run(connection, _PUT_RETAINED, [_retained(m) for m in self._retained.values() if m is not None])

    def written(self) -> None:
        """Everything that was pending is safe."""
        self.dirty = False
        self._clients.clear()
        self._retained.clear()
        for facts in self._facts:
            facts.gone.clear()
            facts.changed.clear()

    def _write_clients(self, connection: Connection) -> None:
        clients = self._clients.items()
        anew: list[Row] = [{"b_client_id": client_id} for client_id, client in clients if client.anew]
        for statement in _DELETE_CLIENT:
            _run(connection, statement, anew)
        given_back: list[Row] = [
            {"b_client_id": client_id, "b_topic_filter": wanted}
            for client_id, client in clients
            for wanted, qos in client.filters.items()
            if qos is None
        ]
        _run(connection, _DELETE_SUBSCRIPTION, given_back)
        messages = [(client_id, *each) for client_id, client in clients for each in client.messages.items()]
        done: list[Row] = [{"b_number": number} for _, number, kept in messages if kept is None]
        _run(connection, _DELETE_MESSAGE, done)
        sessions = [sealed(client.session) for _, client in clients if client.session is not None]
        _run(connection, _PUT_SESSION, sessions)
        filters: list[Row] = [
            sealed({"client_id": client_id, "topic_filter": wanted, "qos": qos})
            for client_id, client in clients
            for wanted, qos in client.filters.items()
            if qos is not None
        ]
        _run(connection, _PUT_SUBSCRIPTION, filters)
        _run(connection, _PUT_MESSAGE, [_message(c, kept) for c, _, kept in messages if kept is not None])


def _write_facts(connection: Connection, facts: _Facts) -> None:
    of_table = {f"b_{name}": value for name, value in facts.where.items()}
    _run(connection, _DELETE_FACT, [{**of_table, "b_key": write_key(key)} for key in facts.gone])
    bodies = ((key, write_fact(facts.table[key])) for key in facts.changed)
    rows = [sealed({**facts.where, "key": write_key(key), "body": body}) for key, body in bodies]
    _run(connection, _PUT_FACT, rows)


def _message(client_id: str, kept: KeptMessage) -> Row:
    message = kept.message
    return sealed(
        {
            "number": kept.number,
            "client_id": client_id,
            "packet_id": message.packet_id,
            "topic": message.topic,
            "payload": message.payload,
            "retain": message.retain,
            "sent": None if kept.sent is None else kept.sent.isoformat(),
        }
    )


def _retained(message: Publish) -> Row:
    return sealed({"topic": message.topic, "payload": message.payload, "qos": message.qos})


def _run(connection: Connection, statement: Insert | Delete, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(statement, [dict(row) for row in rows])


def _put(statement: Insert, *key: str) -> Insert:
    """Insert, or change the row with this key in its place."""
    changed = {
        column.name: statement.excluded[column.name]
        for column in statement.table.columns
        if column.name not in (*key, "position")
    }
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


_PUT_FACT: Final = _put(insert(FACTS), "account", "region", "kind", "key")
_PUT_RETAINED: Final = _put(insert(RETAINED), "topic")
_PUT_SESSION: Final = _put(insert(SESSIONS), "client_id")
_PUT_SUBSCRIPTION: Final = _put(insert(SUBSCRIPTIONS), "client_id", "topic_filter")
_PUT_MESSAGE: Final = _put(insert(MESSAGES), "number")
_DELETE_FACT: Final = delete(FACTS).where(
    *(FACTS.c[name] == bindparam(f"b_{name}") for name in ("account", "region", "kind", "key"))
)
_DELETE_RETAINED: Final = delete(RETAINED).where(RETAINED.c.topic == bindparam("b_topic"))
_DELETE_CLIENT: Final = tuple(
    delete(table).where(table.c.client_id == bindparam("b_client_id")) for table in _OF_CLIENT
)
_DELETE_SUBSCRIPTION: Final = delete(SUBSCRIPTIONS).where(
    SUBSCRIPTIONS.c.client_id == bindparam("b_client_id"),
    SUBSCRIPTIONS.c.topic_filter == bindparam("b_topic_filter"),
)
_DELETE_MESSAGE: Final = delete(MESSAGES).where(MESSAGES.c.number == bindparam("b_number"))
