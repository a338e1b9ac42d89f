"""Registries as one JSON document, out of a state and into one; what was exported is what is imported.

Rules of this file:
1. The document names its format and version first; another one is refused, not guessed at.
2. An import adds; a fact that is there already and differs stops it before anything is changed.
3. No private key is in a registry, so none is in an export.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from jitpbroker.registry.jsontext import Json, parse_json
from jitpbroker.registry.names import Arns
from jitpbroker.registry.store import Registry
from jitpbroker.registry.tables import Key
from jitpbroker.store.codec import fact_of, key_of, write_fact, write_key
from jitpbroker.store.errors import StateError

FORMAT: Final = "jitplab registry"
VERSION: Final = 1


def exported(registries: Iterable[Registry]) -> str:
    """The document, indented, with a newline at its end."""
    accounts = [
        {
            "account": registry.arns.account,
            "region": registry.arns.region,
            "partition": registry.arns.partition,
            "tables": {
                name: [
                    [json.loads(write_key(key)), json.loads(write_fact(fact))] for key, fact in table.items()
                ]
                for name, table in registry.tables.items()
                if table
            },
        }
        for registry in registries
    ]
    document = {"format": FORMAT, "version": VERSION, "accounts": accounts}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def is_export(document: Json) -> bool:
    """Whether this says that it is an export."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def accounts_in(document: Json) -> tuple[Arns, ...]:
    """The accounts of an export, the first the one that MQTT connections are judged by.

    Raises:
        StateError: it is of another version, or names no account as it should.
    """
    assert isinstance(document, dict), "is_export lets objects pass only"
    if document.get("version") != VERSION:
        raise StateError(f"the export has version {document.get('version')!r}, this jitplab knows {VERSION}")
    try:
        found = tuple(
            Arns(_text(each, "account"), _text(each, "region"), _text(each, "partition"))
            for each in _list(document.get("accounts"), "accounts")
        )
    except ValueError as error:
        raise StateError(f"the export cannot be read: {error}") from None
    if not found:
        raise StateError("the export names no account")
    return found


def imported(document: Json, registry: Registry) -> int:
    """Put one account's facts of an export into its registry; how many were new.

    Raises:
        StateError: a fact is none, or another one is in its place; nothing was changed then.
    """
    assert isinstance(document, dict), "is_export lets objects pass only"
    tables = next(
        each.get("tables", {})
        for each in _list(document.get("accounts"), "accounts")
        if isinstance(each, dict)
        and (each.get("account"), each.get("region")) == (registry.arns.account, registry.arns.region)
    )
    try:
        facts = list(_facts(tables, registry))
    except ValueError as error:
        raise StateError(f"the export cannot be read: {error}") from None
    new = 0
    for table, key, fact in facts:
        held = registry.tables[table].get(key)
        if held is not None and write_fact(held) != write_fact(fact):
            raise StateError(
                f"{table} {key!r} is there already and differs; import into a new --state, or delete it first"
            )
    for table, key, fact in facts:
        if key not in registry.tables[table]:
            registry.tables[table][key] = fact
            new += 1
    registry.reindex()
    return new


def _facts(tables: Json, registry: Registry) -> Iterable[tuple[str, Key, object]]:
    if not isinstance(tables, dict):
        raise ValueError("tables is no object")  # noqa: TRY004 - one kind of error for a bad document
    for name, rows in tables.items():
        table = registry.tables.get(name)
        if table is None:
            raise ValueError(f"nobody knows the table {name!r}")
        for at, row in enumerate(_list(rows, name)):
            if not isinstance(row, list) or len(row) != 2:
                raise ValueError(f"{name}[{at}] is no pair of key and fact")
            yield name, key_of(row[0]), fact_of(table.kind, row[1], f"{name}[{at}]")


def _list(value: Json, where: str) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"{where} is no list")  # noqa: TRY004 - one kind of error for a bad document
    return value


def _text(value: Json, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, str):
        raise ValueError(f"an account has no {name}")  # noqa: TRY004 - one kind of error for a bad document
    return found


__all__ = ["FORMAT", "VERSION", "accounts_in", "exported", "imported", "is_export", "parse_json"]
