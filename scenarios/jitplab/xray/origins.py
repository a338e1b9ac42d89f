"""Where every byte of a rebuilt certificate came from.

Rules of this file:
1. Each byte has exactly one origin. Where a definition sets a place twice, whoever sets it last counts, in
   the order of `softatecc.certificate.rebuild`.
2. An origin names what it was made of, byte by byte: change one of these and the certificate changes there
   and in no other place that does not name it. The tests hold this to the rebuild itself.
3. Nothing is guessed: without a definition there is no X-ray.

Evidence: vendor-library - the order of cryptoauthlib 3.8.0's atcacert_read_cert, which `rebuild` follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from jitplab import anatomy
from softatecc.certificate import CertificateDefinition, DeviceLocation, DeviceZone, SerialSource, Transform

_PADDED_KEY: Final = 72
_KEY: Final = 64


class Kind(StrEnum):
    """What sort of origin; each has a letter for those who see no colours."""

    TEMPLATE = "template"
    SLOT = "slot"
    COMPRESSED = "compressed certificate"
    DATE = "date"
    SERIAL = "computed serial number"
    IDENTIFIER = "hash of a key"
    CONFIGURATION = "configuration zone"
    LENGTH = "length"

    @property
    def letter(self) -> str:
        """T, S, C, D, N, H, K or L."""
        return "TSCDNHKL"[list(Kind).index(self)]


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes that something was made of.

    Attributes:
        zone: ``template``, ``slot``, ``configuration``, ``key`` (computed by GenKey) or ``ca key``.
        slot: of a slot or key.
        offset: of the first byte.
        count: how many.
    """

    zone: str
    slot: int | None
    offset: int
    count: int

    def __str__(self) -> str:
        last = self.offset + self.count - 1
        stretch = f"bytes {self.offset}-{last}" if self.count > 1 else f"byte {self.offset}"
        match self.zone:
            case "slot":
                return f"slot {self.slot} {stretch}"
            case "key":
                return f"the public key that GenKey computes for slot {self.slot}"
            case "ca key":
                return "the CA's public key, as the firmware hands it over"
            case _:
                return f"{self.zone} {stretch}"


@dataclass(frozen=True, slots=True)
class Region:
    """A run of bytes with one origin.

    Attributes:
        offset: in the certificate.
        length: in bytes.
        kind: what sort of origin.
        words: the origin in one phrase.
        sources: what it was made of.
    """

    offset: int
    length: int
    kind: Kind
    words: str
    sources: tuple[Source, ...]

    @property
    def end(self) -> int:
        """Offset of the first byte behind."""
        return self.offset + self.length


def regions(der: bytes, definition: CertificateDefinition, ca_key: str | None) -> tuple[Region, ...]:
    """Every byte of ``der`` with its origin, in order.

    Args:
        der: what the definition was rebuilt to; its length may differ from the template's, for the sake of
            the signature alone.
        definition: by which it was rebuilt.
        ca_key: where the CA's key came from, in words; ``None`` where none was handed over.

    Raises:
        ValueError: ``der`` is no certificate.
    """
    owner: list[Region | None] = [None] * len(der)
    for region in _set(der, definition, ca_key):
        for at in range(region.offset, min(region.end, len(der))):
            owner[at] = region
    return tuple(_runs(owner))


def _runs(owner: list[Region | None]) -> Iterator[Region]:
    start = 0
    for at in range(1, len(owner) + 1):
        if at < len(owner) and owner[at] is owner[start]:
            continue
        found = owner[start]
        if found is None:
            source = Source("template", None, start, at - start)
            yield Region(start, at - start, Kind.TEMPLATE, "the definition's template", (source,))
        else:
            yield Region(start, at - start, found.kind, found.words, found.sources)
        start = at


def _set(der: bytes, definition: CertificateDefinition, ca_key: str | None) -> Iterator[Region]:
    """What is set, in the order in which it is."""
    compressed = definition.compressed
    outer = anatomy.read_tlv(der, 0, len(der))
    signature = Source("slot", compressed.slot, compressed.offset, 64)
    yield Region(
        1, outer.body - 1, Kind.LENGTH, "length of the whole, by that of the signature", (signature,)
    )
    if ca_key is not None:
        where = definition.at_authority_key_id
        source = Source("ca key", None, 0, _KEY)
        yield Region(
            where.offset, where.count, Kind.IDENTIFIER, f"SHA-1 of the CA's public key: {ca_key}", (source,)
        )
    where = definition.at_serial
    if definition.serial_source is SerialSource.STORED:
        yield _direct(where.offset, where.count, definition.serial_location, "the stored serial number")
    key = _key_source(definition)
    place = definition.at_public_key
    yield Region(place.offset, place.count, Kind.SLOT, f"the public key: {key[0]}", key)
    place = definition.at_subject_key_id
    yield Region(place.offset, place.count, Kind.IDENTIFIER, f"SHA-1 of the public key: {key[0]}", key)
    if compressed.count:
        yield from _compressed(der, definition)
    for element in definition.elements:
        place = element.certificate
        words = f"element {element.name}{_through(element.transform)}"
        yield _direct(place.offset, place.count, element.device, words)
    if definition.serial_source is not SerialSource.STORED:
        dates = Source("slot", compressed.slot, compressed.offset + 64, 3)
        words = f"computed: {definition.serial_source.name}, of the public key and the dates"
        yield Region(where.offset, where.count, Kind.SERIAL, words, (*key, dates))


def _through(transform: Transform) -> str:
    return "" if transform is Transform.NONE else f", {transform.name.lower().replace('_', ' ')}"


def _direct(offset: int, length: int, where: DeviceLocation, words: str) -> Region:
    if where.zone is DeviceZone.CONFIG:
        source = Source("configuration", None, where.offset, where.count)
        return Region(offset, length, Kind.CONFIGURATION, f"{words}: {source}", (source,))
    source = Source("slot", where.slot, where.offset, where.count)
    return Region(offset, length, Kind.SLOT, f"{words}: {source}", (source,))


def _key_source(definition: CertificateDefinition) -> tuple[Source, ...]:
    """Where the certificate's own public key comes from; the padding of the stored form is not looked at."""
    where = definition.public_key
    if where.is_genkey:
        return (Source("key", where.slot, 0, _KEY),)
    if where.count == _PADDED_KEY:
        return (
            Source("slot", where.slot, where.offset + 4, 32),
            Source("slot", where.slot, where.offset + 40, 32),
        )
    return (Source("slot", where.slot, where.offset, _KEY),)


def _compressed(der: bytes, definition: CertificateDefinition) -> Iterator[Region]:
    """Signature, dates and signer id out of the 72 bytes."""
    slot, begin = definition.compressed.slot, definition.compressed.offset
    signature = Source("slot", slot, begin, 64)
    at = definition.at_signature.offset
    yield Region(
        at, len(der) - at, Kind.COMPRESSED, f"the signature R and S, in DER: {signature}", (signature,)
    )
    dates = Source("slot", slot, begin + 64, 3)
    for place, what in (
        (definition.at_issue_date, "the issue date"),
        (definition.at_expire_date, "the end date, from issue date and lifetime"),
    ):
        yield Region(place.offset, place.count, Kind.DATE, f"{what}: {dates}", (dates,))
    signer_id = Source("slot", slot, begin + 67, 2)
    place = definition.at_signer_id
    yield Region(
        place.offset, place.count, Kind.COMPRESSED, f"the signer id in digits: {signer_id}", (signer_id,)
    )
