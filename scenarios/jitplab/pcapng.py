"""What a tap heard as a pcapng file that Wireshark opens and decrypts without anything else.

Rules of this file:
1. Bytes and their order are what passed at the client's socket. Frames, addresses, ports, sequence numbers
   and the end of each connection are made here: TCP's own business cannot be seen at a socket.
2. The broker is on port 8883 whichever it was on, so that MQTT is recognised.
3. The secrets stand before the packets, in a Decryption Secrets Block, or Wireshark reads them too late.

Source: PCAP Next Generation Capture File Format, draft-ietf-opsawg-pcapng (4.7 for secrets).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from jitplab.tap import Conversation, Moment

_SECTION_HEADER: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_ENHANCED_PACKET: Final = 6
_SECRETS: Final = 0x0A
_TLS_KEY_LOG: Final = 0x544C534B
_ETHERNET: Final = 1
_COMMENT: Final = 1
_APPLICATION: Final = 4
_IF_NAME: Final = 2

#: Addresses for documentation (RFC 5737), locally administered MAC addresses.
_CLIENT, _SERVER = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
_CLIENT_MAC, _SERVER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
_SERVER_PORT: Final = 8883
_FIRST_CLIENT_PORT: Final = 49152
_SEGMENT: Final = 1460
_WINDOW: Final = 0xFFFF
_FIN, _SYN, _RST, _PSH, _ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def pcapng(conversations: Iterable[Conversation], secrets: bytes) -> bytes:
    """The file.

    Args:
        conversations: in the order they were opened.
        secrets: lines in the form of ``SSLKEYLOGFILE``.
    """
    blocks = [
        _block(
            _SECTION_HEADER,
            struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(_APPLICATION, b"jitplab") + _option(0, b""),
        ),
        _block(
            _INTERFACE,
            struct.pack("<HHI", _ETHERNET, 0, 0)
            + _option(_IF_NAME, b"the client's socket")
            + _option(0, b""),
        ),
    ]
    if secrets:
        blocks.append(_block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(secrets)) + _padded(secrets)))
    packets = [packet for number, each in enumerate(conversations) for packet in _packets(number, each)]
    packets.sort(key=lambda packet: packet.at)
    blocks += [_block(_ENHANCED_PACKET, _enhanced(packet)) for packet in packets]
    return b"".join(blocks)


# --- blocks ---------------------------------------------------------------------------------------


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


@dataclass(frozen=True, slots=True)
class _Packet:
    at: datetime
    frame: bytes
    comment: str | None = None


def _enhanced(packet: _Packet) -> bytes:
    at = (packet.at - _EPOCH) // timedelta(microseconds=1)
    size = len(packet.frame)
    head = struct.pack("<IIIII", 0, at >> 32, at & 0xFFFFFFFF, size, size)
    options = _option(_COMMENT, packet.comment.encode()) + _option(0, b"") if packet.comment else b""
    return head + _padded(packet.frame) + options


# --- TCP ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Side:
    """One end: where it is, and what it will count next."""

    mac: bytes
    address: bytes
    port: int
    next: int


def _packets(number: int, conversation: Conversation) -> Iterator[_Packet]:
    """A connection as frames, from its SYN on."""
    client = _Side(_CLIENT_MAC, _CLIENT, _FIRST_CLIENT_PORT + number % 16384, 1000)
    server = _Side(_SERVER_MAC, _SERVER, _SERVER_PORT, 5000)
    for event in conversation.events:
        match event.what:
            case Moment.OPENED:
                comment = f"visit {number + 1}; frames are made, the bytes in them are real"
                yield _Packet(event.at, _segment(client, server, _SYN), comment)
                yield _Packet(event.at, _segment(server, client, _SYN | _ACK))
                yield _Packet(event.at, _segment(client, server, _ACK))
            case Moment.SENT:
                yield from (_Packet(event.at, frame) for frame in _data(client, server, event.data))
            case Moment.RECEIVED:
                yield from (_Packet(event.at, frame) for frame in _data(server, client, event.data))
            case Moment.CLOSED if not conversation.has(Moment.RESET):
                yield _Packet(event.at, _segment(client, server, _FIN | _ACK))
                yield _Packet(event.at, _segment(server, client, _ACK))
            case Moment.ENDED:
                yield _Packet(event.at, _segment(server, client, _FIN | _ACK))
                yield _Packet(event.at, _segment(client, server, _ACK))
            case Moment.RESET:
                yield _Packet(event.at, _segment(server, client, _RST | _ACK))
            case Moment.CLOSED:
                pass  # there is nothing left to close


def _data(sender: _Side, receiver: _Side, data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _SEGMENT):
        yield _segment(sender, receiver, _PSH | _ACK, data[start : start + _SEGMENT])
    yield _segment(receiver, sender, _ACK)


def _segment(sender: _Side, receiver: _Side, flags: int, data: bytes = b"") -> bytes:
    """One frame; the sender then counts on."""
    acknowledged = receiver.next if flags & _ACK else 0
    head = struct.pack(
        ">HHIIBBHHH", sender.port, receiver.port, sender.next, acknowledged, 5 << 4, flags, _WINDOW, 0, 0
    )
    pseudo = sender.address + receiver.address + struct.pack(">BBH", 0, 6, len(head) + len(data))
    tcp = head[:16] + struct.pack(">H", _checksum(pseudo + head + data)) + head[18:] + data
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0)
    ip += sender.address + receiver.address
    ip = ip[:10] + struct.pack(">H", _checksum(ip)) + ip[12:]
    sender.next = (sender.next + len(data) + bool(flags & (_SYN | _FIN))) & 0xFFFFFFFF
    return receiver.mac + sender.mac + b"\x08\x00" + ip + tcp


def _checksum(data: bytes) -> int:
    """The Internet checksum, RFC 1071."""
    even = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
