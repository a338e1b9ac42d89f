"""ECDSA signatures between a chip's ``R || S`` and a certificate's BIT STRING, and the length around it.

Rules of this file:
1. A signature is the last element of a certificate; when its length changes, the outermost SEQUENCE's
   length changes by as much, and must not need more or fewer bytes for it.
2. Decoding takes what cryptoauthlib takes: both integers at most 32 bytes and a leading 00, nothing
   behind them in SEQUENCE and BIT STRING.

Evidence: vendor-library - cryptoauthlib 3.8.0, lib/atcacert/atcacert_der.c.
"""

from __future__ import annotations

from typing import Final

from softatecc.compressed import CertificateError, CertificateStatus

_SEQUENCE, _INTEGER, _BIT_STRING = 0x30, 0x02, 0x03
_HALF: Final = 32
#: The library reads a length into a C ``size_t``.
_LONGEST_LENGTH: Final = 8


def _undecodable(sentence: str) -> CertificateError:
    return CertificateError(CertificateStatus.DECODING_ERROR, sentence)


def _length(der: bytes | bytearray, at: int) -> tuple[int, int]:
    """The length encoded at ``at`` and the offset behind it."""
    first = der[at] if at < len(der) else 0x80
    if first < 0x80:
        return first, at + 1
    end = at + 1 + (first & 0x7F)
    if not 1 <= end - at - 1 <= _LONGEST_LENGTH or end > len(der):
        raise _undecodable(f"no length of DER stands at byte {at} of {len(der)}; correct the definition")
    return int.from_bytes(der[at + 1 : end]), end


def _encoded_length(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([0x80 | len(octets)]) + octets


def adjust_length(der: bytearray, change: int) -> int:
    """Add ``change`` to the length of the element that ``der`` starts with.

    Returns:
        the size of the whole element by its new length.

    Raises:
        CertificateError: there is no length, or the new one needs another number of bytes.
    """
    old, end = _length(der, 1)
    if old + change < 0:
        raise CertificateError(
            CertificateStatus.ERROR,
            f"a length of {old} bytes cannot shrink by {-change}; correct the template",
        )
    encoded = _encoded_length(old + change)
    if len(encoded) != end - 1:
        raise CertificateError(
            CertificateStatus.BAD_CERT,
            f"the template's length {old} and the new one {old + change} are not encoded in the same number "
            "of bytes; use a template of the certificate's own size",
        )
    der[1:end] = encoded
    return end + old + change


def set_signature(der: bytearray, at: int, raw: bytes) -> None:
    """Replace everything from ``at`` on by ``raw`` (``R || S``) as a BIT STRING, and mend the length.

    Raises:
        CertificateError: ``at`` lies behind the certificate, or the length cannot be mended.
    """
    if at >= len(der):
        raise CertificateError(
            CertificateStatus.ELEM_OUT_OF_BOUNDS,
            f"the signature's offset {at} lies behind the {len(der)} bytes of the template; correct it",
        )
    before = len(der)
    value = _element(_SEQUENCE, _integer(raw[:_HALF]) + _integer(raw[_HALF:]))
    der[at:] = _element(_BIT_STRING, b"\0" + value)
    if adjust_length(der, len(der) - before) != len(der):
        raise CertificateError(
            CertificateStatus.BAD_CERT,
            f"the template's outer length does not end where its {before} bytes do; take it from a whole DER",
        )


def _element(tag: int, body: bytes) -> bytes:
    return bytes([tag]) + _encoded_length(len(body)) + body


def _integer(number: bytes) -> bytes:
    stripped = number.lstrip(b"\0")
    if not stripped or stripped[0] & 0x80:
        stripped = b"\0" + stripped
    return _element(_INTEGER, stripped)


def raw_signature(der: bytes, at: int) -> bytes:
    """``R || S``, 64 bytes, out of the signature BIT STRING at ``at``.

    Raises:
        CertificateError: no ECDSA P-256 signature stands there.
    """
    if at >= len(der):
        raise CertificateError(
            CertificateStatus.ELEM_OUT_OF_BOUNDS,
            f"the signature's offset {at} lies behind the {len(der)} bytes of the certificate; correct it",
        )
    body, end = _enter(der, at, _BIT_STRING)
    if der[body : body + 1] != b"\0":
        raise _undecodable(f"the BIT STRING at offset {at} is no whole number of bytes")
    first, last = _enter(der, body + 1, _SEQUENCE)
    r, after_r = _half(der, first)
    s, after_s = _half(der, after_r)
    if after_s != last or after_s != end:
        raise _undecodable(f"the signature at offset {at} holds more than two integers; correct the offset")
    return r + s


def _enter(der: bytes, at: int, tag: int) -> tuple[int, int]:
    """Offsets of the body and of the end of the element at ``at``."""
    if der[at : at + 1] != bytes([tag]):
        raise _undecodable(f"no element 0x{tag:02X} stands at offset {at}, where the signature should be")
    length, body = _length(der, at + 1)
    if body + length > len(der):
        raise _undecodable(f"the element at offset {at} claims {length} bytes, {len(der) - body} are there")
    return body, body + length


def _half(der: bytes, at: int) -> tuple[bytes, int]:
    body, end = _enter(der, at, _INTEGER)
    number = der[body:end]
    if len(number) > _HALF + 1:
        raise CertificateError(
            CertificateStatus.BUFFER_TOO_SMALL,
            f"the integer at offset {at} has {len(number)} bytes, P-256 has at most 33; correct the offset",
        )
    if len(number) > _HALF:
        if number[0]:
            raise _undecodable(f"the integer at offset {at} is longer than the 32 bytes of P-256")
        number = number[1:]
    return number.rjust(_HALF, b"\0"), end
