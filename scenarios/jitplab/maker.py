"""The maker's side: a blank part is provisioned over its bus, its certificate issued; a made part is adopted.

Rules of this file:
1. A part is provisioned once and for good: configuration and lock, a key in slot 0, public keys and both
   certificates into their slots, the data zone locked. `Making` says what is done otherwise.
2. A made part is adopted only when the certificate in it is the one this maker would issue to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from jitplab import chain as case_chain
from jitplab import pki
from jitplab.bench import Bench
from jitplab.chain import Slot
from jitplab.scenario import NeedUnmet
from softatecc.certificate import CertificateDefinition, SerialSource, hashed_serial
from softatecc.compressed import DateDigits, compressed_dates
from softatecc.library import LibraryError

_CONFIG_ZONE = 0


@dataclass(frozen=True, slots=True)
class Device:
    """A provisioned chip: what its maker knows of it.

    Attributes:
        public_key: ``X || Y`` of slot 0.
        certificate: as issued, DER.
        signer_definition: rebuilds the signer.
        device_definition: rebuilds the device certificate.
        signer: the signer's certificate as issued, DER.
    """

    public_key: bytes
    certificate: bytes
    signer_definition: CertificateDefinition
    device_definition: CertificateDefinition
    signer: bytes


@dataclass(frozen=True, slots=True)
class Parties:
    """The authorities of the case, from one source of keys."""

    root: pki.Authority
    signer: pki.Authority
    other_ca: pki.Authority

    @classmethod
    def of(cls, keys: pki.KeySource) -> Parties:
        """Root, signer, and the CA whose key lies in slot 13."""
        root = pki.make_root(keys)
        return cls(root, pki.make_signer(keys, root), pki.make_root(keys, pki.OTHER_COMMON_NAME))


@dataclass(frozen=True, slots=True)
class Request:
    """What a device certificate is issued for: the chip's key, its serial number, and who signs."""

    public_key: bytes
    serial_number: bytes
    signer: pki.Authority


def issue(request: Request, *, not_before: datetime = pki.DEVICE_NOT_BEFORE) -> bytes:
    """The device certificate of the case, DER; a renewed one has a later first moment."""
    return pki.make_device_certificate(
        request.signer,
        request.public_key,
        common_name=case_chain.device_common_name(request.serial_number),
        serial=device_serial(request.public_key, not_before),
        otherwise=pki.Otherwise(not_before=not_before),
    )


@dataclass(frozen=True, slots=True)
class Making:
    """How a part is made; the defaults are the case's.

    Attributes:
        signer: who issues device certificates; ``None`` is the case's.
        issue: makes the device certificate (DER).
        configuration: name of the configuration that is written and locked.
        signer_definition: takes the signer's DER, returns the definition it is stored by.
        device_definition: likewise for the device certificate.
        slots: more public keys (``X || Y``) by slot, written last.
        lock_data: whether the data zone is locked in the end.
    """

    signer: pki.Authority | None = None
    issue: Callable[[Request], bytes] = issue
    configuration: str = case_chain.CONFIGURATION
    signer_definition: Callable[[bytes], CertificateDefinition] = case_chain.signer_definition
    device_definition: Callable[[bytes], CertificateDefinition] = case_chain.device_definition
    slots: dict[int, bytes] = field(default_factory=dict)
    lock_data: bool = True


def provision(bench: Bench, parties: Parties, making: Making) -> Device:
    """Provision a blank chip as Microchip's tools do.

    Raises:
        NeedUnmet: the chip is not blank.
        LibraryError: the chip or the library refused.
    """
    library = bench.library
    bench.write_configuration(making.configuration)
    public_key = library.genkey(Slot.DEVICE_PRIVATE_KEY)
    library.write_pubkey(Slot.ROOT_PUBLIC_KEY, parties.root.key.public_key)
    library.write_pubkey(Slot.OTHER_CA_PUBLIC_KEY, parties.other_ca.key.public_key)
    device = _device(bench, parties, making, public_key)
    library.write_cert(device.signer_definition, device.signer)
    library.write_cert(device.device_definition, device.certificate)
    for slot, key in making.slots.items():
        library.write_pubkey(slot, key)
    if making.lock_data:
        library.lock_data_zone()
    return device


def adopt(bench: Bench, parties: Parties) -> Device:
    """A part that was made earlier, by the same seed.

    Raises:
        NeedUnmet: it was made by somebody else, or only half.
    """
    library = bench.library
    try:
        device = _device(bench, parties, Making(), library.get_pubkey(Slot.DEVICE_PRIVATE_KEY))
        held = library.read_cert(device.device_definition, parties.signer.key.public_key)
    except LibraryError as error:
        raise NeedUnmet(f"the part is locked and cannot be adopted ({error}); use a blank one") from None
    if held != device.certificate:
        raise NeedUnmet(
            "the part is locked and holds another maker's certificate; "
            "give the --seed that it was provisioned with, or use a blank part"
        )
    return device


def is_made(bench: Bench) -> bool:
    """Whether the part's configuration is locked."""
    return bench.library.is_locked(_CONFIG_ZONE)


def _device(bench: Bench, parties: Parties, making: Making, public_key: bytes) -> Device:
    signer = making.signer or parties.signer
    certificate = making.issue(Request(public_key, bench.library.read_serial_number(), signer))
    return Device(
        public_key,
        certificate,
        making.signer_definition(signer.certificate),
        making.device_definition(certificate),
        signer.certificate,
    )


def device_serial(public_key: bytes, not_before: datetime = pki.DEVICE_NOT_BEFORE) -> bytes:
    """The certificate serial number that the compressed-certificate rule PUB_KEY_HASH gives the device."""
    first = DateDigits(not_before.year, not_before.month, not_before.day, not_before.hour)
    dates, date_format, more = compressed_dates(first, 0)
    compressed = bytes(64) + dates + bytes(3) + bytes([date_format, more])
    return hashed_serial(SerialSource.PUB_KEY_HASH, public_key, compressed, 16)
