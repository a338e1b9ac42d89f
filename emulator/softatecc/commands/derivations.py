"""The three functions of KDF: where each takes its key and message from, and what it makes of them.

Rules of this file:
1. The key is checked here; where the result may go, and counting the use, is the command's business.
2. A key in TempKey or in the Alternate Key Buffer stays there.
   Evidence: vendor-library - cryptoauthlib atca_tests_kdf.c uses one TempKey twice.
3. The message's length is the last byte of the details, except for AES, which takes 16 bytes always.
   Evidence: vendor-library - cryptoauthlib calib_kdf.c.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.guards import permit_secret, refuse, valid_temp_key
from softatecc.crypto import aes_encrypt, hmac_sha256
from softatecc.fields import KeyType
from softatecc.key_rules import forbids_aes
from softatecc.memory import TempKey
from softatecc.packet import Command
from softatecc.slots import Slot, forbids_read
from softatecc.status import obey, parse_error
from softatecc.zones import WORD

if TYPE_CHECKING:
    from softatecc.chip import Chip


class Source(IntEnum):
    """Bits 1:0 of the mode: where the key is."""

    TEMP_KEY = 0
    TEMP_KEY_UPPER = 1
    SLOT = 2
    ALTERNATE_KEY_BUFFER = 3


class MessageAt(IntEnum):
    """Bits 1:0 of HKDF's details."""

    SLOT = 0
    TEMP_KEY = 1
    INPUT = 2
    INPUT_WITH_IV = 3


@dataclass(frozen=True, slots=True)
class Derived:
    """What was derived.

    Attributes:
        target: 32 or 64 bytes for the target of the mode.
        source: the slot whose key was used, None where a register or nothing gave it.
        message: the slot that gave HKDF its message, None where it came from elsewhere.
        output: 32 bytes that go out whatever the target (PRF with AEAD), else nothing.
    """

    target: bytes = field(repr=False)
    source: Slot | None
    output: bytes = field(default=b"", repr=False)
    message: Slot | None = None


def _key_slot(chip: Chip, cmd: Command) -> Slot | None:
    """The slot the key is in, None where a register holds it."""
    return chip.slot(cmd.param2 & 0xFF) if cmd.param1 & 3 == Source.SLOT else None


_BLOCK, _AES_SIZE = 32, 16
_PRF_LONG, _PRF_AEAD, _PRF_AEAD_RESERVED = 0x100, 0x200, 0x400
_HKDF_ZERO_KEY = 0x04


def derive_prf(chip: Chip, cmd: Command, details: int, message: bytes) -> Derived:
    """P_SHA256 of TLS 1.2 (RFC 5246, 5); the label is part of the message.

    With AEAD the first 32 bytes go to the target, the next 32 out.
    """
    _expect_length(cmd, details, message)
    if details & _PRF_AEAD_RESERVED:
        raise parse_error(f"KDF's details 0x{details:08X} ask for an AEAD processing there is not")
    key = _key(chip, cmd, 0, 16 * ((details & 3) + 1))
    aead = bool(details & _PRF_AEAD)
    stream = _p_sha256(key, message, 64 if details & _PRF_LONG or aead else 32)

    source = _key_slot(chip, cmd)
    return Derived(stream[:_BLOCK], source, stream[_BLOCK:]) if aead else Derived(stream, source)


def _p_sha256(secret: bytes, seed: bytes, size: int) -> bytes:
    chained, stream = seed, b""
    while len(stream) < size:
        chained = hmac_sha256(secret, chained)
        stream += hmac_sha256(secret, chained + seed)

    return stream


def derive_aes(chip: Chip, cmd: Command, details: int, message: bytes) -> Derived:
    """AES-128 of one block, followed by 16 zero bytes."""
    if not chip.configuration.aes_enable:
        raise parse_error("this part has no AES: AES_Enable (byte 13, bit 0) is 0")
    if len(message) != _AES_SIZE:
        raise parse_error(f"KDF by AES takes a message of {_AES_SIZE} bytes, {len(message)} came")
    if not chip.configuration.chip_options.kdf_aes_enable:
        raise refuse("KDF by AES is off: ChipOptions.KdfAesEnable (bit 2) is 0")
    key = _key(chip, cmd, _AES_SIZE * (details & 3), _AES_SIZE, key_type=KeyType.AES)

    return Derived(aes_encrypt(key, message) + bytes(_AES_SIZE), _key_slot(chip, cmd))


def derive_hkdf(chip: Chip, cmd: Command, details: int, message: bytes) -> Derived:
    """HMAC-SHA-256 of a message: one step of RFC 5869, either half of it."""
    taken = _hkdf_message(chip, cmd, details, message)
    giver = chip.slot(details >> 8 & 0xF) if details & 3 == MessageAt.SLOT else None
    if details & _HKDF_ZERO_KEY:
        return Derived(hmac_sha256(bytes(_BLOCK), taken), None, message=giver)

    return Derived(hmac_sha256(_key(chip, cmd, 0, _BLOCK), taken), _key_slot(chip, cmd), message=giver)


def _hkdf_message(chip: Chip, cmd: Command, details: int, message: bytes) -> bytes:
    """The message from where the details say; IV demands two bytes at a place of the configuration.

    Evidence: assumed - which slot holds a message is in no public source; bits 11:8 of the details. That what
    cannot be read is taken in whole blocks only: byte by byte under a known key it could be guessed.
    """
    _expect_length(cmd, details, message)
    length = details >> 24
    match details & 3:
        case MessageAt.SLOT:
            slot = chip.slot(details >> 8 & 0xF)
            permit_secret(chip, slot, chip.volatile.temp_key)
            if forbids_read(slot, chip.configuration, WORD) is not None:
                _require_whole_blocks(str(slot), length)
            held = chip.memory.slot(slot.number)
        case MessageAt.TEMP_KEY:
            temp_key = valid_temp_key(chip)
            _require_whole_blocks("TempKey", length)
            held = temp_key.value if temp_key.is64 else temp_key.lower
        case MessageAt.INPUT:
            return message
        case _:
            place, wanted = chip.configuration.kdf_iv
            if message[place : place + 2] != wanted:
                raise refuse(f"the message has no IV {wanted.hex()} at byte {place} (KdfIvLoc, KdfIvStr)")
            return message
    if length > len(held):
        raise refuse(f"a message of {length} bytes is wanted of a place that holds {len(held)}")
    return held[:length]


def _require_whole_blocks(place: str, length: int) -> None:
    if length == 0 or length % _BLOCK:
        raise refuse(f"{place} cannot be read: HKDF takes whole blocks of {_BLOCK} bytes of it, not {length}")


def _expect_length(cmd: Command, details: int, message: bytes) -> None:
    if len(message) != details >> 24:
        raise parse_error(
            f"{cmd.name}'s details announce a message of {details >> 24} bytes, {len(message)} came"
        )


def _key(chip: Chip, cmd: Command, start: int, size: int, key_type: KeyType | None = None) -> bytes:
    """`size` bytes of the key material the mode names."""
    slot = _key_slot(chip, cmd)
    if slot is not None:
        return _slot_key(chip, slot, start, size, key_type)
    held = _register(chip, Source(cmd.param1 & 3))
    if start + size > len(held):
        raise refuse(f"the source holds {len(held)} bytes; {start + size} are wanted")

    return held[start : start + size]


def _register(chip: Chip, source: Source) -> bytes:
    if source is Source.ALTERNATE_KEY_BUFFER:
        if chip.volatile.alternate_key_buffer is None:
            raise refuse("the Alternate Key Buffer is not valid; Nonce with target 2 fills it")
        return chip.volatile.alternate_key_buffer
    held: TempKey = valid_temp_key(chip)
    if source is Source.TEMP_KEY:
        return held.value if held.is64 else held.lower
    if not held.is64:
        raise refuse("TempKey holds 32 bytes; there is no upper half")
    return held.value[_BLOCK:]


def _slot_key(chip: Chip, slot: Slot, start: int, size: int, key_type: KeyType | None) -> bytes:
    if start + size > slot.size:
        raise refuse(f"{slot} holds {slot.size} bytes; {start + size} are wanted")
    if key_type is KeyType.AES:
        obey(forbids_aes(slot))
    permit_secret(chip, slot, chip.volatile.temp_key)

    return chip.memory.slot(slot.number)[start : start + size]
