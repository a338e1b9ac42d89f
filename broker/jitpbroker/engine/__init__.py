"""Who gets a message: the seam between the broker's door and whatever routes behind it.

Rules of this seam:
1. The server does TLS, CONNECT, limits and authorization; an engine sees admitted clients and permitted
   requests only. What an engine acknowledges has therefore been authorized.
2. ``attach`` is answered by a CONNACK with code 0 through ``Client.send``, now or soon.
3. Each delivery asks ``Client.may_receive`` first, those of retained and queued messages too.
4. All calls come from one event loop; no engine blocks it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from jitpbroker.gate import Event as ServiceEvent
from jitpbroker.gate import Principal
from jitpbroker.mqtt import Connect, DisconnectReason, Packet, Request


class Client(Protocol):
    """An admitted connection as an engine sees it."""

    @property
    def principal(self) -> Principal:
        """Who it is."""
        ...

    @property
    def connect(self) -> Connect:
        """Its CONNECT, the client id filled in."""
        ...

    def may_receive(self, topic: str) -> bool:
        """Whether a policy lets this client have a message on ``topic``."""
        ...

    def send(self, packet: Packet) -> None:
        """Send ``packet``; nothing happens once the connection has ended."""
        ...

    def hang_up(self, reason: DisconnectReason, why: str) -> None:
        """End the connection from the server's side."""
        ...


class Engine(Protocol):
    """Routes messages between clients; ``local`` and ``amqtt`` are interchangeable.

    Attributes:
        discarded: told of each message the engine drops: for whom, on which topic, and why.
    """

    discarded: Callable[[Principal, str, str], None]

    async def start(self) -> None:
        """Get ready; called once, inside the event loop that all other calls come from."""
        ...

    async def close(self) -> None:
        """Forget everything; no client is attached any more."""
        ...

    def attach(self, client: Client, at: datetime) -> None:
        """A client was admitted; no other client with its id is attached."""
        ...

    def receive(self, client: Client, request: Request) -> None:
        """An attached client sent a permitted packet."""
        ...

    def detach(self, client: Client, at: datetime, *, publish_will: bool) -> None:
        """An attached client's connection ended."""
        ...

    def publish(self, event: ServiceEvent) -> None:
        """The service itself publishes."""
        ...

    def tick(self, at: datetime) -> None:
        """Time has passed; called about once a second."""
        ...


def unheard(_principal: Principal, _topic: str, _why: str) -> None:
    """Nobody wants to know what was discarded; how an engine begins."""
