"""amqtt as the engine, behind the same door as the default one.

A client's TLS, CONNECT, limits and permissions are settled before amqtt hears of it: an admitted CONNECT is
replayed into ``Broker.external_connected``, permitted packets after it, and what amqtt writes is decoded and
asked for permission before it is sent. So most of what amqtt 0.12.1 does differently cannot be seen from
outside: it never meets a stranger, a broken packet, a wildcard in a topic or an overdue client.

What this seam cannot mend, and the default engine does right:

* Messages arrive with the QoS of the subscription, not the lower one of publish and subscription.
* Subscribing again to a filter keeps its first QoS.
* A QoS 1 message that is not acknowledged within five seconds is lost, also for a persistent session.
* No order between messages of different QoS; no window of 100 in flight.
* Wills and messages to ``$aws/…`` go around amqtt's client loop, through its internal broadcast: the loop
  would lose the one and die of the other.

Evidence: document - amqtt 0.12.1, ``amqtt/broker.py`` and ``amqtt/mqtt/protocol/handler.py``, read and run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from jitpbroker.engine import Client, unheard
from jitpbroker.gate import Event as ServiceEvent
from jitpbroker.gate import Principal
from jitpbroker.mqtt import (
    ConnAck,
    Decoder,
    Disconnect,
    DisconnectReason,
    Packet,
    PubAck,
    Publish,
    Request,
    Subscribe,
    Unsubscribe,
    encode,
)
from jitpbroker.mqtt.topics import matches

_LISTENER = "default"
_CONFIGURATION = {
    "listeners": {_LISTENER: {"type": "external"}},
    # Each replayed CONNECT carries the certificate id as its user name: amqtt keeps no session of an
    # anonymous client.
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": False}},
}


class AmqttMissingError(Exception):
    """amqtt is not installed."""


class _Broker(Protocol):
    """What is used of ``amqtt.broker.Broker``."""

    async def start(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def internal_message_broadcast(self, topic: str, data: bytes, qos: int | None = None) -> None: ...

    async def retain_message(
        self, source_session: None, topic_name: str, data: bytes, qos: int | None = None
    ) -> None: ...

    async def external_connected(self, reader: _Reader, writer: _Writer, listener_name: str) -> None: ...


def _make_broker() -> _Broker:
    try:
        from amqtt.broker import Broker  # noqa: PLC0415 - an optional package, imported when chosen
    except ImportError as error:
        raise AmqttMissingError(
            "the engine amqtt is not installed; run pip install 'jitplab[amqtt]' or choose the engine local"
        ) from error
    # Its warnings about clients are the trace's business here, and would land on stderr.
    logging.getLogger("amqtt").addHandler(logging.NullHandler())
    logging.getLogger("amqtt").propagate = False
    broker: _Broker = Broker(_CONFIGURATION)
    return broker


class _Reader:
    """What amqtt reads from: the permitted packets, encoded again."""

    def __init__(self) -> None:
        self._stream = asyncio.StreamReader()

    async def read(self, n: int = -1) -> bytes:
        """As ``amqtt.adapters.StreamReaderAdapter``: ``n`` bytes, fewer only at the end."""
        if n < 0:
            return await self._stream.read(n)
        try:
            return await self._stream.readexactly(n)
        except asyncio.IncompleteReadError as error:
            return error.partial

    def feed(self, packet: Packet) -> None:
        """Hand a packet to amqtt."""
        self._stream.feed_data(encode(packet))

    def feed_eof(self) -> None:
        """Nothing more will come."""
        self._stream.feed_eof()


class _Writer:
    """What amqtt writes to: decoded, asked about, sent."""

    def __init__(self, attached: _Attached) -> None:
        self._attached = attached
        self._decoder = Decoder()

    def write(self, data: bytes | bytearray) -> None:
        """Send each packet that is complete."""
        self._decoder.receive_data(bytes(data))
        while (packet := self._decoder.next_packet()) is not None:
            self._attached.outgoing(packet)

    async def drain(self) -> None:
        """The server counts what is unsent."""

    def get_peer_info(self) -> tuple[str, int]:
        """Amqtt wants an address to name in its log."""
        return self._attached.client.principal.client_id, 0

    def get_ssl_info(self) -> None:
        """Admission is over; amqtt needs no certificate."""

    async def close(self) -> None:
        """Amqtt is done with this client."""
        self._attached.closed_by_amqtt()


class _Attached:
    """One client's two streams and the task in which amqtt serves it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.reader = _Reader()
        self.writer = _Writer(self)
        self.filters: set[str] = set()
        self.detached = False
        self.task: asyncio.Task[None] | None = None

    def outgoing(self, packet: Packet) -> None:
        """AWS's matching and the gate's permission apply to each delivery, retained ones included."""
        if isinstance(packet, Publish) and not self._wanted(packet):
            if packet.packet_id is not None:
                self.reader.feed(PubAck(packet.packet_id))  # amqtt would wait for it
            return
        if isinstance(packet, ConnAck):
            packet = replace(packet, session_present=packet.session_present and bool(self.filters))
        self.client.send(packet)

    def closed_by_amqtt(self) -> None:
        """Pass an end that amqtt wants on to the client."""
        if not self.detached:
            self.client.hang_up(DisconnectReason.SERVER_ERROR, "amqtt ended the connection")

    def _wanted(self, message: Publish) -> bool:
        if message.retain:
            return message.topic in self.filters and self.client.may_receive(message.topic)
        matched = any(matches(topic_filter, message.topic) for topic_filter in self.filters)
        return matched and self.client.may_receive(message.topic)


class AmqttEngine:
    """Lets amqtt route the messages."""

    def __init__(self) -> None:
        self.discarded: Callable[[Principal, str, str], None] = unheard
        self._broker: _Broker | None = None
        self._attached: dict[str, _Attached] = {}
        self._kept_filters: dict[str, set[str]] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._chores: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start a broker without a socket of its own.

        Raises:
            AmqttMissingError: amqtt is not installed.
        """
        self._broker = _make_broker()
        await self._broker.start()

    async def close(self) -> None:
        """Shut the broker down."""
        if self._broker is None:
            return
        await asyncio.gather(*self._ending.values(), *self._chores, return_exceptions=True)
        await self._broker.shutdown()
        self._broker = None

    def attach(self, client: Client, at: datetime) -> None:
        """Replay the CONNECT; amqtt answers it with CONNACK."""
        del at  # amqtt reads its own clock
        client_id = client.principal.client_id
        attached = _Attached(client)
        if client.connect.clean_session:
            self._kept_filters.pop(client_id, None)
        else:
            attached.filters = self._kept_filters.setdefault(client_id, set())
        self._attached[client_id] = attached
        attached.reader.feed(
            replace(
                client.connect,
                client_id=client_id,
                user_name=client.principal.certificate_id,
                password=None,
                keep_alive=0,  # the server enforces it
                will=None,  # amqtt confuses DISCONNECT and a lost connection when one follows the other
            )
        )
        attached.task = asyncio.create_task(self._serve(attached, self._ending.get(client_id)))

    def receive(self, client: Client, request: Request) -> None:
        """Pass a permitted packet on."""
        attached = self._attached[client.principal.client_id]
        match request:
            case Publish(topic=topic, payload=payload, qos=qos, packet_id=packet_id) if topic.startswith("$"):
                if packet_id is not None:
                    client.send(PubAck(packet_id))
                self._broadcast(topic, payload, qos)
                return
            case Subscribe(subscriptions=subscriptions):
                attached.filters.update(subscription.topic_filter for subscription in subscriptions)
            case Unsubscribe(topic_filters=topic_filters):
                attached.filters.difference_update(topic_filters)
            case _:
                pass
        attached.reader.feed(request)

    def detach(self, client: Client, at: datetime, *, publish_will: bool) -> None:
        """End amqtt's stream; publish the will if it is due."""
        del at
        client_id = client.principal.client_id
        attached = self._attached.pop(client_id)
        attached.detached = True
        attached.reader.feed(Disconnect())
        attached.reader.feed_eof()
        will = client.connect.will
        if publish_will and will is not None:
            self._broadcast(will.topic, will.payload, will.qos)
            if will.retain and not will.topic.startswith("$"):
                self._later(self._running().retain_message(None, will.topic, will.payload, will.qos))
        if attached.task is not None:
            self._ending[client_id] = attached.task
            attached.task.add_done_callback(lambda task: self._ended(client_id, task))

    def publish(self, event: ServiceEvent) -> None:
        """Broadcast a message of the service with QoS 1."""
        self._broadcast(event.topic, event.payload, 1)

    def tick(self, at: datetime) -> None:
        """Amqtt reads its own clock."""
        del at

    async def _serve(self, attached: _Attached, predecessor: asyncio.Task[None] | None) -> None:
        """One client's life in amqtt; a predecessor of the same id must have left first."""
        if predecessor is not None:
            await asyncio.wait([predecessor])
        try:
            await self._running().external_connected(attached.reader, attached.writer, _LISTENER)
        finally:
            attached.closed_by_amqtt()

    def _ended(self, client_id: str, task: asyncio.Task[None]) -> None:
        if self._ending.get(client_id) is task:
            del self._ending[client_id]

    def _broadcast(self, topic: str, payload: bytes, qos: int) -> None:
        self._later(self._running().internal_message_broadcast(topic, payload, qos))

    def _running(self) -> _Broker:
        if self._broker is None:
            raise RuntimeError("the engine has not been started; await start() first")
        return self._broker

    def _later(self, work: Coroutine[None, None, None]) -> None:
        chore = asyncio.create_task(work)
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)
