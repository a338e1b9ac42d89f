"""In words: the commands that move, lock and count, and those that need no key.

Evidence: document - public 608 Trust data sheets (command chapters); vendor-library - cryptoauthlib
lib/calib for the modes it sends.
"""

from __future__ import annotations

from softatecc.describe.meaning import (
    Meaning,
    address,
    flag,
    joined,
    must_be,
    nothing,
    one_of,
    parts,
    slot,
    slot_or_temp_key,
    unknown,
)
from softatecc.packet import Command
from softatecc.zones import BLOCK, WORD, Zone

_ZONE, _ENCRYPTED, _WIDE = 0b11, 0x40, 0x80
_INFO = {0: "revision", 1: "validity of a key", 2: "state of TempKey", 3: "GPIO", 4: "persistent latch"}
_PERMIT = {0: "read it", 1: "read it", 2: "clear it", 3: "set it"}
_TESTS = {0: "RNG", 1: "bit 1", 2: "ECDSA", 3: "ECDH", 4: "AES", 5: "SHA"}
_SHA = {
    0: "start a SHA-256",
    1: "take in",
    2: "end",
    3: "take in a stored public key",
    4: "start an HMAC",
    6: "read the context",
    7: "write the context",
}
_SHA_TARGET = {
    0: "digest to TempKey and the output",
    1: "digest to the Message Digest Buffer and the output",
    3: "digest to the output",
}


def info(cmd: Command) -> Meaning:
    """Info, opcode 30."""
    if cmd.param1 not in _INFO:
        return unknown(cmd)
    operand = {
        1: slot(cmd.param2),
        3: f"param2 0x{cmd.param2:04X}",
        4: one_of(cmd.param2, _PERMIT),
    }.get(cmd.param1, must_be(cmd, 0))

    return Meaning(_INFO[cmd.param1], operand, nothing(cmd), "4 bytes")


def random(cmd: Command) -> Meaning:
    """Random, opcode 1B."""
    if cmd.param1 > 1:
        return unknown(cmd)
    mode = "a random number, seed kept" if cmd.param1 else "a random number, seed updated"
    return Meaning(mode, must_be(cmd, 0), nothing(cmd), "32 random bytes")


def nonce(cmd: Command) -> Meaning:
    """Nonce, opcode 16."""
    source, target = cmd.param1 & 0b11, cmd.param1 >> 6
    if cmd.param1 & 0b0001_1100 or source == 2 or target == 3:
        return unknown(cmd)
    if source != 3:
        if cmd.param1 & 0xE0:
            return unknown(cmd)
        number = "TempKey" if cmd.param2 == 0x8000 else "a new random number"
        mode = f"hash {number} with the host's 20 bytes into TempKey" + flag(cmd.param1, 1, ", seed kept")
        answer = "32 bytes: the new TempKey" if cmd.param2 == 0x8000 else "32 random bytes"
        return Meaning(mode, must_be(cmd, 0, 0x8000), parts(cmd.data, ("NumIn", 20)), answer)
    size = 64 if cmd.param1 & 0x20 else 32
    register = {0: "TempKey", 1: "the Message Digest Buffer", 2: "the Alternate Key Buffer"}[target]
    if target == 2 and size == 64:
        return unknown(cmd)
    return Meaning(f"pass {size} bytes into {register}", must_be(cmd, 0), parts(cmd.data, ("NumIn", size)))


def read(cmd: Command) -> Meaning:
    """Read, opcode 02."""
    if cmd.param1 & ~(_ZONE | _WIDE):
        return unknown(cmd)
    size = BLOCK if cmd.param1 & _WIDE else WORD
    operand = address(cmd.param1 & _ZONE, cmd.param2, size)
    return Meaning(f"{size} bytes", operand, nothing(cmd), f"{size} bytes", known=cmd.param1 & _ZONE != 3)


def write(cmd: Command) -> Meaning:
    """Write, opcode 12."""
    zone, wide = cmd.param1 & _ZONE, bool(cmd.param1 & _WIDE)
    encrypted = bool(cmd.param1 & _ENCRYPTED) or len(cmd.data) == 2 * BLOCK
    if cmd.param1 & ~(_ZONE | _WIDE | _ENCRYPTED) or (encrypted and (zone != Zone.DATA or not wide)):
        return unknown(cmd)
    size = BLOCK if wide else WORD
    if encrypted:
        layout = parts(cmd.data, ("encrypted", BLOCK), ("MAC", BLOCK))
    else:
        layout = parts(cmd.data, ("value", size))
    mode = joined(f"{size} bytes", "encrypted under TempKey" if encrypted else "clear")
    return Meaning(mode, address(zone, cmd.param2, size), layout, known=zone != 3)


def lock(cmd: Command) -> Meaning:
    """Lock, opcode 17."""
    target, number = cmd.param1 & 0b11, cmd.param1 >> 2 & 0xF
    if cmd.param1 & 0x40 or target == 3 or (target != 2 and number):
        return unknown(cmd)
    what = {0: "the configuration zone", 1: "the data and OTP zones", 2: f"slot {number}"}[target]
    if target == 2:
        return Meaning(f"lock {what}", must_be(cmd, 0), nothing(cmd))
    crc = "whatever it holds" if cmd.param1 & 0x80 else f"if its CRC is {_wire(cmd.param2)}"
    return Meaning(f"lock {what}", crc, nothing(cmd))


def _wire(word: int) -> str:
    return word.to_bytes(2, "little").hex(" ").upper()


def counter(cmd: Command) -> Meaning:
    """Counter, opcode 24."""
    if cmd.param1 > 1:
        return unknown(cmd)
    number = f"Counter[{cmd.param2}]" if cmd.param2 <= 1 else f"Counter[{cmd.param2}], which does not exist"
    return Meaning(
        "increment, then read" if cmd.param1 else "read", number, nothing(cmd), "the count, 4 bytes"
    )


def update_extra(cmd: Command) -> Meaning:
    """UpdateExtra, opcode 20."""
    if cmd.param1 > 1:
        return unknown(cmd)
    place = "UserExtraAdd (byte 85)" if cmd.param1 else "UserExtra (byte 84)"
    return Meaning(f"set {place}", f"to {cmd.param2 & 0xFF:02X}", nothing(cmd))


def self_test(cmd: Command) -> Meaning:
    """SelfTest, opcode 77."""
    if cmd.param1 & 0xC0:
        return unknown(cmd)
    tests = [name for bit, name in _TESTS.items() if cmd.param1 >> bit & 1]
    mode = f"test {', '.join(tests)}" if tests else "read the failure register"
    return Meaning(mode, must_be(cmd, 0), nothing(cmd), "1 byte: the failed tests, 00 for none")


def sha(cmd: Command) -> Meaning:
    """SHA, opcode 47."""
    mode, target = cmd.param1 & 0b111, cmd.param1 >> 6
    ends = mode == 2
    if mode not in _SHA or (cmd.param1 & ~0b111 and not ends) or cmd.param1 & 0b0011_1000 or target == 2:
        return unknown(cmd)
    words = joined(_SHA[mode], _SHA_TARGET[target] if ends else "")
    operand = must_be(cmd, 0)
    if mode in (1, 2, 7):
        length = len(cmd.data)
        wrong = "" if cmd.param2 == length else f", but {length} came"
        operand = f"{cmd.param2} bytes{wrong}"
    elif mode in (3, 4):
        operand = slot_or_temp_key(cmd.param2) if mode == 4 else slot(cmd.param2)
    elif mode == 6:
        operand = ""
    name = {7: "context"}.get(mode, "message")
    layout = parts(cmd.data, (name, -1)) if mode in (1, 2, 7) else nothing(cmd)
    answer = {2: "the digest, 32 bytes", 6: "the context, 36 to 99 bytes"}.get(mode, "")
    return Meaning(words, operand, layout, answer)
