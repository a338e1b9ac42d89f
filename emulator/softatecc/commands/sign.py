"""Sign, opcode 41: an ECDSA signature by the key in a slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.engines import require_ecc, require_health
from softatecc.commands.guards import count_use, message, permit_key, private_key, refuse, valid_temp_key
from softatecc.commands.layouts import head
from softatecc.commands.registry import expect_data, handles, unknown_mode
from softatecc.crypto import sha256
from softatecc.key_rules import forbids_sign, is_no_private_p256, wants_random_nonce
from softatecc.memory import SourceFlag, TempKey
from softatecc.packet import Command, Opcode
from softatecc.slots import VALIDATED, Slot
from softatecc.status import obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_EXTERNAL, _SERIAL, _BUFFER, _INVALIDATE = 0x80, 0x40, 0x20, 0x01
_KNOWN = _EXTERNAL | _SERIAL | _BUFFER | _INVALIDATE


@handles(Opcode.SIGN)
def sign(chip: Chip, cmd: Command) -> bytes:
    """Sign the host's digest, or one that GenDig or GenKey left in TempKey; ``R || S``, 64 bytes.

    Evidence: vendor-library - cryptoauthlib calib_sign.c, atca_host.c (atcah_sign_internal_msg).
    """
    external, in_buffer = bool(cmd.param1 & _EXTERNAL), bool(cmd.param1 & _BUFFER)
    if cmd.param1 & ~_KNOWN or (external and cmd.param1 & _INVALIDATE):
        raise unknown_mode(cmd)
    if in_buffer and not external and not chip.model.internal_sign_from_buffer:
        raise unknown_mode(cmd)
    expect_data(cmd, 0)
    slot = chip.slot(cmd.param2)
    # Evidence: assumed - that Sign does not wait for the data lock; no source says it does.
    chip.require_config_locked()
    obey(is_no_private_p256(slot))
    obey(forbids_sign(slot, external=external))
    permit_key(chip, slot)
    key = private_key(chip, slot)
    digest = message(chip, in_buffer=in_buffer) if external else _internal_digest(chip, cmd, slot)
    require_health(chip)
    require_ecc(chip)

    count_use(chip, slot)
    signature = key.sign(digest, chip.entropy)
    if not (in_buffer and external):
        chip.volatile.temp_key = None
    if in_buffer and chip.model.message_digest_buffer_consumed:
        chip.volatile.message_digest_buffer = None

    return signature


def _internal_digest(chip: Chip, cmd: Command, slot: Slot) -> bytes:
    """SHA-256 of 55 bytes that describe what TempKey holds and of which slot."""
    subject = valid_temp_key(chip)
    if not (subject.gen_dig_data or subject.gen_key_data):
        raise refuse("TempKey holds neither a GenDig nor a GenKey digest, which alone are signed internally")
    # Evidence: assumed - sources name ReqRandom for digests and MACs; here the nonce is in the digest too.
    obey(wants_random_nonce(slot, random=subject.source_flag is SourceFlag.RANDOM))
    serial = chip.configuration.serial_number
    with_serial = bool(cmd.param1 & _SERIAL)

    return sha256(
        message(chip, in_buffer=bool(cmd.param1 & _BUFFER)),
        head(cmd),
        _description(chip, subject),
        bytes(2),
        serial[8:9],
        serial[4:8] if with_serial else bytes(4),
        serial[0:2],
        serial[2:4] if with_serial else bytes(2),
        _validity(chip, chip.slot(subject.key_id)),
        bytes(1),
    )


def _description(chip: Chip, subject: TempKey) -> bytes:
    """SlotConfig, KeyConfig and flags of the slot the digest was made from."""
    slot = chip.slot(subject.key_id)

    return (
        slot.config.value.to_bytes(2, "little")
        + slot.key.value.to_bytes(2, "little")
        + bytes((subject.flags,))
    )


def _validity(chip: Chip, slot: Slot) -> bytes:
    """Two bytes: 01 while the slot is *not* locked, 01 for a validated public key."""
    validated = slot.wants_validation and chip.memory.slot(slot.number)[0] >> 4 == VALIDATED

    return bytes((not slot.locked, validated))
