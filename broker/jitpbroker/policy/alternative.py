"""The alternative names of a certificate, as policy variables want them.

Rules of this file:
1. The bytes are a stranger's: what cannot be read gives no names, and never an error.
2. Five kinds of name have a variable; the others are skipped.

Evidence: document - RFC 5280 section 4.2.1.6; the text of each kind is that of the table in the AWS IoT
developer guide, use-policy-variables (``cn=…,ou=…,o=…,c=…``, most specific attribute first).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final

from jitpbroker.x509 import Certificate

#: Kinds by the tag of their GeneralName, under the names AWS's variables give them.
KINDS: Final = {
    0x81: "RFC822Name",
    0x82: "DNSName",
    0xA4: "DirectoryName",
    0x86: "UniformResourceIdentifier",
    0x87: "IPAddress",
}

#: id-ce-subjectAltName and id-ce-issuerAltName, encoded.
_EXTENSIONS: Final = {"Subject": bytes.fromhex("551d11"), "Issuer": bytes.fromhex("551d12")}

_SHORT_NAMES: Final = {
    "550403": "cn",
    "550404": "sn",
    "550405": "serialNumber",
    "550406": "c",
    "550407": "l",
    "550408": "st",
    "55040a": "o",
    "55040b": "ou",
    "55040c": "title",
    "55042a": "gn",
}

_CHARACTER_SETS: Final = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}

_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_OID: Final = 0x06
_OCTETS: Final = 0x04
_TBS_EXTENSIONS: Final = 0xA3

#: What must not stand unescaped in one attribute of a directory name; context.py says why.
_SPECIAL: Final = str.maketrans({each: "\\" + each for each in ',"\\+=<>;'})


@lru_cache(maxsize=1024)
def alternative_names(certificate: Certificate, side: str) -> Mapping[str, tuple[str, ...]]:
    """Names by kind; ``side`` is ``Subject`` or ``Issuer``. Empty when there are none that can be read."""
    found: dict[str, list[str]] = {}
    try:
        for tag, content in _general_names(certificate.der, _EXTENSIONS[side]):
            kind = KINDS.get(tag)
            if kind is not None:
                found.setdefault(kind, []).append(_text(kind, content))
    except ValueError:  # UnicodeDecodeError among them
        return MappingProxyType({})
    return MappingProxyType({kind: tuple(names) for kind, names in found.items()})


def _general_names(der: bytes, wanted: bytes) -> Iterator[tuple[int, bytes]]:
    for extension in _extensions(der):
        members = list(_elements(extension))
        (_, oid), (tag, value) = members[0], members[-1]
        if oid == wanted and tag == _OCTETS:
            yield from _elements(_only(value, _SEQUENCE))


def _extensions(der: bytes) -> Iterator[bytes]:
    """Contents of each Extension; a version 1 certificate has none."""
    _, tbs = next(_elements(_only(der, _SEQUENCE)))
    for tag, content in _elements(tbs):
        if tag == _TBS_EXTENSIONS:
            yield from (each for _, each in _elements(_only(content, _SEQUENCE)))


def _text(kind: str, content: bytes) -> str:
    match kind:
        case "IPAddress":
            return str(ip_address(content))
        case "DirectoryName":
            return _directory_name(_only(content, _SEQUENCE))
        case _:
            return content.decode("ascii")


def _directory_name(rdns: bytes) -> str:
    parts = []
    for tag, attributes in _elements(rdns):
        if tag != _SET:
            raise ValueError("a relative distinguished name is a SET")
        for _, pair in _elements(attributes):
            (_, oid), (kind, value) = _two(pair)
            name = _SHORT_NAMES.get(oid.hex(), oid.hex())
            parts.append(f"{name}={value.decode(_CHARACTER_SETS.get(kind, 'ascii')).translate(_SPECIAL)}")
    return ",".join(reversed(parts))


def _two(content: bytes) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    first, second = _elements(content)
    if first[0] != _OID:
        raise ValueError("an attribute starts with its type")
    return first, second


def _only(data: bytes, tag: int) -> bytes:
    """The content of the one element of this tag."""
    ((found, content),) = _elements(data)
    if found != tag:
        raise ValueError(f"tag {found:#04x} where {tag:#04x} belongs")
    return content


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of each DER element; tags of one octet only.

    Raises:
        ValueError: an element ends behind the data.
    """
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("an element without a length")
        tag, first = data[at], data[at + 1]
        start = at + 2 if first < 0x80 else at + 2 + (first & 0x7F)
        length = first if first < 0x80 else int.from_bytes(data[at + 2 : start])
        at = start + length
        if at > len(data):
            raise ValueError("an element longer than what holds it")
        yield tag, data[start:at]
