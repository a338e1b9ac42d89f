"""Replaying a recording against another device, up to the first difference.

Rules of this file:
1. Packets are sent as they were recorded, in order; power changes likewise. Nothing is repeated.
2. How an answer is compared depends on what it is (`Comparison`): bytes where both devices can know
   them, random numbers and keys by their kind, signatures by verifying them. `softatecc.knowledge`
   follows which registers and slots both devices share.
3. A status byte is always compared. So is the length of every answer.
4. A step whose request is hidden cannot be sent; it is refused before anything is, or passed over where
   the caller says that the target holds those bytes already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from softatecc.chip import Chip
from softatecc.crypto import P256_ORDER, SignatureMismatch, public_key, verify
from softatecc.describe.response import body_words
from softatecc.entropy import FixedEntropy
from softatecc.knowledge import Comparison, Knowledge
from softatecc.packet import Command, Opcode, ResponseError, decode_response
from softatecc.recording import Exchange, Power, Recording, Step
from softatecc.trace import Hidden, JsonValue
from softatecc.transports import NoResponse, Transport

_STATUS_SIZE = 1
_SERIAL_BYTES = (*range(4), *range(8, 13))
#: Gives the target its next random number.
Feed = Callable[[bytes], None]


class CannotReplay(ValueError):  # noqa: N818 - a state of the recording, told by its sentence
    """The recording hides what would have to be sent."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that was not the same.

    Attributes:
        step: its number in the recording, from 1.
        name: the command, or the change of power.
        recorded: what the recording has.
        seen: what the target did.
        compared: how the two were compared.
    """

    step: int
    name: str
    recorded: str
    seen: str
    compared: Comparison

    def __str__(self) -> str:
        both = f"recorded {self.recorded}, seen {self.seen}"
        return f"step {self.step}, {self.name}: {both} (compared: {self.compared})"

    def as_json(self) -> dict[str, JsonValue]:
        """The difference in JSON's types."""
        return {
            "step": self.step,
            "name": self.name,
            "recorded": self.recorded,
            "seen": self.seen,
            "compared": str(self.compared),
        }


@dataclass(slots=True)
class Report:
    """What came of a replay.

    Attributes:
        difference: the first, None where there is none.
        compared: how many answers were compared in which way.
        skipped: steps passed over because their request is hidden.
    """

    difference: Difference | None = None
    compared: Counter[Comparison] = field(default_factory=Counter)
    skipped: int = 0


def feed_of(chip: Chip) -> Feed:
    """Let an emulated chip draw the recorded random numbers, so that all that follows from them agrees."""

    def feed(number: bytes) -> None:
        chip.entropy = FixedEntropy(number, chip.entropy)

    return feed


def twin(recording: Recording) -> Chip:
    """A chip with the recorded configuration, serial number included; its slots are erased."""
    return Chip(recording.head.configuration)


class Replayer:
    """Plays a recording to a device.

    Args:
        recording: what to play.
        target: the way to the device.
        feed: gives the device its next random number, see `feed_of`; without it random numbers are
            compared by kind, and what follows from them by length.
        shared: slots whose contents the target holds as the recorded part did. Slots of a part that was
            blank when the recording began are known without being named here.
        skip_hidden: pass over steps whose request is hidden instead of refusing.

    Raises:
        CannotReplay: a request is hidden and `skip_hidden` is false.
    """

    def __init__(
        self,
        recording: Recording,
        target: Transport,
        *,
        feed: Feed | None = None,
        shared: frozenset[int] = frozenset(),
        skip_hidden: bool = False,
    ) -> None:
        self._recording, self._target, self._feed = recording, target, feed
        self._knowledge = Knowledge(recording.head.configuration, shared, fed=feed is not None)
        self._keys: dict[int, tuple[bytes, bytes]] = {}
        if not skip_hidden:
            for number, step in enumerate(recording.steps, 1):
                _require_open(number, step)

    def run(self) -> Report:
        """Play it; stops at the first difference."""
        report = Report()
        for number, step in enumerate(self._recording.steps, 1):
            if isinstance(step, Exchange) and isinstance(step.data, Hidden):
                report.skipped += 1
                continue
            report.difference = (
                self._power(number, step) if isinstance(step, Power) else self._exchange(number, step, report)
            )
            if report.difference is not None:
                break
        return report

    def _power(self, number: int, step: Power) -> Difference | None:
        match step.event:
            case "wake":
                seen = self._target.wake()
                if seen != step.answer:
                    return Difference(number, "wake", step.answer.hex(), seen.hex(), Comparison.BYTES)
            case "idle":
                self._target.idle()
            case _:
                self._target.sleep()
                self._knowledge.forget()
        return None

    def _exchange(self, number: int, step: Exchange, report: Report) -> Difference | None:
        cmd = step.command
        name = "garbled packet" if cmd is None else cmd.name
        recorded = _body(step)
        if self._feed is not None and cmd is not None and draws(cmd, recorded):
            assert recorded is not None
            self._feed(recorded)
        try:
            seen = decode_response(self._target.exchange(step.packet))
        except (NoResponse, ResponseError) as error:
            return Difference(number, name, _told(recorded, step, cmd), str(error), Comparison.BYTES)
        how = Comparison.BYTES if cmd is None else self._knowledge.comparison(cmd)
        if recorded is None:
            how = Comparison.LENGTH
        elif len(recorded) == _STATUS_SIZE:
            how = Comparison.BYTES
        report.compared[how] += 1
        same = self._same(how, step, cmd, recorded, seen)
        if cmd is not None:
            self._knowledge.follow(cmd, seen)
        if same:
            return None
        return Difference(number, name, _told(recorded, step, cmd), _words(seen, cmd), how)

    def _same(
        self, how: Comparison, step: Exchange, cmd: Command | None, recorded: bytes | None, seen: bytes
    ) -> bool:
        if recorded is None:
            assert isinstance(step.response, Hidden)
            return len(seen) + 3 == step.response.length
        if len(seen) != len(recorded):
            return False
        if len(seen) == _STATUS_SIZE:
            return seen == recorded
        assert cmd is not None, "only a command that was understood answers with data"
        match how:
            case Comparison.RANDOM:
                return (recorded == self._knowledge.pattern) == (seen == self._knowledge.pattern)
            case Comparison.KEY:
                return self._same_key(cmd, recorded, seen)
            case Comparison.SIGNATURE:
                return self._both_verify(cmd, recorded, seen)
            case Comparison.LENGTH:
                return True
            case _:
                return self._neutral(cmd, recorded) == self._neutral(cmd, seen)

    def _same_key(self, cmd: Command, recorded: bytes, seen: bytes) -> bool:
        """Both on the curve; and the pair stays a pair until a new key is made."""
        if not (_is_point(recorded) and _is_point(seen)):
            return False
        if cmd.param1 & 0x04 or cmd.param2 not in self._keys:
            self._keys[cmd.param2] = recorded, seen
        return self._keys[cmd.param2] == (recorded, seen)

    def _both_verify(self, cmd: Command, recorded: bytes, seen: bytes) -> bool:
        """Each under its own key, where key and digest are known; else R and S are in range."""
        digest, pair = self._knowledge.digest(cmd), self._keys.get(cmd.param2)
        if digest is None or pair is None:
            return all(_is_signature(each) for each in (recorded, seen))
        return all(_verifies(*each, digest) for each in zip(pair, (recorded, seen), strict=True))

    def _neutral(self, cmd: Command, body: bytes) -> bytes:
        """The serial number blotted out of configuration block 0, for every part has its own."""
        if cmd.opcode != Opcode.READ or cmd.param1 & 0b11:
            return body
        start = (cmd.param2 >> 3 << 5) + (0 if cmd.param1 & 0x80 else (cmd.param2 & 7) << 2)
        return bytes(0 if start + at in _SERIAL_BYTES else octet for at, octet in enumerate(body))


def draws(cmd: Command, recorded: bytes | None) -> bool:
    """Whether an answer is a fresh random number."""
    if recorded is None or len(recorded) != 32 or recorded == Knowledge.pattern:
        return False
    return cmd.opcode == Opcode.RANDOM or (cmd.opcode == Opcode.NONCE and cmd.param2 == 0)


def _require_open(number: int, step: Step) -> None:
    if isinstance(step, Exchange) and isinstance(step.data, Hidden):
        name = "a garbled packet" if step.command is None else step.command.name
        raise CannotReplay(
            f"step {number}, {name}, hides its {step.data.length} data bytes ({step.data.why}); "
            "record with secrets, or pass over hidden steps on a part that holds them already"
        )


def _body(step: Exchange) -> bytes | None:
    return None if isinstance(step.response, Hidden) else step.response[1:-2]


def _told(recorded: bytes | None, step: Exchange, cmd: Command | None) -> str:
    return str(step.response) if recorded is None else _words(recorded, cmd)


def _words(body: bytes, cmd: Command | None) -> str:
    _, words = body_words(body, cmd)
    return f"{words}: {body.hex()}" if len(body) > _STATUS_SIZE else words


def _is_point(octets: bytes) -> bool:
    try:
        public_key(octets)
    except ValueError:
        return False
    return True


def _is_signature(octets: bytes) -> bool:
    return all(0 < int.from_bytes(half, "big") < P256_ORDER for half in (octets[:32], octets[32:]))


def _verifies(point: bytes, signature: bytes, digest: bytes) -> bool:
    try:
        verify(public_key(point), digest, signature)
    except SignatureMismatch:
        return False
    return True
