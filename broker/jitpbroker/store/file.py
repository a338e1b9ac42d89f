"""A state file on disk: made whole, opened by one broker at a time, refused when it is not sound.

Rules of this file:
1. A new file is made under another name and appears complete or not at all; its mode is 0600.
2. A file is checked before it is trusted: what it is, which version, and every page of it.
3. Journal in WAL, synchronous FULL: a commit has reached the disk when it returns. The lock is held until
   the file is closed, or the process dies.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, insert
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from jitpbroker.registry.names import Arns
from jitpbroker.store.errors import StateError
from jitpbroker.store.schema import ACCOUNTS, APPLICATION, METADATA, VERSION, sealed

FILE_NAME: Final = "broker-state.sqlite3"
_ALONE: Final = "locking_mode=EXCLUSIVE"
_WAYS: Final = ("journal_mode=WAL", "synchronous=FULL")
_MAGIC: Final = b"SQLite format 3\0"


def open_file(directory: Path, home: Arns | None = None) -> Connection:
    """The state file in ``directory``, made if it is not there; close the connection's engine at the end.

    Args:
        directory: made if it is not there.
        home: the account of a file that is made now; ``None`` is the usual one.

    Raises:
        StateError: it cannot be used; the sentence says why and what to do.
    """
    path = directory / FILE_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path, home or Arns())
        _look_at(path)
        path.chmod(0o600)
    except OSError as error:
        raise StateError(
            f"the state {path} cannot be kept: {error.strerror or error}; choose another directory"
        ) from None
    engine = _engine(path)
    try:
        connection = engine.connect()
        _check(connection, path)
    except DatabaseError as error:
        engine.dispose()
        raise StateError(sentence(error, path)) from None
    except StateError:
        engine.dispose()
        raise
    return connection


def sentence(error: DatabaseError, path: Path) -> str:
    """SQLite's complaint about a file, and what to do."""
    what = str(error.orig)
    match getattr(error.orig, "sqlite_errorname", "").split("_")[1:2]:
        case ["BUSY"] | ["LOCKED"]:
            return f"the state {path} is in use by another broker; stop that one, or choose another --state"
        case ["CORRUPT"] | ["NOTADB"]:
            return damaged(path, what)
        case ["FULL"] | ["IOERR"] | ["READONLY"] | ["CANTOPEN"] | ["PERM"]:
            return f"the state {path} cannot be written ({what}); make room or give write access"
        case _:
            return f"the state {path} cannot be used ({what})"


def damaged(path: Path, what: str) -> str:
    """What is wrong inside a file, and what to do."""
    return f"the state {path} is damaged ({what}); put a copy in its place, or move it away to start anew"


def _make(path: Path, home: Arns) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    engine = _engine(temporary)
    row = sealed({"account": home.account, "region": home.region, "partition": home.partition})
    try:
        with engine.begin() as connection:
            for stamp in (f"application_id={APPLICATION}", f"user_version={VERSION}"):
                connection.exec_driver_sql(f"PRAGMA {stamp}")
            METADATA.create_all(connection)
            connection.execute(insert(ACCOUNTS), [row])
        engine.dispose()
        with suppress(FileExistsError):  # another broker was faster
            os.link(temporary, path)  # unlike a rename, this leaves what another has made
    except DatabaseError as error:
        raise StateError(sentence(error, path)) from None
    finally:
        engine.dispose()
        temporary.unlink()


def _look_at(path: Path) -> None:
    """What SQLite should not be shown at all."""
    if not path.is_file():
        raise StateError(f"the state {path} is no file; choose another --state")
    with path.open("rb") as file:
        begin = file.read(len(_MAGIC))
    if begin != _MAGIC:
        raise StateError(f"{path} is no SQLite file; move it away, or choose another --state")


def _check(connection: Connection, path: Path) -> None:
    connection.exec_driver_sql(f"PRAGMA {_ALONE}")
    application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    if application != APPLICATION:
        raise StateError(f"{path} is some other program's SQLite file; choose another --state")
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > VERSION:
        raise StateError(
            f"the state {path} has version {version}, this jitplab knows {VERSION}; use the newer jitplab"
        )
    # Only a write takes the lock for certain; the stamp is rewritten as it is.
    for pragma in (*_WAYS, f"user_version={VERSION}"):
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    connection.commit()
    said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if said != "ok":
        what = " ".join(str(said).split())
        raise StateError(damaged(path, what))
    connection.commit()


def _engine(path: Path) -> Engine:
    return create_engine(
        "sqlite+pysqlite://",
        # A path is no part of an address: it may hold any character.
        creator=lambda: sqlite3.connect(path, timeout=0, check_same_thread=False),
        poolclass=StaticPool,
    )
