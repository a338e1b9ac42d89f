"""``jitplab demo``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from jitplab.commands import options
from jitplab.demo import Demo
from jitplab.lab import Lab
from jitplab.scenario import NeedUnmet
from jitplab.terminal import style_of
from softatecc.library import LibraryError
from softatecc.transports import NoResponse
from softatecc.transports.guard import ChangeRefused

if TYPE_CHECKING:
    from jitplab.commands import SubParsers


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "demo",
        help=summary,
        description="Provisions a chip, lets its firmware read one key from the wrong slot, shows what the "
        "device sees and why the broker hung up, and then lets it in.",
        epilog="example: jitplab demo --seed 1 --now 2026-01-31",
    )
    options.add_lab_options(command)
    command.add_argument("--json", action="store_true", help="only whether the story came true, as JSON")
    command.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Tell the story."""
    try:
        with Lab(options.settings(chosen)) as lab:
            demo = Demo(lab, style_of(sys.stdout))
            for line in demo.tell():
                if not chosen.json:
                    options.say(line)
    except ValueError as error:
        return options.complain(str(error), options.MISUSE)
    except (NeedUnmet, LibraryError, ChangeRefused, NoResponse) as error:
        return options.complain(str(error), options.NEED_UNMET)
    if chosen.json:
        options.say_json({"came_true": demo.came_true, "facts": [fact.as_json() for fact in demo.facts]})
    elif demo.came_true:
        options.say("")
        options.say("more: jitplab list; jitplab show wrong-slot-root-key; jitplab run NAME --json")
    else:
        lies = [fact for fact in demo.facts if not fact.agrees]
        wrong = "; ".join(f"{f.what}: {f.seen!r} instead of {f.foretold!r}" for f in lies)
        return options.complain(f"the story did not come true: {wrong}", 1)
    return 0 if demo.came_true else 1
