"""What ``atcacert_def_t`` holds: where a certificate's parts lie in the chip and in the certificate.

Rules of this file:
1. A location of no bytes (``count == 0``) means that the certificate or the chip has no such element.
2. The chip is read and written in whole blocks of 32 bytes, neighbouring ones as one, in the order in
   which compressed certificate, stored serial number, public key and elements first name them.
3. A definition with which cryptoauthlib would leave its own buffers cannot be made.

Evidence: vendor-library - cryptoauthlib 3.8.0, lib/atcacert/atcacert_def.h and atcacert_def.c.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from softatecc.compressed import CertificateError, CertificateStatus, DateFormat, SerialSource

BLOCK: Final = 32
_COMPRESSED: Final = 72
#: Bytes of a public key as a slot stores it.
PADDED_KEY: Final = 72
_KEY: Final = 64
#: Sources that need the serial number of the chip.
DEVICE_SN_SOURCES: Final = frozenset(
    {
        SerialSource.DEVICE_SN,
        SerialSource.DEVICE_SN_HASH,
        SerialSource.DEVICE_SN_HASH_POS,
        SerialSource.DEVICE_SN_HASH_RAW,
    }
)


class DeviceZone(IntEnum):
    """Where on the chip an element lies (``atcacert_device_zone_t``)."""

    CONFIG = 0
    OTP = 1
    DATA = 2
    NONE = 7


class Transform(IntEnum):
    """What happens to an element on its way from chip to certificate (``atcacert_transform_t``)."""

    NONE = 0
    REVERSE = 1
    HEX_UPPER = 2
    HEX_LOWER = 3


@dataclass(frozen=True, slots=True)
class DeviceLocation:
    """``count`` bytes at ``offset`` of a zone; ``is_genkey`` has GenKey compute them instead of Read."""

    zone: DeviceZone = DeviceZone.NONE
    slot: int = 0
    offset: int = 0
    count: int = 0
    is_genkey: bool = False

    @property
    def end(self) -> int:
        """Offset of the first byte behind the location."""
        return self.offset + self.count

    def holds(self, other: DeviceLocation) -> bool:
        """Whether ``other`` is a location of some bytes and lies in this one."""
        return (
            other.count > 0
            and self.is_beside(other)
            and self.offset <= other.offset
            and other.end <= self.end
        )

    def is_beside(self, other: DeviceLocation) -> bool:
        """Whether both are read the same way from one zone, and from one slot where there are slots."""
        if self.zone is not DeviceZone.DATA:
            return self.zone is other.zone
        return (self.zone, self.slot, self.is_genkey) == (other.zone, other.slot, other.is_genkey)


@dataclass(frozen=True, slots=True)
class CertificateLocation:
    """``count`` bytes at ``offset`` of the certificate's DER."""

    offset: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Element:
    """One additional element: from the chip, through a transform, into the certificate."""

    name: str
    device: DeviceLocation
    certificate: CertificateLocation
    transform: Transform = Transform.NONE


@dataclass(frozen=True, slots=True)
class CertificateDefinition:
    """What ``atcacert_def_t`` holds, by the same names without their prefixes.

    Attributes:
        template: DER of a certificate of the right shape; everything not set from the chip is taken from it.
        tbs: the signed part, tag and length included.
        elements: what else the chip supplies.

    Raises:
        ValueError: sizes with which cryptoauthlib would read or write beyond its own buffers.
    """

    name: str
    template: bytes
    tbs: CertificateLocation
    template_id: int
    chain_id: int
    serial_source: SerialSource
    compressed: DeviceLocation
    public_key: DeviceLocation
    serial_location: DeviceLocation
    private_key_slot: int
    issue_date_format: DateFormat
    expire_date_format: DateFormat
    expire_years: int
    at_public_key: CertificateLocation
    at_signature: CertificateLocation
    at_issue_date: CertificateLocation
    at_expire_date: CertificateLocation
    at_signer_id: CertificateLocation
    at_serial: CertificateLocation
    at_authority_key_id: CertificateLocation
    at_subject_key_id: CertificateLocation
    elements: tuple[Element, ...] = ()

    def __post_init__(self) -> None:
        if self.compressed.count not in {0, _COMPRESSED}:
            self._refuse(f"a compressed certificate has {_COMPRESSED} bytes, not {self.compressed.count}")
        if self.public_key.count not in ({0, _KEY} if self.public_key.is_genkey else {0, _KEY, PADDED_KEY}):
            self._refuse(f"a public key has 64 bytes, stored also {PADDED_KEY}, not {self.public_key.count}")
        for element in self.elements:
            plain = element.transform is Transform.NONE
            if plain and element.device.count not in {0, element.certificate.count}:
                self._refuse(
                    f"element {element.name} has {element.device.count} bytes in the chip and "
                    f"{element.certificate.count} in the certificate, and no transform makes them equal"
                )
        for where in (self.public_key, *(element.device for element in self.elements)):
            if where.is_genkey and where.end > _KEY:
                self._refuse(f"GenKey computes {_KEY} bytes, the location ends at {where.end}")

    def _refuse(self, why: str) -> None:
        raise ValueError(f"definition {self.name!r}: {why}; correct the definition")


#: Where the chip keeps its serial number, between other bytes.
DEVICE_SERIAL: Final = DeviceLocation(DeviceZone.CONFIG, 0, 0, 13)


def locations(definition: CertificateDefinition) -> tuple[DeviceLocation, ...]:
    """What a rebuild reads, in whole blocks and in the order it reads them."""
    named = [definition.compressed, definition.serial_location, definition.public_key]
    named += [element.device for element in definition.elements]
    if definition.serial_source in DEVICE_SN_SOURCES:
        named.append(DEVICE_SERIAL)
    merged: list[DeviceLocation] = []
    for where in named:
        if where.zone is DeviceZone.NONE or not where.count:
            continue
        start, end = where.offset // BLOCK * BLOCK, -(-where.end // BLOCK) * BLOCK
        near = [m for m in merged if m.is_beside(where) and start <= m.end and m.offset <= end]
        start, end = min([start, *(m.offset for m in near)]), max([end, *(m.end for m in near)])
        whole = replace(where, offset=start, count=end - start)
        at = merged.index(near[0]) if near else len(merged)
        merged = [m for m in merged if m not in near]
        merged.insert(at, whole)
    return tuple(merged)


def _check_fits(size: int, where: CertificateLocation, length: int) -> None:
    if size != where.count:
        raise CertificateError(
            CertificateStatus.UNEXPECTED_ELEM_SIZE,
            f"{size} bytes do not fit the element of {where.count} bytes at offset {where.offset}; "
            "correct the definition",
        )
    if where.offset + where.count > length:
        raise CertificateError(
            CertificateStatus.ELEM_OUT_OF_BOUNDS,
            f"the element of {where.count} bytes at offset {where.offset} does not lie in the {length} bytes "
            "of the certificate; correct the definition",
        )


def place(der: bytearray, where: CertificateLocation, data: bytes) -> None:
    """Put ``data`` into a certificate; nothing happens where it has no place for it.

    Raises:
        CertificateError: it has another size than the place, or the place lies outside.
    """
    if where.count:
        _check_fits(len(data), where, len(der))
        der[where.offset : where.offset + where.count] = data


def cut(der: bytes | bytearray, where: CertificateLocation, size: int) -> bytes:
    """The ``size`` bytes of a certificate at a place.

    Raises:
        CertificateError: there is no such place, it has another size, or it lies outside.
    """
    if not where.count:
        raise CertificateError(
            CertificateStatus.ELEM_MISSING,
            "the definition names no place in the certificate for an element that must come from it; add one",
        )
    _check_fits(size, where, len(der))
    return bytes(der[where.offset : where.offset + where.count])
