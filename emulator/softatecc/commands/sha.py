"""SHA, opcode 47: SHA-256 and HMAC, with a context that can be taken out and put back."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.guards import permit_key, secret, valid_temp_key
from softatecc.commands.registry import SUCCESS, expect_data, expect_param2, handles, unknown_mode
from softatecc.key_rules import forbids_mac, is_no_public_p256, is_private
from softatecc.memory import ShaContext, temp_key
from softatecc.packet import Command, Opcode
from softatecc.sha256 import BLOCK_SIZE, Sha256
from softatecc.status import Rejected, Status, obey, parse_error

if TYPE_CHECKING:
    from softatecc.chip import Chip


class Mode(IntEnum):
    """Bits 2:0 of the first parameter; 5, HMAC end, is of the 508A only."""

    START = 0
    UPDATE = 1
    END = 2
    PUBLIC = 3
    HMAC_START = 4
    READ_CONTEXT = 6
    WRITE_CONTEXT = 7


class Target(IntEnum):
    """Bits 7:6 of the first parameter, where the end leaves the digest beside the output."""

    TEMP_KEY = 0
    MESSAGE_DIGEST_BUFFER = 1
    OUTPUT_ONLY = 3


_TEMP_KEY_AS_KEY = 0xFFFF
_INNER, _OUTER = 0x36, 0x5C
#: Byte count and eight state words, before the bytes not yet in a block.
_CONTEXT_HEAD = 36
_LONGEST = 0xFFFF_FFFF


@handles(Opcode.SHA)
def sha(chip: Chip, cmd: Command) -> bytes:
    """Start, feed and end a hash; every end answers with the 32-byte digest.

    Evidence: vendor-library - cryptoauthlib calib_sha.c, atca_tests_sha.c (digests, HMAC, contexts).
    """
    mode = cmd.param1 & 0b111
    step = _STEPS.get(mode)
    if step is None or (cmd.param1 & ~0b111 and mode != Mode.END):
        raise unknown_mode(cmd)
    return step(chip, cmd)


def _start(chip: Chip, cmd: Command) -> bytes:
    expect_data(cmd, 0)
    chip.volatile.sha = ShaContext(Sha256())

    return SUCCESS


def _update(chip: Chip, cmd: Command) -> bytes:
    _expect_message(cmd, BLOCK_SIZE)
    _feed(chip, cmd.data)

    return SUCCESS


def _public(chip: Chip, cmd: Command) -> bytes:
    """Take in the 64 bytes of a stored public key.

    Evidence: assumed - that the slot must be declared as a public key is in no public source.
    """
    expect_data(cmd, 0)
    slot = chip.slot(cmd.param2)
    chip.require_config_locked()
    obey(is_no_public_p256(slot))
    _feed(chip, chip.memory.public_key(slot.number))

    return SUCCESS


def _end(chip: Chip, cmd: Command) -> bytes:
    target = cmd.param1 >> 6
    if cmd.param1 & 0b0011_1000 or target not in (*Target,):
        raise unknown_mode(cmd)
    _expect_message(cmd, BLOCK_SIZE - 1)
    context = _feed(chip, cmd.data)
    digest = context.hash.digest()
    if context.outer is not None:
        digest = context.outer.update(digest).digest()

    chip.volatile.sha = None
    if target == Target.TEMP_KEY:
        chip.volatile.temp_key = temp_key(digest, chip.model.derived_temp_key_source)
    elif target == Target.MESSAGE_DIGEST_BUFFER:
        chip.volatile.message_digest_buffer = digest

    return digest


def _hmac_start(chip: Chip, cmd: Command) -> bytes:
    expect_data(cmd, 0)
    slot = None if cmd.param2 == _TEMP_KEY_AS_KEY else chip.slot(cmd.param2)
    chip.require_config_locked()
    if slot is None:
        key = valid_temp_key(chip).lower
    else:
        obey(is_private(slot))
        obey(forbids_mac(slot))
        permit_key(chip, slot)
        key = secret(chip, slot)

    inner, outer = (
        Sha256().update(bytes(octet ^ pad for octet in key.ljust(BLOCK_SIZE, b"\x00")))
        for pad in (_INNER, _OUTER)
    )
    chip.volatile.sha = ShaContext(inner, outer)

    return SUCCESS


def _read_context(chip: Chip, cmd: Command) -> bytes:
    """``byte count | eight state words | bytes not yet in a block``, numbers low byte first."""
    expect_data(cmd, 0)
    context = _context(chip)
    if context.outer is not None:
        obey("the context of an HMAC depends on its key and cannot be read")
    words = b"".join(word.to_bytes(4, "little") for word in context.hash.state)

    return context.hash.length.to_bytes(4, "little") + words + context.hash.pending


def _write_context(chip: Chip, cmd: Command) -> bytes:
    expect_param2(cmd, len(cmd.data))
    length = int.from_bytes(cmd.data[:4], "little")
    if len(cmd.data) != _CONTEXT_HEAD + length % BLOCK_SIZE:
        wanted = _CONTEXT_HEAD + length % BLOCK_SIZE
        raise parse_error(f"a context of {length} bytes is {wanted} bytes long, {len(cmd.data)} came")
    words = tuple(int.from_bytes(cmd.data[at : at + 4], "little") for at in range(4, _CONTEXT_HEAD, 4))
    chip.volatile.sha = ShaContext(Sha256(words, cmd.data[_CONTEXT_HEAD:], length))

    return SUCCESS


def _expect_message(cmd: Command, longest: int) -> None:
    if len(cmd.data) > longest:
        raise parse_error(f"SHA in mode 0x{cmd.param1:02X} takes 0 to {longest} bytes, {len(cmd.data)} came")
    expect_param2(cmd, len(cmd.data))


def _context(chip: Chip) -> ShaContext:
    if chip.volatile.sha is None:
        raise Rejected(Status.EXECUTION_ERROR, "no SHA calculation is under way; mode 0 or 4 starts one")
    return chip.volatile.sha


def _feed(chip: Chip, data: bytes) -> ShaContext:
    context = _context(chip)
    if context.hash.length + len(data) > _LONGEST:
        # Evidence: assumed - the context counts bytes in four bytes; what silicon does beyond is unknown.
        obey("the SHA context cannot count more than 4 294 967 295 bytes")
    fed = ShaContext(context.hash.update(data), context.outer)
    chip.volatile.sha = fed

    return fed


_STEPS: dict[int, Callable[[Chip, Command], bytes]] = {
    Mode.START: _start,
    Mode.UPDATE: _update,
    Mode.END: _end,
    Mode.PUBLIC: _public,
    Mode.HMAC_START: _hmac_start,
    Mode.READ_CONTEXT: _read_context,
    Mode.WRITE_CONTEXT: _write_context,
}
