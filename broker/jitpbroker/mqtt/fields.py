"""A packet's body, read front to back; every complaint names the packet and the field.

Evidence: document - OASIS MQTT Version 3.1.1 section 1.5 (numbers, UTF-8 strings) and 2.3 (packet ids).
"""

from __future__ import annotations

from jitpbroker.mqtt.errors import ProtocolError
from jitpbroker.mqtt.framing import Frame
from jitpbroker.mqtt.topics import malformed_filter, malformed_topic


class Fields:
    """A cursor in one body. Every method raises `ProtocolError` when the body does not hold what it reads."""

    def __init__(self, frame: Frame) -> None:
        self._packet_type = frame.packet_type
        self._body = frame.body
        self._at = 0

    @property
    def name(self) -> str:
        """What complaints call the packet."""
        return self._packet_type.name

    def take(self, count: int, what: str) -> bytes:
        """The next ``count`` bytes."""
        end = self._at + count
        if end > len(self._body):
            left = len(self._body) - self._at
            raise ProtocolError(f"{self.name} ends inside its {what}: {count} bytes wanted, {left} left")
        part = self._body[self._at : end]
        self._at = end
        return part

    def rest(self) -> bytes:
        """Everything left."""
        part = self._body[self._at :]
        self._at = len(self._body)
        return part

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._body)

    def u8(self, what: str) -> int:
        """One byte."""
        return self.take(1, what)[0]

    def u16(self, what: str) -> int:
        """Two bytes, most significant first."""
        high, low = self.take(2, what)
        return high << 8 | low

    def packet_id(self) -> int:
        """Two bytes, not 0."""
        number = self.u16("packet id")
        if number == 0:
            raise ProtocolError(f"{self.name} has packet id 0 [MQTT-2.3.1-1]")
        return number

    def binary(self, what: str) -> bytes:
        """Bytes after their two-byte length."""
        return self.take(self.u16(what), what)

    def text(self, what: str) -> str:
        """UTF-8 after its two-byte length, without U+0000."""
        raw = self.binary(what)
        try:
            value = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolError(
                f"{self.name}'s {what} is not UTF-8 at byte {error.start} [MQTT-1.5.3-1]"
            ) from None
        if "\0" in value:
            raise ProtocolError(f"{self.name}'s {what} contains U+0000 [MQTT-1.5.3-2]")
        return value

    def topic(self, what: str) -> str:
        """Text without wildcards."""
        value = self.text(what)
        if (why := malformed_topic(value)) is not None:
            raise ProtocolError(f"{self.name}'s {what} {why}")
        return value

    def topic_filter(self) -> str:
        """Text whose wildcards stand where they may."""
        value = self.text("filter")
        if (why := malformed_filter(value)) is not None:
            raise ProtocolError(f"{self.name}'s filter {why}")
        return value

    def end(self) -> None:
        """Nothing may be left."""
        if self.more:
            raise ProtocolError(f"{self.name} has {len(self._body) - self._at} bytes too many at its end")
