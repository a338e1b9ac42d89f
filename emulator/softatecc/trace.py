"""The talkative side of the chip: one typed record for everything that happened on its bus.

Rules of this file:
1. Every command leaves exactly one `CommandRecord`, accepted or not; every change of power one
   `PowerRecord`.
2. `why` is None when the chip did what it was asked, else one sentence naming the rule.
3. What must not be shown is `Hidden`: its length and the reason are kept, its bytes are not. A packet
   that could not be understood is hidden whole, since nobody knows what it carries.
"""

from dataclasses import dataclass
from typing import TypeAlias

from softatecc.status import Status

JsonValue: TypeAlias = "str | int | dict[str, JsonValue] | None"


@dataclass(frozen=True, slots=True)
class Hidden:
    """Bytes the trace does not keep.

    Attributes:
        length: how many there were.
        why: what makes them secret.
    """

    length: int
    why: str

    def __str__(self) -> str:
        return f"<{self.length} bytes hidden: {self.why}>"


#: Bytes as the trace keeps them.
Shown: TypeAlias = bytes | Hidden


def _json(shown: Shown) -> JsonValue:
    if isinstance(shown, Hidden):
        return {"hidden": shown.length, "why": shown.why}
    return shown.hex()


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """One command and its answer.

    Attributes:
        opcode: command code, None when the packet was too broken to have one.
        name: the data sheet's name of the command.
        param1: first parameter, None likewise.
        param2: second parameter, None likewise.
        data: the request's data.
        status: the status answered; `Status.SUCCESS` also where data were.
        response: body of the response group.
        why: the reason of a refusal or of a failed comparison.
    """

    opcode: int | None
    name: str
    param1: int | None
    param2: int | None
    data: Shown
    status: Status
    response: Shown
    why: str | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """The record in JSON's types; bytes as lower-case hex."""
        return {
            "kind": "command",
            "name": self.name,
            "opcode": self.opcode,
            "param1": self.param1,
            "param2": self.param2,
            "data": _json(self.data),
            "status": int(self.status),
            "response": _json(self.response),
            "why": self.why,
        }

    def __str__(self) -> str:
        """One line for people."""
        asked = self.name if self.param2 is None else f"{self.name}({self.param1:02X}, {self.param2:04X})"
        line = f"{asked} -> {self.status.label}"
        return line if self.why is None else f"{line}: {self.why}"


@dataclass(frozen=True, slots=True)
class PowerRecord:
    """A wake, an idle, a sleep or a loss of power.

    Attributes:
        event: ``wake``, ``idle``, ``sleep``, ``watchdog`` (sleep because it expired), ``power-up``
            or ``restored`` (put back to an earlier moment).
        lost: the registers that had contents and lost them.
        why: None, so that records of both kinds can be asked alike.
    """

    event: str
    lost: tuple[str, ...] = ()
    why: None = None

    def as_json(self) -> dict[str, JsonValue]:
        """The record in JSON's types."""
        return {"kind": "power", "event": self.event, "lost": ", ".join(self.lost)}

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.event}, lost: {', '.join(self.lost)}" if self.lost else self.event


#: What a chip's trace is made of.
Record: TypeAlias = CommandRecord | PowerRecord
