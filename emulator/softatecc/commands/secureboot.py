"""SecureBoot, opcode 80: does this firmware carry the signature it must?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.engines import require_ecc
from softatecc.commands.guards import (
    io_protection_key,
    permit_key,
    put,
    refuse,
    use_up_temp_key,
    verification_key,
)
from softatecc.commands.layouts import head
from softatecc.commands.registry import SUCCESS, expect_data, expect_param2, handles, unknown_mode
from softatecc.crypto import SignatureMismatch, equal, sha256, verify, xor
from softatecc.key_rules import is_private
from softatecc.memory import SourceFlag
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot, is_slot_locked
from softatecc.status import Rejected, Status, obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_PROHIBIT, _ENCRYPTED, _RESERVED = 0x40, 0x80, 0x38
_DIGEST_SIZE, _SIGNATURE_SIZE = 32, 64
_ERASED = 0xFF


class Mode(IntEnum):
    """Bits 2:0 of the mode."""

    FULL = 5
    FULL_STORE = 6
    FULL_COPY = 7


class Stores(IntEnum):
    """SecureBootMode, bits 1:0 of SecureBootConfig: what FullCopy keeps."""

    OFF = 0
    NOTHING = 1
    SIGNATURE = 2
    DIGEST = 3


@dataclass(frozen=True, slots=True)
class _Question:
    """A digest, in clear, and the key that hid it on the bus, if one did."""

    digest: bytes
    hiding: bytes | None


@handles(Opcode.SECUREBOOT)
def secureboot(chip: Chip, cmd: Command) -> bytes:
    """Check a firmware digest against a signature, or against what an earlier check left in a slot.

    Evidence: vendor-library - cryptoauthlib calib_secureboot.c, atca_host.c (atcah_secureboot_enc,
    atcah_secureboot_mac), atca_tests_secureboot.c.
    """
    mode = cmd.param1 & 0b111
    if cmd.param1 & _RESERVED or mode not in (*Mode,):
        raise unknown_mode(cmd)
    expect_param2(cmd, 0)
    expect_data(cmd, _DIGEST_SIZE if mode == Mode.FULL_STORE else _DIGEST_SIZE + _SIGNATURE_SIZE)
    chip.require_config_locked()
    kept = chip.slot(chip.configuration.secure_boot.digest_slot)
    stores = _permitted(chip, Mode(mode), kept)
    question = _question(chip, cmd)
    proof = _proof(chip, cmd, stores, kept)
    _check(chip, question.digest, proof)

    if mode == Mode.FULL_COPY:
        put(chip, kept, question.digest if stores is Stores.DIGEST else cmd.data[_DIGEST_SIZE:])
    if chip.configuration.secure_boot.persist_enable:
        chip.persistent_latch = True
    if cmd.param1 & _PROHIBIT:
        # Evidence: assumed - that only a check that succeeds prohibits the next ones.
        chip.boot_prohibited = True
    if question.hiding is None:
        return SUCCESS
    return sha256(
        question.hiding, question.digest, proof if len(proof) == _SIGNATURE_SIZE else b"", head(cmd)
    )


def _permitted(chip: Chip, mode: Mode, kept: Slot) -> Stores:
    """Whether the configuration knows this mode; what it keeps between two boots."""
    stores = Stores(chip.configuration.secure_boot.mode)
    if stores is Stores.OFF:
        raise refuse("SecureBoot is off: SecureBootConfig (bytes 70-71) bits 1:0 are 0")
    if chip.boot_prohibited:
        raise refuse("SecureBoot was prohibited until the next loss of power (mode bit 6)")
    if mode is Mode.FULL:
        return stores
    if stores is Stores.NOTHING:
        raise refuse(f"{mode.name} keeps something between boots: SecureBootConfig bits 1:0 are 1 (FullBoth)")
    obey(is_private(kept))
    if stores is Stores.SIGNATURE and kept.size < _SIGNATURE_SIZE:
        raise refuse(f"{kept} holds {kept.size} bytes; a signature needs {_SIGNATURE_SIZE}")
    if mode is Mode.FULL_COPY:
        obey(is_slot_locked(kept))
    return stores


def _question(chip: Chip, cmd: Command) -> _Question:
    """The digest, unmasked where it came masked by the I/O protection key and a nonce."""
    sent, wants_nonce = cmd.data[:_DIGEST_SIZE], chip.configuration.secure_boot.rand_nonce
    if not cmd.param1 & _ENCRYPTED:
        if wants_nonce:
            # Evidence: assumed - by the name of the bit; no source says what it refuses.
            raise refuse("SecureBoot wants an encrypted digest: SecureBootConfig.RandNonce (bit 4) is 1")
        return _Question(sent, None)
    key = io_protection_key(chip)
    nonce = use_up_temp_key(chip)
    if wants_nonce and nonce.source_flag is not SourceFlag.RANDOM:
        raise refuse("SecureBoot wants a random nonce: SecureBootConfig.RandNonce (bit 4) is 1")
    hiding = sha256(key, nonce.lower)

    return _Question(xor(sent, hiding), hiding)


def _proof(chip: Chip, cmd: Command, stores: Stores, kept: Slot) -> bytes:
    """What the digest is checked against: a signature of 64 bytes, or a digest of 32."""
    if cmd.param1 & 0b111 != Mode.FULL_STORE:
        return cmd.data[_DIGEST_SIZE:]
    size = _SIGNATURE_SIZE if stores is Stores.SIGNATURE else _DIGEST_SIZE
    stored = chip.memory.slot(kept.number)[:size]
    if stored == bytes((_ERASED,)) * size:
        # Evidence: assumed - an erased slot is told from one that holds another digest.
        raise refuse(f"{kept} holds nothing yet; FullCopy fills it")
    return stored


def _check(chip: Chip, digest: bytes, proof: bytes) -> None:
    if len(proof) == _DIGEST_SIZE:
        if not equal(digest, proof):
            raise Rejected(Status.MISCOMPARE, "the digest is not the one an earlier check left")
        return
    slot = chip.slot(chip.configuration.secure_boot.public_key_slot)
    permit_key(chip, slot)
    key = verification_key(chip, slot)
    require_ecc(chip)
    try:
        verify(key, digest, proof)
    except SignatureMismatch as error:
        raise Rejected(Status.MISCOMPARE, str(error)) from error
