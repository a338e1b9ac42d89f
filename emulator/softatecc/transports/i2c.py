"""A part on an I2C bus of this machine, by nothing but open, ioctl, read and write.

Rules of this file:
1. What answers is taken for silicon: without its serial number in the URL it is left as it is
   (`softatecc.transports.guard`).
2. The part is idled after every command and woken before the next, so that its watchdog never runs out
   between two of them and its registers are kept.
   Evidence: vendor-library - cryptoauthlib lib/calib/calib_execution.c does so.
3. An address that is not acknowledged is asked again: that is how a busy part is told from a dead one.
4. Addresses have 7 bits.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from softatecc.config import SERIAL_SIZE, Configuration
from softatecc.packet import LARGEST_GROUP, WAKE_RESPONSE, Command, Opcode, ResponseError, decode_response
from softatecc.transports import NoResponse, Transport
from softatecc.transports.guard import GuardedTransport
from softatecc.wire import WordAddress
from softatecc.zones import BLOCK, CONFIG_SIZE, Zone, address

_SET_ADDRESS: Final = 0x0703  # I2C_SLAVE, Linux include/uapi/linux/i2c-dev.h
_GENERAL_CALL: Final = 0
#: How drivers say that nobody acknowledged; which of them depends on the adapter.
_NOT_ACKNOWLEDGED: Final = frozenset((errno.EREMOTEIO, errno.ENXIO, errno.EIO, errno.ETIMEDOUT))
_DEFAULT_ADDRESS: Final = 0x60
_LOWEST, _HIGHEST = 0x03, 0x77
#: tWHI, from the end of the wake pulse to the first access (public 608 Trust data sheets), in seconds.
_WAKE_TIME: Final = 0.0015
_WAKE_ATTEMPTS: Final = 3
#: cryptoauthlib lib/calib/calib_execution.c: every 2 ms, for 2.5 s.
_POLL: Final = 0.002
_POLLS: Final = 1250
_SMALLEST_GROUP: Final = 4
_NOBODY: Final = 0xFF
_WIDE: Final = 0x80


class I2cTransport:
    """A part behind ``/dev/i2c-N``.

    Args:
        path: the bus.
        address: 7 bits.
        sleep: waits so many seconds.

    Raises:
        NoResponse: the bus cannot be opened.
    """

    def __init__(self, path: str, address: int, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._address = address
        self._sleep = sleep
        self._where = f"address 0x{address:02x} on {path}"
        self._awake = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NoResponse(
                f"there is no {path}; switch the bus on (Raspberry Pi: raspi-config), or start "
                "`jitplab device --i2c N` and run this with the environment it prints"
            ) from None
        except OSError as error:
            raise NoResponse(
                f"{path} cannot be opened: {error.strerror}; members of the group i2c usually may"
            ) from None

    def wake(self) -> bytes:
        """Hold SDA low by a general call; the four bytes the part then shows.

        Raises:
            NoResponse: it shows none.
        """
        for _ in range(_WAKE_ATTEMPTS):
            self._select(_GENERAL_CALL)
            self._write(b"\x00")
            self._sleep(_WAKE_TIME)
            self._select(self._address)
            group = self._read(len(WAKE_RESPONSE))
            if group is not None and _is_group(group):
                self._awake = True
                return group
            # Awake already, it shows an old answer instead; asleep again, it shows the new one.
            self._write(bytes((WordAddress.IDLE,)))
        raise NoResponse(f"no part answers at {self._where}; check address, wiring and supply")

    def exchange(self, packet: bytes) -> bytes:
        """Wake the part, send a packet, poll for the answer, idle the part.

        Raises:
            NoResponse: it does not wake, does not answer within 2.5 s, or the packet is shorter than its
                count says.
        """
        count = packet[0] if packet else LARGEST_GROUP
        if _SMALLEST_GROUP <= count <= LARGEST_GROUP and len(packet) < count:
            raise NoResponse(
                f"the chip waits for more than the {len(packet)} bytes sent; send a whole packet"
            )
        if not self._awake:
            self.wake()
        try:
            if not self._write(bytes((WordAddress.COMMAND,)) + packet):
                raise NoResponse(f"the part at {self._where} does not acknowledge a command")
            return self._response(packet)
        finally:
            self.idle()

    def idle(self) -> None:
        """Word address 02."""
        self._write(bytes((WordAddress.IDLE,)))
        self._awake = False

    def sleep(self) -> None:
        """Word address 01, to a part that listens."""
        if not self._awake:
            self.wake()
        self._write(bytes((WordAddress.SLEEP,)))
        self._awake = False

    def close(self) -> None:
        """Close the bus; the part stays idle."""
        os.close(self._file)

    def _response(self, packet: bytes) -> bytes:
        for _ in range(_POLLS):
            if self._write(bytes((WordAddress.RESET,))):
                count = self._read(1)
                if count is not None and _SMALLEST_GROUP <= count[0] < _NOBODY:
                    return count + (self._read(count[0] - 1) or b"")
            self._sleep(_POLL)
        raise NoResponse(
            f"the part at {self._where} does not answer the {len(packet)} bytes {packet[:5].hex()}…"
        )

    def _select(self, address: int) -> None:
        try:
            fcntl.ioctl(self._file, _SET_ADDRESS, address)
        except OSError as error:
            raise NoResponse(
                f"{self._where} cannot be addressed: {error.strerror}; a driver of the kernel may hold it"
            ) from None

    def _write(self, octets: bytes) -> bool:
        try:
            os.write(self._file, octets)
        except OSError as error:
            if error.errno in _NOT_ACKNOWLEDGED:
                return False
            raise NoResponse(f"{self._where} cannot be written to: {error.strerror}") from None
        return True

    def _read(self, count: int) -> bytes | None:
        try:
            return os.read(self._file, count)
        except OSError as error:
            if error.errno in _NOT_ACKNOWLEDGED:
                return None
            raise NoResponse(f"{self._where} cannot be read from: {error.strerror}") from None


def _is_group(group: bytes) -> bool:
    """Whether this is what a woken part shows; after a failed self test that is another group.

    Evidence: vendor-library - cryptoauthlib lib/hal/atca_hal.c, hal_check_wake.
    """
    return group == WAKE_RESPONSE or group[:2] == b"\x04\x07"


def read_configuration(transport: Transport) -> Configuration:
    """The part's configuration zone.

    Raises:
        NoResponse: what answers is no such part.
    """
    image = b""
    for offset in range(0, CONFIG_SIZE, BLOCK):
        command = Command(Opcode.READ, Zone.CONFIG | _WIDE, address(Zone.CONFIG, 0, offset))
        try:
            body = decode_response(transport.exchange(command.encode()))
        except ResponseError as error:
            raise NoResponse(f"what answers there is no ATECC608: {error}") from None
        if len(body) != BLOCK:
            raise NoResponse(
                f"what answers there is no ATECC608: reading its configuration gives {body.hex()}"
            )
        image += body
    return Configuration(image)


def open_url(url: str) -> Transport:
    """Open ``i2c:///dev/i2c-1?addr=0x60``, with ``&allow-changes=SERIAL`` where the part may change.

    Raises:
        ValueError: no such URL, or it names another part.
        NoResponse: there is no bus or no part.
    """
    path, at, allowed = _understood(url)
    transport = I2cTransport(path, at)
    try:
        configuration = read_configuration(transport)
        if allowed is None:
            return GuardedTransport(transport, configuration, path)
        _must_be(allowed, configuration.serial_number, url)
    except BaseException:
        transport.close()
        raise

    return transport


def _must_be(allowed: bytes, found: bytes, url: str) -> None:
    if allowed != found:
        raise ValueError(
            f"{url!r} allows changes to the part {allowed.hex()}, and the one there is {found.hex()}; "
            "nothing was changed"
        )


def _understood(url: str) -> tuple[str, int, bytes | None]:
    parts = urlsplit(url)
    wanted = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(wanted) - {"addr", "allow-changes"})
    if parts.netloc or not parts.path.startswith("/") or unknown:
        about = f" (what is {', '.join(unknown)}?)" if unknown else ""
        raise ValueError(f"{url!r} is no part on a bus{about}; write i2c:///dev/i2c-1?addr=0x60")
    try:
        at = int(wanted.get("addr", str(_DEFAULT_ADDRESS)), 0)
    except ValueError:
        raise ValueError(f"addr={wanted['addr']} in {url!r} is no number; write addr=0x60") from None
    if not _LOWEST <= at <= _HIGHEST:
        eight = f"; 0x{at:02x} may be the 8-bit form, write addr=0x{at >> 1:02x}" if at <= 0xFF else ""
        raise ValueError(f"addr={at:#04x} in {url!r} is no 7-bit address from 0x03 to 0x77{eight}")
    if "allow-changes" not in wanted:
        return parts.path, at, None
    try:
        serial = bytes.fromhex(wanted["allow-changes"])
    except ValueError:
        serial = b""
    if len(serial) != SERIAL_SIZE:
        raise ValueError(
            f"allow-changes={wanted['allow-changes']} in {url!r} is no serial number; give its nine bytes "
            "as hex"
        )
    return parts.path, at, serial
