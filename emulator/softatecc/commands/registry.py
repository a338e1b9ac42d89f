"""How a command enters the chip: one function, registered under its opcode.

Rules of this file:
1. A handler checks first, acts once and returns the response body; it refuses by raising `Rejected`.
2. What a request or response must hide from the trace is declared beside the handler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from softatecc.packet import Command, Opcode
from softatecc.status import Rejected, Status, parse_error

if TYPE_CHECKING:
    from softatecc.chip import Chip

Run: TypeAlias = "Callable[[Chip, Command], bytes]"
#: Says why bytes are secret, or None where they are not.
Secrecy: TypeAlias = "Callable[[Chip, Command], str | None]"

#: Body of the response of a command that answers without data.
SUCCESS = bytes((Status.SUCCESS,))


@dataclass(frozen=True, slots=True)
class Handler:
    """What the chip does for one opcode.

    Attributes:
        run: judges and executes the command.
        hides_request: why the request's data are secret.
        hides_response: why the response's data are secret.
    """

    run: Run
    hides_request: Secrecy
    hides_response: Secrecy


#: Opcode to handler; filled by `handles` while `softatecc.commands` is imported.
HANDLERS: dict[int, Handler] = {}


def nothing(chip: Chip, cmd: Command) -> None:
    """Nothing is secret."""


def handles(
    opcode: Opcode, *, hides_request: Secrecy = nothing, hides_response: Secrecy = nothing
) -> Callable[[Run], Run]:
    """Register a handler under its opcode."""

    def register(run: Run) -> Run:
        HANDLERS[opcode] = Handler(run, hides_request, hides_response)
        return run

    return register


def expect_data(cmd: Command, *lengths: int) -> None:
    """Refuse a command whose data have a length its mode does not know.

    Raises:
        Rejected: status 03.
    """
    if len(cmd.data) not in lengths:
        known = " or ".join(str(length) for length in lengths)
        raise parse_error(
            f"{cmd.name} in mode 0x{cmd.param1:02X} takes {known} data bytes, {len(cmd.data)} came"
        )


def unknown_mode(cmd: Command) -> Rejected:
    """The refusal of a first parameter the command does not know: status 03."""
    return parse_error(f"{cmd.name} has no mode 0x{cmd.param1:02X}")


def expect_param2(cmd: Command, *values: int) -> None:
    """Refuse a second parameter the mode does not know.

    Raises:
        Rejected: status 03.
    """
    if cmd.param2 not in values:
        known = " or ".join(f"0x{value:04X}" for value in values)
        raise parse_error(
            f"{cmd.name} in mode 0x{cmd.param1:02X} takes param2 {known}, 0x{cmd.param2:04X} came"
        )


_DROPPED = (Opcode.HMAC, Opcode.PAUSE)


def _refuse(chip: Chip, cmd: Command) -> bytes:  # noqa: ARG001 - a handler's signature
    """Evidence: document - AN3539 names the commands of the 508A that the 608 dropped."""
    if cmd.opcode in _DROPPED:
        raise parse_error(f"{cmd.name} is a command of the 508A that the 608 no longer has")
    raise parse_error(f"the 608 has no {cmd.name}")


def _of_unknown_meaning(chip: Chip, cmd: Command) -> str:  # noqa: ARG001 - a handler's signature
    return f"{cmd.name} is not understood, so its data may be a secret"


#: Stands in for every opcode without a handler.
NOT_UNDERSTOOD = Handler(_refuse, _of_unknown_meaning, nothing)
