"""``jitplab list``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from jitplab.commands import options
from jitplab.outcome import JsonValue
from jitplab.report import scenario_lines
from jitplab.scenario import Scenario, ScenarioError, catalogue
from jitplab.terminal import style_of

if TYPE_CHECKING:
    from jitplab.commands import SubParsers


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "list",
        help=summary,
        description="Lists the catalogue, a scenario a line.",
        epilog="example: jitplab list --json",
    )
    options.add_scenarios_option(command)
    command.add_argument("--json", action="store_true", help="an array of objects")
    command.set_defaults(act=act)


def as_json(each: Scenario) -> dict[str, JsonValue]:
    """A scenario's entry in ``jitplab list --json``."""
    return {
        "name": each.name,
        "area": each.area,
        "title": each.title,
        "stopped_by": str(each.stopped_by) if each.stopped_by else None,
        "refused_by": each.refused_by,
        "admitted": each.admitted,
        "checked_against": each.checked_against.value,
        "source": each.source,
        "twin": each.twin,
        "question": each.question,
        "part": each.part.value,
        "needs": [need.value for need in each.needs],
        "like": list(each.like),
        "parameters": {name: int(default) for name, default in each.parameters.items()},
    }


def act(chosen: argparse.Namespace) -> int:
    """List them."""
    try:
        known = catalogue(chosen.scenarios)
    except ScenarioError as error:
        return options.complain(str(error), options.MISUSE)
    if chosen.json:
        options.say_json([as_json(each) for each in known.values()])
        return 0
    for line in scenario_lines(known, style_of(sys.stdout)):
        options.say(line)
    return 0
