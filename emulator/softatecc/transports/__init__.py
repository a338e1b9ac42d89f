"""The one switch between the emulator and real hardware: a URL.

Rules of this file:
1. A transport moves packets and power; what they mean is not its business.
2. `Transport.exchange` finds the device awake or wakes it: no caller needs to know about watchdogs.
"""

import secrets
from typing import Protocol

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.entropy import SeededEntropy, SystemEntropy
from softatecc.packet import WAKE_RESPONSE
from softatecc.wire import I2cPort, WordAddress

_LONGEST_RESPONSE = 155
_LATER = ("tcp", "i2c", "kit-hid")


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

        return WAKE_RESPONSE

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
            configuration and is not locked yet.
        seed: makes an emulated chip's serial number and random numbers repeatable.

    Raises:
        ValueError: the URL names nothing this version can open.
    """
    scheme, _, name = url.partition(":")
    if scheme in _LATER:
        raise ValueError(
            f"{url!r} is real hardware or another process, which comes later; use emulator:blank"
        )
    if scheme != "emulator" or name not in profiles.names():
        known = ", ".join(f"emulator:{profile}" for profile in profiles.names())
        raise ValueError(f"{url!r} is no way to a chip; use one of {known}")
    entropy = SystemEntropy() if seed is None else SeededEntropy(seed)

    return EmulatorTransport(Chip.unprovisioned(name, serial_number(seed), entropy=entropy))
