"""Where TLS records end, read off the ciphertext.

OpenSSL says that nothing is left by failing to read once more, which costs as much as reading did. The
record headers are in the clear and say the same for nothing.

Evidence: document - RFC 8446 section 5.1 and RFC 5246 section 6.2.1: one byte of type, two of version, two of
length.
"""

from __future__ import annotations

from typing import Final

_HEADER: Final = 5

#: Records that are part of a TLS 1.2 handshake: change_cipher_spec and handshake.
_HANDSHAKE: Final = bytes([20, 22])


def after_handshake(types: bytes) -> bytes:
    """Those of these records that a TLS 1.2 handshake does not swallow; under TLS 1.3 all look alike."""
    return types.translate(None, _HANDSHAKE)


class RecordTypes:
    """Follows one direction of a connection from its first byte on."""

    __slots__ = ("_header", "_left", "_type")

    def __init__(self) -> None:
        self._header = b""  # what has come of a header that is not whole
        self._type = 0  # of the record whose header is whole and whose body is not
        self._left = 0  # bytes of that body to come

    @property
    def midway(self) -> bool:
        """Whether the latest data ended within a record."""
        return bool(self._left or self._header)

    def completed(self, data: bytes) -> bytes:
        """The type of each record that ends within ``data``, one byte each."""
        size = len(data)
        if self._left > size:
            self._left -= size
            return b""
        if not (self._left or self._header) and size == _HEADER + int.from_bytes(data[3:_HEADER], "big"):
            return data[:1]  # one record, as clients send packets
        types, at = bytearray(), 0
        if self._left:
            types.append(self._type)
            at, self._left = self._left, 0
        elif self._header:
            data, self._header = self._header + data, b""
            size = len(data)
        while size - at >= _HEADER:
            end = at + _HEADER + (data[at + 3] << 8 | data[at + 4])
            if end > size:
                self._type, self._left = data[at], end - size
                return bytes(types)
            types.append(data[at])
            at = end
        self._header = data[at:]
        return bytes(types)
