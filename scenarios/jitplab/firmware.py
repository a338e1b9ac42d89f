"""The firmware's side: it rebuilds its chain from the chip, as `atca_mbedtls_cert_add` does, and presents it.

Rules of this file:
1. By default everything is read where the maker wrote it; each keyword is one way to read it elsewhere.
2. Nothing is verified, as the firmware of the case verified nothing; what refuses is the chip or its library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jitplab.chain import Slot
from jitplab.maker import Device
from softatecc.certificate import CertificateDefinition
from softatecc.library import CertificateLibrary


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


def rebuild_chain(
    library: CertificateLibrary,
    device: Device,
    *,
    root_key_slot: int = Slot.ROOT_PUBLIC_KEY,
    is_genkey: bool = False,
    signer_key_slot: int = Slot.SIGNER_PUBLIC_KEY,
    device_definition: CertificateDefinition | None = None,
    signer_definition: CertificateDefinition | None = None,
    as_authority: Callable[[bytes], bytes] | None = None,
) -> Chain:
    """Device certificate first and then the signer, as the firmware of the case asks for them.

    Args:
        library: what drives the chip.
        device: whose chip this is.
        root_key_slot: where the firmware believes the root's public key to be.
        is_genkey: have GenKey compute that key instead of reading it.
        signer_key_slot: where it believes the signer's public key to be.
        device_definition: the firmware's, where it differs from the maker's.
        signer_definition: likewise.
        as_authority: what the firmware makes of an issuer's public key before it is hashed into an
            authority key identifier; defects of library versions are modelled here.

    Raises:
        LibraryError: the chip or the library refused; the one loud way to fail.
    """
    hashed = as_authority or bytes
    signer_key = library.read_pubkey(signer_key_slot)
    leaf = library.read_cert(device_definition or device.device_definition, hashed(signer_key))
    ca_key = library.get_pubkey(root_key_slot) if is_genkey else library.read_pubkey(root_key_slot)
    return Chain(leaf, library.read_cert(signer_definition or device.signer_definition, hashed(ca_key)))
