"""The default engine: AWS IoT's delivery rules, in memory and, with a `Keeper`, beyond the process.

Rules of this file:
1. A message is delivered with the lower of publish and subscription QoS; of a client's overlapping filters
   the highest QoS counts and the message arrives once.
2. A QoS 1 message counts as in flight until its PUBACK; what exceeds the window waits, what exceeds the
   queue ends the connection. Unacknowledged ones are sent again, marked DUP.
3. Retained messages go to whoever subscribes to exactly their topic; a filter with wildcards gets none, and
   topics below ``$`` retain none.
4. A client with ``clean_session`` false keeps subscriptions and QoS 1 messages for an hour after it left;
   what came meanwhile is handed out at ten a second when it returns.
5. The service's own events are published with QoS 1.
6. Time is that of the latest ``attach``, ``detach`` or ``tick``.

Evidence: document - rules 2 to 4: AWS IoT developer guide, page mqtt, and General Reference, quotas; the
lower QoS of rule 1: OASIS MQTT 3.1.1 section 3.8.4.
Evidence: assumed - overlapping filters deliver once; rule 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from jitpbroker.engine import Client, unheard
from jitpbroker.engine.keeper import Keeper, KeptSession
from jitpbroker.engine.ledger import Ledger
from jitpbroker.engine.session import Keeping, Sent, Session
from jitpbroker.engine.subscriptions import Subscriptions
from jitpbroker.gate import Event as ServiceEvent
from jitpbroker.gate import Principal
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
from jitpbroker.mqtt.topics import has_wildcard

_CACHED_TOPICS = 1024


class LocalEngine:
    """Routes messages between the clients attached to it.

    Attributes:
        discarded: told of every message that is dropped for want of room or time.
    """

    def __init__(
        self, limits: Limits | None = None, *, keeping: Keeping | None = None, keeper: Keeper | None = None
    ) -> None:
        self.discarded: Callable[[Principal, str, str], None] = unheard
        self._limits = limits or Limits()
        self._keeping = keeping or Keeping()
        self._ledger = Ledger(keeper)
        self._sessions: dict[str, Session] = {}
        self._retained: dict[str, Publish] = {}
        self._subscriptions = Subscriptions()
        self._routes: dict[str, tuple[tuple[Session, int], ...]] = {}
        self._waiting_bytes = 0
        self._at = self._ticked = datetime.min.replace(tzinfo=UTC)

    def restore(self, sessions: Iterable[KeptSession], retained: Iterable[Publish], at: datetime) -> None:
        """Take over what a keeper had; whoever was connected then has left at ``at``."""
        for kept in sessions:
            client_id, session = kept.principal.client_id, self._ledger.restored(kept, at)
            self._sessions[client_id] = session
            self._waiting_bytes += session.waiting_bytes
            for topic_filter, qos in session.filters.items():
                self._subscriptions.add(topic_filter, client_id, qos)
        for message in retained:
            self._retained[message.topic] = message

    async def start(self) -> None:
        """Nothing to prepare."""

    async def close(self) -> None:
        """Forget sessions and retained messages."""
        self._sessions.clear()
        self._retained.clear()
        self._subscriptions.clear()
        self._routes.clear()
        self._waiting_bytes = 0

    # -- clients come and go -------------------------------------------------------------------------

    def attach(self, client: Client, at: datetime) -> None:
        """Answer CONNACK; a kept session resumes."""
        self._at = at
        client_id = client.principal.client_id
        kept = self._sessions.get(client_id)
        if kept is not None and self._has_expired(kept):
            self._forget(client_id)
            kept = None
        if client.connect.clean_session or kept is None:
            self._forget(client_id)
            session = Session(client.principal, client, persistent=not client.connect.clean_session)
            self._sessions[client_id] = session
            self._ledger.session(session)
            client.send(ConnAck())
            return
        kept.principal, kept.client, kept.left_at = client.principal, client, None
        self._ledger.session(kept)
        kept.stored, kept.pace = len(kept.waiting), self._keeping.stored_per_second
        client.send(ConnAck(session_present=True))
        for sent in tuple(kept.in_flight.values()):
            self._send_again(client, sent)
        self._send_waiting(kept)

    def detach(self, client: Client, at: datetime, *, publish_will: bool) -> None:
        """Keep or forget the session, then publish the will if there is one and it is due."""
        self._at = at
        session = self._sessions[client.principal.client_id]
        session.client, session.left_at = None, at
        if client.connect.clean_session:
            self._forget(client.principal.client_id)
        self._ledger.session(session)
        will = client.connect.will
        if publish_will and will is not None:
            message = Publish(will.topic, will.payload, will.qos, will.retain)
            if will.retain:
                self._retain(message)
            self._route(message)

    def tick(self, at: datetime) -> None:
        """Send again what nobody acknowledged, go on with what is stored, forget what has expired."""
        passed, self._at, self._ticked = max(timedelta(), at - self._ticked), at, at
        self._forget_expired()
        for session in tuple(self._sessions.values()):
            if session.client is not None and session.in_flight:
                self._look_after(session, session.client)
            if session.stored:
                pace = self._keeping.stored_per_second
                session.pace = min(pace, session.pace + int(pace * passed / timedelta(seconds=1)))
            if session.waiting:
                self._send_waiting(session)

    # -- messages --------------------------------------------------------------------------------------

    def publish(self, event: ServiceEvent) -> None:
        """Route a message of the service, which is written only if somebody hears it."""
        if self._routes_of(event.topic):
            self._route(Publish(event.topic, event.payload, qos=1))

    def receive(self, client: Client, request: Request) -> None:
        """Act upon a permitted packet."""
        session = self._sessions[client.principal.client_id]
        match request:
            case Publish():
                self._take(client, request)
            case PubAck(packet_id):
                if (sent := session.in_flight.pop(packet_id, None)) is not None:
                    self._ledger.done(session, sent.number)
                    self._send_waiting(session)
            case Subscribe():
                self._subscribe(client, session, request)
            case Unsubscribe(packet_id, topic_filters):
                for topic_filter in topic_filters:
                    session.filters.pop(topic_filter, None)
                    self._subscriptions.remove(topic_filter, client.principal.client_id)
                    self._ledger.unsubscribed(session, topic_filter)
                self._routes.clear()
                client.send(UnsubAck(packet_id))

    def _take(self, client: Client, message: Publish) -> None:
        if message.retain and not self._retain(message):
            why = f"{self._keeping.retained} retained messages are held, which is this broker's limit"
            client.hang_up(DisconnectReason.THROTTLED, why)
            return
        self._route(message)
        # Last: routing may hang up on somebody, which writes down what has been told until then.
        if message.packet_id is not None:
            client.send(PubAck(message.packet_id))

    def _retain(self, message: Publish) -> bool:
        """Keep, or with an empty payload forget, the message of a topic; whether there was room."""
        if message.topic.startswith("$"):
            return True
        if not message.payload:
            self._retained.pop(message.topic, None)
            self._ledger.retain(message.topic, None)
            return True
        if message.topic not in self._retained and len(self._retained) >= self._keeping.retained:
            return False
        self._retained[message.topic] = message
        self._ledger.retain(message.topic, message)
        return True

    def _subscribe(self, client: Client, session: Session, request: Subscribe) -> None:
        """Take filters; those of a resumed session count towards the limit, too."""
        wanted = {each.topic_filter: each.qos for each in request.subscriptions}
        count = len(session.filters.keys() | wanted.keys())
        if count > self._limits.subscriptions:
            why = f"{count} subscriptions, AWS IoT allows {self._limits.subscriptions}"
            client.hang_up(DisconnectReason.CLIENT_ERROR, why)
            return
        session.filters.update(wanted)
        for topic_filter, qos in wanted.items():
            self._subscriptions.add(topic_filter, client.principal.client_id, qos)
            self._ledger.subscribed(session, topic_filter, qos)
        self._routes.clear()
        client.send(SubAck(request.packet_id, tuple(each.qos for each in request.subscriptions)))
        for each in request.subscriptions:
            retained = self._retained.get(each.topic_filter)
            if retained is not None and not has_wildcard(each.topic_filter):
                self._deliver(session, retained, each.qos, retain=True)

    def _route(self, message: Publish) -> None:
        for session, qos in self._routes_of(message.topic):
            self._deliver(session, message, qos)

    def _routes_of(self, topic: str) -> tuple[tuple[Session, int], ...]:
        routes = self._routes.get(topic)
        if routes is None:
            if len(self._routes) >= _CACHED_TOPICS:
                self._routes.clear()
            found = self._subscriptions.matching(topic)
            routes = tuple((self._sessions[client_id], qos) for client_id, qos in found.items())
            if routes:  # what nobody wants, such as most lifecycle events, is not worth a place
                self._routes[topic] = routes
        return routes

    # -- deliveries --------------------------------------------------------------------------------------

    def _deliver(
        self, session: Session, message: Publish, subscription_qos: int, *, retain: bool = False
    ) -> None:
        """Send or queue a message; ``retain`` only for one that was kept [MQTT-3.3.1-8, MQTT-3.3.1-9]."""
        client = session.client
        qos = min(message.qos, subscription_qos)
        message = Publish(message.topic, message.payload, qos, retain)
        if qos == 0:
            if client is not None and client.may_receive(message.topic):
                client.send(message)
            return
        if (why := self._no_room(session, message)) is None:
            session.waiting.append(self._ledger.waits(session, message))
            self._count(session, len(message.payload))
            self._send_waiting(session)
        elif client is not None:
            client.hang_up(DisconnectReason.THROTTLED, f"{why} wait for a client that does not acknowledge")
        else:
            self.discarded(session.principal, message.topic, f"{why} wait for a client that is away")

    def _no_room(self, session: Session, message: Publish) -> str | None:
        keeping, size = self._keeping, len(message.payload)
        if len(session.waiting) >= keeping.waiting:
            return f"{keeping.waiting} QoS 1 messages"
        if session.waiting_bytes + size > keeping.waiting_bytes:
            return f"{session.waiting_bytes} bytes of QoS 1 messages"
        if self._waiting_bytes + size > keeping.all_waiting_bytes:
            return f"{self._waiting_bytes} bytes of all clients' QoS 1 messages"
        return None

    def _send_waiting(self, session: Session) -> None:
        client = session.client
        while client is not None and session.waiting and len(session.in_flight) < self._limits.in_flight:
            if session.stored:
                if not session.pace:
                    return
                session.stored -= 1
                session.pace -= 1
            waiting = session.waiting.popleft()
            self._count(session, -len(waiting.message.payload))
            if client.may_receive(waiting.message.topic):
                message = replace(waiting.message, packet_id=session.next_packet_id())
                assert message.packet_id is not None
                sent = Sent(message, waiting.number, self._at, self._at)
                session.in_flight[message.packet_id] = sent
                self._ledger.sent(session, sent)
                client.send(message)
            else:
                self._ledger.done(session, waiting.number)

    def _look_after(self, session: Session, client: Client) -> None:
        for packet_id, sent in tuple(session.in_flight.items()):
            if self._at - sent.first >= self._keeping.give_up:
                del session.in_flight[packet_id]
                self._ledger.done(session, sent.number)
                why = f"nobody acknowledged it for {self._keeping.give_up}"
                self.discarded(session.principal, sent.message.topic, why)
            elif self._at - sent.latest >= self._keeping.retry:
                self._send_again(client, sent)

    def _send_again(self, client: Client, sent: Sent) -> None:
        sent.latest = self._at
        client.send(replace(sent.message, dup=True))

    # -- keeping and forgetting ----------------------------------------------------------------------------

    def _count(self, session: Session, size: int) -> None:
        session.waiting_bytes += size
        self._waiting_bytes += size

    def _forget(self, client_id: str) -> None:
        session = self._sessions.pop(client_id, None)
        if session is None:
            return
        self._waiting_bytes -= session.waiting_bytes
        for topic_filter in session.filters:
            self._subscriptions.remove(topic_filter, client_id)
        if session.filters:
            self._routes.clear()
        self._ledger.forget(session)

    def _forget_expired(self) -> None:
        for client_id, session in tuple(self._sessions.items()):
            if self._has_expired(session):
                self._forget(client_id)

    def _has_expired(self, session: Session) -> bool:
        return session.left_at is not None and self._at - session.left_at >= self._keeping.session
