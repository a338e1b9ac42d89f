"""Our own library for the chip: what onboarding needs of cryptoauthlib, where no wheel of it exists.

Same names, same results, same status numbers (``library``), so that a firmware cannot tell which one it
runs on; the tests compare the two byte for byte.

Evidence: vendor-library - cryptoauthlib 3.8.0, lib/calib and lib/atcacert.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from softatecc.certificate import (
    CertificateDefinition,
    CertificateError,
    CertificateStatus,
    DeviceLocation,
    compress,
    rebuild,
)
from softatecc.host import DeviceError, Host
from softatecc.library import LibraryError, exactly
from softatecc.packet import Opcode, ResponseError
from softatecc.transports import NoResponse, Transport
from softatecc.zones import BLOCK, CONFIG_SIZE, OTP_SIZE, SLOT_COUNT, SLOT_SIZES, Zone

T = TypeVar("T")

_BAD_PARAM: Final = -30
_COMM_FAIL: Final = -16
_BAD_CRC: Final = -27
_FIRST_PUBLIC_KEY_SLOT: Final = 8
_IGNORE_CRC: Final = 0x80
_DATA: Final = 0x01

#: What cryptoauthlib makes of a status byte (lib/calib/calib_command.c, isATCAError).
_STATUS: Final = {
    0x01: -47,
    0x03: -46,
    0x05: -42,
    0x07: -41,
    0x08: -6,
    0x0F: -12,
    0x11: -13,
    0xEE: -31,
    0xFF: -44,
}
_OTHER_STATUS: Final = -31


class HostLibrary:
    """The certificate library on any transport, without a line of C.

    Args:
        transport: the way to the chip.
    """

    def __init__(self, transport: Transport) -> None:
        self._host = Host(transport)

    @property
    def description(self) -> str:
        """One sentence for the reader of a run."""
        return "jitplab's own rebuild (no cryptoauthlib wheel is used)"

    def _call(self, function: str, act: Callable[[], T]) -> T:
        try:
            return act()
        except DeviceError as error:
            raise LibraryError(function, _STATUS.get(error.status, _OTHER_STATUS)) from error
        except CertificateError as error:
            raise LibraryError(function, error.status) from error
        except ResponseError as error:
            raise LibraryError(function, _BAD_CRC) from error
        except NoResponse as error:
            raise LibraryError(function, _COMM_FAIL) from error
        finally:
            self._host.transport.idle()  # after every call, as cryptoauthlib leaves the chip

    def read_serial_number(self) -> bytes:
        """``atcab_read_serial_number``: 9 bytes."""
        return self._call("atcab_read_serial_number", self._host.serial_number)

    def is_locked(self, zone: int) -> bool:
        """``atcab_is_locked``: 0 asks for the configuration zone, 1 for data and OTP."""
        if zone not in (0, 1):
            raise LibraryError("atcab_is_locked", _BAD_PARAM)
        ask = self._host.is_data_locked if zone else self._host.is_configuration_locked
        return self._call("atcab_is_locked", ask)

    def write_config_zone(self, configuration: bytes) -> None:
        """``atcab_write_config_zone``: 128 bytes, the protected ones are left out."""
        exactly("a configuration", configuration, CONFIG_SIZE)
        self._call("atcab_write_config_zone", lambda: self._host.write_configuration(configuration))

    def lock_config_zone_crc(self, crc: int) -> None:
        """``atcab_lock_config_zone_crc``."""
        self._call("atcab_lock_config_zone_crc", lambda: self._host.execute(Opcode.LOCK, 0, crc))

    def lock_data_zone(self) -> None:
        """``atcab_lock_data_zone`` (no CRC)."""
        self._call("atcab_lock_data_zone", lambda: self._host.execute(Opcode.LOCK, _IGNORE_CRC | _DATA))

    def genkey(self, slot: int) -> bytes:
        """``atcab_genkey``: creates a key, returns ``X || Y``."""
        return self._call("atcab_genkey", lambda: self._host.genkey(slot))

    def get_pubkey(self, slot: int) -> bytes:
        """``atcab_get_pubkey``: GenKey computes ``X || Y`` of a private slot."""
        return self._call("atcab_get_pubkey", lambda: self._host.public_key(slot))

    def read_pubkey(self, slot: int) -> bytes:
        """``atcab_read_pubkey``: reads a stored 72-byte key; the library itself refuses slots 0-7."""
        if not _FIRST_PUBLIC_KEY_SLOT <= slot < SLOT_COUNT:
            raise LibraryError("atcab_read_pubkey", _BAD_PARAM)
        return self._call("atcab_read_pubkey", lambda: self._host.read_public_key(slot))

    def write_pubkey(self, slot: int, public_key: bytes) -> None:
        """``atcab_write_pubkey``: stores ``X || Y`` in its 72-byte form."""
        exactly("a public key", public_key, 64)
        self._call("atcab_write_pubkey", lambda: self._host.write_public_key(slot, public_key))

    def sign(self, slot: int, digest: bytes) -> bytes:
        """``atcab_sign``: ``R || S`` over a 32-byte digest."""
        exactly("a digest", digest, 32)
        return self._call("atcab_sign", lambda: self._host.sign(slot, digest))

    def read_bytes_zone(self, zone: int, slot: int, offset: int, count: int) -> bytes:
        """``atcab_read_bytes_zone``: zone 0 configuration, 1 OTP, 2 data."""
        size = _zone_size(zone, slot)
        if size is None or offset + count > size:
            raise LibraryError("atcab_read_bytes_zone", _BAD_PARAM)
        return self._call("atcab_read_bytes_zone", lambda: self._read(Zone(zone), slot, offset, count))

    def _read(self, zone: Zone, slot: int, offset: int, count: int) -> bytes:
        """Whole 32-byte blocks where possible, cut to what was asked for."""
        if zone is Zone.DATA:
            return self._host.read_slot(slot, offset + count)[offset:] if count else b""
        whole = self._host.read_configuration() if zone is Zone.CONFIG else self._host.read_otp()
        return whole[offset : offset + count]

    def write_cert(self, definition: CertificateDefinition, certificate: bytes) -> None:
        """``atcacert_write_cert``: takes a certificate (DER) apart into the chip's slots."""

        def write() -> None:
            for where, contents in compress(definition, certificate):
                for start in range(0, where.count, BLOCK):
                    block = contents[start : start + BLOCK]
                    self._host.write(Zone(where.zone), where.offset + start, block, where.slot)

        self._call("atcacert_write_cert", write)

    def read_cert(
        self, definition: CertificateDefinition, ca_public_key: bytes | None, *, capacity: int | None = None
    ) -> bytes:
        """``atcacert_read_cert``: rebuilds a certificate (DER).

        A definition that does not fit the chip's contents raises ``LibraryError``, as there; the sentence
        that says what does not fit is its cause. A ``capacity`` that ends within the signature raises, too;
        below that the library writes where it should not, and this one raises all the same.
        """

        def read() -> bytes:
            certificate = rebuild(definition, self._read_location, ca_public_key)
            if capacity is not None and capacity < len(certificate):
                raise CertificateError(
                    CertificateStatus.BUFFER_TOO_SMALL,
                    f"the certificate has {len(certificate)} bytes and the buffer {capacity}; "
                    "set the length to the buffer's size before the call",
                )
            return certificate

        return self._call("atcacert_read_cert", read)

    def _read_location(self, where: DeviceLocation) -> bytes:
        """What there is of a location; a zone may end before it does (lib/atcacert/atcacert_client.c)."""
        if where.is_genkey:
            return self._host.public_key(where.slot)[where.offset : where.end]
        size = _zone_size(where.zone, where.slot)
        if size is None or where.offset > size:
            raise LibraryError("atcacert_read_cert", _BAD_PARAM)
        return self._read(Zone(where.zone), where.slot, where.offset, min(where.count, size - where.offset))


def _zone_size(zone: int, slot: int) -> int | None:
    """Bytes of a zone, of a slot in the data zone, ``None`` where there is no such zone or slot."""
    if zone == Zone.DATA:
        return SLOT_SIZES[slot] if 0 <= slot < SLOT_COUNT else None
    return {int(Zone.CONFIG): CONFIG_SIZE, int(Zone.OTP): OTP_SIZE}.get(zone)
