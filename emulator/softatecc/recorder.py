"""Recording any transport: everything passes through, and is written down.

Rules of this file:
1. The recorder changes nothing on its way; a `NoResponse` passes through and is not recorded.
2. It reads the configuration once, before it begins, and follows from then on what the bus shows of its
   changes (Write, UpdateExtra, Lock); so it knows which bytes are secret without asking the part again.
3. What is secret is asked of the command's own handler, on a shadow chip that holds that configuration
   and nothing else.
"""

from __future__ import annotations

from softatecc.chip import Chip
from softatecc.commands import HANDLERS, NOT_UNDERSTOOD
from softatecc.config import Configuration
from softatecc.config_changes import after
from softatecc.host import Host
from softatecc.packet import Command, ResponseError, decode_response
from softatecc.recording import Exchange, Head, Power, Recording, Step
from softatecc.status import Rejected, Status
from softatecc.trace import Hidden, Shown
from softatecc.transports import Transport

_HEAD_SIZE, _STATUS_GROUP = 5, 4
_GARBLED = "the packet is garbled, so what it carries is unknown"


class Recorder:
    """A transport that writes down what passes through another.

    Args:
        transport: the way to the chip; it is asked for its configuration and revision.
        with_secrets: keep what the trace would hide; for tests only, the file then holds keys.

    Attributes:
        steps: what happened so far.
    """

    def __init__(self, transport: Transport, *, with_secrets: bool = False) -> None:
        self._transport = transport
        self._with_secrets = with_secrets
        host = Host(transport)
        configuration, revision = Configuration(host.read_configuration()), host.info_revision()
        transport.idle()
        self._head = Head(configuration, revision, with_secrets)
        self._shadow = Chip(configuration)
        self.steps: list[Step] = []

    @property
    def recording(self) -> Recording:
        """What was recorded so far."""
        return Recording(self._head, tuple(self.steps))

    def wake(self) -> bytes:
        """Wake the chip; recorded."""
        answer = self._transport.wake()
        self.steps.append(Power("wake", answer))
        return answer

    def exchange(self, packet: bytes) -> bytes:
        """Pass a packet on; recorded with its answer."""
        group = self._transport.exchange(packet)
        self.steps.append(self._kept(packet, group))
        return group

    def idle(self) -> None:
        """Idle the chip; recorded."""
        self._transport.idle()
        self.steps.append(Power("idle"))

    def sleep(self) -> None:
        """Make the chip sleep; recorded."""
        self._transport.sleep()
        self.steps.append(Power("sleep"))

    def close(self) -> None:
        """Close the transport underneath."""
        self._transport.close()

    def _kept(self, packet: bytes, group: bytes) -> Exchange:
        try:
            cmd = Command.decode(packet)
        except Rejected:
            surplus = len(packet) - _HEAD_SIZE
            if self._with_secrets or surplus <= 0:
                return Exchange(packet, b"", group)
            return Exchange(packet[:_HEAD_SIZE], Hidden(surplus, _GARBLED), group)
        handler = HANDLERS.get(cmd.opcode, NOT_UNDERSTOOD)
        data: Shown = cmd.data
        response: Shown = group
        if not self._with_secrets:
            why = handler.hides_request(self._shadow, cmd)
            if why is not None and cmd.data:
                data, packet = Hidden(len(cmd.data), why), packet[:_HEAD_SIZE]
            why = handler.hides_response(self._shadow, cmd)
            if why is not None and len(group) > _STATUS_GROUP:
                response = Hidden(len(group), why)
        self._follow(cmd, group)
        return Exchange(packet, data, response)

    def _follow(self, cmd: Command, group: bytes) -> None:
        """What a command that succeeded did to the configuration."""
        try:
            if decode_response(group) != bytes((Status.SUCCESS,)):
                return
        except ResponseError:
            return
        memory = self._shadow.memory
        memory.configuration = after(memory.configuration, cmd)
