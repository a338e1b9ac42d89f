"""``jitplab device``: a part for other programs; the same as ``python -m softatecc device``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.ports import command as device_command

if TYPE_CHECKING:
    from jitplab.commands import SubParsers


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "device",
        help=summary,
        description="Serves software ATECC608A parts to programs that nobody modified.",
    )
    device_command.add_arguments(command)
