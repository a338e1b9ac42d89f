"""One call of one operation: its parameters, and what it may look at and change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeAlias, TypeVar

from jitpbroker.control.logstore import LogStore
from jitpbroker.control.messages import Answer, Value, invalid
from jitpbroker.control.params import Params
from jitpbroker.registry.ids import IdSource
from jitpbroker.registry.store import Registry


class Sessions(Protocol):
    """Live MQTT connections, as far as the control plane touches them."""

    def end(self, certificate_id: str, why: str) -> int:
        """Hang up on every connection of this certificate; how many there were."""
        ...


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair made for a customer, PEM; the private half is handed out once and kept nowhere."""

    private_pem: str
    public_pem: str


class Issuer(Protocol):
    """Amazon's certification authority for device certificates, as far as this desk has one."""

    def new_key(self) -> NewKey:
        """An RSA-2048 key pair; takes a tenth of a second."""
        ...

    def for_key(self, public_pem: str, *, at: datetime, until: datetime | None = None) -> str:
        """A device certificate (PEM) for a public key; valid until 2049-12-31 unless told otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every account's registry in this process.

    Attributes:
        home: the one that MQTT connections are judged by.
        find: the registry of (account, Region), made when it is asked for the first time.
        others: every registry there is in a Region.
    """

    home: Registry
    find: Callable[[str, str], Registry]
    others: Callable[[str], tuple[Registry, ...]]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the data endpoints listen: ``host:port``."""

    mqtt: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What operations reach beyond the registry.

    Attributes:
        accounts: every registry.
        sessions: live connections.
        log: CloudWatch's store of log events.
        issuer: makes keys and certificates.
        new_id: UUIDs.
        draw: ``n`` random bytes.
        addresses: of the data endpoints; asked for anew each time, since port 0 is known late.
    """

    accounts: Accounts
    sessions: Sessions
    log: LogStore
    issuer: Issuer
    new_id: IdSource
    draw: Callable[[int], bytes]
    addresses: Callable[[], Addresses]


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        asked: the parameters, satisfying the model.
        registry: of the account and Region in the credential scope.
        at: the time of the request.
        around: what lies beyond the registry.
    """

    asked: Params
    registry: Registry
    at: datetime
    around: Surroundings


T = TypeVar("T")

Handler: TypeAlias = Callable[[Call], Answer]

#: Most entries of one page where the caller names no number.
#: Evidence: assumed - AWS's defaults differ by operation and are mostly not given; 25 is the console's.
_PAGE: Final = 25


def page(call: Call, listed: Sequence[Value], *, size: str, marker: str, answer: tuple[str, str]) -> Answer:
    """One page of a list.

    The marker is the number of entries passed, as text: short, and honest about being no snapshot.

    Args:
        call: holds the page's size and marker.
        listed: the whole list.
        size: the parameter with the page's size.
        marker: the parameter with the marker.
        answer: names of the list and of the next marker in the answer.

    Raises:
        Refused: the marker is none of ours.
    """
    return page_of(call, listed, lambda each: each, size=size, marker=marker, answer=answer)


def page_of(
    call: Call,
    listed: Sequence[T],
    write: Callable[[T], Value],
    *,
    size: str,
    marker: str,
    answer: tuple[str, str],
) -> Answer:
    """As `page`, for facts that are written down only where they are on the page: of thousands, a few."""
    text = call.asked.maybe_text(marker) or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise invalid(f"{marker} is {text[:50]!r}, which no earlier answer gave; start without one.")
    start = int(text)
    count = call.asked.number(size) or _PAGE
    chosen = listed[start : start + count]
    more = start + count < len(listed)
    return {answer[0]: [write(each) for each in chosen], answer[1]: str(start + count) if more else None}
