"""One connection to the broker, from accept to the last byte.

Rules of this file:
1. Nothing but a CONNECT makes anybody judge or register anything; a handshake alone leaves a record, no more.
2. A refusal says nothing on the wire: close_notify, no CONNACK, no PUBACK, no SUBACK.
3. Authorization comes before acknowledgement: the engine sees permitted packets only.
4. Each accepted connection leaves one `Disconnect` record, and one `Handshake` record if that got to an end.
5. What goes wrong here ends this connection and no other.

Evidence: document - rule 1: MiniStack pull request 1755, measured on AWS; rule 2: the same and paho.mqtt.rust
issue 119 (close_notify seen); an unauthorized PUBLISH ends the connection: developer guide, page
iot-policy-actions.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from jitpbroker import trace
from jitpbroker.admission.attempt import Attempt
from jitpbroker.gate import Admitted, HangUp, Principal
from jitpbroker.mqtt import (
    ConnAck,
    Connect,
    ConnectArrived,
    Connection,
    Disconnect,
    DisconnectReason,
    Event,
    Packet,
    PingReq,
    PingResp,
    PubAck,
    Publish,
    Request,
    State,
    SubAck,
    SubAckCode,
    Subscribe,
    Unsubscribe,
    Violation,
)
from jitpbroker.mqtt.quota import PerSecond, Throughput
from jitpbroker.mqtt.topics import is_basic_ingest
from jitpbroker.permissions import announcement, refusal
from jitpbroker.tls import HandshakeFacts
from jitpbroker.transport import End, TlsTransport
from jitpbroker.x509 import certificate_id

if TYPE_CHECKING:
    from jitpbroker.server import Server


class Peer:
    """The `Application` of one `TlsTransport`, and the engine's `Client` once admitted."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._tls: TlsTransport
        self._address = ("", 0)
        self._name = ""
        self._facts: HandshakeFacts | None = None
        self._mqtt: Connection | None = None
        self._connect: Connect | None = None
        self._principal: Principal | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._over = False
        limits = server.settings.limits
        self._publishes = PerSecond(limits.publishes_per_second)
        self._throughput = Throughput(limits.throughput)

    # -- Application: what TLS reports ---------------------------------------------------------

    def connected(self, transport: TlsTransport) -> None:
        """Count the connection in; beyond the limit it is dropped before a handshake costs anything."""
        self._tls = transport
        self._address = transport.peername
        host, port = self._address
        self._name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if (why := self._server.arrived(self)) is not None:
            self._record_end("server", DisconnectReason.TOO_MANY_CONNECTIONS, why)
            transport.abort()

    def handshake_ended(self, facts: HandshakeFacts, why_not: str | None) -> None:
        """Record it; from here the client has a limited time to send CONNECT."""
        if self._over:
            return
        self._server.trace.add(
            trace.Handshake(
                at=self._server.now(),
                peer=self._name,
                completed=why_not is None,
                version=facts.version,
                sni=facts.sni,
                alpn=facts.alpn,
                chain=tuple(map(certificate_id, facts.chain)),
                why=why_not,
            )
        )
        if why_not is not None:
            self._record_end("server", DisconnectReason.TLS_HANDSHAKE_FAILED, why_not)
            return
        self._facts = facts
        self._mqtt = Connection(self._server.settings.limits, self._loop.time())
        self._server.connects.begin(self)

    def received(self, data: bytes) -> None:
        """Act upon each packet in turn; a fault of ours ends this connection and is reported to the loop."""
        connection = self._mqtt
        if self._over or connection is None:
            return
        now = self._loop.time()
        try:
            for event in connection.receive_data(data, now):
                self._act(event)
        except Exception as error:  # noqa: BLE001 - rule 5; reported below, never swallowed
            self._loop.call_exception_handler(
                {"message": f"the broker failed on a packet of {self._name}", "exception": error}
            )
            self.hang_up(DisconnectReason.SERVER_ERROR, f"the broker failed: {error!r}")
        wait = self._throughput.spend(len(data), now)
        if connection.state is State.AWAITING_VERDICT:
            self._tls.pause_reading()
        elif wait and not self._over:
            self._tls.pause_reading()
            self._loop.call_later(wait, self._read_on)

    def _read_on(self) -> None:
        if not self._over:
            self._tls.resume_reading()

    def ended(self, end: End, why: str) -> None:
        """The client has gone without DISCONNECT, or cannot be answered."""
        if end is End.UNKEPT:
            self.hang_up(DisconnectReason.SERVER_ERROR, why)
            return
        by = "client" if end is End.CLOSE_NOTIFY else "network"
        self._finish(by, DisconnectReason.CONNECTION_LOST, why, publish_will=True)

    def lost(self) -> None:
        """The last call of all."""
        self._server.departed(self)

    # -- Client: what an engine asks ------------------------------------------------------------

    @property
    def principal(self) -> Principal:
        """Who it is; only an admitted peer is asked."""
        assert self._principal is not None
        return self._principal

    @property
    def connect(self) -> Connect:
        """Its CONNECT, the client id filled in."""
        assert self._connect is not None
        return self._connect

    @property
    def admitted(self) -> bool:
        """Whether the gate has let it in."""
        return self._principal is not None

    def may_receive(self, topic: str) -> bool:
        """Ask the gate."""
        return self._server.gate.may_receive(self.principal, topic, at=self._server.now()) is None

    def send(self, packet: Packet) -> None:
        """Send ``packet``; a client that does not read is let go before it fills the memory."""
        if self._over or self._mqtt is None:
            return
        if isinstance(packet, Publish) and not self._publishes.take(self._server.now()):
            self._server.discarded(self.principal, packet.topic, self._too_many())
            return
        self._tls.write(self._mqtt.send(packet, self._loop.time()))
        if isinstance(packet, ConnAck):
            limits = self._server.settings.limits
            if self._mqtt.keep_alive * limits.keep_alive_factor < limits.connect_timeout:
                self._watch_deadline()  # else there is time until ``connects`` looks
            self._tls.resume_reading()
            if self._mqtt.buffered:
                self._loop.call_soon(self.received, b"")  # what came while the verdict was awaited
        elif self._tls.backlog > self._server.settings.max_backlog:
            why = f"{self._tls.backlog} bytes wait for a client that does not read them"
            self.hang_up(DisconnectReason.THROTTLED, why)

    def hang_up(self, reason: DisconnectReason, why: str, *, publish_will: bool = True) -> None:
        """Close from the server's side: close_notify and nothing else."""
        self._finish("server", reason, why, publish_will=publish_will)

    # -- inside ---------------------------------------------------------------------------------

    def _act(self, event: Event) -> None:
        match event:
            case ConnectArrived():
                self._judge(event)
            case Publish() | Subscribe() | Unsubscribe() | PubAck():
                self._pass_on(event)
            case PingReq():
                self.send(PingResp())
            case Disconnect():
                reason = DisconnectReason.CLIENT_INITIATED_DISCONNECT
                self._finish("client", reason, "the client sent DISCONNECT", publish_will=False)
            case Violation():
                self._violated(event)

    def _judge(self, arrived: ConnectArrived) -> None:
        """Rule 1: this is the one place from which admission is asked."""
        packet, at = arrived.packet, self._server.now()
        self._server.trace.add(
            trace.Connect(at=at, peer=self._name, client_id=packet.client_id, packet=arrived.raw)
        )
        self._connect = packet
        if arrived.objection is not None:
            self._violated(arrived.objection)
            return
        if not packet.client_id:
            self._connect = packet = replace(packet, client_id=self._server.settings.assign_client_id())
        assert self._facts is not None
        attempt = Attempt(
            chain=self._facts.chain,
            sni=self._facts.sni,
            alpn=self._facts.alpn,
            client_id=packet.client_id,
            at=at,
            clean_session=packet.clean_session,
            will_topic=None if packet.will is None else packet.will.topic,
            will_retain=packet.will is not None and packet.will.retain,
            source_ip=self._address[0],
            source_port=self._address[1],
        )
        self._facts = None  # a kilobyte of certificates that nobody asks for again
        verdict = self._server.gate.connect(attempt)
        match verdict:
            case Admitted(principal=principal):
                self._principal = principal
                self._server.admit(self)
            case HangUp(reason=reason, why=why, return_code=code):
                if code is not None:
                    self.send(ConnAck(code))
                self._finish("server", reason, why, publish_will=False)
        self._server.publish(verdict.events)

    def _pass_on(self, request: Request) -> None:
        gate, at = self._server.gate, self._server.now()
        if isinstance(request, Publish) and not self._publishes.take(at):
            gate.discarded(self.principal, request.topic, inbound=True, why=self._too_many(), at=at)
            return
        why = refusal(gate, self.principal, request, at)
        if why is not None and isinstance(request, Subscribe) and gate.denies_by_suback:
            self.send(SubAck(request.packet_id, (SubAckCode.FAILURE,) * len(request.subscriptions)))
        elif why is not None:
            # AWS calls it the client's error under 3.1.1 (MiniStack); a metric tells the rest.
            self.hang_up(DisconnectReason.CLIENT_ERROR, why)
        elif isinstance(request, Publish) and is_basic_ingest(request.topic):
            if request.packet_id is not None:  # no rules engine here: acknowledged, and seen by no subscriber
                self.send(PubAck(request.packet_id))
        else:
            self._server.engine.receive(self, request)
            if not self._over:
                self._server.publish(announcement(gate, self.principal, request, at))

    def _too_many(self) -> str:
        return f"more than {self._publishes.limit} messages in one second, in and out"

    def _violated(self, violation: Violation) -> None:
        if violation.answer is not None:
            self.send(violation.answer)
        self.hang_up(violation.reason, violation.why)

    def _finish(self, by: str, reason: str, why: str, *, publish_will: bool) -> None:
        """The one way out."""
        if self._over:
            return
        self._record_end(by, reason, why)
        if self._mqtt is not None:
            self._mqtt.close()
        self._tls.close()
        if self._principal is not None:
            self._server.dismiss(self, reason, publish_will=publish_will)

    def _record_end(self, by: str, reason: str, why: str) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._server.connects.end(self)
        self._server.no_longer_pending(self)
        self._server.trace.add(
            trace.Disconnect(
                at=self._server.now(),
                peer=self._name,
                client_id=None if self._connect is None else self._connect.client_id,
                by=by,
                reason=str(reason),
                why=why,
            )
        )

    def _watch_deadline(self) -> None:
        """Keep one timer; one that goes off too early looks again rather than being moved."""
        deadline = None if self._mqtt is None else self._mqtt.deadline
        if deadline is not None and not self._over:
            self._timer = self._loop.call_at(deadline, self.look_at_deadline)

    def look_at_deadline(self) -> None:
        """Whether CONNECT, or any packet of an admitted client's, has been too long in coming."""
        assert self._mqtt is not None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        violation = self._mqtt.time_out(self._loop.time())
        if violation is None:
            self._watch_deadline()
        else:
            self._violated(violation)
