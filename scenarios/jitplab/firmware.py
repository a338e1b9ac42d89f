"""The firmware's side: it rebuilds its chain from the chip, as `atca_mbedtls_cert_add` does, and presents it.

Rules of this file:
1. By default everything is read where the maker wrote it; each keyword is one way to read it elsewhere.
2. Nothing is verified, as the firmware of the case verified nothing; what refuses is the chip or its library.
3. A defect of a library version is a function named after it, and does on the bus what that version does.

Evidence: vendor-library - cryptoauthlib 3.3.3, 3.7.8 and 3.8.0, lib/mbedtls/atca_mbedtls_wrap.c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from jitplab.chain import Slot
from jitplab.maker import Device
from softatecc.certificate import (
    CertificateDefinition,
    CertificateError,
    CertificateStatus,
    DateFormat,
    DeviceLocation,
    DeviceZone,
    encode_dates,
)
from softatecc.compressed import parse_date
from softatecc.library import CertificateLibrary, LibraryError

#: Gets the issuer's public key that is hashed into an authority key identifier: ``X || Y`` where all is
#: well.
CaKey: TypeAlias = Callable[[CertificateLibrary, DeviceLocation], bytes]


@dataclass(frozen=True, slots=True)
class Chain:
    """What the firmware rebuilt and will present; ``signer`` is ``None`` when it is left out.

    An empty ``device`` stands for no chain at all.

    Attributes:
        device: DER of the device certificate.
        signer: DER of the signer.
        above: DER of whatever is sent after the signer.
    """

    device: bytes
    signer: bytes | None
    above: tuple[bytes, ...] = ()

    @property
    def presented(self) -> tuple[bytes, ...]:
        """DER, leaf first."""
        return tuple(der for der in (self.device, self.signer, *self.above) if der)


# --- how versions of cryptoauthlib get the issuer's key ------------------------------------------


def ca_key(library: CertificateLibrary, where: DeviceLocation) -> bytes:
    """As it is meant, and as cryptoauthlib 3.2.5 to 3.5.1 do it: ``is_genkey`` says who gives the key."""
    return library.get_pubkey(where.slot) if where.is_genkey else library.read_pubkey(where.slot)


def ca_key_of_3_7_8(library: CertificateLibrary, where: DeviceLocation) -> bytes:
    """Versions 3.7.1 to 3.7.8: ``is_genkey`` is taken for its opposite.

    What it then gets is hashed at the length of the location's count, as in 3.7.9 (read in the source of
    3.7.8).
    """
    key = library.read_pubkey(where.slot) if where.is_genkey else library.get_pubkey(where.slot)
    return key.ljust(where.count, b"\0")


def ca_key_of_3_7_9(library: CertificateLibrary, where: DeviceLocation) -> bytes:
    """Versions 3.7.9 and later: the key, and zeros up to the location's count (issue 410)."""
    return ca_key(library, where).ljust(where.count, b"\0")


# --- what version 3.3.3 does not know yet --------------------------------------------------------


def refuse_later_formats(library: CertificateLibrary, definition: CertificateDefinition) -> None:
    """Versions 3.3.3 and 3.5.1 know format 0 of a compressed certificate and no other.

    Evidence: vendor-library - ``atcacert_set_comp_cert`` of 3.3.3, called with format 1, returns 4.

    Raises:
        LibraryError: the certificate is stored in a later format.
    """
    stored = library.read_bytes_zone(
        DeviceZone.DATA, definition.compressed.slot, 0, definition.compressed.count
    )
    if stored[70] & 0x0F:
        raise LibraryError("atcacert_read_cert", CertificateStatus.DECODING_ERROR)


def refuse_later_dates(definition: CertificateDefinition, certificate: bytes) -> None:
    """Version 3.3.3 compresses issue years up to 2031 and lifetimes up to 31 years, and no others.

    Evidence: vendor-library - ``atcacert_date_enc_compcert`` of 3.3.3, called with 2032 or with 50 years,
    returns 5.

    Raises:
        LibraryError: the certificate's dates do not fit.
    """
    at = definition.at_issue_date
    issued = parse_date(
        certificate[at.offset : at.offset + at.count], DateFormat(definition.issue_date_format)
    )
    try:
        encode_dates(issued, definition.expire_years)
    except CertificateError as error:
        raise LibraryError("atcacert_write_cert", error.status) from error


def rebuild_chain(
    library: CertificateLibrary,
    device: Device,
    *,
    root_key_slot: int = Slot.ROOT_PUBLIC_KEY,
    is_genkey: bool = False,
    signer_key_slot: int = Slot.SIGNER_PUBLIC_KEY,
    device_definition: CertificateDefinition | None = None,
    signer_definition: CertificateDefinition | None = None,
    get_ca_key: CaKey = ca_key,
) -> Chain:
    """Device certificate first and then the signer, as the firmware of the case asks for them.

    Args:
        library: what drives the chip.
        device: whose chip this is.
        root_key_slot: where the firmware believes the root's public key to be.
        is_genkey: what the root's location says: have GenKey compute that key instead of reading it.
        signer_key_slot: where it believes the signer's public key to be.
        device_definition: the firmware's, where it differs from the maker's.
        signer_definition: likewise.
        get_ca_key: how the library gets an issuer's key; the defects of its versions are here.

    Raises:
        LibraryError: the chip or the library refused; the one loud way to fail.
    """
    signers = DeviceLocation(DeviceZone.DATA, signer_key_slot, 0, 72)
    roots = DeviceLocation(DeviceZone.DATA, root_key_slot, 0, 72, is_genkey=is_genkey)
    leaf = library.read_cert(device_definition or device.device_definition, get_ca_key(library, signers))
    return Chain(
        leaf, library.read_cert(signer_definition or device.signer_definition, get_ca_key(library, roots))
    )
