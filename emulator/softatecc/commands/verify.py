"""Verify, opcode 45: check an ECDSA signature, or let one make a stored public key usable."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.engines import require_ecc
from softatecc.commands.guards import (
    io_protection_key,
    mark,
    message,
    message_digest_buffer,
    permit_key,
    point,
    refuse,
    valid_temp_key,
    verification_key,
)
from softatecc.commands.layouts import head
from softatecc.commands.registry import SUCCESS, expect_data, expect_param2, handles, unknown_mode
from softatecc.crypto import EllipticCurvePublicKey, SignatureMismatch, sha256
from softatecc.crypto import verify as verify_signature
from softatecc.fields import KeyType
from softatecc.key_rules import forbids_validation, wants_random_nonce
from softatecc.memory import SourceFlag
from softatecc.packet import Command, Opcode
from softatecc.slots import INVALID, VALIDATED
from softatecc.status import Rejected, Status, obey

if TYPE_CHECKING:
    from softatecc.chip import Chip


class Mode(IntEnum):
    """Bits 2:0 of the mode."""

    STORED = 0
    VALIDATE_EXTERNAL = 1
    EXTERNAL = 2
    VALIDATE = 3
    INVALIDATE = 7


_BUFFER, _MAC = 0x20, 0x80
_RESERVED = 0b0101_1000
_SIGNATURE_SIZE, _POINT_SIZE, _OTHER_DATA_SIZE = 64, 64, 19
#: In OtherData: whether the signer saw the key valid (byte 53 of what it signed).
_SEEN_VALID = 17


@handles(Opcode.VERIFY)
def verify(chip: Chip, cmd: Command) -> bytes:
    """Verify a signature of the message in TempKey or the Message Digest Buffer.

    Evidence: vendor-library - cryptoauthlib calib_verify.c, atca_tests_verify.c: 01 for a signature that
    does not fit, 0F for a point off the curve or a public key nobody validated.
    """
    mode, in_buffer = cmd.param1 & 0b111, bool(cmd.param1 & _BUFFER)
    if cmd.param1 & _RESERVED or mode not in (*Mode,):
        raise unknown_mode(cmd)
    if mode in (Mode.VALIDATE, Mode.INVALIDATE, Mode.VALIDATE_EXTERNAL):
        if cmd.param1 & (_BUFFER | _MAC):
            # Evidence: assumed - what these bits mean to a validation is in no public source.
            raise unknown_mode(cmd)
        return _validate_external(chip, cmd) if mode == Mode.VALIDATE_EXTERNAL else _validate(chip, cmd)

    key = _supplied_key(cmd) if mode == Mode.EXTERNAL else _stored_key(chip, cmd, in_buffer=in_buffer)
    digest = message(chip, in_buffer=in_buffer)
    answer = _mac(chip, cmd, digest) if cmd.param1 & _MAC else SUCCESS
    _check(chip, key, digest, cmd.data[:_SIGNATURE_SIZE], in_buffer=in_buffer)

    return answer


def _supplied_key(cmd: Command) -> EllipticCurvePublicKey:
    """The host brings the key; only the curve is named. Works before the configuration lock too."""
    expect_param2(cmd, KeyType.P256)
    expect_data(cmd, _SIGNATURE_SIZE + _POINT_SIZE)

    return point(cmd.data[_SIGNATURE_SIZE:])


def _stored_key(chip: Chip, cmd: Command, *, in_buffer: bool) -> EllipticCurvePublicKey:
    expect_data(cmd, _SIGNATURE_SIZE)
    slot = chip.slot(cmd.param2)
    chip.require_config_locked()
    key = verification_key(chip, slot)
    # Evidence: assumed - LimitedUse of a public key is not counted; sources name private and secret keys.
    permit_key(chip, slot)
    if slot.key.req_random:
        # The Message Digest Buffer never holds a nonce of the chip's making.
        random = not in_buffer and valid_temp_key(chip).source_flag is SourceFlag.RANDOM
        obey(wants_random_nonce(slot, random=random))

    return key


def _mac(chip: Chip, cmd: Command, digest: bytes) -> bytes:
    """Proof for the host that it was this chip that verified, keyed by the I/O protection key.

    Evidence: vendor-library - cryptoauthlib atca_host.c (atcah_verify_mac).
    """
    chip.require_config_locked()
    key, buffer = io_protection_key(chip), message_digest_buffer(chip)
    nonce = buffer[32:64] if cmd.param1 & _BUFFER else buffer[:32]
    if len(nonce) != 32:
        raise refuse("the Message Digest Buffer holds 32 bytes; the nonce of the MAC is in its upper half")

    return sha256(key, digest, nonce, cmd.data[:_SIGNATURE_SIZE], head(cmd))


def _check(
    chip: Chip, key: EllipticCurvePublicKey, digest: bytes, signature: bytes, *, in_buffer: bool
) -> None:
    if in_buffer and chip.model.message_digest_buffer_consumed:
        chip.volatile.message_digest_buffer = None
    if not in_buffer and chip.model.verify_consumes_temp_key:
        chip.volatile.temp_key = None
    require_ecc(chip)
    try:
        verify_signature(key, digest, signature)
    except SignatureMismatch as error:
        raise Rejected(Status.MISCOMPARE, str(error)) from error


def _validate(chip: Chip, cmd: Command) -> bytes:
    """Let the parent key's signature make a stored public key valid, or invalid again.

    The parent has signed internally what this chip digests once more: TempKey as GenKey left it for
    that slot, and OtherData, which describe the slot as the signer saw it.

    Evidence: vendor-library - cryptoauthlib calib_verify.c, atca_host.c (atcah_sign_internal_msg),
    atca_tests_verify.c (verify_validate, verify_invalidate).
    """
    expect_data(cmd, _SIGNATURE_SIZE + _OTHER_DATA_SIZE)
    slot = chip.slot(cmd.param2)
    chip.require_config_locked()
    obey(forbids_validation(slot))
    other = cmd.data[_SIGNATURE_SIZE:]
    invalidates = cmd.param1 & 0b111 == Mode.INVALIDATE
    if bool(other[_SEEN_VALID] & 1) != invalidates:
        raise refuse(f"OtherData says the signer saw {slot} {'invalid' if invalidates else 'valid'} already")
    subject = valid_temp_key(chip)
    if not subject.gen_key_data or subject.key_id != slot.number:
        raise refuse(f"TempKey holds no GenKey digest of {slot}; GenKey in mode 10 makes one")
    signer = chip.slot(slot.config.read_key)
    permit_key(chip, signer)
    parent = verification_key(chip, signer)

    serial = chip.configuration.serial_number
    digest = sha256(
        subject.lower,
        bytes((Opcode.SIGN,)),
        other[:10],
        serial[8:9],
        other[10:14],
        serial[0:2],
        other[14:],
    )
    _check(chip, parent, digest, cmd.data[:_SIGNATURE_SIZE], in_buffer=False)
    mark(chip, slot, INVALID if invalidates else VALIDATED)
    return SUCCESS


def _validate_external(chip: Chip, cmd: Command) -> bytes:
    """Validation by an X.509 certificate, of which no public source says how it is computed: refused.

    Evidence: assumed - 0F, as where X509format permits no certificate.
    """
    expect_data(cmd, _SIGNATURE_SIZE + _POINT_SIZE)
    slot = chip.slot(cmd.param2)
    chip.require_config_locked()
    obey(forbids_validation(slot))
    raise refuse(f"{slot} is not validated by certificate: X509format {slot.key.x509_id} permits none")
