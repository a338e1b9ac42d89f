"""The tables of a state file.

Rules of this file:
1. Every row carries a seal, the CRC-32 of its other columns: SQLite notices a torn page, not a flipped bit.
2. ``position`` and ``number`` order rows as they came; a row that is changed keeps its place.
3. A change of these tables is a new `VERSION`, and a way to get there from the last one.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final, TypeAlias

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

#: SQLite's user_version.
VERSION: Final = 1

#: SQLite's application_id: "jitp".
APPLICATION: Final = 0x6A697470

#: A row, or a statement's parameters.
Row: TypeAlias = Mapping[str, "str | int | bytes | bool | None"]

METADATA: Final = MetaData()


def _seal() -> Column[int]:
    return Column("seal", Integer, nullable=False)


#: Accounts and Regions; the first is the one that MQTT connections are judged by.
ACCOUNTS: Final = Table(
    "accounts",
    METADATA,
    Column("position", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("partition", Text, nullable=False),
    _seal(),
    UniqueConstraint("account", "region"),
)

#: The registries' tables, fact by fact.
FACTS: Final = Table(
    "facts",
    METADATA,
    Column("position", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", Text, nullable=False),
    _seal(),
    UniqueConstraint("account", "region", "kind", "key"),
)

RETAINED: Final = Table(
    "retained",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    Column("qos", Integer, nullable=False),
    _seal(),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("certificate_id", Text, nullable=False),
    Column("left_at", Text),
    _seal(),
)

SUBSCRIPTIONS: Final = Table(
    "subscriptions",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("topic_filter", Text, primary_key=True),
    Column("qos", Integer, nullable=False),
    _seal(),
)

#: QoS 1 messages of persistent sessions; one without ``packet_id`` waits.
MESSAGES: Final = Table(
    "messages",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("packet_id", Integer),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("retain", Boolean(create_constraint=False), nullable=False),
    Column("sent", Text),
    _seal(),
    Index("messages_of_client", "client_id"),
)

#: What SQLite counts itself and no seal covers.
_COUNTED: Final = frozenset({"seal", "position"})


def sealed(row: Row) -> dict[str, str | int | bytes | bool | None]:
    """The row with its seal."""
    return {**row, "seal": seal_of(row)}


def seal_of(row: Row) -> int:
    """CRC-32 of a row's columns, names included, whatever their order."""
    seal = 0
    for name in sorted(row.keys() - _COUNTED):
        value = row[name]
        match value:
            case bytes():
                data = b"b" + value
            case None:
                data = b"n"
            case str():
                data = b"t" + value.encode()
            case _:
                data = b"i%d" % int(value)
        seal = zlib.crc32(b"%s=%d:%s;" % (name.encode(), len(data), data), seal)
    return seal
