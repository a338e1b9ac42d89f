"""What several commands must find before they act: registers, keys, nonces, slots to write into.

Rules of this file:
1. A guard hands out what it guards, or refuses with 0F; the sentence names slot, bit or register.
2. A TempKey that a command works with is used up by the attempt, good or bad, where the command says so.
   Evidence: vendor-library - cryptoauthlib atca_host.c: the host's copy is invalidated before the checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.crypto import EllipticCurvePublicKey, PrivateKey, public_key
from softatecc.key_rules import (
    forbids_key_use,
    forbids_result,
    is_no_public_p256,
    is_not_validated,
    is_private,
    wants_random_nonce,
)
from softatecc.memory import SourceFlag, TempKey
from softatecc.slots import INVALID, Slot
from softatecc.status import Rejected, Status, obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_KEY_SIZE = 32


def refuse(why: str) -> Rejected:
    """The refusal of what the present state forbids: status 0F."""
    return Rejected(Status.EXECUTION_ERROR, why)


# --- registers ------------------------------------------------------------------------------------


def valid_temp_key(chip: Chip) -> TempKey:
    """TempKey, for commands that work on its value."""
    temp_key = chip.volatile.temp_key
    if temp_key is None:
        raise refuse("TempKey is not valid; Nonce fills it, and many commands empty it")
    if temp_key.private:
        # Evidence: assumed - no source shows another command taking that key as data.
        raise refuse("TempKey holds an ephemeral private key, which only ECDH may use")
    return temp_key


def use_up_temp_key(chip: Chip) -> TempKey:
    """TempKey, which the command empties whatever comes of it."""
    temp_key = valid_temp_key(chip)
    chip.volatile.temp_key = None

    return temp_key


def message(chip: Chip, *, in_buffer: bool) -> bytes:
    """The 32 bytes Sign and Verify work on: of the Message Digest Buffer or of TempKey."""
    if not in_buffer:
        return valid_temp_key(chip).lower
    return message_digest_buffer(chip)[:32]


def message_digest_buffer(chip: Chip) -> bytes:
    """The 32 or 64 bytes of the Message Digest Buffer."""
    buffer = chip.volatile.message_digest_buffer
    if buffer is None:
        raise refuse("the Message Digest Buffer is not valid; Nonce with target 1 fills it")
    return buffer


# --- keys -----------------------------------------------------------------------------------------


def private_key(chip: Chip, slot: Slot) -> PrivateKey:
    """The private key in a slot."""
    key = chip.memory.private_key(slot.number)
    if key is None:
        raise refuse(f"{slot} holds no private key yet; GenKey makes one")
    return key


def verification_key(chip: Chip, slot: Slot) -> EllipticCurvePublicKey:
    """The public key in a slot, validated where it must be."""
    obey(is_no_public_p256(slot))
    obey(is_not_validated(slot, chip.memory.slot(slot.number)[0]))

    return point(chip.memory.public_key(slot.number))


def point(octets: bytes) -> EllipticCurvePublicKey:
    """The public key ``X || Y``; off the curve is an execution error (cryptoauthlib atca_tests_verify.c)."""
    try:
        return public_key(octets)
    except ValueError as error:
        raise refuse("the public key is no point of the curve P-256") from error


def permit_key(chip: Chip, slot: Slot) -> None:
    """Ask what any use of a key must satisfy: authorization and the persistent latch.

    Evidence: document - 508A data sheet (KeyConfig) and public 608 Trust data sheets.
    """
    obey(forbids_key_use(slot, chip.volatile.auth_key, latch=chip.persistent_latch))


def count_use(chip: Chip, slot: Slot) -> None:
    """Count one use of a limited key, or refuse the use beyond the limit."""
    if slot.config.limited_use:
        chip.memory.count_use(str(slot))


def permit_secret(chip: Chip, slot: Slot, nonce: TempKey | None) -> None:
    """Ask whether a slot may serve as a symmetric key under this nonce; nothing is counted yet.

    Evidence: document - 508A data sheet (KeyConfig) and public 608 Trust data sheets.
    """
    obey(is_private(slot))
    permit_key(chip, slot)
    obey(wants_random_nonce(slot, random=nonce is not None and nonce.source_flag is SourceFlag.RANDOM))


def secret(chip: Chip, slot: Slot) -> bytes:
    """The first 32 bytes of a slot as a key; counts as one use where its use is limited."""
    count_use(chip, slot)

    return chip.memory.slot(slot.number)[:_KEY_SIZE]


def session_key(chip: Chip, slot: Slot, number: int, purpose: str) -> bytes:
    """TempKey as a key that hides a slot's contents on the bus; used up by the attempt.

    Evidence: vendor-library - cryptoauthlib calib_read.c, calib_write.c, calib_privwrite.c: one Nonce and
    one GenDig for each block.

    Args:
        chip: the chip.
        slot: the slot that is read or written.
        number: the slot whose key GenDig must have mixed in.
        purpose: what a refusal says is done to the slot.
    """
    key = use_up_temp_key(chip)
    random = key.source_flag is SourceFlag.RANDOM
    if random and key.gen_dig_data and key.key_id == number and not key.no_mac_flag:
        return key.lower

    raise refuse(
        f"{slot} is {purpose} under a random nonce digested (GenDig) with slot {number}; TempKey has "
        f"SourceFlag {key.source_flag:d}, GenDigData {key.gen_dig_data:d}, KeyID {key.key_id}, "
        f"NoMacFlag {key.no_mac_flag:d}"
    )


def io_protection_key(chip: Chip) -> bytes:
    """The key that hides results and digests on the bus.

    Evidence: document - public 608 Trust data sheets, ChipOptions.
    """
    options = chip.configuration.chip_options
    if not options.io_protection_key_enable:
        raise refuse("the I/O protection key is off: ChipOptions.IOProtectionKeyEnable (bit 1) is 0")
    slot = chip.slot(options.io_protection_key)
    obey(is_private(slot))

    return chip.memory.slot(slot.number)[:_KEY_SIZE]


# --- slots that take a result ---------------------------------------------------------------------


def permit_result(chip: Chip, slot: Slot) -> None:
    """Ask whether ECDH or KDF may leave its result in a slot."""
    first_byte = chip.memory.slot(slot.number)[0]
    obey(forbids_result(slot, first_byte, never_too=chip.model.kdf_writes_never_slots))


def put(chip: Chip, slot: Slot, octets: bytes) -> None:
    """Overwrite the beginning of a slot; a public key that must be validated is invalid afterwards."""
    chip.memory.store(slot.number, octets + chip.memory.slot(slot.number)[len(octets) :])
    if slot.wants_validation:
        mark(chip, slot, INVALID)


def mark(chip: Chip, slot: Slot, validity: int) -> None:
    """Set the validity mark of a public key, the high nibble of byte 0.

    Evidence: vendor-library - cryptoauthlib atca_tests_verify.c: A after a write, 5 once validated.
    """
    contents = chip.memory.slot(slot.number)
    chip.memory.store(slot.number, bytes((validity << 4 | contents[0] & 0xF,)) + contents[1:])
