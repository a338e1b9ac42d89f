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
    DeviceLocation,
    DeviceZone,
    compress,
    rebuild,
)
from softatecc.host import DeviceError, Host
from softatecc.library import LibraryError
from softatecc.packet import Opcode
from softatecc.transports import Transport
from softatecc.zones import SLOT_SIZES, Zone

T = TypeVar("T")

_BAD_PARAM: Final = -30
_BAD_CERT: Final = 10
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
            raise LibraryError(function, _STATUS.get(error.status, -43)) from error
        finally:
            self._host.transport.idle()  # after every call, as cryptoauthlib leaves the chip

    def read_serial_number(self) -> bytes:
        """``atcab_read_serial_number``: 9 bytes."""
        return self._call("atcab_read_serial_number", self._host.serial_number)

    def is_locked(self, zone: int) -> bool:
        """``atcab_is_locked``: 0 asks for the configuration zone, 1 for data and OTP."""
        ask = self._host.is_data_locked if zone else self._host.is_configuration_locked
        return self._call("atcab_is_locked", ask)

    def write_config_zone(self, configuration: bytes) -> None:
        """``atcab_write_config_zone``: 128 bytes, the protected ones are left out."""
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
        """``atcab_read_pubkey``: reads a stored 72-byte key; the library itself refuses slots below 8."""
        if slot < _FIRST_PUBLIC_KEY_SLOT:
            raise LibraryError("atcab_read_pubkey", _BAD_PARAM)
        return self._call("atcab_read_pubkey", lambda: self._host.read_public_key(slot))

    def write_pubkey(self, slot: int, public_key: bytes) -> None:
        """``atcab_write_pubkey``: stores ``X || Y`` in its 72-byte form."""
        self._call("atcab_write_pubkey", lambda: self._host.write_public_key(slot, public_key))

    def sign(self, slot: int, digest: bytes) -> bytes:
        """``atcab_sign``: ``R || S`` over a 32-byte digest."""
        return self._call("atcab_sign", lambda: self._host.sign(slot, digest))

    def read_bytes_zone(self, zone: int, slot: int, offset: int, count: int) -> bytes:
        """``atcab_read_bytes_zone``: zone 0 configuration, 1 OTP, 2 data."""
        return self._call("atcab_read_bytes_zone", lambda: self._read(Zone(zone), slot, offset, count))

    def _read(self, zone: Zone, slot: int, offset: int, count: int) -> bytes:
        """Whole 32-byte blocks where possible, cut to what was asked for."""
        if zone is Zone.DATA:
            return self._host.read_slot(slot, offset + count)[offset:]
        whole = self._host.read_configuration() if zone is Zone.CONFIG else self._host.read_otp()
        return whole[offset : offset + count]

    def write_cert(self, definition: CertificateDefinition, certificate: bytes) -> None:
        """``atcacert_write_cert``: takes a certificate (DER) apart into the chip's slots."""
        try:
            slots = compress(definition, certificate)
        except CertificateError as error:
            raise LibraryError("atcacert_write_cert", _BAD_CERT) from error

        def write() -> None:
            for slot, contents in slots.items():
                self._host.write_slot(slot, contents[: SLOT_SIZES[slot]])

        self._call("atcacert_write_cert", write)

    def read_cert(self, definition: CertificateDefinition, ca_public_key: bytes | None) -> bytes:
        """``atcacert_read_cert``: rebuilds a certificate (DER).

        A definition that does not fit the chip's contents raises ``LibraryError``, as there; the sentence
        that says what does not fit is its cause.
        """

        def read(where: DeviceLocation) -> bytes:
            if where.is_genkey:
                return self._host.public_key(where.slot)
            zone = {DeviceZone.CONFIG: Zone.CONFIG, DeviceZone.OTP: Zone.OTP, DeviceZone.DATA: Zone.DATA}
            return self._read(zone[where.zone], where.slot, where.offset, where.count)

        try:
            return self._call("atcacert_read_cert", lambda: rebuild(definition, read, ca_public_key))
        except CertificateError as error:
            raise LibraryError("atcacert_read_cert", _BAD_CERT) from error
