"""Packets to bytes (MQTT 3.1.1 section 3); whatever cannot be said correctly is refused with ValueError."""

from __future__ import annotations

from typing import assert_never

from jitpbroker.mqtt.packets import (
    ConnAck,
    Connect,
    ConnectReturnCode,
    Disconnect,
    Packet,
    PacketType,
    PingReq,
    PingResp,
    PubAck,
    Publish,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
)

MAX_REMAINING_LENGTH = 268_435_455
_MAX_U16 = 0xFFFF
_ACCEPTED = {False: b"\x20\x02\x00\x00", True: b"\x20\x02\x01\x00"}  # by whether a session is present
_MUST_BE_0010 = 0x02  # SUBSCRIBE and UNSUBSCRIBE carry this reserved nibble (table 2.2)


def encode(packet: Packet) -> bytes:  # noqa: C901 - one case per packet type is the clearest table
    """The bytes of ``packet``.

    Raises:
        ValueError: the packet cannot be expressed in MQTT 3.1.1; the sentence names field and range.
    """
    match packet:
        case Connect():
            return _frame(PacketType.CONNECT, 0, _connect_body(packet))
        case ConnAck():
            return _connack(packet)
        case Publish():
            return _publish(packet)
        case PubAck(packet_id):
            return _frame(PacketType.PUBACK, 0, _packet_id(packet_id))
        case Subscribe(packet_id, subscriptions):
            asked = b"".join(_text(s.topic_filter, "filter") + bytes([_qos(s.qos)]) for s in subscriptions)
            return _frame(
                PacketType.SUBSCRIBE, _MUST_BE_0010, _packet_id(packet_id) + _some(asked, "SUBSCRIBE")
            )
        case SubAck(packet_id, return_codes):
            codes = bytes(_u8(code, "return code") for code in return_codes)
            return _frame(PacketType.SUBACK, 0, _packet_id(packet_id) + _some(codes, "SUBACK"))
        case Unsubscribe(packet_id, topic_filters):
            given = b"".join(_text(topic_filter, "filter") for topic_filter in topic_filters)
            return _frame(
                PacketType.UNSUBSCRIBE, _MUST_BE_0010, _packet_id(packet_id) + _some(given, "UNSUBSCRIBE")
            )
        case UnsubAck(packet_id):
            return _frame(PacketType.UNSUBACK, 0, _packet_id(packet_id))
        case PingReq():
            return _frame(PacketType.PINGREQ, 0, b"")
        case PingResp():
            return _frame(PacketType.PINGRESP, 0, b"")
        case Disconnect():
            return _frame(PacketType.DISCONNECT, 0, b"")
        case _:  # pragma: no cover - mypy proves the table complete
            assert_never(packet)


def remaining_length(length: int) -> bytes:
    """The one to four bytes of section 2.2.3: seven bits each, least significant first."""
    if not 0 <= length <= MAX_REMAINING_LENGTH:
        raise ValueError(f"a packet body of {length} bytes exceeds MQTT's {MAX_REMAINING_LENGTH}; send less")
    out = bytearray()
    while True:
        length, digit = divmod(length, 0x80)
        out.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(out)


def _frame(packet_type: PacketType, flags: int, body: bytes) -> bytes:
    return bytes([packet_type << 4 | flags]) + remaining_length(len(body)) + body


def _connack(packet: ConnAck) -> bytes:
    if packet.return_code == ConnectReturnCode.ACCEPTED:
        return _ACCEPTED[packet.session_present]
    body = bytes([packet.session_present, _u8(packet.return_code, "return code")])
    return _frame(PacketType.CONNACK, 0, body)


def _connect_body(packet: Connect) -> bytes:
    will = packet.will
    if packet.password is not None and packet.user_name is None:
        raise ValueError("CONNECT has a password but no user name [MQTT-3.1.2-22]; give both or neither")
    flags = packet.clean_session << 1
    tail = _text(packet.client_id, "client id")
    if will is not None:
        flags |= 0x04 | _qos(will.qos) << 3 | will.retain << 5
        tail += _text(will.topic, "will topic") + _binary(will.payload, "will payload")
    if packet.user_name is not None:
        flags |= 0x80
        tail += _text(packet.user_name, "user name")
    if packet.password is not None:
        flags |= 0x40
        tail += _binary(packet.password, "password")
    return _text("MQTT", "protocol name") + bytes([4, flags]) + _u16(packet.keep_alive, "keep-alive") + tail


def _publish(packet: Publish) -> bytes:
    flags = packet.dup << 3 | _qos(packet.qos) << 1 | packet.retain
    if packet.qos == 0 and (packet.packet_id is not None or packet.dup):
        raise ValueError("a QoS 0 PUBLISH has neither packet id nor DUP; leave both out")
    if packet.qos > 0 and packet.packet_id is None:
        raise ValueError(f"a QoS {packet.qos} PUBLISH needs a packet id; give one from 1 to 65535")
    number = b"" if packet.packet_id is None else _packet_id(packet.packet_id)
    return _frame(PacketType.PUBLISH, flags, _text(packet.topic, "topic") + number + packet.payload)


def _some(items: bytes, packet_name: str) -> bytes:
    if not items:
        raise ValueError(f"{packet_name} is empty; MQTT wants at least one entry in it")
    return items


def _qos(value: int) -> int:
    if value not in {0, 1, 2}:
        raise ValueError(f"QoS {value} does not exist; use 0, 1 or 2")
    return value


def _u8(value: int, what: str) -> int:
    if not 0 <= value <= 0xFF:
        raise ValueError(f"{what} {value} does not fit one byte; use 0 to 255")
    return value


def _u16(value: int, what: str) -> bytes:
    if not 0 <= value <= _MAX_U16:
        raise ValueError(f"{what} {value} does not fit two bytes; use 0 to 65535")
    return value.to_bytes(2, "big")


def _packet_id(value: int) -> bytes:
    if value == 0:
        raise ValueError("packet id 0 is not allowed [MQTT-2.3.1-1]; use 1 to 65535")
    return _u16(value, "packet id")


def _binary(value: bytes, what: str) -> bytes:
    if len(value) > _MAX_U16:
        raise ValueError(f"{what} of {len(value)} bytes exceeds 65535; shorten it")
    return len(value).to_bytes(2, "big") + value


def _text(value: str, what: str) -> bytes:
    if "\0" in value:
        raise ValueError(f"{what} {value!r} contains U+0000 [MQTT-1.5.3-2]; remove it")
    return _binary(value.encode(), what)  # a lone surrogate raises UnicodeEncodeError, itself a ValueError
