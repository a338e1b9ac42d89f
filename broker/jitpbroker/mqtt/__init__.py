"""MQTT 3.1.1 without I/O: packets and codec for both sides, the server's connection, topic matching."""

from __future__ import annotations

from jitpbroker.mqtt.connection import ConnectArrived, Connection, Event, Request, State, Violation
from jitpbroker.mqtt.decode import Decoder, decode
from jitpbroker.mqtt.encode import encode
from jitpbroker.mqtt.errors import ProtocolError, UnsupportedProtocolLevel
from jitpbroker.mqtt.framing import Frame
from jitpbroker.mqtt.limits import AWS_LIMITS, Limits
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
    SubAckCode,
    Subscribe,
    Subscription,
    UnsubAck,
    Unsubscribe,
    Will,
)
from jitpbroker.mqtt.reasons import DisconnectReason

__all__ = [
    "AWS_LIMITS",
    "ConnAck",
    "Connect",
    "ConnectArrived",
    "ConnectReturnCode",
    "Connection",
    "Decoder",
    "Disconnect",
    "DisconnectReason",
    "Event",
    "Frame",
    "Limits",
    "Packet",
    "PacketType",
    "PingReq",
    "PingResp",
    "ProtocolError",
    "PubAck",
    "Publish",
    "Request",
    "State",
    "SubAck",
    "SubAckCode",
    "Subscribe",
    "Subscription",
    "UnsubAck",
    "Unsubscribe",
    "UnsupportedProtocolLevel",
    "Violation",
    "Will",
    "decode",
    "encode",
]
