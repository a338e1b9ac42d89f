"""Watching a chip decide: which questions it asked on the way to its answer.

Rules of this file:
1. Watching changes no answer and no record. The interpreter's profile hook reports calls; the chip's own
   code does not know that it is watched, and pays nothing when it is not.
2. A question is a function of this package that returns an objection (``str | None``); a guard is one
   that refuses by itself. Both have a docstring; handlers and their private parts are no guards.
3. The sentence of a check is the first line of that function's docstring, its mark the one written there.
4. Only the calling thread is watched. A profile function that was there before is put back; a profiler
   written in C cannot be, and stops.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType, FrameType

from softatecc.chip import Chip
from softatecc.commands import HANDLERS
from softatecc.evidence import Mark, marks_in
from softatecc.trace import CommandRecord, JsonValue, Record

_PACKAGE = "softatecc."
_SECRECY = "hides_"
#: Whoever calls one of these refuses.
_REFUSALS = frozenset(("obey", "Rejected", "refuse", "parse_error", "unknown_mode"))
#: They carry every refusal and are no rule themselves.
_CARRIERS = _REFUSALS | {Chip.exchange.__qualname__}


@dataclass(frozen=True, slots=True)
class Check:
    """One question the chip asked.

    Attributes:
        rule: the function's name.
        sentence: what it asks or demands.
        mark: what the rule was checked against; None where its caller's mark covers it.
        objection: its answer; None where it had no objection.
    """

    rule: str
    sentence: str
    mark: Mark | None
    objection: str | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """The check in JSON's types."""
        return {
            "rule": self.rule,
            "sentence": self.sentence,
            "evidence": None if self.mark is None else str(self.mark.grade),
            "objection": self.objection,
        }

    def __str__(self) -> str:
        """One line for people."""
        verdict = "no objection" if self.objection is None else "OBJECTS"
        return f"{self.rule}: {self.sentence} - {verdict}"


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the package as the watch sees it.

    Attributes:
        module: where it stands.
        name: its qualified name.
        docstring: all of it.
        asks: it returns an objection.
        guards: it refuses by itself.
    """

    module: str
    name: str
    docstring: str
    asks: bool
    guards: bool

    @property
    def sentence(self) -> str:
        """The first line of its docstring."""
        return self.docstring.strip().partition("\n")[0]

    @property
    def mark(self) -> Mark | None:
        """The mark in its docstring."""
        return next(iter(marks_in(self.docstring)), None)


@lru_cache(maxsize=4096)
def function_of(code: CodeType, module: str) -> Function | None:
    """What there is to know of a function; None where it is none of this package's, or nothing to report."""
    if not module.startswith(_PACKAGE) or module == __name__:
        return None
    found: object = sys.modules.get(module)
    for name in code.co_qualname.split("."):
        found = getattr(found, name, None)
    found = found.fget if isinstance(found, property) else found
    if not callable(found):
        return None
    docstring: str = getattr(found, "__doc__", None) or ""
    if not docstring or code.co_qualname in _CARRIERS:
        return None
    annotations: dict[str, object] = getattr(found, "__annotations__", {})
    asks = annotations.get("return") in ("str | None", str | None) and _SECRECY not in code.co_name
    is_handler = any(handler.run is found for handler in HANDLERS.values())
    is_part = is_handler or code.co_name.startswith("_")
    guards = not is_part and not _REFUSALS.isdisjoint(code.co_names)
    return Function(module, code.co_qualname, docstring, asks, guards)


#: Called with every function of the package that is entered, and with what it returned when it is left.
Entered = Callable[[Function], None]
Left = Callable[[Function, object], None]


class Hook:
    """What the interpreter is told to call: picks this package's functions out of all that happens.

    Args:
        entered: told of every call.
        left: told of every return; None as the value also where an exception went through.
    """

    def __init__(self, entered: Entered, left: Left) -> None:
        self._entered = entered
        self._left = left
        self._known: dict[CodeType, Function | None] = {}

    def __call__(self, frame: FrameType, event: str, value: object) -> None:
        """One event of `sys.setprofile`."""
        if event not in ("call", "return"):
            return
        code = frame.f_code
        if code not in self._known:
            self._known[code] = function_of(code, frame.f_globals.get("__name__", ""))
        function = self._known[code]
        if function is None:
            return
        if event == "call":
            self._entered(function)
        else:
            self._left(function, value)


@contextmanager
def watching(entered: Entered, left: Left) -> Iterator[None]:
    """Report the functions of this package that the calling thread enters and leaves, see `Hook`."""
    before = sys.getprofile()
    sys.setprofile(Hook(entered, left))
    try:
        yield
    finally:
        sys.setprofile(before if callable(before) else None)


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions of one command as they are answered.

    Attributes:
        answers: each with its answer, in order.
    """

    answers: list[tuple[Function, str | None]] = field(default_factory=list)

    def left(self, function: Function, value: object) -> None:
        """A function returned; kept where it asks or guards."""
        if function.asks or function.guards:
            self.answers.append((function, value if isinstance(value, str) else None))


def _nothing(function: Function) -> None:
    """Entering a function is no answer yet."""


class Journal:
    """A chip under watch: its trace, and beside every command the checks that were made.

    Args:
        chip: the chip; from now on its exchanges are watched.

    Attributes:
        chip: the chip.
    """

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self._checks: dict[int, tuple[Check, ...]] = {}
        self._exchange = chip.exchange
        # The bus calls this very object's method; another class in its place would be another chip.
        chip.exchange = self._watched  # type: ignore[method-assign]

    def close(self) -> None:
        """Stop watching."""
        self.chip.exchange = self._exchange  # type: ignore[method-assign]

    def _watched(self, packet: bytes, *, milliseconds_left: float | None = None) -> bytes:
        asked = Asked()
        with watching(_nothing, asked.left):
            response = self._exchange(packet, milliseconds_left=milliseconds_left)
        record = self.chip.trace[-1]
        self._checks[len(self.chip.trace) - 1] = checks_of(asked, record.why)
        return response

    def entries(self) -> Iterator[tuple[Record, tuple[Check, ...]]]:
        """Every record of the trace with its checks, in the order they were made."""
        for index, record in enumerate(self.chip.trace):
            yield record, self._checks.get(index, ())

    @property
    def last(self) -> tuple[CommandRecord, tuple[Check, ...]]:
        """The newest command and its checks.

        Raises:
            LookupError: the chip has not been sent a command yet.
        """
        record = self.chip.last_command
        return record, self._checks.get(self.chip.trace.index(record), ())


def checks_of(asked: Asked, why: str | None) -> tuple[Check, ...]:
    """The questions once each; the one that decided carries the objection.

    A guard raises instead of answering, so the hook cannot see its objection: where no question gave the
    reason, it is the guard left last that did.
    """
    checks: dict[str, Check] = {}
    for function, answer in asked.answers:
        objection = answer if answer is not None and answer == why else None
        checks.pop(function.name, None)
        checks[function.name] = Check(function.name, function.sentence, function.mark, objection)
    if why is not None and checks and not any(check.objection for check in checks.values()):
        last = next(reversed(checks))
        checks[last] = Check(last, checks[last].sentence, checks[last].mark, why)
    return tuple(checks.values())
