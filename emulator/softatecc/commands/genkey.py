"""GenKey, opcode 40: make a private key, compute a public one, or digest one into TempKey."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from softatecc.commands.engines import private_scalar
from softatecc.commands.guards import permit_key, private_key, valid_temp_key
from softatecc.commands.layouts import digest
from softatecc.commands.registry import SUCCESS, expect_data, handles, unknown_mode
from softatecc.crypto import PrivateKey
from softatecc.key_rules import (
    forbids_create,
    forbids_public,
    is_no_private_p256,
    is_no_public_p256,
    wants_random_nonce,
)
from softatecc.memory import SourceFlag, TempKey, temp_key
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot
from softatecc.status import obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_CREATE, _DIGEST, _PUBLIC, _STORED = 0x04, 0x08, 0x00, 0x10
_INTO_TEMP_KEY = 0xFFFF
_OTHER_DATA_SIZE = 3


@handles(Opcode.GENKEY)
def genkey(chip: Chip, cmd: Command) -> bytes:
    """Make a P-256 key in a slot, recompute its public half, or digest a public key into TempKey.

    The private scalar never appears in a response: this returns ``X || Y``, 64 bytes, or a status.

    Evidence: vendor-library - cryptoauthlib calib_genkey.c, atca_host.c (atcah_gen_key_msg); logs of a
    608A show 0F before the configuration lock and on slots that hold no private key.
    """
    if cmd.param1 not in (_PUBLIC, _PUBLIC | _DIGEST, _CREATE, _CREATE | _DIGEST, _STORED):
        raise unknown_mode(cmd)
    expect_data(cmd, _OTHER_DATA_SIZE if cmd.param1 == _STORED else 0)
    if cmd.param1 == _CREATE and cmd.param2 == _INTO_TEMP_KEY:
        return _ephemeral(chip)
    slot = chip.slot(cmd.param2)
    chip.require_config_locked()

    if cmd.param1 == _STORED:
        return _digest_stored(chip, slot, cmd.data)
    obey(is_no_private_p256(slot))
    permit_key(chip, slot)
    nonce = _nonce(chip, slot) if cmd.param1 & _DIGEST else None
    public = _create(chip, slot) if cmd.param1 & _CREATE else _public(chip, slot)
    if nonce is not None:
        _digest(chip, slot, nonce, bytes((cmd.param1, slot.number, 0)), public)

    return public


def _create(chip: Chip, slot: Slot) -> bytes:
    obey(forbids_create(slot, chip.configuration))

    return chip.memory.store_private_key(slot.number, private_scalar(chip)).public


def _public(chip: Chip, slot: Slot) -> bytes:
    obey(forbids_public(slot))

    return private_key(chip, slot).public


def _ephemeral(chip: Chip) -> bytes:
    """A private key that lives in TempKey until ECDH has used it.

    Evidence: assumed - the flags such a key leaves in TempKey are in no public source.
    """
    chip.require_config_locked()
    scalar = private_scalar(chip)
    chip.volatile.temp_key = TempKey(
        scalar.ljust(64, b"\x00"), SourceFlag.RANDOM, gen_key_data=True, private=True
    )

    return PrivateKey(scalar).public


def _digest_stored(chip: Chip, slot: Slot, other_data: bytes) -> bytes:
    obey(is_no_public_p256(slot))
    permit_key(chip, slot)
    _digest(chip, slot, _nonce(chip, slot), other_data, chip.memory.public_key(slot.number))

    return SUCCESS


def _nonce(chip: Chip, slot: Slot) -> TempKey:
    """TempKey as the digest needs it: valid, and random where the slot demands it."""
    nonce = valid_temp_key(chip)
    obey(wants_random_nonce(slot, random=nonce.source_flag is SourceFlag.RANDOM))

    return nonce


def _digest(chip: Chip, slot: Slot, nonce: TempKey, header: bytes, public: bytes) -> None:
    """Put the digest of a public key into TempKey (cryptoauthlib atca_host.c, atcah_gen_key_msg)."""
    value = digest(chip, nonce.lower, bytes((Opcode.GENKEY,)) + header, public)
    filled = temp_key(value, nonce.source_flag, gen_key_data=True, key_id=slot.number)
    chip.volatile.temp_key = replace(filled, no_mac_flag=nonce.no_mac_flag)
