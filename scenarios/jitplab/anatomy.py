"""Where every field of an X.509 certificate lies in its DER, and which fields two of them differ in.

Rules of this file:
1. Offsets count from the first byte of the certificate; lengths are in bytes.
2. Fields are named as RFC 5280 names them and carry the bytes of their *value*: for a key identifier
   the 20 identifier bytes, for the public key ``X || Y`` without the leading 04, for a date its text.
3. A field that X.509 nests is found only where it is looked for; everything else keeps the name of
   what encloses it. No byte of a certificate is without a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SEQUENCE, _SET, _INTEGER, _BIT_STRING, _OCTET_STRING, _OID = 0x30, 0x31, 0x02, 0x03, 0x04, 0x06
_VERSION, _EXTENSIONS, _KEY_IDENTIFIER = 0xA0, 0xA3, 0x80
_BOOLEAN = 0x01

#: Object identifiers (DER contents) of what is named here; RFC 5280 sections 4.2.1 and appendix A.
EXTENSION_NAMES = {
    bytes.fromhex("551d0e"): "subjectKeyIdentifier",
    bytes.fromhex("551d23"): "authorityKeyIdentifier",
    bytes.fromhex("551d13"): "basicConstraints",
    bytes.fromhex("551d0f"): "keyUsage",
    bytes.fromhex("551d25"): "extendedKeyUsage",
    bytes.fromhex("551d11"): "subjectAltName",
    bytes.fromhex("551d1f"): "cRLDistributionPoints",
}
_COMMON_NAME = bytes.fromhex("550403")


@dataclass(frozen=True, slots=True)
class Tlv:
    """One DER element: ``tag`` at ``start``, its contents from ``body`` to ``end``."""

    tag: int
    start: int
    body: int
    end: int

    @property
    def length(self) -> int:
        """Length of the contents in bytes."""
        return self.end - self.body


@dataclass(frozen=True, slots=True)
class Field:
    """A named run of bytes: ``der[offset:offset + length]``."""

    name: str
    offset: int
    length: int

    @property
    def end(self) -> int:
        """Offset of the first byte behind the field."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which two certificates differ, and the differing bytes in it.

    Attributes:
        field: the field, at its place in the first certificate.
        at: offsets of the bytes that differ, counted in the first certificate.
        ours: the field's bytes in the first certificate.
        theirs: the field's bytes in the second one.
    """

    field: Field
    at: tuple[int, ...]
    ours: bytes
    theirs: bytes


def read_tlv(der: bytes, at: int, end: int) -> Tlv:
    """The element that starts at ``at``.

    Raises:
        ValueError: the element does not fit in ``der[at:end]`` or its length is not DER.
    """
    if at + 2 > end:
        raise ValueError(f"DER ends at byte {end} where an element should start at byte {at}")
    first = der[at + 1]
    if first < 0x80:
        body, length = at + 2, first
    else:
        count = first & 0x7F
        if not 1 <= count <= 3 or at + 2 + count > end:
            raise ValueError(f"the length at byte {at + 1} (0x{first:02x}) is not one of DER's")
        body, length = at + 2 + count, int.from_bytes(der[at + 2 : at + 2 + count])
    if body + length > end:
        raise ValueError(f"the element at byte {at} claims {length} bytes and only {end - body} are there")
    return Tlv(der[at], at, body, body + length)


def children(der: bytes, parent: Tlv) -> Iterator[Tlv]:
    """The elements inside a constructed one, in order."""
    at = parent.body
    while at < parent.end:
        child = read_tlv(der, at, parent.end)
        yield child
        at = child.end


def tbs_certificate(der: bytes) -> Field:
    """The signed part, tag and length included."""
    outer = read_tlv(der, 0, len(der))
    tbs = read_tlv(der, outer.body, outer.end)
    return Field("tbsCertificate", tbs.start, tbs.end - tbs.start)


def fields(der: bytes) -> tuple[Field, ...]:
    """Every named field of the certificate, in the order of their offsets.

    Raises:
        ValueError: ``der`` is not an X.509 certificate; the sentence says at which byte it stops being one.
    """
    outer = read_tlv(der, 0, len(der))
    if outer.tag != _SEQUENCE:
        raise ValueError(f"a certificate starts with a SEQUENCE (30), this with {outer.tag:02x}")
    parts = tuple(children(der, outer))
    if len(parts) != 3 or parts[0].tag != _SEQUENCE or parts[2].tag != _BIT_STRING:
        raise ValueError(
            "a certificate is a SEQUENCE of tbsCertificate, signatureAlgorithm and signatureValue"
        )
    tbs, algorithm, signature = parts
    found = [
        *_tbs_fields(der, tbs),
        Field("signatureAlgorithm", algorithm.start, algorithm.end - algorithm.start),
        Field("signatureValue", signature.body + 1, signature.length - 1),
    ]
    return tuple(sorted(found, key=lambda field: field.offset))


def _tbs_fields(der: bytes, tbs: Tlv) -> Iterator[Field]:
    elements = list(children(der, tbs))
    if elements and elements[0].tag == _VERSION:
        yield Field("version", elements[0].body, elements[0].length)
        elements.pop(0)
    if len(elements) < 6:
        raise ValueError(f"a tbsCertificate has at least six elements, this has {len(elements)}")
    serial, algorithm, issuer, validity, subject, spki, *rest = elements
    yield Field("serialNumber", serial.body, serial.length)
    yield Field("signature", algorithm.start, algorithm.end - algorithm.start)
    yield Field("issuer", issuer.start, issuer.end - issuer.start)
    dates = tuple(children(der, validity))
    if len(dates) != 2:
        raise ValueError(f"validity holds two dates, this holds {len(dates)}")
    yield Field("notBefore", dates[0].body, dates[0].length)
    yield Field("notAfter", dates[1].body, dates[1].length)
    yield Field("subject", subject.start, subject.end - subject.start)
    key = tuple(children(der, spki))[-1]
    skip = 2 if der[key.body : key.body + 2] == b"\0\4" else 1
    yield Field("subjectPublicKey", key.body + skip, key.length - skip)
    for element in rest:
        if element.tag == _EXTENSIONS:
            for extension in children(der, read_tlv(der, element.body, element.end)):
                yield _extension_field(der, extension)


def _extension_field(der: bytes, extension: Tlv) -> Field:
    parts = tuple(children(der, extension))
    oid = der[parts[0].body : parts[0].end]
    name = EXTENSION_NAMES.get(oid, f"extension {oid.hex()}")
    value = parts[-1]
    if name in {"subjectKeyIdentifier", "authorityKeyIdentifier"} and value.length:
        inner = read_tlv(der, value.body, value.end)
        if name == "subjectKeyIdentifier" and inner.tag == _OCTET_STRING:
            return Field(name, inner.body, inner.length)
        if inner.tag == _SEQUENCE:
            for child in children(der, inner):
                if child.tag == _KEY_IDENTIFIER:
                    return Field(name, child.body, child.length)
    return Field(name, value.body, value.length)


def field_named(der: bytes, name: str) -> Field | None:
    """The field of that name, ``None`` when the certificate has none."""
    return next((field for field in fields(der) if field.name == name), None)


def common_name(der: bytes, which: str) -> Field | None:
    """The characters of the last common name in ``issuer`` or ``subject``."""
    name = field_named(der, which)
    if name is None:
        return None
    last: Field | None = None
    for rdn in children(der, read_tlv(der, name.offset, name.end)):
        for attribute in children(der, rdn):
            kind, value = children(der, attribute)
            if der[kind.body : kind.end] == _COMMON_NAME:
                last = Field(f"{which} commonName", value.body, value.length)
    return last


def differences(ours: bytes, theirs: bytes) -> tuple[Difference, ...]:
    """The fields in which two certificates differ, in order; empty when they are the same bytes.

    Fields are paired by name, so that a field of another length does not make all that follows differ.
    Bytes outside every field (tags and lengths) are reported as the field ``encoding`` when they are
    all that differs.
    """
    if ours == theirs:
        return ()
    mine, other = fields(ours), {field.name: field for field in fields(theirs)}
    found = []
    for field in mine:
        a = ours[field.offset : field.end]
        twin = other.pop(field.name, None)
        b = theirs[twin.offset : twin.end] if twin else b""
        if a != b:
            at = tuple(field.offset + i for i in range(len(a)) if i >= len(b) or a[i] != b[i]) or (field.end,)
            found.append(Difference(field, at, a, b))
    found.extend(
        Difference(Field(field.name, len(ours), 0), (), b"", theirs[field.offset : field.end])
        for field in other.values()
    )
    if not found:
        at = tuple(i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
        found.append(Difference(Field("encoding", 0, len(ours)), at, ours, theirs))
    return tuple(found)
