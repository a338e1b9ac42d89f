"""The broker's socket: accepts, counts, and knows who is connected.

What a client can cause happens in `peer`, what is decided behind the `Gate`, what is routed behind the
`Engine`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from OpenSSL import SSL

from jitpbroker.credentials import ServerCredentials
from jitpbroker.deadlines import Deadlines
from jitpbroker.engine import Engine
from jitpbroker.gate import Event, Gate, Principal
from jitpbroker.mqtt import DisconnectReason, Limits
from jitpbroker.peer import Peer
from jitpbroker.stream import Listener, listen
from jitpbroker.tls import TlsSettings, server_context
from jitpbroker.trace import Trace
from jitpbroker.transport import TlsTimers, TlsTransport

KIB = 1024

#: Seconds between two ticks of the engine.
_BEAT = 1.0


def _random_client_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server listens and how much it bears.

    Attributes:
        host: address to bind; loopback unless told otherwise.
        port: 0 for any free one.
        limits: of each MQTT connection.
        tls: of each TLS connection.
        max_pending: connections that have not been admitted; one more is dropped at accept. Evidence:
            assumed - own choice.
        max_backlog: bytes waiting for one client before it is let go. Evidence: assumed - own choice.
        assign_client_id: makes an id for a client that sends none.
        commit: writes down what may not be lost; called before anything is said to a client, and once a
            second. ``None`` keeps nothing.
    """

    host: str = "127.0.0.1"
    port: int = 0
    limits: Limits = field(default_factory=Limits)
    tls: TlsSettings = field(default_factory=TlsSettings)
    max_pending: int = 256
    max_backlog: int = 1024 * KIB
    assign_client_id: Callable[[], str] = _random_client_id
    commit: Callable[[], None] | None = None


def after(
    seconds: float, now: Callable[[], datetime]
) -> Callable[[Callable[[datetime], None], datetime], None]:
    """A ``schedule`` for ``FrontDesk``: templates run ``seconds`` after their CONNECT, in the event loop.

    Evidence: document - aws/iot-atlas pull request 107 speaks of one to three seconds, typically.
    """

    def schedule(job: Callable[[datetime], None], _at: datetime) -> None:
        asyncio.get_running_loop().call_later(seconds, lambda: job(now()))

    return schedule


class Server:
    """Listens: ``await start()``, then ``port`` is known; ``await close()`` ends all connections in order."""

    def __init__(
        self,
        gate: Gate,
        engine: Engine,
        trace: Trace,
        credentials: ServerCredentials,
        *,
        now: Callable[[], datetime],
        settings: Settings | None = None,
    ) -> None:
        self.gate = gate
        self.engine = engine
        self.trace = trace
        self.now = now
        self.settings = settings or Settings()
        self._context: SSL.Context = server_context(credentials, self.settings.tls)
        self._listener: Listener | None = None
        self._clients: dict[str, Peer] = {}
        self._pending: set[Peer] = set()
        self._connections: set[Peer] = set()
        self._all_gone: asyncio.Event | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._timers: TlsTimers
        self.connects: Deadlines[Peer]  # from the end of the handshake on
        engine.discarded = self.discarded

    @property
    def port(self) -> int:
        """The port listened on.

        Raises:
            RuntimeError: the server has not been started.
        """
        if self._listener is None:
            raise RuntimeError("the server listens on no port yet; start it first")
        return self._listener.port

    @property
    def client_ids(self) -> frozenset[str]:
        """Who is connected."""
        return frozenset(self._clients)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be bound.
        """
        await self.engine.start()
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        timers = self._timers = TlsTimers(self.settings.tls)
        self.connects = Deadlines(
            asyncio.get_running_loop(), self.settings.limits.connect_timeout, Peer.look_at_deadline
        )
        try:
            self._listener = await listen(
                lambda: TlsTransport(self._context, timers, Peer(self), self.settings.commit),
                self.settings.host,
                self.settings.port,
            )
        except BaseException:
            await self.engine.close()
            raise
        self._tick()

    async def close(self) -> None:
        """Stop listening, hang up on everybody, wait until the last has gone. No will is published."""
        if self._listener is None or self._all_gone is None:
            return
        await self._listener.close()
        if self._beat is not None:
            self._beat.cancel()
        for peer in tuple(self._connections):
            why = "the broker is shutting down"
            peer.hang_up(DisconnectReason.SERVER_INITIATED_DISCONNECT, why, publish_will=False)
        await self._all_gone.wait()  # bounded: each transport aborts itself after its linger time
        self._timers.close()
        self.connects.close()
        await self.engine.close()
        self._listener = None

    async def settled(self) -> None:
        """Return once every connection so far is gone and has left its records."""
        if self._all_gone is not None:
            await self._all_gone.wait()

    def disconnect(self, client_id: str, reason: DisconnectReason, why: str) -> bool:
        """Hang up on a client; whether it was connected."""
        peer = self._clients.get(client_id)
        if peer is not None:
            peer.hang_up(reason, why)
        return peer is not None

    # -- what a Peer reports -------------------------------------------------------------------

    def arrived(self, peer: Peer) -> str | None:
        """Count a connection in; why it cannot stay, or ``None``."""
        assert self._all_gone is not None
        self._connections.add(peer)
        self._all_gone.clear()
        if len(self._pending) >= self.settings.max_pending:
            return f"{len(self._pending)} connections wait to be admitted, which is the limit"
        self._pending.add(peer)
        return None

    def no_longer_pending(self, peer: Peer) -> None:
        """It was admitted, or it is over."""
        self._pending.discard(peer)

    def departed(self, peer: Peer) -> None:
        """Its TCP connection is gone."""
        assert self._all_gone is not None
        self._connections.discard(peer)
        if not self._connections:
            self._all_gone.set()

    def admit(self, peer: Peer) -> None:
        """The gate let it in: an older connection of the same client id gives way, then the engine answers.

        Evidence: document - AWS IoT developer guide, page life-cycle-events, DUPLICATE_CLIENTID.
        """
        self.no_longer_pending(peer)
        client_id = peer.principal.client_id
        older = self._clients.get(client_id)
        if older is not None:
            why = f"a newer connection uses the client id {client_id!r}"
            older.hang_up(DisconnectReason.DUPLICATE_CLIENTID, why)
        self._clients[client_id] = peer
        self.engine.attach(peer, self.now())

    def dismiss(self, peer: Peer, reason: str, *, publish_will: bool) -> None:
        """An admitted peer is over: its will first, then what the service says about it.

        Evidence: assumed - AWS promises no order between a last will and the lifecycle event.
        """
        del self._clients[peer.principal.client_id]
        at = self.now()
        self.engine.detach(peer, at, publish_will=publish_will)
        by_itself = reason == DisconnectReason.CLIENT_INITIATED_DISCONNECT
        self.publish(self.gate.disconnected(peer.principal, client_initiated=by_itself, reason=reason, at=at))

    def _tick(self) -> None:
        self.engine.tick(self.now())
        if self.settings.commit is not None:
            with suppress(Exception):  # the next client that has to be answered hears of it
                self.settings.commit()
        self._beat = asyncio.get_running_loop().call_later(_BEAT, self._tick)

    def discarded(self, principal: Principal, topic: str, why: str) -> None:
        """A message for a client was dropped."""
        self.gate.discarded(principal, topic, inbound=False, why=why, at=self.now())

    def publish(self, events: tuple[Event, ...]) -> None:
        """Publish messages of the service; nobody's policy is asked but the receivers'."""
        for event in events:
            self.engine.publish(event)
