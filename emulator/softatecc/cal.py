"""Microchip's own cryptoauthlib, unmodified, on any I2C device that speaks our wire.

The stock wheel's I2C HAL is replaced through the library's own ``hal_iface_register_hal``; wake pulses,
word addresses and the idle after every command arrive just as they would on a bus, and the ordinary
``cfg_ateccx08a_i2c_default`` is used. The HAL and every ``atcab_*`` call are global to a process: one
``CryptoAuthLib`` is open at a time, parallel runs are processes.

cryptoauthlib may be used with Microchip products only (its licence); it is a dependency, never a part.

Evidence: vendor-library - cryptoauthlib 20260505 (library 3.8.0), lib/hal/atca_hal.h, lib/calib.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from softatecc.calhal import I2cDevice, ReplacedHal
from softatecc.certificate import CertificateDefinition, DeviceLocation
from softatecc.hostsleeps import remove_host_sleeps
from softatecc.library import LibraryError, exactly

_I2C: Final = 0
_SUCCESS: Final = 0
_STANDARD_BAUD: Final = 100_000
#: Room for a signature where the template has none.
_SIGNATURE: Final = 80
#: The library copies the CA's key into a buffer of its own; 72 bytes is what slots and headers say of it.
_LONGEST_KEY: Final = 72


class CalMissing(Exception):  # noqa: N818 - a need that is unmet, not a malfunction
    """cryptoauthlib is not installed; ``str()`` says what to do."""


def available() -> bool:
    """Whether the cryptoauthlib package is installed for this interpreter."""
    return importlib.util.find_spec("cryptoauthlib") is not None


class CryptoAuthLib:
    """cryptoauthlib, opened on a device; a context manager.

    Args:
        devices: what hangs on the bus; the first is the one that calls go to.
        host_sleeps: ``False`` removes the library's own waiting (see ``hostsleeps``); for emulated
            devices only.
        baud: clock of the bus in Hz; above 100000 the library leaves the wake-up to the HAL instead of
            pulling SDA low by a general call (lib/calib/calib_execution.c).

    Raises:
        ValueError: no device.
        RuntimeError: another one is open in this process.
        CalMissing: the package is not installed.
        LibraryError: the library could not be initialised.
        SleepsStay: ``host_sleeps`` is false and this system cannot do it.
    """

    _opened: ClassVar[bool] = False

    def __init__(self, *devices: I2cDevice, host_sleeps: bool = True, baud: int = _STANDARD_BAUD) -> None:
        if not devices:
            raise ValueError("cryptoauthlib needs a device to talk to; pass at least one")
        if not available():
            raise CalMissing(
                "cryptoauthlib is not installed for this Python; wheels exist for CPython 3.11 to 3.13 on "
                "x86_64 Linux, macOS arm64 and Windows (pip install cryptoauthlib==20260505)"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it leaves a file open while it is imported
            import cryptoauthlib  # noqa: PLC0415 - optional, and loading it loads a shared library

            self._module: Any = cryptoauthlib
            if self._module.library.get_cryptoauthlib() is None:
                self._module.load_cryptoauthlib()
        self._library: Any = self._module.library.get_cryptoauthlib()
        self._devices = devices
        self._host_sleeps = host_sleeps
        self._baud = baud
        self._bus = ReplacedHal(devices)
        self._old_hal = ctypes.c_void_p()
        self._old_phy = ctypes.c_void_p()
        self._restore_sleeps: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        if CryptoAuthLib._opened:
            raise RuntimeError(
                "a CryptoAuthLib is open already and its state is global to the process; close it first, "
                "or use another process"
            )
        self._check(
            "hal_iface_register_hal",
            self._library.hal_iface_register_hal(
                _I2C,
                ctypes.byref(self._bus.table),
                ctypes.byref(self._old_hal),
                None,
                ctypes.byref(self._old_phy),
            ),
        )
        CryptoAuthLib._opened = True
        try:
            if not self._host_sleeps:
                self._restore_sleeps = remove_host_sleeps(self._library)
            default = self._module.cfg_ateccx08a_i2c_default()
            self._cfg = type(default).from_buffer_copy(default)  # the default is the library's own variable
            self._cfg.devtype = int(self._module.ATCADeviceType.ATECC608A)
            self._cfg.cfg.atcai2c.baud = self._baud
            self._cfg.cfg.atcai2c.address = self._devices[0].address << 1
            self._call("atcab_init", ctypes.byref(self._cfg))
        except BaseException:
            self._restore()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with suppress(LibraryError):
                self._call("atcab_release")
        finally:
            self._restore()

    def _restore(self) -> None:
        CryptoAuthLib._opened = False
        self._restore_sleeps()
        self._library.hal_iface_register_hal(_I2C, self._old_hal, None, self._old_phy, None)

    def _check(self, function: str, status: int) -> None:
        error, self._bus.error = self._bus.error, None
        if error is not None:
            raise error
        if status != _SUCCESS:
            raise LibraryError(function, status)

    def _call(self, function: str, *arguments: object) -> None:
        self._check(function, getattr(self._library, function)(*arguments))

    def _bytes(self, function: str, count: int, *arguments: object) -> bytes:
        out = ctypes.create_string_buffer(count)
        self._call(function, *arguments, out)
        return out.raw

    @property
    def description(self) -> str:
        """One sentence for the reader of a run."""
        return f"Microchip's cryptoauthlib {importlib.metadata.version('cryptoauthlib')}, unmodified"

    # --- commands, by the library's own names --------------------------------------------------

    def info(self) -> bytes:
        """``atcab_info``: the 4-byte revision."""
        return self._bytes("atcab_info", 4)

    def read_serial_number(self) -> bytes:
        """``atcab_read_serial_number``: 9 bytes."""
        return self._bytes("atcab_read_serial_number", 9)

    def random(self) -> bytes:
        """``atcab_random``: 32 bytes."""
        return self._bytes("atcab_random", 32)

    def is_locked(self, zone: int) -> bool:
        """``atcab_is_locked``: 0 asks for the configuration zone, 1 for data and OTP."""
        flag = ctypes.c_bool()
        self._call("atcab_is_locked", ctypes.c_uint8(zone), ctypes.byref(flag))
        return flag.value

    def write_config_zone(self, configuration: bytes) -> None:
        """``atcab_write_config_zone``: 128 bytes, the protected ones are left out by the library."""
        self._call("atcab_write_config_zone", exactly("a configuration", configuration, 128))

    def lock_config_zone_crc(self, crc: int) -> None:
        """``atcab_lock_config_zone_crc``."""
        self._call("atcab_lock_config_zone_crc", ctypes.c_uint16(crc))

    def lock_config_zone(self) -> None:
        """``atcab_lock_config_zone`` (no CRC)."""
        self._call("atcab_lock_config_zone")

    def lock_data_zone(self) -> None:
        """``atcab_lock_data_zone`` (no CRC)."""
        self._call("atcab_lock_data_zone")

    def genkey(self, slot: int) -> bytes:
        """``atcab_genkey``: creates a key, returns ``X || Y``."""
        return self._bytes("atcab_genkey", 64, ctypes.c_uint16(slot))

    def get_pubkey(self, slot: int) -> bytes:
        """``atcab_get_pubkey``: GenKey computes ``X || Y`` of a private slot."""
        return self._bytes("atcab_get_pubkey", 64, ctypes.c_uint16(slot))

    def read_pubkey(self, slot: int) -> bytes:
        """``atcab_read_pubkey``: reads a stored 72-byte key, returns ``X || Y``."""
        return self._bytes("atcab_read_pubkey", 64, ctypes.c_uint16(slot))

    def write_pubkey(self, slot: int, public_key: bytes) -> None:
        """``atcab_write_pubkey``: stores ``X || Y`` in its 72-byte form."""
        self._call("atcab_write_pubkey", ctypes.c_uint16(slot), exactly("a public key", public_key, 64))

    def sign(self, slot: int, digest: bytes) -> bytes:
        """``atcab_sign``: ``R || S`` over a 32-byte digest."""
        signature = ctypes.create_string_buffer(64)
        exactly("a digest", digest, 32)
        self._call("atcab_sign", ctypes.c_uint16(slot), digest, signature)
        return signature.raw

    def verify_extern(self, digest: bytes, signature: bytes, public_key: bytes) -> bool:
        """``atcab_verify_extern``: whether the chip finds the signature right."""
        flag = ctypes.c_bool()
        exactly("a digest", digest, 32)
        exactly("a signature", signature, 64)
        exactly("a public key", public_key, 64)
        self._call("atcab_verify_extern", digest, signature, public_key, ctypes.byref(flag))
        return flag.value

    def read_bytes_zone(self, zone: int, slot: int, offset: int, count: int) -> bytes:
        """``atcab_read_bytes_zone``: zone 0 configuration, 1 OTP, 2 data."""
        out = ctypes.create_string_buffer(count)
        self._call(
            "atcab_read_bytes_zone",
            ctypes.c_uint8(zone),
            ctypes.c_uint16(slot),
            ctypes.c_size_t(offset),
            out,
            ctypes.c_size_t(count),
        )
        return out.raw

    def write_bytes_zone(self, zone: int, slot: int, offset: int, data: bytes) -> None:
        """``atcab_write_bytes_zone``."""
        self._call(
            "atcab_write_bytes_zone",
            ctypes.c_uint8(zone),
            ctypes.c_uint16(slot),
            ctypes.c_size_t(offset),
            data,
            ctypes.c_size_t(len(data)),
        )

    # --- certificates ----------------------------------------------------------------------------

    def write_cert(self, definition: CertificateDefinition, certificate: bytes) -> None:
        """``atcacert_write_cert``: takes a certificate (DER) apart into the chip's slots."""
        self._call(
            "atcacert_write_cert",
            ctypes.byref(self.cert_def(definition)),
            certificate,
            ctypes.c_size_t(len(certificate)),
        )

    def read_cert(
        self, definition: CertificateDefinition, ca_public_key: bytes | None, *, capacity: int | None = None
    ) -> bytes:
        """``atcacert_read_cert``: rebuilds a certificate (DER).

        ``ca_public_key`` of ``None`` is passed as NULL and keeps the template's identifier (the wheel's own
        wrapper cannot do that). It is passed on at the length it has: the library hashes just that many
        bytes, which is how 72 of them give a wrong identifier. ``capacity`` is the size of the buffer as the
        library is told; the buffer itself always has room.

        Raises:
            LibraryError: chip or library refused.
            ValueError: a key too long for the library's own buffer.
        """
        if ca_public_key is not None and len(ca_public_key) > _LONGEST_KEY:
            raise ValueError(
                f"the CA's public key has {len(ca_public_key)} bytes and the library has room for 72; "
                "pass X || Y, 64 bytes"
            )
        definition_t = self.cert_def(definition)
        room = len(definition.template) + _SIGNATURE
        size = ctypes.c_size_t(room if capacity is None else min(capacity, room))
        certificate = ctypes.create_string_buffer(room)
        key = None
        if ca_public_key is not None:
            key = self._module.library.cal_buffer(len(ca_public_key), ca_public_key)
        self._call(
            "atcacert_read_cert",
            ctypes.byref(definition_t),
            ctypes.byref(key) if key is not None else None,
            certificate,
            ctypes.byref(size),
        )
        return certificate.raw[: size.value]

    def cert_def(self, definition: CertificateDefinition) -> Any:
        """``definition`` as the library's own ``atcacert_def_t``, checked against the library's sizes."""
        module = self._module.atcacert

        def device(where: DeviceLocation) -> Any:
            return module.atcacert_device_loc_t(
                zone=int(where.zone),
                slot=where.slot,
                is_genkey=int(where.is_genkey),
                offset=where.offset,
                count=where.count,
            )

        out = module.atcacert_def_t()
        out.type = 0  # CERTTYPE_X509
        out.comp_cert_dev_loc = device(definition.compressed)
        out.private_key_slot = definition.private_key_slot
        out.template_id = definition.template_id
        out.chain_id = definition.chain_id
        out.std_sig_size = 64
        out.sn_source = int(definition.serial_source)
        out.cert_sn_dev_loc = device(definition.serial_location)
        out.issue_date_format = int(definition.issue_date_format)
        out.expire_date_format = int(definition.expire_date_format)
        out.tbs_cert_loc = module.atcacert_cert_loc_t(definition.tbs.offset, definition.tbs.count)
        out.expire_years = definition.expire_years
        out.public_key_dev_loc = device(definition.public_key)
        places = (
            definition.at_public_key,
            definition.at_signature,
            definition.at_issue_date,
            definition.at_expire_date,
            definition.at_signer_id,
            definition.at_serial,
            definition.at_authority_key_id,
            definition.at_subject_key_id,
        )
        out.std_cert_elements = (module.atcacert_cert_loc_t * len(places))(
            *(module.atcacert_cert_loc_t(place.offset, place.count) for place in places)
        )
        elements = (module.atcacert_cert_element_t * max(1, len(definition.elements)))()
        for target, element in zip(elements, definition.elements, strict=False):
            target.id = element.name.encode()[:24]
            target.device_loc = device(element.device)
            target.cert_loc = module.atcacert_cert_loc_t(
                element.certificate.offset, element.certificate.count
            )
            target.transforms = (ctypes.c_uint * 2)(int(element.transform), 0)
        out.cert_elements = ctypes.cast(elements, ctypes.POINTER(module.atcacert_cert_element_t))
        out.cert_elements_count = len(definition.elements)
        template = (ctypes.c_uint8 * len(definition.template))(*definition.template)
        out.cert_template = ctypes.cast(template, ctypes.POINTER(ctypes.c_uint8))
        out.cert_template_size = len(definition.template)
        out._keep = (elements, template)  # noqa: SLF001 - the pointers above do not hold them
        return out
