"""The server's side of one MQTT 3.1.1 connection, without a socket and without a clock.

Rules of this file:
1. The first packet is CONNECT and there is no second one.
2. Between CONNECT and the verdict nothing else is looked at: bytes wait in the buffer.
3. The verdict is a `ConnAck` through `send` (admitted) or `close`; there is no third way.
4. A rule broken by the client ends in one `Violation`; after it, and after DISCONNECT, nothing is read.
5. 3.1.1 has no packet to say why, so a violation is answered by silence. The two exceptions are the
   standard's: return code 1 for another protocol version, 2 for an empty client id that wants a session.

Evidence: document - OASIS MQTT 3.1.1 sections 3.1 and 4.8; AWS's additions carry their own mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from jitpbroker.mqtt.decode import Decoder
from jitpbroker.mqtt.encode import encode
from jitpbroker.mqtt.errors import ProtocolError, UnsupportedProtocolLevel
from jitpbroker.mqtt.framing import Frame
from jitpbroker.mqtt.limits import Limits
from jitpbroker.mqtt.packets import (
    ConnAck,
    Connect,
    ConnectReturnCode,
    Disconnect,
    Packet,
    PacketType,
    PingReq,
    PubAck,
    Publish,
    Subscribe,
    Unsubscribe,
)
from jitpbroker.mqtt.reasons import DisconnectReason
from jitpbroker.mqtt.topics import MAX_TOPIC_BYTES, filter_objection, topic_objection


class State(StrEnum):
    """Where a connection stands."""

    AWAITING_CONNECT = "awaiting CONNECT"
    AWAITING_VERDICT = "awaiting the verdict"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Violation:
    """The client broke a rule or let a deadline pass: send ``answer`` if there is one, then close."""

    reason: DisconnectReason
    why: str
    answer: ConnAck | None = None


@dataclass(frozen=True, slots=True)
class ConnectArrived:
    """A whole CONNECT.

    Attributes:
        packet: what it says.
        raw: its bytes, those of a password replaced by ``*``.
        objection: set when the packet alone suffices to refuse it.
    """

    packet: Connect
    raw: bytes
    objection: Violation | None


Request: TypeAlias = Publish | PubAck | Subscribe | Unsubscribe
Event: TypeAlias = ConnectArrived | Request | PingReq | Disconnect | Violation


class Connection:
    """Feed it bytes, take events; give it packets, take bytes. Times are seconds of any monotonic clock."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._decoder = Decoder(max_remaining_length=limits.connect_packet, expected=PacketType.CONNECT)
        self._deadline = now + limits.connect_timeout
        self._keep_alive = 0
        self._filters: set[str] = set()
        self._state = State.AWAITING_CONNECT

    @property
    def state(self) -> State:
        """Where this connection stands."""
        return self._state

    @property
    def keep_alive(self) -> int:
        """The keep-alive in force, in seconds; 0 before CONNECT."""
        return self._keep_alive

    @property
    def buffered(self) -> int:
        """Bytes received and not yet turned into events."""
        return self._decoder.buffered

    @property
    def deadline(self) -> float | None:
        """When to call `time_out` at the latest, ``None`` once closed."""
        return None if self._state is State.CLOSED else self._deadline

    def receive_data(self, data: bytes, now: float) -> Iterator[Event]:
        """Take bytes; iterate over what they mean.

        The iterator is lazy so that each event can be acted upon, even by closing, before the next is
        parsed. It stops while a verdict is awaited; call again with ``b""`` after it.
        """
        self._decoder.receive_data(data)
        return self._events(now)

    def time_out(self, now: float) -> Violation | None:
        """The violation if the deadline has passed, else ``None``."""
        if self._state is State.CLOSED or now < self._deadline:
            return None
        if self._state is State.OPEN:
            limit = self._keep_alive * self._limits.keep_alive_factor
            why = f"no packet for {limit:g} s, that is {self._limits.keep_alive_factor:g} keep-alives"
            violation = Violation(DisconnectReason.MQTT_KEEP_ALIVE_TIMEOUT, why)
        else:
            why = f"no verdict on a CONNECT within {self._limits.connect_timeout:g} s: {self._state}"
            violation = Violation(DisconnectReason.CONNECT_TIMEOUT, why)
        self.close()
        return violation

    def send(self, packet: Packet, now: float) -> bytes:
        """The bytes of ``packet``; a CONNACK with code 0 opens the connection and starts the keep-alive.

        Raises:
            RuntimeError: the caller sends out of turn, which is a bug in the caller.
        """
        if isinstance(packet, ConnAck) is (self._state is State.OPEN) or self._state in _SILENT:
            raise RuntimeError(f"{type(packet).__name__} cannot be sent while {self._state}")
        if isinstance(packet, ConnAck):
            if packet.return_code == ConnectReturnCode.ACCEPTED:
                self._open(now)
            else:
                self.close()
        return encode(packet)

    def close(self) -> None:
        """Read nothing more."""
        self._state = State.CLOSED

    def _open(self, now: float) -> None:
        self._state = State.OPEN
        self._decoder.expected = None
        # Topic length and packet id come on top of the largest payload.
        self._decoder.max_remaining_length = self._limits.payload + 2 + MAX_TOPIC_BYTES + 2
        self._deadline = now + self._keep_alive * self._limits.keep_alive_factor

    def _events(self, now: float) -> Iterator[Event]:
        while self._state is State.OPEN or self._state is State.AWAITING_CONNECT:
            try:
                frame = self._decoder.next_frame()
                if frame is None:
                    return
                event = self._event(frame)
            except UnsupportedProtocolLevel as error:
                event = _refused(str(error), ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION)
            except ProtocolError as error:
                event = _refused(str(error))
            match event:
                case Violation(answer=None) | Disconnect():
                    self.close()
                case Violation() | ConnectArrived():
                    self._state = State.AWAITING_VERDICT
                case _:
                    self._deadline = now + self._keep_alive * self._limits.keep_alive_factor
            yield event

    def _event(self, frame: Frame) -> Event:
        packet = self._decoder.decode(frame)
        if self._state is State.AWAITING_CONNECT:
            assert isinstance(packet, Connect), "the decoder expects CONNECT first"
            return self._connect(packet, frame.raw)
        match packet:
            case Connect():
                return _refused("a second CONNECT on one connection [MQTT-3.1.0-2]")
            case Publish() | PubAck() | Subscribe() | Unsubscribe():
                why = self._objection(packet)
                return packet if why is None else _refused(why)
            case PingReq() | Disconnect():
                return packet
            case _:
                return _refused(f"{frame.packet_type.name} is a server's packet, a client cannot send it")

    def _connect(self, packet: Connect, raw: bytes) -> ConnectArrived:
        self._keep_alive = self._limits.keep_alive(packet.keep_alive)
        hidden = len(packet.password or b"")
        masked = raw[: len(raw) - hidden] + b"*" * hidden
        return ConnectArrived(packet, masked, self._connect_objection(packet))

    def _connect_objection(self, packet: Connect) -> Violation | None:
        """What refuses a CONNECT before anybody is asked who the client is.

        Evidence: document - AWS quotas page (length and ``$`` of the client id), developer guide page mqtt
        (QoS 2); that these close without CONNACK like AWS's other 3.1.1 refusals is the page's silence.
        """
        client_id, will = packet.client_id, packet.will
        length = len(client_id.encode())
        if not client_id and not packet.clean_session:
            why = "an empty client id cannot have a persistent session [MQTT-3.1.3-8]; give an id"
            return _refused(why, ConnectReturnCode.IDENTIFIER_REJECTED)
        if length > self._limits.client_id:
            return _refused(f"the client id has {length} bytes, AWS IoT allows {self._limits.client_id}")
        if client_id.startswith("$"):
            return _refused(f"the client id {client_id!r} starts with $, which AWS IoT reserves")
        if will is not None and will.qos == 2:
            return _refused("the will asks for QoS 2, which AWS IoT does not support; use QoS 1")
        if will is not None and (why_not := topic_objection(will.topic)) is not None:
            return _refused(f"the will topic {why_not}")
        return None

    def _objection(self, packet: Request) -> str | None:
        """What AWS refuses whatever the policy says.

        Evidence: document - AWS quotas page and developer guide pages mqtt and reserved-topics.
        """
        match packet:
            case Publish(topic=topic, payload=payload, qos=qos):
                if qos == 2:
                    return "PUBLISH asks for QoS 2, which AWS IoT does not support; use QoS 1"
                if len(payload) > self._limits.payload:
                    return f"PUBLISH carries {len(payload)} bytes, AWS IoT allows {self._limits.payload}"
                why = topic_objection(topic)
                return None if why is None else f"PUBLISH's topic {why}"
            case Subscribe():
                return self._subscribe_objection(packet)
            case Unsubscribe(topic_filters=topic_filters):
                self._filters.difference_update(topic_filters)
            case _:
                pass  # PUBACK: one for no message is ignored by the engine
        return None

    def _subscribe_objection(self, packet: Subscribe) -> str | None:
        count = len(packet.subscriptions)
        if count > self._limits.filters_per_subscribe:
            return f"SUBSCRIBE has {count} filters, AWS IoT allows {self._limits.filters_per_subscribe}"
        for subscription in packet.subscriptions:
            if subscription.qos == 2:
                return "SUBSCRIBE asks for QoS 2, which AWS IoT does not support; use QoS 1"
            if (why := filter_objection(subscription.topic_filter)) is not None:
                return f"SUBSCRIBE's filter {why}"
        self._filters.update(subscription.topic_filter for subscription in packet.subscriptions)
        if len(self._filters) > self._limits.subscriptions:
            return f"{len(self._filters)} subscriptions, AWS IoT allows {self._limits.subscriptions}"
        return None


_SILENT = frozenset({State.AWAITING_CONNECT, State.CLOSED})


def _refused(why: str, code: ConnectReturnCode | None = None) -> Violation:
    return Violation(DisconnectReason.CLIENT_ERROR, why, None if code is None else ConnAck(code))
