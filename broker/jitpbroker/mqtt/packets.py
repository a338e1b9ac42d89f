"""MQTT 3.1.1 control packets as plain facts, the same for client and server.

Field names are the standard's (OASIS MQTT 3.1.1, section 3), in snake case. QoS 2's own packets
(PUBREC, PUBREL, PUBCOMP) have no class: AWS IoT does not speak QoS 2, the decoder refuses them by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias


class PacketType(IntEnum):
    """The upper half of a packet's first byte (MQTT 3.1.1 table 2.1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class ConnectReturnCode(IntEnum):
    """What CONNACK says (MQTT 3.1.1 table 3.1)."""

    ACCEPTED = 0
    UNACCEPTABLE_PROTOCOL_VERSION = 1
    IDENTIFIER_REJECTED = 2
    SERVER_UNAVAILABLE = 3
    BAD_USER_NAME_OR_PASSWORD = 4
    NOT_AUTHORIZED = 5


class SubAckCode(IntEnum):
    """What SUBACK says about one filter (MQTT 3.1.1 section 3.9.3)."""

    QOS_0 = 0x00
    QOS_1 = 0x01
    QOS_2 = 0x02
    FAILURE = 0x80


@dataclass(frozen=True, slots=True)
class Will:
    """The message a client leaves to be published should it end without DISCONNECT."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Connect:
    """The first packet of a client; ``keep_alive`` in seconds, 0 for none."""

    client_id: str
    keep_alive: int = 0
    clean_session: bool = True
    will: Will | None = None
    user_name: str | None = None
    password: bytes | None = None


@dataclass(frozen=True, slots=True)
class ConnAck:
    """The server's answer to CONNECT; an unknown ``return_code`` keeps its number."""

    return_code: int = ConnectReturnCode.ACCEPTED
    session_present: bool = False


@dataclass(frozen=True, slots=True)
class Publish:
    """A message; ``packet_id`` (1..65535) is present exactly when ``qos`` is above 0."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int | None = None


@dataclass(frozen=True, slots=True)
class PubAck:
    """A QoS 1 message was taken over."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """One filter of a SUBSCRIBE and the highest QoS wanted for it."""

    topic_filter: str
    qos: int = 0


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask for messages; at least one subscription."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True)
class SubAck:
    """One return code for each filter asked for, in the same order."""

    packet_id: int
    return_codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Give filters back; at least one."""

    packet_id: int
    topic_filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnsubAck:
    """The filters were given back, whether they had been held or not."""

    packet_id: int


@dataclass(frozen=True, slots=True)
class PingReq:
    """I am still here."""


@dataclass(frozen=True, slots=True)
class PingResp:
    """So am I."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The client leaves on purpose: its will is not published."""


Packet: TypeAlias = (
    Connect
    | ConnAck
    | Publish
    | PubAck
    | Subscribe
    | SubAck
    | Unsubscribe
    | UnsubAck
    | PingReq
    | PingResp
    | Disconnect
)
