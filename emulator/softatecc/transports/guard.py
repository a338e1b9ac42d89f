"""Keeps silicon as it is: what cannot be undone on a part needs that part's serial number.

Rules of this file:
1. What is not known to leave the part as it is, is refused.
2. A use of a key that may be used a limited number of times changes the part, too.
3. The refusal names what would change, which part it is, and the flag that allows it.
"""

from __future__ import annotations

from collections.abc import Mapping

from softatecc.config import Configuration
from softatecc.packet import Command, Opcode
from softatecc.status import Rejected
from softatecc.transports import Transport
from softatecc.zones import SLOT_COUNT

#: The low bits of a mode that say what a command does, and the values that leave the part as it is.
_CREATES_KEY = 0x04
_COUNTER_INCREMENTS = 0x01
_VERIFY_KIND, _VERIFY_STORED, _VERIFY_EXTERNAL = 0b111, 0, 2
_ECDH_TARGET, _ECDH_BY_SLOT_CONFIG, _ECDH_TO_SLOT = 0b1100, 0b0000, 0b0100
_SHA_KIND, _SHA_HMAC_START = 0b111, 4
_KDF_TARGET, _KDF_TO_SLOT = 0b11100, 0b01000
#: Their second parameter is a slot whose key they use.
_USES_SLOT = frozenset(
    (
        *(Opcode.SIGN, Opcode.MAC, Opcode.CHECKMAC, Opcode.GENDIG, Opcode.ECDH, Opcode.KDF),
        *(Opcode.AES, Opcode.SHA, Opcode.VERIFY),
    )
)
_HARMLESS = frozenset(
    (
        *_USES_SLOT,
        *(Opcode.INFO, Opcode.READ, Opcode.RANDOM, Opcode.NONCE, Opcode.SELFTEST),
        *(Opcode.GENKEY, Opcode.COUNTER),
    )
)
_LASTING: Mapping[int, str] = {
    Opcode.WRITE: "writes memory",
    Opcode.PRIVWRITE: "writes a private key",
    Opcode.LOCK: "locks, which nothing undoes",
    Opcode.UPDATEEXTRA: "writes the configuration",
    Opcode.DERIVEKEY: "writes a derived key into a slot",
    Opcode.SECUREBOOT: "may write a digest or signature into a slot",
}


class ChangeRefused(Exception):  # noqa: N818 - what happened, in the reader's sentence
    """A command was not sent, since it would change a part of silicon for good."""


def lasting_change(command: Command, configuration: Configuration) -> str | None:
    """What a command may change for good, None where it leaves the part as it is.

    Evidence: document - public 608 Trust data sheets, command chapters.

    Args:
        command: what is about to be sent.
        configuration: the part's.
    """
    mode = command.param1
    if command.opcode not in _HARMLESS:
        return _LASTING.get(command.opcode, "may change the part")
    if command.opcode == Opcode.GENKEY and mode & _CREATES_KEY:
        return "makes a private key"
    if command.opcode == Opcode.COUNTER and mode & _COUNTER_INCREMENTS:
        return "counts a counter up, which never goes back"
    if command.opcode == Opcode.VERIFY and mode & _VERIFY_KIND not in (_VERIFY_STORED, _VERIFY_EXTERNAL):
        return "changes whether a stored public key is valid"
    if command.opcode == Opcode.KDF and mode & _KDF_TARGET == _KDF_TO_SLOT:
        return "writes a derived key into a slot"
    slot = _slot_used(command)
    if slot is None:
        return None
    config = configuration.slot_config[slot]
    if command.opcode == Opcode.ECDH and _writes_secret(mode, to_slot=config.ecdh_to_slot):
        return "writes a shared secret into a slot"
    if config.limited_use:
        return f"uses up one of the limited uses of slot {slot}"

    return None


def _slot_used(command: Command) -> int | None:
    """The slot whose key a command uses, None where it uses none."""
    mode, slot = command.param1, command.param2 & 0xFF
    none = (
        command.opcode not in _USES_SLOT
        or slot >= SLOT_COUNT
        or (command.opcode == Opcode.SHA and mode & _SHA_KIND != _SHA_HMAC_START)
        or (command.opcode == Opcode.VERIFY and mode & _VERIFY_KIND == _VERIFY_EXTERNAL)
    )

    return None if none else slot


def _writes_secret(mode: int, *, to_slot: bool) -> bool:
    target = mode & _ECDH_TARGET

    return target == _ECDH_TO_SLOT or (target == _ECDH_BY_SLOT_CONFIG and to_slot)


class GuardedTransport:
    """A transport to a part of silicon that leaves the part as it is.

    Args:
        transport: the way to the part.
        configuration: what the part's configuration zone holds.
        where: how the refusal calls the part's place.
    """

    def __init__(self, transport: Transport, configuration: Configuration, where: str) -> None:
        self._transport = transport
        self._configuration = configuration
        self._where = where

    def wake(self) -> bytes:
        """Wake the part."""
        return self._transport.wake()

    def exchange(self, packet: bytes) -> bytes:
        """Send a packet that leaves the part as it is.

        Raises:
            ChangeRefused: it does not; nothing was sent.
            NoResponse: nothing came back.
        """
        try:
            # Silicon may execute as many bytes as the count says and overlook the rest.
            command = Command.decode(packet[: packet[0]] if packet else b"")
        except Rejected:
            return self._transport.exchange(packet)  # the part will not understand it either
        change = lasting_change(command, self._configuration)
        if change is not None:
            serial = self._configuration.serial_number.hex()
            raise ChangeRefused(
                f"{command.name}({command.param1:02X}, {command.param2:04X}) {change}, and the part {serial} "
                f"at {self._where} is taken for silicon; add &allow-changes={serial} to the URL to allow it"
            )
        return self._transport.exchange(packet)

    def idle(self) -> None:
        """Idle the part."""
        self._transport.idle()

    def sleep(self) -> None:
        """Make the part sleep."""
        self._transport.sleep()

    def close(self) -> None:
        """Give the way back."""
        self._transport.close()
