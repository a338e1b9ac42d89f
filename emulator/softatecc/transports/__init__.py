"""The one switch between the emulator and real hardware: a URL.

Rules of this file:
1. A transport moves packets and power; what they mean is not its business.
2. `Transport.exchange` finds the device awake or wakes it: no caller needs to know about watchdogs.
3. What needs sockets or device files is named in `_ELSEWHERE` and loaded when it is asked for: this module
   belongs to the core and must not lead to them.
"""

import secrets
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, Protocol, cast

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.entropy import SeededEntropy, SystemEntropy
from softatecc.wire import I2cPort, WordAddress

_LONGEST_RESPONSE = 155
#: Scheme to the module whose `open_url` opens it.
_ELSEWHERE: Final[Mapping[str, str]] = {
    "tcp": "softatecc.transports.tcp",
    "i2c": "softatecc.transports.i2c",
}


class NoResponse(Exception):  # noqa: N818 - what happened, not whose fault it is
    """The chip did not answer."""


class Transport(Protocol):
    """A way to a chip, emulated or real."""

    def wake(self) -> bytes:
        """Wake the chip; the four bytes it then shows, ``04 11 33 43``."""
        ...

    def exchange(self, packet: bytes) -> bytes:
        """Send a packet without word address, wait, and return the response group.

        Raises:
            NoResponse: nothing came back.
        """
        ...

    def idle(self) -> None:
        """Make the chip ignore the bus and keep its registers."""
        ...

    def sleep(self) -> None:
        """Make the chip forget its registers."""
        ...

    def close(self) -> None:
        """Give the way back."""
        ...


class EmulatorTransport:
    """A chip in this process, reached through its I2C port.

    Attributes:
        chip: the chip.
        port: its side of the bus.
    """

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.port = I2cPort(chip)

    def wake(self) -> bytes:
        """Wake the chip if it is not awake."""
        self.port.wake()

        return self.chip.wake_response

    def exchange(self, packet: bytes) -> bytes:
        """Write the packet, read the response back.

        Raises:
            NoResponse: the packet is shorter than its count says, so the chip waits for the rest.
        """
        self.port.wake()
        self.port.write(WordAddress.COMMAND, packet)
        group = self.port.read(_LONGEST_RESPONSE) if packet else None
        if group is None:
            self.port.write(WordAddress.RESET)
            raise NoResponse(
                f"the chip waits for more than the {len(packet)} bytes sent; send a whole packet"
            )

        return group[: group[0]]

    def idle(self) -> None:
        """Word address 02."""
        self.port.write(WordAddress.IDLE)

    def sleep(self) -> None:
        """Word address 01."""
        self.port.write(WordAddress.SLEEP)

    def close(self) -> None:
        """Nothing to give back."""


def serial_number(seed: str | None) -> bytes:
    """A serial number as Microchip numbers blank parts: ``01 23 … EE``, six bytes between.

    Args:
        seed: decides those bytes; random where None.
    """
    middle = (
        secrets.token_bytes(6) if seed is None else SeededEntropy(f"serial number of {seed}").random_bytes(6)
    )

    return b"\x01\x23" + middle + b"\xee"


def open_transport(url: str, *, seed: str | None = None) -> Transport:
    """Open the way to a chip.

    Args:
        url: ``emulator:blank``, or ``emulator:<profile>`` for a blank part that holds the profile's
            configuration and is not locked yet; ``tcp://127.0.0.1:8608`` for a part another process
            serves; ``i2c:///dev/i2c-1?addr=0x60`` for a part on a bus.
        seed: makes an emulated chip's serial number and random numbers repeatable.

    Raises:
        ValueError: the URL names nothing that can be opened.
        NoResponse: there is nothing at the other end.
    """
    scheme, _, name = url.partition(":")
    if scheme in _ELSEWHERE:
        opener = cast("Callable[[str], Transport]", import_module(_ELSEWHERE[scheme]).open_url)
        return opener(url)
    if scheme != "emulator" or name not in profiles.names():
        known = (*(f"emulator:{profile}" for profile in profiles.names()), "tcp://HOST:PORT")
        raise ValueError(
            f"{url!r} is no way to a chip; use one of {', '.join(known)} or i2c:///dev/i2c-N?addr=0x60"
        )
    entropy = SystemEntropy() if seed is None else SeededEntropy(seed)

    return EmulatorTransport(Chip.unprovisioned(name, serial_number(seed), entropy=entropy))
