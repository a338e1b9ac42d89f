"""The I2C HAL that cryptoauthlib is given instead of its own: six C callbacks onto our wire.

Evidence: vendor-library - cryptoauthlib 20260505 (library 3.8.0), lib/hal/atca_hal.h, lib/atca_iface.h.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol

_SUCCESS, _COMM_FAIL, _GEN_FAIL, _UNIMPLEMENTED = 0, -16, -31, -11
_ADDRESS_IN_CFG: Final = 8  # ATCAIfaceCfg: iface_type, devtype, then the I2C address


class I2cDevice(Protocol):
    """A device on the bus: what ``softatecc.wire.I2cPort`` is, and what a real bus can be made into."""

    @property
    def address(self) -> int:
        """7-bit I2C address."""
        ...

    def wake(self) -> None:
        """Hold SDA low for a wake pulse."""
        ...

    def write(self, word_address: int, data: bytes = b"") -> bool:
        """Send a word address and bytes; whether the device acknowledged."""
        ...

    def read(self, count: int) -> bytes | None:
        """Read ``count`` bytes, ``None`` when the device did not acknowledge."""
        ...


_Init = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_PostInit = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_Send = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint8, ctypes.c_void_p, ctypes.c_int)
_Receive = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_uint8, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint16)
)
_Control = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint8, ctypes.c_void_p, ctypes.c_size_t)
_Release = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class _Hal(ctypes.Structure):
    """``ATCAHAL_t``: six function pointers."""

    _fields_: ClassVar = [
        ("init", _Init),
        ("postinit", _PostInit),
        ("send", _Send),
        ("receive", _Receive),
        ("control", _Control),
        ("release", _Release),
    ]


class ReplacedHal:
    """The replaced HAL: looks up the addressed device and passes bytes on.

    An exception must not travel through C: it is kept and raised by the call that caused it.
    """

    def __init__(self, devices: tuple[I2cDevice, ...]) -> None:
        self._devices = devices
        self.error: BaseException | None = None
        self.table = _Hal(
            _Init(lambda _iface, _cfg: _SUCCESS),
            _PostInit(lambda _iface: _SUCCESS),
            _Send(self._send),
            _Receive(self._receive),
            _Control(self._control),
            _Release(lambda _cfg: _SUCCESS),
        )

    @staticmethod
    def _address(iface: int) -> int:
        """8-bit address in the configuration that the first field of ``iface`` points to."""
        cfg = ctypes.c_void_p.from_address(iface).value
        assert cfg is not None
        return ctypes.c_uint8.from_address(cfg + _ADDRESS_IN_CFG).value

    def _addressed(self, address: int) -> I2cDevice | None:
        return next((device for device in self._devices if device.address == address >> 1), None)

    def _guarded(self, act: Callable[[], int]) -> int:
        try:
            return act()
        except BaseException as error:  # noqa: BLE001 - kept for the caller, see the class's docstring
            if self.error is None:  # the library goes on trying; the first one says what went wrong
                self.error = error
            return _GEN_FAIL

    def _send(self, iface: int, word_address: int, data: int, length: int) -> int:
        def act() -> int:
            address = self._address(iface)
            if address == 0:  # the general call whose low SDA is the wake pulse: every device hears it
                for device in self._devices:
                    device.wake()
                return _COMM_FAIL  # nobody acknowledges it, which the library expects
            addressed = self._addressed(address)
            body = ctypes.string_at(data, length) if length > 0 and data else b""
            return _SUCCESS if addressed is not None and addressed.write(word_address, body) else _COMM_FAIL

        return self._guarded(act)

    def _receive(self, iface: int, _address: int, data: int, length: Any) -> int:
        def act() -> int:
            device = self._addressed(self._address(iface))
            answer = device.read(length[0]) if device is not None else None
            if device is None or answer is None:
                return _COMM_FAIL
            if len(answer) > length[0]:
                raise ValueError(
                    f"the device at 0x{device.address:02X} answered {len(answer)} bytes where {length[0]} "
                    "were asked for; return no more than that"
                )
            ctypes.memmove(data, answer, len(answer))
            length[0] = len(answer)
            return _SUCCESS

        return self._guarded(act)

    def _control(self, iface: int, option: int, _parameter: int, _length: int) -> int:
        def act() -> int:
            device = self._addressed(self._address(iface))
            if device is None:
                return _COMM_FAIL
            match option:
                case 0:  # wake by the HAL: what the library asks for above 100 kHz
                    device.wake()
                case 1:
                    device.write(0x02)
                case 2:
                    device.write(0x01)
                case _:
                    return _UNIMPLEMENTED
            return _SUCCESS

        return self._guarded(act)
