"""Which rules each mode of each command asks: found by asking, in many states of the part.

Rules of this file:
1. Nothing is listed by hand but the situations: lock states, slots of every kind, registers, lengths of
   data. What a command asks is what `softatecc.inspection` sees it ask.
2. A rule's mark is its own, or else that of the nearest caller that has one, the handler's at last.
3. The survey is deterministic: same code, same page.
"""

from __future__ import annotations

import ast
import inspect
import io
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.config import CHIP_OPTIONS, LOCK_CONFIG, LOCK_VALUE, SECURE_BOOT, Configuration
from softatecc.describe.command import legal_modes
from softatecc.entropy import SeededEntropy
from softatecc.evidence import Mark, Marked, marked_in
from softatecc.inspection import Function, watching
from softatecc.memory import ShaContext, SourceFlag, TempKey, Volatile
from softatecc.packet import Command, Opcode
from softatecc.sha256 import Sha256
from softatecc.state import fork
from softatecc.status import Status

_BASE = "cal_test_608"
_LOCKS = ((0x55, 0x55), (0x55, 0x00), (0x00, 0x00))
#: Lengths of data worth trying, by opcode; none where a command takes none.
_LENGTHS = {
    Opcode.NONCE: (20, 32, 64),
    Opcode.GENKEY: (0, 3),
    Opcode.VERIFY: (64, 128, 83),
    Opcode.ECDH: (64,),
    Opcode.KDF: (20, 36),
    Opcode.AES: (16, 32),
    Opcode.SHA: (0, 32, 41),
    Opcode.MAC: (0, 32),
    Opcode.CHECKMAC: (77,),
    Opcode.GENDIG: (0, 4, 32),
    Opcode.DERIVEKEY: (0, 32),
    Opcode.WRITE: (4, 32, 64),
    Opcode.PRIVWRITE: (68,),
    Opcode.SECUREBOOT: (32, 96),
}
#: Slots of the base configuration: private, encrypted, derived, secret, AES, without MAC, public; and none.
_SLOTS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 14, 16)
#: Second parameters worth trying where they name no slot.
_OPERANDS = {
    Opcode.RANDOM: (0, 1),
    Opcode.NONCE: (0, 0x8000, 1),
    Opcode.LOCK: (0,),
    Opcode.COUNTER: (0, 1, 2),
    Opcode.SELFTEST: (0, 1),
    Opcode.UPDATEEXTRA: (0, 1),
    Opcode.SECUREBOOT: (0, 1),
    Opcode.SHA: (0, 4, 11, 32, 41, 0xFFFF),
    Opcode.AES: (4, 5, 10, 16, 0xFFFF),
    Opcode.ECDH: (0, 2, 4, 7, 16, 0xFFFF),
    Opcode.KDF: (4, 0x0904, 0x0E05, 16),
    Opcode.MAC: (0, 4, 5, 6, 16),
    Opcode.SIGN: (0, 1, 2, 7, 16),
    Opcode.VERIFY: (4, 5, 11, 14, 16),
}
#: Commands that never look at TempKey.
_WITHOUT_TEMP_KEY = frozenset(
    (Opcode.RANDOM, Opcode.LOCK, Opcode.COUNTER, Opcode.SELFTEST, Opcode.UPDATEEXTRA)
)
#: What the page says of a mark that stands in the middle of a function.
DETAIL = "a detail of it"
_SHA = ShaContext(Sha256())
_PASSED = TempKey(bytes(64), SourceFlag.FIXED, is64=True)
_ADDRESSED = frozenset((Opcode.READ, Opcode.WRITE))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as one command asks it.

    Attributes:
        module: where it stands.
        name: its function, and for a mark in the middle of it the line's own words.
        sentence: what it asks or does.
        mark: what it was checked against, None where nobody marked it.
    """

    module: str
    name: str
    sentence: str
    mark: Mark | None


@dataclass(slots=True)
class Survey:
    """What a command asks.

    Attributes:
        opcode: the command.
        modes: every first parameter it knows, in words.
        rules: each rule, and the modes that ask it.
    """

    opcode: Opcode
    modes: dict[int, str]
    rules: dict[Rule, set[int]] = field(default_factory=dict)


def survey(opcode: Opcode) -> Survey:
    """Ask one command in every mode and every situation."""
    found = Survey(opcode, dict(legal_modes(opcode)))
    for mode in found.modes:
        for rule in _asked(opcode, mode):
            found.rules.setdefault(rule, set()).add(mode)
    return found


@dataclass(slots=True)
class Listener:
    """Hears which functions are entered, and keeps the rules among them.

    Attributes:
        rules: what was found so far.
    """

    rules: set[Rule] = field(default_factory=set)
    _marks: list[Mark | None] = field(default_factory=list)

    def entered(self, function: Function) -> None:
        """A function was entered; its mark is its own, or its caller's."""
        mark = function.mark or (self._marks[-1] if self._marks else None)
        self._marks.append(mark)
        if function.module.startswith(_OF_COMMANDS) and (function.asks or function.guards or function.mark):
            self.rules.add(Rule(function.module, function.name, function.sentence, mark))
        for each in inner_marks(function.module).get(function.name, ()):
            self.rules.add(Rule(function.module, function.name, words_of(each), each.mark))

    def left(self, function: Function, value: object) -> None:  # noqa: ARG002 - a listener's signature
        """It was left."""
        self._marks.pop()


def _asked(opcode: Opcode, mode: int) -> set[Rule]:
    """Every rule that one mode asks, in whatever situation."""
    listener = Listener()
    for chip, packet in _situations(opcode, mode):
        with watching(listener.entered, listener.left):
            chip.exchange(packet)
    return listener.rules


_OF_COMMANDS = (
    "softatecc.commands",
    "softatecc.slots",
    "softatecc.key_rules",
    "softatecc.zones",
    "softatecc.memory",
)


@cache
def _parts() -> tuple[Chip, ...]:
    """A part in each state of the locks, and one with the options switched the other way."""
    return (*(_part(locks, other=False) for locks in _LOCKS), _part(_LOCKS[-1], other=True))


def _part(locks: tuple[int, int], *, other: bool) -> Chip:
    image = bytearray(profiles.load(_BASE).configuration)
    image[LOCK_VALUE], image[LOCK_CONFIG] = locks
    if other:
        image[SECURE_BOOT] |= 0x18
        image[CHIP_OPTIONS + 1] |= 0x05
        image[13] &= 0xFE
    chip = Chip(Configuration(bytes(image)), entropy=SeededEntropy("survey"))
    for number in (0, 2, 7):
        chip.memory.store_private_key(number, bytes(31) + bytes((number + 1,)))
    return chip


def _registers() -> Iterator[TempKey | None]:
    """TempKey in every state that a rule looks at."""
    value = bytes(64)
    yield None
    yield _PASSED
    yield TempKey(value, SourceFlag.RANDOM, key_id=4, gen_dig_data=True)
    yield TempKey(value, SourceFlag.RANDOM, key_id=14, gen_key_data=True)
    yield TempKey(bytes(31) + b"\x01" + bytes(32), SourceFlag.RANDOM, gen_key_data=True, private=True)


def _operands(opcode: Opcode) -> Iterator[int]:
    if opcode in _OPERANDS:
        yield from _OPERANDS[opcode]
    elif opcode in _ADDRESSED:
        yield from (slot << 3 for slot in _SLOTS)
        yield 0x3FFF
    else:
        yield from (*_SLOTS, 0xFFFF)


def _situations(opcode: Opcode, mode: int) -> Iterator[tuple[Chip, bytes]]:
    """A part in a state, and the packet it is sent; a part that was changed is replaced by a fresh one."""
    for base in _parts():
        chip = fork(base)
        # What an unlocked part refuses, it refuses whatever TempKey holds.
        registers = _registers() if base.configuration.config_locked else (None, _PASSED)
        for temp_key in (None,) if opcode in _WITHOUT_TEMP_KEY else registers:
            for param2 in _operands(opcode):
                for length in _LENGTHS.get(opcode, (0,)):
                    if not _as_made(chip, base):
                        chip = fork(base)
                    chip.volatile = Volatile(temp_key, bytes(64), sha=None if temp_key is None else _SHA)
                    yield chip, Command(opcode, mode, param2, bytes(length)).encode()


def _as_made(chip: Chip, base: Chip) -> bool:
    """Whether the last command left the memory alone: a refusal that counted no use did."""
    if not chip.trace:
        return True
    refused = chip.last_command.status is not Status.SUCCESS
    return refused and chip.configuration == base.configuration


# --- marks in the middle of a function --------------------------------------------------------------


@cache
def inner_marks(module: str) -> dict[str, tuple[Marked, ...]]:
    """The marks that stand in comments, by the qualified name of the function around them."""
    source = inspect.getsource(sys.modules[module])
    spans = sorted(_spans(ast.parse(source), ""), key=lambda span: span[1] - span[0])
    found: dict[str, tuple[Marked, ...]] = {}
    for start, text in _comments(source):
        name = next((name for first, last, name in spans if first <= start <= last), "")
        found[name] = (*found.get(name, ()), *marked_in(text))
    return found


def words_of(each: Marked) -> str:
    """What a comment says before its mark."""
    return " ".join(each.before.split()).rstrip(".:") or DETAIL


def _spans(node: ast.AST, prefix: str) -> Iterator[tuple[int, int, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if isinstance(child, ast.FunctionDef):
                yield child.lineno, child.end_lineno or child.lineno, name
            yield from _spans(child, f"{name}.")
        else:
            yield from _spans(child, prefix)


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Each run of comment lines, with the number of its first line."""
    start, lines = 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if lines and token.start[0] != start + len(lines):
                yield start, "\n".join(lines)
                lines = []
            if not lines:
                start = token.start[0]
            lines.append(token.string.lstrip("#: "))
    if lines:
        yield start, "\n".join(lines)
