"""Verify, opcode 45: check an ECDSA signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.registry import SUCCESS, expect_data, expect_param2, handles, unknown_mode
from softatecc.crypto import SignatureMismatch, public_key
from softatecc.crypto import verify as verify_signature
from softatecc.fields import KeyType
from softatecc.memory import SourceFlag
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot, is_no_public_p256, is_not_validated
from softatecc.status import Rejected, Status, obey, parse_error

if TYPE_CHECKING:
    from softatecc.chip import Chip

_STORED, _VALIDATE_EXTERNAL, _EXTERNAL, _VALIDATE, _INVALIDATE = 0, 1, 2, 3, 7
_NOT_YET = {_VALIDATE_EXTERNAL: "ValidateExternal", _VALIDATE: "Validate", _INVALIDATE: "Invalidate"}
_BUFFER, _MAC = 0x20, 0x80
_RESERVED = 0b0101_1000
_SIGNATURE_SIZE = 64


@handles(Opcode.VERIFY)
def verify(chip: Chip, cmd: Command) -> bytes:
    """Verify a signature of the message in TempKey or the Message Digest Buffer.

    Evidence: vendor-library - cryptoauthlib calib_verify.c, atca_tests_verify.c: 01 for a signature that
    does not fit, 0F for a point off the curve or a public key nobody validated.
    """
    mode, in_buffer = cmd.param1 & 0b111, bool(cmd.param1 & _BUFFER)
    if cmd.param1 & _RESERVED or mode not in (_STORED, _EXTERNAL, *_NOT_YET):
        raise unknown_mode(cmd)
    if mode in _NOT_YET:
        # Evidence: assumed - the silicon has these modes, the emulator not yet.
        raise parse_error(f"this emulator does not implement Verify {_NOT_YET[mode]} yet; silicon has it")
    if cmd.param1 & _MAC:
        raise parse_error(
            "this emulator does not implement Verify with a MAC as its answer yet; silicon has it"
        )
    point = _supplied_key(cmd) if mode == _EXTERNAL else _stored_key(chip, cmd, in_buffer=in_buffer)
    message = chip.message(in_buffer=in_buffer)

    return _verify(chip, point, message, cmd.data[:_SIGNATURE_SIZE], in_buffer=in_buffer)


def _supplied_key(cmd: Command) -> bytes:
    """The host brings the key; only the curve is named. Works before the configuration lock too."""
    expect_param2(cmd, KeyType.P256)
    expect_data(cmd, 2 * _SIGNATURE_SIZE)

    return cmd.data[_SIGNATURE_SIZE:]


def _stored_key(chip: Chip, cmd: Command, *, in_buffer: bool) -> bytes:
    expect_data(cmd, _SIGNATURE_SIZE)
    slot = chip.slot(cmd.param2)
    chip.require_config_locked()
    obey(is_no_public_p256(slot))
    obey(is_not_validated(slot, chip.memory.slot(slot.number)[0]))
    # Evidence: assumed - LimitedUse of a public key is not counted; sources name private and secret keys.
    chip.permit_key(slot)
    obey(_wants_random_nonce(chip, slot, in_buffer=in_buffer))

    return chip.memory.public_key(slot.number)


def _wants_random_nonce(chip: Chip, slot: Slot, *, in_buffer: bool) -> str | None:
    """ReqRandom: the message must come from a random nonce, which the buffer never holds."""
    if slot.key.req_random and (in_buffer or chip.temp_key().source_flag is not SourceFlag.RANDOM):
        return f"{slot} wants a random nonce: KeyConfig.ReqRandom (bit 6) is 1, the message is the host's"
    return None


def _verify(chip: Chip, point: bytes, message: bytes, signature: bytes, *, in_buffer: bool) -> bytes:
    try:
        key = public_key(point)
    except ValueError as error:
        raise Rejected(Status.EXECUTION_ERROR, "the public key is no point of the curve P-256") from error

    if in_buffer and chip.model.message_digest_buffer_consumed:
        chip.volatile.message_digest_buffer = None
    if not in_buffer and chip.model.verify_consumes_temp_key:
        chip.volatile.temp_key = None
    try:
        verify_signature(key, message, signature)
    except SignatureMismatch as error:
        raise Rejected(Status.MISCOMPARE, str(error)) from error

    return SUCCESS
