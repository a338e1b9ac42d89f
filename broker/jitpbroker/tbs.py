"""A TBSCertificate cut into its members (RFC 5280 section 4.1), byte for byte as signed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TbsFields:
    """Slices of a TBSCertificate that ``cryptography`` interprets but does not hand out."""

    serial_number: int
    issuer: bytes
    subject: bytes
    public_key: bytes


def tbs_fields(tbs: bytes) -> TbsFields:
    """Slice a TBSCertificate that has already been parsed, so that every length in it is right."""
    members = _members(tbs)
    if members[0][0] == 0xA0:  # the version; version 1 leaves it out
        members = members[1:]
    serial, _algorithm, issuer, _validity, subject, public_key, *_ = members
    return TbsFields(int.from_bytes(_content(serial), signed=True), issuer, subject, public_key)


def _members(sequence: bytes) -> list[bytes]:
    content = _content(sequence)
    members = []
    while content:
        end = _header(content) + _length(content)
        members.append(content[:end])
        content = content[end:]
    return members


def _content(tlv: bytes) -> bytes:
    return tlv[_header(tlv) :]


def _header(tlv: bytes) -> int:
    """Octets before the content; tags in a TBSCertificate's first two levels are one octet long."""
    return 2 if tlv[1] < 0x80 else 2 + (tlv[1] & 0x7F)


def _length(tlv: bytes) -> int:
    return tlv[1] if tlv[1] < 0x80 else int.from_bytes(tlv[2 : _header(tlv)])
