"""The default engine: AWS IoT's delivery rules, in memory.

Rules of this file:
1. A message is delivered with the lower of publish and subscription QoS; of a client's overlapping filters
   the highest QoS counts and the message arrives once.
2. A QoS 1 message counts as in flight until its PUBACK; what exceeds the window waits, what exceeds the
   queue ends the connection.
3. Retained messages go to whoever subscribes to exactly their topic; a filter with wildcards gets none, and
   topics below ``$`` retain none.
4. A client with ``clean_session`` false keeps subscriptions and QoS 1 messages for an hour after it left;
   unacknowledged ones are sent again, marked DUP, when it returns. Nothing survives the process.
5. The service's own events are published with QoS 1.

Evidence: document - rules 2 to 4: AWS IoT developer guide, page mqtt, and General Reference, quotas; the
lower QoS of rule 1: OASIS MQTT 3.1.1 section 3.8.4.
Evidence: assumed - overlapping filters deliver once; rule 5.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jitpbroker.engine import Client
from jitpbroker.gate import Event as ServiceEvent
from jitpbroker.mqtt import (
    ConnAck,
    DisconnectReason,
    Limits,
    PubAck,
    Publish,
    Request,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
)
from jitpbroker.mqtt.topics import has_wildcard, matches

_CACHED_TOPICS = 1024
_MAX_PACKET_ID = 0xFFFF


@dataclass(slots=True)
class _Session:
    """What the engine knows of one client id."""

    client: Client | None
    filters: dict[str, int] = field(default_factory=dict)
    in_flight: OrderedDict[int, Publish] = field(default_factory=OrderedDict)
    waiting: deque[Publish] = field(default_factory=deque)
    last_packet_id: int = 0
    left_at: datetime | None = None


class LocalEngine:
    """Routes messages between the clients attached to it."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        max_waiting: int = 1000,
        max_retained: int = 10_000,
        session_expiry: timedelta = timedelta(hours=1),
    ) -> None:
        self._limits = limits or Limits()
        self._max_waiting = max_waiting
        self._max_retained = max_retained
        self._session_expiry = session_expiry
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, Publish] = {}
        self._routes: dict[str, tuple[tuple[_Session, int], ...]] = {}

    async def start(self) -> None:
        """Nothing to prepare."""

    async def close(self) -> None:
        """Forget sessions and retained messages."""
        self._sessions.clear()
        self._retained.clear()
        self._routes.clear()

    def attach(self, client: Client, at: datetime) -> None:
        """Answer CONNACK; a kept session resumes."""
        self._forget_expired(at)
        client_id = client.principal.client_id
        kept = self._sessions.get(client_id)
        if client.connect.clean_session or kept is None:
            self._sessions[client_id] = _Session(client)
            self._routes.clear()
            client.send(ConnAck())
            return
        kept.client, kept.left_at = client, None
        client.send(ConnAck(session_present=True))
        for message in tuple(kept.in_flight.values()):
            client.send(replace(message, dup=True))
        self._send_waiting(kept)

    def detach(self, client: Client, at: datetime, *, publish_will: bool) -> None:
        """Keep or forget the session, then publish the will if there is one and it is due."""
        session = self._sessions[client.principal.client_id]
        session.client, session.left_at = None, at
        if client.connect.clean_session:
            del self._sessions[client.principal.client_id]
            self._routes.clear()
        will = client.connect.will
        if publish_will and will is not None:
            message = Publish(will.topic, will.payload, will.qos, will.retain)
            if will.retain:
                self._retain(message)
            self._route(message)

    def publish(self, event: ServiceEvent) -> None:
        """Route a message of the service."""
        self._route(Publish(event.topic, event.payload, qos=1))

    def receive(self, client: Client, request: Request) -> None:
        """Act upon a permitted packet."""
        session = self._sessions[client.principal.client_id]
        match request:
            case Publish():
                self._take(client, request)
            case PubAck(packet_id):
                if session.in_flight.pop(packet_id, None) is not None:
                    self._send_waiting(session)
            case Subscribe():
                self._subscribe(client, session, request)
            case Unsubscribe(packet_id, topic_filters):
                for topic_filter in topic_filters:
                    session.filters.pop(topic_filter, None)
                self._routes.clear()
                client.send(UnsubAck(packet_id))

    def _take(self, client: Client, message: Publish) -> None:
        if message.retain and not self._retain(message):
            why = f"{self._max_retained} retained messages are held, which is this broker's limit"
            client.hang_up(DisconnectReason.THROTTLED, why)
            return
        if message.packet_id is not None:
            client.send(PubAck(message.packet_id))
        self._route(message)

    def _retain(self, message: Publish) -> bool:
        """Keep, or with an empty payload forget, the message of a topic; whether there was room."""
        if message.topic.startswith("$"):
            return True
        if not message.payload:
            self._retained.pop(message.topic, None)
            return True
        if message.topic not in self._retained and len(self._retained) >= self._max_retained:
            return False
        self._retained[message.topic] = message
        return True

    def _subscribe(self, client: Client, session: _Session, request: Subscribe) -> None:
        granted: list[int] = []
        for subscription in request.subscriptions:
            session.filters[subscription.topic_filter] = subscription.qos
            granted.append(subscription.qos)
        self._routes.clear()
        client.send(SubAck(request.packet_id, tuple(granted)))
        for subscription in request.subscriptions:
            retained = self._retained.get(subscription.topic_filter)
            if retained is not None and not has_wildcard(subscription.topic_filter):
                self._deliver(session, retained, subscription.qos, retain=True)

    def _route(self, message: Publish) -> None:
        for session, qos in self._routes_of(message.topic):
            self._deliver(session, message, qos)

    def _routes_of(self, topic: str) -> tuple[tuple[_Session, int], ...]:
        routes = self._routes.get(topic)
        if routes is None:
            if len(self._routes) >= _CACHED_TOPICS:
                self._routes.clear()
            found = (
                (session, [qos for wanted, qos in session.filters.items() if matches(wanted, topic)])
                for session in self._sessions.values()
            )
            routes = tuple((session, max(levels)) for session, levels in found if levels)
            self._routes[topic] = routes
        return routes

    def _deliver(
        self, session: _Session, message: Publish, subscription_qos: int, *, retain: bool = False
    ) -> None:
        """Send or queue a message; ``retain`` only for one that was kept [MQTT-3.3.1-8, MQTT-3.3.1-9]."""
        client = session.client
        qos = min(message.qos, subscription_qos)
        message = Publish(message.topic, message.payload, qos, retain)
        if qos == 0:
            if client is not None and client.may_receive(message.topic):
                client.send(message)
            return
        if len(session.waiting) < self._max_waiting:
            session.waiting.append(message)
            self._send_waiting(session)
        elif client is not None:
            why = f"{self._max_waiting} QoS 1 messages wait for a client that does not acknowledge"
            client.hang_up(DisconnectReason.THROTTLED, why)

    def _send_waiting(self, session: _Session) -> None:
        client = session.client
        while client is not None and session.waiting and len(session.in_flight) < self._limits.in_flight:
            message = session.waiting.popleft()
            if client.may_receive(message.topic):
                message = replace(message, packet_id=self._next_packet_id(session))
                assert message.packet_id is not None
                session.in_flight[message.packet_id] = message
                client.send(message)

    def _next_packet_id(self, session: _Session) -> int:
        """The next free one; the window is far smaller than the 65535 there are."""
        packet_id = session.last_packet_id % _MAX_PACKET_ID + 1
        while packet_id in session.in_flight:
            packet_id = packet_id % _MAX_PACKET_ID + 1
        session.last_packet_id = packet_id
        return packet_id

    def _forget_expired(self, at: datetime) -> None:
        for client_id, session in tuple(self._sessions.items()):
            if session.left_at is not None and at - session.left_at >= self._session_expiry:
                del self._sessions[client_id]
                self._routes.clear()
