"""The byte stream of wolfSSL's ATECC608Sim, so that its users can switch.

Rules of this file:
1. ``03`` brings a command group and is answered with the response group; ``00`` wakes, ``01`` sleeps,
   ``02`` idles, one byte each, and none of them is answered.
   Evidence: vendor-library - wolfSSL ATECC608Sim, its TCP format.
2. A command wakes the part: cryptoauthlib from 3.3 on wakes nobody on custom interfaces.
   Evidence: vendor-library - cryptoauthlib lib/hal/atca_hal.c.
3. The count byte decides where a group ends. A count that no group can have is a group of one byte, which
   the part answers with FF.
   Evidence: assumed - the stream has no other way to go on.
4. Any other first byte ends the conversation, since nothing says where the next group would begin.
   Evidence: assumed - likewise.
"""

from __future__ import annotations

from softatecc.packet import LARGEST_GROUP
from softatecc.ports.talk import StreamError
from softatecc.wire import I2cPort, Power, WordAddress

_SMALLEST_COUNT = 4


class Conversation:
    """One connection with one part.

    Args:
        port: the part.
    """

    def __init__(self, port: I2cPort) -> None:
        self._port = port
        self._pending = b""
        self._due = False

    @property
    def busy_for(self) -> float:
        """Seconds to wait before the next `step`, while the part acknowledges nothing."""
        return self._port.busy_for

    def feed(self, octets: bytes) -> None:
        """Take what the client sent."""
        self._pending += octets

    def step(self) -> bytes | None:
        """Do the next thing.

        Returns:
            what to send to the client, often nothing; None where it is the client's turn.

        Raises:
            StreamError: the client does not speak this format.
        """
        if self._due:
            return self._response()
        if not self._pending:
            return None
        match self._pending[0]:
            case WordAddress.COMMAND:
                return self._command()
            case WordAddress.RESET:
                self._port.wake()
            case WordAddress.SLEEP | WordAddress.IDLE as power:
                self._port.write(power)
            case other:
                raise StreamError(
                    f"byte {other:02x} is no word address; a client sends 03 and a packet, or 00, 01 or 02"
                )
        self._pending = self._pending[1:]

        return b""

    def _command(self) -> bytes | None:
        count = self._pending[1] if len(self._pending) > 1 else LARGEST_GROUP
        end = 1 + (count if _SMALLEST_COUNT <= count <= LARGEST_GROUP else 1)
        if len(self._pending) < end:
            return None
        if self._port.power is not Power.AWAKE:
            self._port.wake()
            return b""
        packet, self._pending = self._pending[1:end], self._pending[end:]
        self._due = self._port.write(WordAddress.COMMAND, packet)

        return b""

    def _response(self) -> bytes:
        group = self._port.read(LARGEST_GROUP)
        if group is None:  # the watchdog was quicker than the client: it reads that the part was reset
            self._port.wake()
            return b""
        self._due = False

        return group[: group[0]]
