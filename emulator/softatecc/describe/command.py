"""One command in words, whatever its opcode.

Rules of this file:
1. Every opcode has a description, also one no chip knows.
2. `legal_modes` asks the descriptions themselves, so that no second list of modes can disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from softatecc.describe import key_commands, memory_commands
from softatecc.describe.meaning import Meaning, unknown
from softatecc.packet import Command, Opcode

_DESCRIPTIONS: Mapping[int, Callable[[Command], Meaning]] = {
    Opcode.AES: key_commands.aes,
    Opcode.CHECKMAC: key_commands.check_mac,
    Opcode.COUNTER: memory_commands.counter,
    Opcode.DERIVEKEY: key_commands.derive_key,
    Opcode.ECDH: key_commands.ecdh,
    Opcode.GENDIG: key_commands.gen_dig,
    Opcode.GENKEY: key_commands.genkey,
    Opcode.INFO: memory_commands.info,
    Opcode.KDF: key_commands.kdf,
    Opcode.LOCK: memory_commands.lock,
    Opcode.MAC: key_commands.mac,
    Opcode.NONCE: memory_commands.nonce,
    Opcode.PRIVWRITE: key_commands.priv_write,
    Opcode.RANDOM: memory_commands.random,
    Opcode.READ: memory_commands.read,
    Opcode.SECUREBOOT: key_commands.secure_boot,
    Opcode.SELFTEST: memory_commands.self_test,
    Opcode.SHA: memory_commands.sha,
    Opcode.SIGN: key_commands.sign,
    Opcode.UPDATEEXTRA: memory_commands.update_extra,
    Opcode.VERIFY: key_commands.verify,
    Opcode.WRITE: memory_commands.write,
}
#: Commands of the 508A that the 608 dropped.
_DROPPED = (Opcode.HMAC, Opcode.PAUSE)


def meaning_of(cmd: Command) -> Meaning:
    """What a command asks for, in words.

    Args:
        cmd: any command; reserved bits and wrong lengths are named in the result.
    """
    describe = _DESCRIPTIONS.get(cmd.opcode)
    if describe is not None:
        return describe(cmd)
    bare = unknown(cmd)
    whose = "of the 508A, which the 608 dropped" if cmd.opcode in _DROPPED else "no 608 has"

    return Meaning(f"a command {whose}; mode 0x{cmd.param1:02X}", bare.operand, bare.parts, known=False)


def legal_modes(opcode: int, param2: int = 0) -> tuple[tuple[int, str], ...]:
    """Every first parameter the command knows, with its words.

    Args:
        opcode: the command.
        param2: second parameter, which the words may name.
    """
    found = ((mode, meaning_of(Command(opcode, mode, param2))) for mode in range(256))

    return tuple((mode, meaning.mode) for mode, meaning in found if meaning.known)
