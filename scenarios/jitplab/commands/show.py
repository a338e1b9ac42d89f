"""``jitplab show NAME``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from jitplab.commands import list_, options
from jitplab.report import page_lines
from jitplab.scenario import ScenarioError, find
from jitplab.terminal import style_of

if TYPE_CHECKING:
    from jitplab.commands import SubParsers


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "show",
        help=summary,
        description="Shows a scenario's page.",
        epilog="example: jitplab show wrong-slot-root-key",
    )
    command.add_argument("name", metavar="NAME", help="as `jitplab list` shows it")
    options.add_scenarios_option(command)
    command.add_argument("--json", action="store_true", help="the page as an object")
    command.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Show it."""
    try:
        each = find(chosen.name, chosen.scenarios)
    except ScenarioError as error:
        return options.complain(str(error), options.MISUSE)
    if chosen.json:
        options.say_json({**list_.as_json(each), "page": each.page})
        return 0
    for line in page_lines(each, style_of(sys.stdout)):
        options.say(line)
    return 0
