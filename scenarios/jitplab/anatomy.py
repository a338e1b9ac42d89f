"""Where every field of an X.509 certificate lies in its DER, and which fields two of them differ in.

Rules of this file:
1. Offsets count from the first byte of the certificate; lengths are in bytes.
2. Fields are named as RFC 5280 names them and carry the bytes of their *value*: for a key identifier
   the 20 identifier bytes, for the public key ``X || Y`` without the leading 04, for a date its text.
3. Of a key identifier that cannot be taken apart, the whole value of its extension is the field.
4. What lies in no field is ``encoding``: tags, lengths, the key's algorithm, an extension's identifier and
   its critical flag. So no difference between two certificates goes unnamed.
5. Bytes that are no certificate raise ``ValueError`` with a sentence, never anything else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SEQUENCE, _SET, _INTEGER, _BIT_STRING, _OCTET_STRING, _OID = 0x30, 0x31, 0x02, 0x03, 0x04, 0x06
_VERSION, _EXTENSIONS, _KEY_IDENTIFIER = 0xA0, 0xA3, 0x80

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
    if outer.end != len(der):
        raise ValueError(f"the certificate ends at byte {outer.end}, yet {len(der) - outer.end} more follow")
    parts = tuple(children(der, outer))
    if len(parts) != 3 or parts[0].tag != _SEQUENCE or parts[2].tag != _BIT_STRING:
        raise ValueError(
            "a certificate is a SEQUENCE of tbsCertificate, signatureAlgorithm and signatureValue"
        )
    tbs, algorithm, signature = parts
    _require_bits(signature, "signatureValue")
    found = [
        *_tbs_fields(der, tbs),
        Field("signatureAlgorithm", algorithm.start, algorithm.end - algorithm.start),
        Field("signatureValue", signature.body + 1, signature.length - 1),
    ]
    return tuple(sorted(found, key=lambda field: field.offset))


def _require_bits(bits: Tlv, name: str) -> None:
    if bits.tag != _BIT_STRING or not bits.length:
        raise ValueError(f"{name} at byte {bits.start} is not a BIT STRING with its count of unused bits")


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
    parts = tuple(children(der, spki))
    if len(parts) != 2:
        raise ValueError(f"subjectPublicKeyInfo is an algorithm and a key, this has {len(parts)} elements")
    key = parts[1]
    _require_bits(key, "subjectPublicKey")
    skip = 2 if der[key.body : key.body + 2] == b"\0\4" else 1
    yield Field("subjectPublicKey", key.body + skip, key.length - skip)
    for element in rest:
        if element.tag == _EXTENSIONS:
            for extension in children(der, read_tlv(der, element.body, element.end)):
                yield _extension_field(der, extension)


def _extension_field(der: bytes, extension: Tlv) -> Field:
    parts = tuple(children(der, extension))
    if len(parts) not in {2, 3} or parts[0].tag != _OID or parts[-1].tag != _OCTET_STRING:
        raise ValueError(
            f"the extension at byte {extension.start} is not an identifier, perhaps a flag, and a value"
        )
    oid = der[parts[0].body : parts[0].end]
    name = EXTENSION_NAMES.get(oid, f"extension {oid.hex()}")
    value = parts[-1]
    try:
        found = _key_identifier(der, name, value)
    except ValueError:
        found = None  # a broken value is a value all the same, and rule 3 names it
    return found or Field(name, value.body, value.length)


def _key_identifier(der: bytes, name: str, value: Tlv) -> Field | None:
    if name not in {"subjectKeyIdentifier", "authorityKeyIdentifier"}:
        return None
    inner = read_tlv(der, value.body, value.end)
    if name == "subjectKeyIdentifier":
        return Field(name, inner.body, inner.length) if inner.tag == _OCTET_STRING else None
    if inner.tag != _SEQUENCE:
        return None
    found = (child for child in children(der, inner) if child.tag == _KEY_IDENTIFIER)
    return next((Field(name, child.body, child.length) for child in found), None)


def field_named(der: bytes, name: str) -> Field | None:
    """The first field of that name, ``None`` when the certificate has none.

    Raises:
        ValueError: see `fields`.
    """
    return next((field for field in fields(der) if field.name == name), None)


def field_bytes(der: bytes, name: str) -> bytes | None:
    """The bytes of the first field of that name, ``None`` when the certificate has none.

    Raises:
        ValueError: see `fields`.
    """
    field = field_named(der, name)
    return None if field is None else der[field.offset : field.end]


def common_name(der: bytes, which: str) -> Field | None:
    """The characters of the last common name in ``issuer`` or ``subject``, ``None`` when there is none.

    Raises:
        ValueError: see `fields`; or the name's attributes are not pairs of a type and a value.
    """
    name = field_named(der, which)
    if name is None:
        return None
    last: Field | None = None
    for rdn in children(der, read_tlv(der, name.offset, name.end)):
        for attribute in children(der, rdn):
            pair = tuple(children(der, attribute))
            if len(pair) != 2:
                raise ValueError(
                    f"the attribute at byte {attribute.start} of {which} is not a type and a value"
                )
            kind, value = pair
            if der[kind.body : kind.end] == _COMMON_NAME:
                last = Field(f"{which} commonName", value.body, value.length)
    return last


def differences(ours: bytes, theirs: bytes) -> tuple[Difference, ...]:
    """The fields in which two certificates differ, in order; empty when they are the same bytes.

    Fields are paired by name, so that a field of another length does not make all that follows differ; of
    fields of one name the first is paired with the first. What differs outside every field is reported last,
    as ``encoding``, where the two are laid out alike or nothing else differs: behind a field of another
    length, the lengths that enclose it differ for no reason of their own.

    Raises:
        ValueError: one of the two is not a certificate, see `fields`.
    """
    if ours == theirs:
        return ()
    mine, other = _numbered(fields(ours)), _numbered(fields(theirs))
    found = []
    for name, field in mine.items():
        twin = other.get(name)
        a, b = ours[field.offset : field.end], theirs[twin.offset : twin.end] if twin else b""
        if a != b:
            at = tuple(field.offset + i for i in range(len(a)) if i >= len(b) or a[i] != b[i]) or (field.end,)
            found.append(Difference(field, at, a, b))
    found.extend(
        Difference(Field(field.name, len(ours), 0), (), b"", theirs[field.offset : field.end])
        for name, field in other.items()
        if name not in mine
    )
    alike = len(ours) == len(theirs) and list(mine.values()) == list(other.values())
    if alike or not found:
        outside = _outside(tuple(mine.values()), len(ours))
        if at := tuple(i for i in outside if ours[i : i + 1] != theirs[i : i + 1]):
            found.append(Difference(Field("encoding", 0, len(ours)), at, ours, theirs))
    return tuple(found)


def names_that_differ(ours: bytes | None, theirs: bytes) -> list[str]:
    """The names of the fields in which two certificates differ, in order.

    Raises:
        ValueError: see `differences`.
    """
    return [each.field.name for each in differences(ours or b"", theirs)]


def _numbered(found: Sequence[Field]) -> dict[tuple[str, int], Field]:
    seen: Counter[str] = Counter()
    out = {}
    for field in found:
        out[field.name, seen[field.name]] = field
        seen[field.name] += 1
    return out


def _outside(found: Sequence[Field], length: int) -> Iterator[int]:
    inside = {at for field in found for at in range(field.offset, field.end)}
    return (at for at in range(length) if at not in inside)
