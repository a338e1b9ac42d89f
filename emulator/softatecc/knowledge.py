"""What two devices share during a replay, and so how their answers can be compared.

Rules of this file:
1. A slot, by blocks of 32 bytes, and a register are *shared* while both devices hold the same bytes there.
2. Slots of a part that was blank are shared: erased. Those of a part that was locked already are not,
   unless the caller says so. A clear Write shares what it writes.
3. Random numbers are not shared unless they are fed to the target; private keys made by GenKey never are.
4. What is computed from something that is not shared is not shared.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from softatecc.config import Configuration
from softatecc.config_changes import after
from softatecc.packet import Command, Opcode
from softatecc.status import Status
from softatecc.zones import BLOCK, SLOT_COUNT, SLOT_SIZES, Zone

_TEMP_KEY = 0xFFFF
#: GenKey's mode that digests a stored public key.
_STORED = 0x10
_OK = bytes((Status.SUCCESS,))


class Comparison(StrEnum):
    """How two answers are compared."""

    BYTES = "byte by byte"
    RANDOM = "both random, or both the pattern of an unlocked part"
    KEY = "points of the curve, the same pair until a new key is made"
    SIGNATURE = "each verifies under its own key"
    LENGTH = "by length: it depends on what the two devices do not share"


class Knowledge:
    """What is shared at a moment.

    Args:
        configuration: the recorded part's at the start.
        shared: slots the caller declares shared.
        fed: random numbers are fed to the target.
    """

    #: What random numbers are until the configuration is locked.
    pattern: ClassVar[bytes] = bytes.fromhex("ffff0000") * 8

    def __init__(self, configuration: Configuration, shared: frozenset[int], *, fed: bool) -> None:
        self._configuration = configuration
        self._fed = fed
        blank = not configuration.config_locked
        self._blocks = {
            (slot, block)
            for slot in range(SLOT_COUNT)
            if blank or slot in shared
            for block in range(-(-SLOT_SIZES[slot] // BLOCK))
        }
        self.forget()

    def forget(self) -> None:
        """The registers are empty on both sides."""
        self._temp_key = self._buffer = self._alternate = self._hash = True
        self._digests: dict[str, bytes | None] = {"temp key": None, "buffer": None}

    def _slot(self, number: int) -> bool:
        """Whether the key in a slot, its first block, is shared."""
        return (number, 0) in self._blocks

    def _key(self, number: int) -> bool:
        return self._temp_key if number == _TEMP_KEY else self._slot(number)

    @property
    def _io_key(self) -> bool:
        return self._slot(self._configuration.chip_options.io_protection_key)

    def digest(self, cmd: Command) -> bytes | None:
        """The digest a Sign command works on, None where the host did not supply it."""
        if not cmd.param1 & 0x80:
            return None
        return self._digests["buffer" if cmd.param1 & 0x20 else "temp key"]

    def comparison(self, cmd: Command) -> Comparison:
        """How the answers to a command are compared, asked before it is followed."""
        match cmd.opcode:
            case Opcode.GENKEY if cmd.param1 != _STORED:
                return Comparison.KEY
            case Opcode.SIGN:
                return Comparison.SIGNATURE
            case Opcode.RANDOM:
                return Comparison.BYTES if self._fed else Comparison.RANDOM
            case Opcode.NONCE if cmd.param2 == 0 and cmd.param1 & 0b11 <= 1:
                return Comparison.BYTES if self._fed else Comparison.RANDOM
            case _:
                return Comparison.BYTES if self._answers_alike(cmd) else Comparison.LENGTH

    def _answers_alike(self, cmd: Command) -> bool:
        match cmd.opcode:
            case Opcode.NONCE:
                return self._temp_key
            case Opcode.READ if cmd.param1 & 0b11 == Zone.DATA:
                return self._reads_alike(cmd)
            case Opcode.MAC:
                return self._mac(cmd)
            case Opcode.AES:
                return self._key(cmd.param2) or cmd.param1 & 0b111 == 0b011
            case Opcode.SHA:
                return self._hash
            case Opcode.KDF:
                return self._kdf(cmd) and (self._io_key or cmd.param1 >> 2 & 0b111 != 0b101)
            case Opcode.ECDH:
                return False
            case Opcode.VERIFY:
                return self._io_key and self._buffer and self._temp_key
            case Opcode.SECUREBOOT:
                return self._io_key and self._temp_key
            case _:
                return True

    def _reads_alike(self, cmd: Command) -> bool:
        slot, block = cmd.param2 >> 3 & 0xF, cmd.param2 >> 8
        covered = self._configuration.slot_config[slot].encrypt_read
        return (slot, block) in self._blocks and (self._temp_key or not covered)

    def _mac(self, cmd: Command) -> bool:
        first = self._temp_key if cmd.param1 & 0b10 else self._slot(cmd.param2)
        return first and (self._temp_key or not cmd.param1 & 0b01)

    def _kdf(self, cmd: Command) -> bool:
        source = cmd.param1 & 0b11
        return (self._temp_key, self._temp_key, self._slot(cmd.param2 & 0xFF), self._alternate)[source]

    # --- what a command changes -------------------------------------------------------------------

    def follow(self, cmd: Command, answer: bytes) -> None:
        """Take in a command that both devices have executed.

        Args:
            cmd: the command.
            answer: the body of its response; a refusal changes nothing.
        """
        if len(answer) == 1 and answer != _OK:
            return
        self._configuration = after(self._configuration, cmd)
        self._filled(cmd)
        self._stored(cmd)

    def _filled(self, cmd: Command) -> None:
        """Commands that leave something in a register."""
        match cmd.opcode:
            case Opcode.NONCE:
                self._nonce(cmd)
            case Opcode.GENKEY if cmd.param1 == _STORED:
                self._digested(shared=self._temp_key and self._slot(cmd.param2))
            case Opcode.GENKEY if cmd.param1 & 0x08 or cmd.param2 == _TEMP_KEY:
                self._digested(shared=False)
            case Opcode.GENDIG:
                self._digested(shared=self._temp_key and (cmd.param1 != Zone.DATA or self._slot(cmd.param2)))
            case Opcode.SHA:
                self._sha(cmd)
            case _:
                pass

    def _stored(self, cmd: Command) -> None:
        """Commands that leave something where their parameters say, mostly in a slot."""
        match cmd.opcode:
            case Opcode.WRITE if cmd.param1 & 0b11 == Zone.DATA:
                self._written(cmd)
            case Opcode.DERIVEKEY:
                self._set_slot(cmd.param2, shared=self._temp_key and self._slot(self._parent(cmd.param2)))
            case Opcode.KDF:
                self._store(cmd.param1 >> 2 & 0b111, cmd.param2 >> 8, shared=self._kdf(cmd))
            case Opcode.ECDH:
                self._store({1: 2, 2: 0}.get(cmd.param1 >> 2, 4), cmd.param2, shared=False)
            case _:
                pass

    def _parent(self, slot: int) -> int:
        setting = self._configuration.slot_config[slot]
        return setting.write_key if setting.write_config & 1 else slot

    def _digested(self, *, shared: bool) -> None:
        self._temp_key, self._digests["temp key"] = shared, None

    def _nonce(self, cmd: Command) -> None:
        if cmd.param1 & 0b11 != 0b11:
            self._digested(shared=self._fed if cmd.param2 == 0 else self._temp_key)
            return
        match cmd.param1 >> 6:
            case 0:
                self._temp_key, self._digests["temp key"] = True, cmd.data[:BLOCK]
            case 1:
                self._buffer, self._digests["buffer"] = True, cmd.data[:BLOCK]
            case _:
                self._alternate = True

    def _sha(self, cmd: Command) -> None:
        match cmd.param1 & 0b111:
            case 0 | 7:
                self._hash = True
            case 3:
                self._hash = self._hash and self._slot(cmd.param2)
            case 4:
                self._hash = self._key(cmd.param2)
            case 2 if cmd.param1 >> 6 == 0:
                self._digested(shared=self._hash)
            case 2 if cmd.param1 >> 6 == 1:
                self._buffer, self._digests["buffer"] = self._hash, None
            case _:
                pass

    def _written(self, cmd: Command) -> None:
        encrypted = bool(cmd.param1 & 0x40) or len(cmd.data) > BLOCK
        place = cmd.param2 >> 3 & 0xF, cmd.param2 >> 8
        if encrypted and not self._temp_key:
            self._blocks.discard(place)
        elif len(cmd.data) >= BLOCK or place[1]:
            self._blocks.add(place)

    def _store(self, target: int, slot: int, *, shared: bool) -> None:
        match target:
            case 0 | 1:
                self._digested(shared=shared and (target == 0 or self._temp_key))
            case 2:
                self._set_slot(slot, shared=shared)
            case 3:
                self._alternate = shared
            case _:
                pass

    def _set_slot(self, slot: int, *, shared: bool) -> None:
        (self._blocks.add if shared else self._blocks.discard)((slot, 0))
