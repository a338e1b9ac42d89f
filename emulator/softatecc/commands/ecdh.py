"""ECDH, opcode 43: agree on a secret with the owner of a public key."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.engines import require_ecc
from softatecc.commands.guards import count_use, permit_key, permit_result, point, private_key, put, refuse
from softatecc.commands.protection import Way, hidden, permitted
from softatecc.commands.registry import SUCCESS, expect_data, handles, unknown_mode
from softatecc.crypto import PrivateKey
from softatecc.key_rules import forbids_ecdh, is_no_private_p256
from softatecc.memory import temp_key
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot
from softatecc.status import obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_FROM_TEMP_KEY, _ENCRYPTED = 0x01, 0x02
_POINT_SIZE = 64
_SLOT_TO_SLOT = 0x04


class Target(IntEnum):
    """Bits 3:2 of the mode."""

    COMPATIBLE = 0
    SLOT = 1
    TEMP_KEY = 2
    OUTPUT = 3


_MODES = (0x00, _SLOT_TO_SLOT, 0x05, 0x08, 0x09, 0x0C, 0x0D, 0x0E, 0x0F)


def _hides_response(chip: Chip, cmd: Command) -> str | None:  # noqa: ARG001 - one signature for all
    return None if cmd.param1 & _ENCRYPTED else "ECDH's output is a shared secret"


@handles(Opcode.ECDH, hides_response=_hides_response)
def ecdh(chip: Chip, cmd: Command) -> bytes:
    """The X coordinate of the shared point, 32 bytes: put out, put out encrypted, or kept inside.

    Evidence: vendor-library - cryptoauthlib calib_ecdh.c, atca_tests_ecdh.c.
    """
    if cmd.param1 not in _MODES or (cmd.param1 == _SLOT_TO_SLOT and not chip.model.ecdh_slot_to_slot):
        raise unknown_mode(cmd)
    expect_data(cmd, _POINT_SIZE)
    source = None if cmd.param1 & _FROM_TEMP_KEY else chip.slot(cmd.param2)
    destination = chip.slot(cmd.param2) if cmd.param1 >> 2 == Target.SLOT else None
    chip.require_config_locked()
    way = _way(cmd, source)
    if way is Way.SLOT:
        destination = destination if source is None else chip.slot(source.number | 1)
    key = _ephemeral_key(chip) if source is None else _stored_key(chip, source, way)
    way = permitted(chip, way, chip.configuration.chip_options.ecdh_protection, "ECDHPROT")
    if destination is not None:
        permit_result(chip, destination)
    secret = _agree(chip, key, cmd.data)
    answer = hidden(chip, secret) if way is Way.ENCRYPTED else secret

    if source is None:
        chip.volatile.temp_key = None
    else:
        count_use(chip, source)
    if destination is not None:
        put(chip, destination, secret)
    elif way is Way.REGISTER:
        chip.volatile.temp_key = temp_key(secret, chip.model.derived_temp_key_source)
    return answer if way in (Way.CLEAR, Way.ENCRYPTED) else SUCCESS


def _way(cmd: Command, source: Slot | None) -> Way:
    """Where the secret goes; in compatible mode SlotConfig of the key decides."""
    target = cmd.param1 >> 2
    into_slot = source is not None and source.config.ecdh_to_slot
    if target == Target.SLOT or (target == Target.COMPATIBLE and into_slot):
        return Way.SLOT
    if target == Target.TEMP_KEY:
        return Way.REGISTER
    return Way.ENCRYPTED if cmd.param1 & _ENCRYPTED else Way.CLEAR


def _stored_key(chip: Chip, slot: Slot, way: Way) -> PrivateKey:
    obey(is_no_private_p256(slot))
    obey(forbids_ecdh(slot, output=way in (Way.CLEAR, Way.ENCRYPTED)))
    permit_key(chip, slot)

    return private_key(chip, slot)


def _ephemeral_key(chip: Chip) -> PrivateKey:
    """The key GenKey left in TempKey; ECDH uses it once.

    Evidence: vendor-library - cryptoauthlib calib_ecdh.c (calib_ecdh_tempkey), atca_tests_ecdh.c.
    """
    held = chip.volatile.temp_key
    if held is None or not held.private:
        raise refuse("TempKey holds no ephemeral private key; GenKey with param2 FFFF makes one")
    return PrivateKey(held.lower)


def _agree(chip: Chip, key: PrivateKey, octets: bytes) -> bytes:
    other = point(octets)
    require_ecc(chip)

    return key.exchange(other)
