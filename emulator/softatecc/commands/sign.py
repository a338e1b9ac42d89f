"""Sign, opcode 41: an ECDSA signature by the key in a slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.registry import expect_data, handles, unknown_mode
from softatecc.crypto import sha256
from softatecc.memory import TempKey
from softatecc.packet import Command, Opcode
from softatecc.slots import VALIDATED, Slot, forbids_sign, is_no_private_p256
from softatecc.status import Rejected, Status, obey, parse_error

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
    if in_buffer and not external:
        # Evidence: assumed - the mode exists, what it signs is in no public source.
        raise parse_error("this emulator does not implement internal signatures of the Message Digest Buffer")
    expect_data(cmd, 0)
    slot = chip.slot(cmd.param2)
    # Evidence: assumed - that Sign does not wait for the data lock; no source says it does.
    chip.require_config_locked()
    obey(is_no_private_p256(slot))
    obey(forbids_sign(slot, external=external))
    chip.permit_key(slot)
    key = chip.private_key(slot)
    digest = chip.message(in_buffer=in_buffer) if external else _internal_digest(chip, cmd)

    chip.count_use(slot)
    signature = key.sign(digest, chip.entropy)
    if not in_buffer:
        chip.volatile.temp_key = None
    elif chip.model.message_digest_buffer_consumed:
        chip.volatile.message_digest_buffer = None

    return signature


def _internal_digest(chip: Chip, cmd: Command) -> bytes:
    """SHA-256 of 55 bytes that describe what TempKey holds and of which slot."""
    subject = chip.temp_key()
    if not (subject.gen_dig_data or subject.gen_key_data):
        why = "TempKey holds neither a GenDig nor a GenKey digest, which alone are signed internally"
        raise Rejected(Status.EXECUTION_ERROR, why)
    serial = chip.configuration.serial_number
    with_serial = bool(cmd.param1 & _SERIAL)

    return sha256(
        subject.lower,
        bytes((Opcode.SIGN, cmd.param1, cmd.param2, 0)),
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
    validated = (
        slot.is_public_p256 and slot.key.pub_info and chip.memory.slot(slot.number)[0] >> 4 == VALIDATED
    )

    return bytes((not slot.locked, validated))
