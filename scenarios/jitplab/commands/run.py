"""``jitplab run NAME…``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jitplab.commands import options
from jitplab.lab import Lab, Settings
from jitplab.outcome import JsonValue, Outcome
from jitplab.report import outcome_lines
from jitplab.scenario import NeedUnmet, Scenario, ScenarioError, find, run
from jitplab.terminal import style_of
from softatecc.library import LibraryError
from softatecc.transports import NoResponse
from softatecc.transports.guard import ChangeRefused

if TYPE_CHECKING:
    from jitplab.commands import SubParsers

_EPILOG = """\
examples:
  jitplab run right-slot
  jitplab run wrong-slot-root-key --slot 14 --profile aws-2021
  jitplab run wrong-slot-root-key --seed 1 --now 2026-01-31 --json
"""


def add_to(commands: SubParsers) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "run",
        help="run scenarios and compare what is seen with what was foretold",
        description="Runs each named scenario in a lab of its own. Exits 0 when everything was as foretold.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("names", metavar="NAME", nargs="+", help="as `jitplab list` shows them")
    options.add_lab_options(command)
    command.add_argument("--slot", metavar="N", type=int, help="short for --set slot=N")
    command.add_argument(
        "--set",
        metavar="KEY=N",
        action="append",
        default=[],
        type=_parameter,
        help="a scenario's parameter (jitplab show NAME lists them)",
    )
    command.add_argument("--json", action="store_true", help="one object for one name, an array for several")
    command.set_defaults(act=act)


def _parameter(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    try:
        return name, int(value, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=NUMBER, such as slot=13") from None


def _played(each: Scenario, settings: Settings, parameters: Mapping[str, int]) -> Outcome:
    with Lab(settings) as lab:
        return run(each, lab, parameters)


def _described(each: Scenario, outcome: Outcome, settings: Settings) -> dict[str, JsonValue]:
    return {
        "scenario": each.name,
        "checked_against": each.checked_against.value,
        "device": settings.device,
        "seed": settings.seed,
        "now": settings.now.isoformat() if settings.now is not None else None,
        **outcome.as_json(),
    }


def act(chosen: argparse.Namespace) -> int:
    """Run them, one after the other."""
    parameters = dict(chosen.set)
    if chosen.slot is not None:
        parameters["slot"] = chosen.slot
    settings = options.settings(chosen)
    reports: list[JsonValue] = []
    worst = 0
    style = style_of(sys.stdout)
    try:
        scenarios = [find(name) for name in chosen.names]
        for each in scenarios:
            each.check(parameters)
        for each in scenarios:
            outcome = _played(each, settings, parameters)
            worst = max(worst, 0 if outcome.as_foretold else 1)
            if chosen.json:
                reports.append(_described(each, outcome, settings))
                continue
            for line in outcome_lines(each.name, outcome, style):
                options.say(line)
    except (ScenarioError, ValueError) as error:
        return options.complain(str(error), options.MISUSE)
    except (NeedUnmet, ChangeRefused, NoResponse) as error:
        return options.complain(str(error), options.NEED_UNMET)
    except LibraryError as error:
        return options.complain(f"the chip could not be provisioned: {error}", options.NEED_UNMET)
    if chosen.json:
        options.say_json(reports[0] if len(scenarios) == 1 else reports)
    return worst
