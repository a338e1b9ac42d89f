"""What the broker knew and decided, as typed records; the wire stays silent, this does not.

Rules of this file:
1. A record is frozen and holds facts only: no object of a connection, no private key, no password.
2. Every refusal leaves a record that names the rule and says why in one sentence.
3. ``kind`` is stable: tests, the report and users' scripts select by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar, TypeAlias

JsonValue: TypeAlias = "str | int | bool | list[JsonValue] | dict[str, JsonValue] | None"


@dataclass(frozen=True, slots=True)
class Handshake:
    """A TLS handshake ended, one way or the other."""

    kind: ClassVar[str] = "handshake"
    at: datetime
    peer: str
    completed: bool
    version: str | None
    sni: str | None
    alpn: str | None
    chain: tuple[str, ...]  # certificate ids (SHA-256 of the DER, lower-case hex), leaf first
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Connect:
    """A CONNECT packet arrived, byte for byte (a password's bytes are replaced by ``*``)."""

    kind: ClassVar[str] = "connect"
    at: datetime
    peer: str
    client_id: str
    packet: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """Admission judged a CONNECT."""

    kind: ClassVar[str] = "decision"
    at: datetime
    peer: str
    client_id: str
    profile: str
    verdict: str  # "known" | "provision" | "refuse"
    certificate_id: str | None
    ca_certificate_id: str | None
    rule: str | None  # the rule that objected, None unless refused
    why: str | None
    asked: tuple[str, ...]  # rules asked, in order, the objecting one last


@dataclass(frozen=True, slots=True)
class Provisioning:
    """A template ran for a certificate that had just been registered, or failed to."""

    kind: ClassVar[str] = "provisioning"
    at: datetime
    certificate_id: str
    ca_certificate_id: str
    succeeded: bool
    certificate_status: str
    thing_name: str | None
    policy_names: tuple[str, ...]
    why: str | None = None
    #: The kind: MissingParameter, AccessDenied …, or an exception of the control plane.
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """A policy was asked whether a certificate may do something."""

    kind: ClassVar[str] = "authorization"
    at: datetime
    client_id: str
    certificate_id: str
    action: str  # "iot:Connect" …
    resource: str  # the ARN that was matched
    allowed: bool
    why: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """A connection ended; ``by`` is "client", "server" or "network"."""

    kind: ClassVar[str] = "disconnect"
    at: datetime
    peer: str
    client_id: str | None
    by: str
    reason: str  # AWS's disconnectReason where one exists, else our own upper-case word
    why: str


Record: TypeAlias = Handshake | Connect | Decision | Provisioning | Authorization | Disconnect


def as_json(record: Record) -> dict[str, JsonValue]:
    """The record as JSON: ``kind`` first, bytes in lower-case hex, times in ISO 8601 UTC."""
    out: dict[str, JsonValue] = {"kind": record.kind}
    for field in fields(record):
        value = getattr(record, field.name)
        match value:
            case bytes():
                out[field.name] = value.hex()
            case datetime():
                out[field.name] = value.isoformat().replace("+00:00", "Z")
            case tuple():
                out[field.name] = list(value)
            case _:
                out[field.name] = value
    return out


class Trace:
    """Records in the order they happened, and whoever wants to hear of new ones."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._records: list[Record] = []
        self._listeners: list[Callable[[Record], None]] = []
        self._capacity = capacity

    def add(self, record: Record) -> None:
        """Append ``record``; the oldest tenth is dropped once ``capacity`` records are held."""
        if len(self._records) >= self._capacity:
            del self._records[: max(1, self._capacity // 10)]
        self._records.append(record)
        for listener in self._listeners:
            listener(record)

    def listen(self, listener: Callable[[Record], None]) -> None:
        """Call ``listener`` with every record from now on."""
        self._listeners.append(listener)

    def __iter__(self) -> Iterator[Record]:
        return iter(tuple(self._records))

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Record:
        return self._records[index]
