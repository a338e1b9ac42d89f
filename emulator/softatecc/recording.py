"""A recording of a bus: what was sent and what came back, as JSON lines.

Rules of this file:
1. The first line says what was recorded: the configuration zone at the start, the revision, whether
   secrets are in it. Every other line is one exchange or one change of power.
2. Secret bytes are left out unless asked for: what the chip's own trace would hide is hidden here too,
   judged from the configuration as the recording itself shows it changing.
3. A recording is complete or refused: a line that cannot be read is named by its number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from softatecc.config import Configuration
from softatecc.packet import Command
from softatecc.status import Rejected
from softatecc.trace import Hidden, JsonValue, Shown

VERSION = 1
_EVENTS = frozenset(("wake", "idle", "sleep"))


@dataclass(frozen=True, slots=True)
class Head:
    """The first line.

    Attributes:
        configuration: the 128 bytes at the start.
        revision: what Info(Revision) answered.
        with_secrets: nothing is hidden.
    """

    configuration: Configuration
    revision: bytes
    with_secrets: bool

    def as_json(self) -> dict[str, JsonValue]:
        """The line in JSON's types."""
        return {
            "kind": "recording",
            "version": VERSION,
            "configuration": self.configuration.image.hex(),
            "revision": self.revision.hex(),
            "with_secrets": self.with_secrets,
        }


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its answer.

    Attributes:
        packet: the packet without word address; where its data are hidden, its first five bytes.
        data: the data, or that they are hidden.
        response: the response group; where its body is hidden, that.
    """

    packet: bytes
    data: Shown
    response: Shown

    @property
    def command(self) -> Command | None:
        """The command, None where the packet was garbled; hidden data are as many zeros."""
        if isinstance(self.data, Hidden):
            head = self.packet
            return Command(head[1], head[2], head[3] | head[4] << 8, bytes(self.data.length))
        try:
            return Command.decode(self.packet)
        except Rejected:
            return None

    def as_json(self) -> dict[str, JsonValue]:
        """The line in JSON's types."""
        command = self.command
        return {
            "kind": "exchange",
            "name": "garbled packet" if command is None else command.name,
            "packet": self.packet.hex(),
            "hidden": _hidden(self.data),
            "response": _hidden(self.response) or _hex(self.response),
        }


@dataclass(frozen=True, slots=True)
class Power:
    """A wake, an idle or a sleep.

    Attributes:
        event: which.
        answer: what a wake showed, empty otherwise.
    """

    event: str
    answer: bytes = b""

    def as_json(self) -> dict[str, JsonValue]:
        """The line in JSON's types."""
        return {"kind": "power", "event": self.event, "answer": self.answer.hex()}


#: What a recording is made of, after its head.
Step: TypeAlias = Exchange | Power


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording.

    Attributes:
        head: what was recorded.
        steps: what happened, oldest first.
    """

    head: Head
    steps: tuple[Step, ...]

    def lines(self) -> Iterator[str]:
        """The recording as JSON lines."""
        yield json.dumps(self.head.as_json())
        for step in self.steps:
            yield json.dumps(step.as_json())


def _hidden(shown: Shown) -> JsonValue:
    return {"hidden": shown.length, "why": shown.why} if isinstance(shown, Hidden) else None


def _hex(shown: Shown) -> str:
    assert isinstance(shown, bytes)
    return shown.hex()


def read(lines: Iterable[str]) -> Recording:
    """A recording out of its lines.

    Args:
        lines: JSON lines; empty ones are passed over.

    Raises:
        ValueError: a line is no part of a recording; the sentence names it.
    """
    head: Head | None = None
    steps: list[Step] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            tree = json.loads(line)
            if head is None:
                head = _head(tree)
            else:
                steps.append(_step(tree))
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ValueError(f"line {number} is no part of a recording: {reason}") from None
    if head is None:
        raise ValueError("the recording is empty; its first line describes the part")
    return Recording(head, tuple(steps))


def _head(tree: Any) -> Head:
    if tree["kind"] != "recording" or tree["version"] != VERSION:
        raise ValueError(f"it should be the head of a recording of version {VERSION}")
    configuration = Configuration(bytes.fromhex(tree["configuration"]))
    return Head(configuration, bytes.fromhex(tree["revision"]), bool(tree["with_secrets"]))


def _step(tree: Any) -> Step:
    match tree["kind"]:
        case "power" if tree["event"] in _EVENTS:
            return Power(tree["event"], bytes.fromhex(tree["answer"]))
        case "exchange":
            packet = bytes.fromhex(tree["packet"])
            data = _shown(tree["hidden"], packet[5:-2])
            response = tree["response"]
            answer = bytes.fromhex(response) if isinstance(response, str) else _shown(response, b"")
            return Exchange(packet, data, answer)
        case _:
            raise ValueError("it is neither an exchange nor a wake, idle or sleep")


def _shown(tree: Any, otherwise: bytes) -> Shown:
    if tree is None:
        return otherwise
    if not isinstance(tree["hidden"], int) or not 0 <= tree["hidden"] <= 148:
        raise ValueError(f"{tree['hidden']!r} is no number of hidden bytes")
    return Hidden(tree["hidden"], str(tree["why"]))
