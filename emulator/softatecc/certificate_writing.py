"""Taking an issued certificate apart into what the chip stores of it.

Rules of this file:
1. The lifetime comes from the certificate where its dates show whole years, else from the definition;
   the later compressed format is used where year or lifetime need it.
2. An element is stored as it stands in the certificate: transforms are not undone.
3. Configuration and keys that GenKey computes are read only.
4. Nothing is known of what a slot holds between the elements: the gaps of a block are filled with 00.

Evidence: vendor-library - cryptoauthlib 3.8.0, lib/atcacert/atcacert_def.c and atcacert_client.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from softatecc.certificate_definition import (
    PADDED_KEY,
    CertificateDefinition,
    CertificateLocation,
    DeviceLocation,
    DeviceZone,
    cut,
    locations,
)
from softatecc.compressed import (
    CertificateError,
    CertificateStatus,
    DateDigits,
    DateFormat,
    compressed_dates,
    latest,
    pad_public_key,
    parse_date,
)
from softatecc.ecdsa_der import raw_signature


def compress(definition: CertificateDefinition, der: bytes) -> Iterator[tuple[DeviceLocation, bytes]]:
    """What must stand where so that ``rebuild`` gives ``der`` back, one location after another.

    Yields:
        a location of whole 32-byte blocks and its contents, gaps filled with 00.

    Raises:
        CertificateError: the certificate does not fit the definition. What was yielded before would be
            written by then, as cryptoauthlib writes it.
    """
    for where in locations(definition):
        if where.zone is DeviceZone.CONFIG or where.is_genkey:
            continue
        image = bytearray(where.count)
        for part, make in _pieces(definition, der):
            if where.holds(part):
                data = make()[: part.count]
                at = part.offset - where.offset
                image[at : at + len(data)] = data
        yield where, bytes(image)


def _pieces(
    definition: CertificateDefinition, der: bytes
) -> tuple[tuple[DeviceLocation, Callable[[], bytes]], ...]:
    """What goes where, in the order in which later ones overwrite earlier ones."""

    def public_key() -> bytes:
        key = cut(der, definition.at_public_key, definition.at_public_key.count)
        return pad_public_key(key) if definition.public_key.count == PADDED_KEY else key

    return (
        (
            definition.serial_location,
            lambda: cut(der, definition.at_serial, definition.at_serial.count),
        ),
        (definition.public_key, public_key),
        (definition.compressed, lambda: _compressed(definition, der)),
        *(
            (element.device, lambda e=element: cut(der, e.certificate, e.device.count))
            for element in definition.elements
        ),
    )


def _compressed(definition: CertificateDefinition, der: bytes) -> bytes:
    signature = raw_signature(der, definition.at_signature.offset)
    issued = _date_at(der, definition.at_issue_date, definition.issue_date_format)
    expires = _date_at(der, definition.at_expire_date, definition.expire_date_format)
    years = _lifetime(definition, issued, expires)
    dates, date_format, more = compressed_dates(issued or DateDigits(2000, 1, 1, 0), years)
    ids = definition.template_id << 4 | definition.chain_id
    sources = definition.serial_source << 4 | date_format
    return signature + dates + _signer_id(definition, der) + bytes([ids, sources, more])


def _date_at(der: bytes, where: CertificateLocation, date_format: DateFormat) -> DateDigits | None:
    return parse_date(cut(der, where, date_format.size), date_format) if where.count else None


def _lifetime(
    definition: CertificateDefinition, issued: DateDigits | None, expires: DateDigits | None
) -> int:
    """Years from issue to expiry, 0 for none, where the dates show them; else what the definition says."""
    if expires is None:
        return definition.expire_years
    if expires == latest(definition.expire_date_format):
        return 0
    if issued is None or replace(issued, year=expires.year) != expires:
        return definition.expire_years
    if issued.year > expires.year:
        raise CertificateError(
            CertificateStatus.BAD_CERT,
            f"the certificate expires in {expires.year}, before it is issued in {issued.year}; re-issue it",
        )
    years = expires.year - issued.year
    return years if years < 128 else definition.expire_years


def _signer_id(definition: CertificateDefinition, der: bytes) -> bytes:
    if not definition.at_signer_id.count:
        return bytes(2)
    text = cut(der, definition.at_signer_id, 4)
    if not all(character in b"0123456789ABCDEFabcdef" for character in text):
        raise CertificateError(
            CertificateStatus.DECODING_ERROR,
            f"signer id {text!r} is not four hexadecimal digits; the common name must end in them",
        )
    return bytes.fromhex(text.decode("ascii"))
