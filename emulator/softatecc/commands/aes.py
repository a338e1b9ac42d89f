"""AES, opcode 51: one block of AES-128, or one multiplication of GCM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.guards import count_use, permit_key, valid_temp_key
from softatecc.commands.registry import expect_data, handles, unknown_mode
from softatecc.crypto import aes_decrypt, aes_encrypt
from softatecc.key_rules import forbids_aes
from softatecc.packet import Command, Opcode
from softatecc.status import obey, parse_error

if TYPE_CHECKING:
    from softatecc.chip import Chip

_ENCRYPT, _DECRYPT, _MULTIPLY = 0, 1, 3
_BLOCK = 16
_TEMP_KEY_AS_KEY = 0xFFFF
#: x^128 + x^7 + x^2 + x + 1, most significant bit first (NIST SP 800-38D, 6.3).
_POLYNOMIAL = 0xE1 << 120


@handles(Opcode.AES)
def aes(chip: Chip, cmd: Command) -> bytes:
    """Encrypt or decrypt 16 bytes, or multiply two blocks in GF(2^128).

    Evidence: vendor-library - cryptoauthlib calib_aes.c, atca_tests_aes.c; 03 where AES_Enable is 0 or
    the key lies outside its slot is Microchip's statement in cryptoauthlib issue 56.
    """
    operation, block = cmd.param1 & 0b111, cmd.param1 >> 6
    if cmd.param1 & 0b0011_1000 or operation not in (_ENCRYPT, _DECRYPT, _MULTIPLY):
        raise unknown_mode(cmd)
    if operation == _MULTIPLY and block:
        raise unknown_mode(cmd)
    expect_data(cmd, 2 * _BLOCK if operation == _MULTIPLY else _BLOCK)
    if not chip.configuration.aes_enable:
        raise parse_error("this part has no AES: AES_Enable (byte 13, bit 0) is 0")
    if operation == _MULTIPLY:
        return multiply(cmd.data[:_BLOCK], cmd.data[_BLOCK:])

    key = _key(chip, cmd.param2, block)
    return aes_encrypt(key, cmd.data) if operation == _ENCRYPT else aes_decrypt(key, cmd.data)


def _key(chip: Chip, number: int, block: int) -> bytes:
    """The block-th 16 bytes of a slot or of TempKey, which keeps its contents."""
    start, end = block * _BLOCK, (block + 1) * _BLOCK
    if number == _TEMP_KEY_AS_KEY:
        temp_key = valid_temp_key(chip)
        if end > (64 if temp_key.is64 else 32):
            raise parse_error(f"TempKey holds 32 bytes; there is no AES key {block} in it")
        return temp_key.value[start:end]

    slot = chip.slot(number)
    if end > slot.size:
        raise parse_error(f"{slot} holds {slot.size} bytes; there is no AES key {block} in it")
    chip.require_config_locked()
    obey(forbids_aes(slot))
    permit_key(chip, slot)
    count_use(chip, slot)
    return chip.memory.slot(number)[start:end]


def multiply(one: bytes, other: bytes) -> bytes:
    """The product of two blocks as GHASH takes it (NIST SP 800-38D, algorithm 1)."""
    x, v, product = int.from_bytes(one, "big"), int.from_bytes(other, "big"), 0
    for position in range(127, -1, -1):
        if x >> position & 1:
            product ^= v
        v = v >> 1 ^ (_POLYNOMIAL if v & 1 else 0)

    return product.to_bytes(_BLOCK, "big")
