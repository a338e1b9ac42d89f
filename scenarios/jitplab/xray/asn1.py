"""A certificate's ASN.1 as rows: every byte belongs to one, constructed elements own their headers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jitplab import anatomy

_NAMES: Final = {
    0x01: "BOOLEAN",
    0x02: "INTEGER",
    0x03: "BIT STRING",
    0x04: "OCTET STRING",
    0x05: "NULL",
    0x06: "OBJECT IDENTIFIER",
    0x0C: "UTF8String",
    0x13: "PrintableString",
    0x16: "IA5String",
    0x17: "UTCTime",
    0x18: "GeneralizedTime",
    0x30: "SEQUENCE",
    0x31: "SET",
}
_TEXT: Final = frozenset({0x0C, 0x13, 0x16, 0x17, 0x18})
_OBJECTS: Final = {
    "2.5.4.3": "commonName",
    "2.5.4.6": "countryName",
    "2.5.4.10": "organizationName",
    "1.2.840.10045.2.1": "ecPublicKey",
    "1.2.840.10045.3.1.7": "P-256",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "2.5.29.14": "subjectKeyIdentifier",
    "2.5.29.15": "keyUsage",
    "2.5.29.19": "basicConstraints",
    "2.5.29.35": "authorityKeyIdentifier",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One element.

    Attributes:
        offset: of its tag.
        length: of the bytes that are this row's: the header, and of primitive elements the contents.
        depth: how far in it lies.
        tag: its name.
        meaning: its contents in words, or the field it is.
    """

    offset: int
    length: int
    depth: int
    tag: str
    meaning: str


def rows(der: bytes) -> tuple[Row, ...]:
    """Every element of a certificate, in order.

    Raises:
        ValueError: it is not DER.
    """
    names = {field.offset: field.name for field in anatomy.fields(der)}
    return tuple(_walk(der, anatomy.read_tlv(der, 0, len(der)), 0, names))


def _walk(der: bytes, element: anatomy.Tlv, depth: int, names: dict[int, str]) -> Iterator[Row]:
    field = names.get(element.start) or names.get(element.body) or names.get(element.body + 1) or ""
    if element.tag & 0x20:
        yield Row(element.start, element.body - element.start, depth, _tag(element.tag), field)
        for child in anatomy.children(der, element):
            yield from _walk(der, child, depth + 1, names)
        return
    contents = der[element.body : element.end]
    told = _contents(element.tag, contents)
    meaning = f"{field}: {told}" if field and told else field or told
    yield Row(element.start, element.end - element.start, depth, _tag(element.tag), meaning)


def _tag(tag: int) -> str:
    if tag in _NAMES:
        return _NAMES[tag]
    return f"[{tag & 0x1F}]" if tag & 0xC0 == 0x80 else f"tag {tag:02x}"


def _contents(tag: int, contents: bytes) -> str:
    if tag in _TEXT:
        return contents.decode("utf-8", "replace")
    if tag == 0x06:
        dotted = _dotted(contents)
        return _OBJECTS.get(dotted, dotted)
    if tag == 0x01:
        return "TRUE" if any(contents) else "FALSE"
    return contents.hex() if len(contents) <= 24 else f"{contents[:20].hex()}... ({len(contents)} bytes)"


def _dotted(contents: bytes) -> str:
    """An object identifier with dots (X.690 section 8.19)."""
    numbers, value = [], 0
    for octet in contents:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    if not numbers:
        return "empty"
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))
