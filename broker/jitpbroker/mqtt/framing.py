"""The fixed header: where a packet ends, and what can be refused before it has arrived.

Evidence: document - OASIS MQTT Version 3.1.1 section 2.2; refusing PUBREC, PUBREL and PUBCOMP is the AWS IoT
developer guide's "QoS 2 is not supported" (page mqtt).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from jitpbroker.mqtt.errors import ProtocolError
from jitpbroker.mqtt.packets import PacketType

_QOS_2_ONLY = frozenset({PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP})
_MAX_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """One packet as it stood on the wire, cut out but not yet understood."""

    packet_type: PacketType
    flags: int
    body: bytes
    raw: bytes


def first_byte(value: int) -> tuple[PacketType, int]:
    """Type and flags.

    Raises:
        ProtocolError: no such type, or flags it cannot have.
    """
    return _FIRST_BYTES.get(value) or _checked(value)


def _checked(value: int) -> tuple[PacketType, int]:
    kind, flags = value >> 4, value & 0x0F
    try:
        packet_type = PacketType(kind)
    except ValueError:
        raise ProtocolError(f"packet type {kind} is reserved (MQTT 3.1.1 table 2.1)") from None
    if packet_type in _QOS_2_ONLY:
        raise ProtocolError(f"{packet_type.name} belongs to QoS 2, which AWS IoT does not support; use QoS 1")
    if packet_type == PacketType.PUBLISH:
        if flags & 0x06 == 0x06:
            raise ProtocolError("PUBLISH asks for QoS 3, which does not exist [MQTT-3.3.1-4]")
        if flags & 0x0E == 0x08:
            raise ProtocolError("PUBLISH sets DUP with QoS 0 [MQTT-3.3.1-2]")
        return packet_type, flags
    must_be = 0x02 if packet_type in {PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE} else 0x00
    if flags != must_be:
        raise ProtocolError(
            f"{packet_type.name} has flags 0x{flags:x}, the standard reserves 0x{must_be:x} [MQTT-2.2.2-2]"
        )
    return packet_type, flags


def _possible() -> Iterator[tuple[int, tuple[PacketType, int]]]:
    for value in range(0x100):
        with suppress(ProtocolError):
            yield value, _checked(value)


_FIRST_BYTES: Final = dict(_possible())


def remaining_length(buffer: bytearray) -> tuple[int, int] | None:
    """``(length, offset of the body)``, ``None`` while the length itself is incomplete.

    Raises:
        ProtocolError: more than four bytes, or more than needed.
    """
    if len(buffer) > 1 and buffer[1] < 0x80:  # as most are
        return buffer[1], 2
    length = 0
    for position, byte in enumerate(buffer[1 : 1 + _MAX_LENGTH_BYTES]):
        length |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            if byte == 0 and position > 0:
                # Section 2.2.3 does not forbid padding by zeros, but no encoder makes it, and two
                # spellings of one packet are a parser differential: refused.  Evidence: assumed.
                raise ProtocolError(f"the remaining length {length} is written with needless bytes")
            return length, position + 2
    if len(buffer) > _MAX_LENGTH_BYTES:
        raise ProtocolError("the remaining length is longer than four bytes (MQTT 3.1.1 section 2.2.3)")
    return None
