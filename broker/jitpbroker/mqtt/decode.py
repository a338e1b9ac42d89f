"""Bytes to packets, strictly by MQTT 3.1.1.

Rules of this file:
1. Every refusal is a `ProtocolError` whose sentence quotes the value and the standard's own rule number.
2. A packet is refused as early as its bytes allow: type and flags on the first byte, size on the declared
   length, never after buffering what was declared.
3. Nothing after a broken packet is looked at: a `Decoder` that has raised raises the same again.
4. Whether a topic or filter is well-formed is part of the packet; whether AWS likes it is `topics`' matter.

Evidence: document - OASIS MQTT Version 3.1.1 section 3.
"""

from __future__ import annotations

from collections.abc import Callable

from jitpbroker.mqtt.encode import MAX_REMAINING_LENGTH
from jitpbroker.mqtt.errors import ProtocolError, UnsupportedProtocolLevel
from jitpbroker.mqtt.fields import Fields
from jitpbroker.mqtt.framing import Frame, first_byte, remaining_length
from jitpbroker.mqtt.packets import (
    ConnAck,
    Connect,
    Disconnect,
    Packet,
    PacketType,
    PingReq,
    PingResp,
    PubAck,
    Publish,
    SubAck,
    Subscribe,
    Subscription,
    UnsubAck,
    Unsubscribe,
    Will,
)


class Decoder:
    """Cuts a byte stream into packets.

    Attributes:
        max_remaining_length: a packet that declares more is refused at once, in bytes.
        expected: when set, a first byte of any other type is refused at once.
    """

    def __init__(
        self,
        *,
        max_remaining_length: int = MAX_REMAINING_LENGTH,
        expected: PacketType | None = None,
    ) -> None:
        self.max_remaining_length = max_remaining_length
        self.expected = expected
        self._buffer = bytearray()
        self._broken: ProtocolError | None = None

    @property
    def buffered(self) -> int:
        """Bytes received and not yet handed out."""
        return len(self._buffer)

    def receive_data(self, data: bytes) -> None:
        """Append bytes from the peer."""
        self._buffer += data

    def next_packet(self) -> Packet | None:
        """The next whole packet, ``None`` until more bytes arrive.

        Raises:
            ProtocolError: the peer broke a rule.
        """
        frame = self.next_frame()
        return None if frame is None else self.decode(frame)

    def next_frame(self) -> Frame | None:
        """The next whole packet undecoded, ``None`` until more bytes arrive.

        Raises:
            ProtocolError: as `next_packet`, for what the fixed header shows.
        """
        if self._broken is not None:
            raise self._broken
        try:
            return self._cut()
        except ProtocolError as error:
            self._broken = error
            raise

    def decode(self, frame: Frame) -> Packet:
        """Understand a frame of this stream.

        Raises:
            ProtocolError: the peer broke a rule; this decoder is broken from then on.
        """
        try:
            return decode(frame)
        except ProtocolError as error:
            self._broken = error
            raise

    def _cut(self) -> Frame | None:
        buffer = self._buffer
        if not buffer:
            return None
        packet_type, flags = first_byte(buffer[0])
        if self.expected is not None and packet_type != self.expected:
            raise ProtocolError(
                f"the first packet is {packet_type.name}, it must be {self.expected.name} [MQTT-3.1.0-1]"
            )
        header = remaining_length(buffer)
        if header is None:
            return None
        length, start = header
        if length > self.max_remaining_length:
            raise ProtocolError(
                f"{packet_type.name} declares {length} bytes, the limit is {self.max_remaining_length}"
            )
        end = start + length
        if len(buffer) < end:
            return None
        raw = bytes(buffer[:end])
        del buffer[:end]
        return Frame(packet_type, flags, raw[start:], raw)


def _connect(frame: Frame) -> Connect:
    fields = Fields(frame)
    name, level = fields.binary("protocol name"), fields.u8("protocol level")
    if (name, level) != (b"MQTT", 4):
        if name in {b"MQTT", b"MQIsdp"}:
            raise UnsupportedProtocolLevel(
                f"CONNECT speaks {name.decode()} level {level}; this broker speaks MQTT level 4 (3.1.1)"
            )
        raise ProtocolError(f"CONNECT names the protocol {name[:16]!r}, it must be b'MQTT' [MQTT-3.1.2-1]")
    flags = fields.u8("connect flags")
    _check_connect_flags(flags)
    keep_alive = fields.u16("keep-alive")
    client_id = fields.text("client id")
    will = None
    if flags & 0x04:
        will = Will(
            topic=fields.topic("will topic"),
            payload=fields.binary("will payload"),
            qos=flags >> 3 & 0x03,
            retain=bool(flags & 0x20),
        )
    user_name = fields.text("user name") if flags & 0x80 else None
    password = fields.binary("password") if flags & 0x40 else None
    fields.end()
    return Connect(client_id, keep_alive, bool(flags & 0x02), will, user_name, password)


def _check_connect_flags(flags: int) -> None:
    if flags & 0x01:
        raise ProtocolError(f"CONNECT flags 0x{flags:02x} set the reserved bit 0 [MQTT-3.1.2-3]")
    if not flags & 0x04 and flags & 0x38:
        raise ProtocolError(
            f"CONNECT flags 0x{flags:02x} set will QoS or retain, but no will [MQTT-3.1.2-11]"
        )
    if flags & 0x18 == 0x18:
        raise ProtocolError(f"CONNECT flags 0x{flags:02x} ask for will QoS 3 [MQTT-3.1.2-14]")
    if flags & 0xC0 == 0x40:
        raise ProtocolError(f"CONNECT flags 0x{flags:02x} set password without user name [MQTT-3.1.2-22]")


def _connack(frame: Frame) -> ConnAck:
    fields = Fields(frame)
    flags, code = fields.u8("acknowledge flags"), fields.u8("return code")
    fields.end()
    if flags & 0xFE:
        raise ProtocolError(f"CONNACK flags 0x{flags:02x} set reserved bits (MQTT 3.1.1 section 3.2.2.1)")
    if flags and code:
        raise ProtocolError(f"CONNACK refuses with code {code} and yet says session present [MQTT-3.2.2-4]")
    return ConnAck(code, bool(flags))


def _publish(frame: Frame) -> Publish:
    fields = Fields(frame)
    qos = frame.flags >> 1 & 0x03
    topic = fields.topic("topic")
    packet_id = fields.packet_id() if qos else None
    return Publish(topic, fields.rest(), qos, bool(frame.flags & 0x01), bool(frame.flags & 0x08), packet_id)


def _puback(frame: Frame) -> PubAck:
    fields = Fields(frame)
    packet_id = fields.packet_id()
    fields.end()
    return PubAck(packet_id)


def _subscribe(frame: Frame) -> Subscribe:
    fields = Fields(frame)
    packet_id = fields.packet_id()
    subscriptions: list[Subscription] = []
    while fields.more:
        topic_filter, qos = fields.topic_filter(), fields.u8("requested QoS")
        if qos > 2:
            raise ProtocolError(f"SUBSCRIBE asks for QoS byte 0x{qos:02x}, only 0, 1, 2 exist [MQTT-3-8.3-4]")
        subscriptions.append(Subscription(topic_filter, qos))
    if not subscriptions:
        raise ProtocolError("SUBSCRIBE has no filter [MQTT-3.8.3-3]")
    return Subscribe(packet_id, tuple(subscriptions))


def _suback(frame: Frame) -> SubAck:
    fields = Fields(frame)
    packet_id, codes = fields.packet_id(), tuple(fields.rest())
    for code in codes:
        if code not in {0x00, 0x01, 0x02, 0x80}:
            raise ProtocolError(f"SUBACK has the reserved return code 0x{code:02x} [MQTT-3.9.3-2]")
    if not codes:
        raise ProtocolError("SUBACK has no return code (MQTT 3.1.1 section 3.9.3)")
    return SubAck(packet_id, codes)


def _unsubscribe(frame: Frame) -> Unsubscribe:
    fields = Fields(frame)
    packet_id = fields.packet_id()
    topic_filters: list[str] = []
    while fields.more:
        topic_filters.append(fields.topic_filter())
    if not topic_filters:
        raise ProtocolError("UNSUBSCRIBE has no filter [MQTT-3.10.3-2]")
    return Unsubscribe(packet_id, tuple(topic_filters))


def _unsuback(frame: Frame) -> UnsubAck:
    fields = Fields(frame)
    packet_id = fields.packet_id()
    fields.end()
    return UnsubAck(packet_id)


def _pingreq(frame: Frame) -> PingReq:
    Fields(frame).end()
    return PingReq()


def _pingresp(frame: Frame) -> PingResp:
    Fields(frame).end()
    return PingResp()


def _disconnect(frame: Frame) -> Disconnect:
    Fields(frame).end()
    return Disconnect()


_BODIES: dict[PacketType, Callable[[Frame], Packet]] = {
    PacketType.CONNECT: _connect,
    PacketType.CONNACK: _connack,
    PacketType.PUBLISH: _publish,
    PacketType.PUBACK: _puback,
    PacketType.SUBSCRIBE: _subscribe,
    PacketType.SUBACK: _suback,
    PacketType.UNSUBSCRIBE: _unsubscribe,
    PacketType.UNSUBACK: _unsuback,
    PacketType.PINGREQ: _pingreq,
    PacketType.PINGRESP: _pingresp,
    PacketType.DISCONNECT: _disconnect,
}


def decode(frame: Frame) -> Packet:
    """Understand a frame.

    Raises:
        ProtocolError: the peer broke a rule.
    """
    return _BODIES[frame.packet_type](frame)
