"""One part's memory in a file: kept before it is acknowledged, refused when it is not sound.

Rules of this file:
1. The file is a head and then records of one size, each a whole state; the last one counts. A record is
   written and flushed before the command that made it is answered.
2. A kill in the middle of a write leaves a shorter last record: it was never acknowledged and is dropped.
   Anything else that does not fit is damage, and the file is refused as it is.
3. Every record's digest covers the one before it, so that none can be altered, moved or taken out.
4. One process at a time: the file is locked, and the lock is of the file that the name now leads to.
5. The file holds private keys in clear: only its owner may read it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from operator import is_
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from softatecc.chip import Chip
from softatecc.state import PACKED_SIZE, Contents
from softatecc.zones import SLOT_COUNT

_NAME: Final = b"softatecc state\n"
_FORMAT: Final = 1
_HEAD: Final = _NAME + _FORMAT.to_bytes(4, "little")
_DIGEST: Final = 32
_RECORD: Final = PACKED_SIZE + _DIGEST
#: The file is written anew, with its last record alone, when it holds this many.
_MOST_RECORDS: Final = 1000
_OWNER_ONLY: Final = 0o600
_NEW: Final = ".new"


class StateError(Exception):
    """The state cannot be used or kept; ``str()`` says which file, why, and what helps."""


class StateFile:
    """A part's state on disk; a context manager.

    Args:
        path: the file; it is made by the first `keep` where there is none.

    Attributes:
        contents: the state as last kept, None before there is one.
        dropped: bytes of a record that was cut short by a kill, 0 as a rule.

    Raises:
        StateError: damaged, foreign, of a newer format, in use, or not to be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._leftover = f".{self._path.name}."
        self._descriptor: int | None = None
        self._records = 0
        self._chain = b""
        self._pieces: tuple[object, ...] = ()
        self.contents: Contents | None = None
        self.dropped = 0
        try:
            self._open()
        except OSError as error:
            self.close()
            raise StateError(f"{path} cannot be used as a state: {error.strerror}") from None
        except StateError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def keep(self, chip: Chip) -> None:
        """Write what the chip holds for good, if anything has changed since.

        Raises:
            StateError: it could not be written; the change must not be acknowledged.
        """
        memory = chip.memory
        pieces = (memory.configuration, memory.otp, *map(memory.slot, range(SLOT_COUNT)))
        if len(pieces) == len(self._pieces) and all(map(is_, pieces, self._pieces)):
            return  # most commands change nothing: the very objects of last time are still there
        contents = Contents.of(chip)
        if contents != self.contents:
            self._write(contents)
            self.contents = contents
        self._pieces = pieces

    def _write(self, contents: Contents) -> None:
        try:
            if self._descriptor is None or self._records >= _MOST_RECORDS:
                self._begin_anew(contents)
            else:
                self._append(contents)
        except OSError as error:
            raise StateError(f"the state cannot be kept in {self._path}: {error.strerror}") from None

    # --- reading ----------------------------------------------------------------------------------

    def _open(self) -> None:
        while True:
            try:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            except FileNotFoundError:
                return
            _lock(self._descriptor, self._path)
            if _is_still(self._descriptor, self._path):
                break
            self.close()  # its owner wrote it anew between our opening and our locking
        for sibling in self._path.parent.iterdir():
            if sibling.name.startswith(self._leftover) and sibling.name.endswith(_NEW):
                sibling.unlink(missing_ok=True)  # of a kill while the file was written anew
        os.fchmod(self._descriptor, _OWNER_ONLY)
        self._read(os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0))

    def _read(self, octets: bytes) -> None:
        self._judge_head(octets)
        body = octets[len(_HEAD) :]
        self._chain = _HEAD
        whole = len(body) // _RECORD
        for number in range(whole):
            record = body[number * _RECORD : (number + 1) * _RECORD]
            packed, digest = record[:PACKED_SIZE], record[PACKED_SIZE:]
            self._chain = _digest(self._chain, packed)
            if digest != self._chain:
                at = len(_HEAD) + number * _RECORD
                raise self._damaged(
                    f"the record of {_RECORD} bytes at offset {at} does not have the digest it carries"
                )
            try:
                self.contents = Contents.unpacked(packed)
            except ValueError as error:
                raise self._damaged(str(error)) from None
        if not whole:
            raise self._damaged(f"it ends after {len(octets)} bytes, before its first record does")
        self._records = whole
        self.dropped = len(body) - whole * _RECORD
        if self.dropped:
            assert self._descriptor is not None
            os.ftruncate(self._descriptor, len(_HEAD) + whole * _RECORD)

    def _judge_head(self, octets: bytes) -> None:
        name, form = octets[: len(_NAME)], octets[len(_NAME) : len(_HEAD)]
        if not octets or (len(octets) < len(_NAME) and _NAME.startswith(octets)):
            raise self._damaged(f"it ends after {len(octets)} bytes, before its first record does")
        if name != _NAME:
            raise StateError(
                f"{self._path} is not a part's state: it begins with {name!r} instead of {_NAME!r}; "
                "name another file"
            )
        number = int.from_bytes(form, "little")
        if number > _FORMAT:
            raise StateError(
                f"{self._path} is a state of format {number}, which a newer version wrote; this one knows "
                f"format {_FORMAT}; use the newer version or another file"
            )
        if form != _HEAD[len(_NAME) :]:
            raise self._damaged(f"it says format {number}, and formats count from 1")

    def _damaged(self, what: str) -> StateError:
        return StateError(
            f"the state {self._path} is damaged: {what}; put a copy in its place or name another file"
        )

    # --- writing ----------------------------------------------------------------------------------

    def _append(self, contents: Contents) -> None:
        assert self._descriptor is not None
        packed = contents.packed()
        digest = _digest(self._chain, packed)
        end = os.fstat(self._descriptor).st_size
        try:
            _write_all(self._descriptor, packed + digest)
            os.fdatasync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, end)  # a later record must not stand behind half of this one
            raise
        self._chain = digest
        self._records += 1

    def _begin_anew(self, contents: Contents) -> None:
        """Write a file with this state alone and put it in the place of the old one, locked throughout."""
        packed = contents.packed()
        digest = _digest(_HEAD, packed)
        descriptor, name = tempfile.mkstemp(prefix=self._leftover, suffix=_NEW, dir=self._path.parent)
        fresh = Path(name)
        try:
            _lock(descriptor, self._path)
            _write_all(descriptor, _HEAD + packed + digest)
            os.fsync(descriptor)
            self._put_in_place(fresh)
        except (OSError, StateError):
            os.close(descriptor)
            fresh.unlink(missing_ok=True)
            raise
        self.close()
        self._descriptor, self._chain, self._records = descriptor, digest, 1

    def _put_in_place(self, fresh: Path) -> None:
        if self._descriptor is None:
            try:
                os.link(fresh, self._path)  # fails where another process was quicker; rename would not
            except FileExistsError:
                raise _in_use(self._path) from None
            fresh.unlink()
        else:
            fresh.rename(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _digest(chain: bytes, packed: bytes) -> bytes:
    return hashlib.sha256(chain + packed).digest()


def _write_all(descriptor: int, octets: bytes) -> None:
    while octets:
        octets = octets[os.write(descriptor, octets) :]


def _in_use(path: Path) -> StateError:
    return StateError(f"the state {path} is in use by another device; stop that one or name another file")


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _in_use(path) from None


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether the name leads to the file that is open."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)

    return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)
