"""``jitplab run … --blind``: a failure to be found, hint by hint."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace

from jitplab.blind import (
    VIEWS,
    any_failure,
    bench_lines,
    by_token,
    next_lines,
    reveal_lines,
    token,
    view_lines,
)
from jitplab.commands import options
from jitplab.runner import Misuse, Order, play
from jitplab.scenario import Scenario, ScenarioError, catalogue, find
from jitplab.settings import Settings, quick
from jitplab.terminal import style_of


def add_to(command: options.Options) -> None:
    """Describe the options."""
    command.add_argument(
        "--blind", action="store_true", help="show only what an engineer at the bench would see"
    )
    command.add_argument(
        "--hint",
        metavar="N",
        type=_view,
        nargs="?",
        const=0,
        action="append",
        default=[],
        help=f"open one more view (may be repeated), or the first N of {len(VIEWS)}",
    )
    command.add_argument("--reveal", action="store_true", help="tell what it was")
    command.add_argument(
        "--any", action="store_true", help="a failure drawn by --seed, named at --reveal only"
    )
    command.add_argument(
        "--case", metavar="TOKEN", help="the failure that --any drew, by the token it was given"
    )


def _view(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= len(VIEWS):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of hints; there are 1 to {len(VIEWS)} (a NAME goes before --hint)"
        )
    return int(text)


def is_asked(chosen: argparse.Namespace) -> bool:
    """Whether the command line is about a failure to be found."""
    return bool(chosen.blind or chosen.hint or chosen.reveal or chosen.any or chosen.case)


def act(chosen: argparse.Namespace) -> int:
    """Play it and show as much as was asked for."""
    if (
        len(chosen.names) + chosen.any + (chosen.case is not None) != 1
        or chosen.all
        or chosen.matching is not None
    ):
        chosen.refuse("--blind, --hint and --reveal are about one scenario: give its NAME, --any or --case")
    if chosen.json or chosen.junit or chosen.html:
        chosen.refuse("--json, --junit and --html tell what it was; leave them out of a blind run")
    seed = chosen.seed or (str(secrets.randbelow(900_000) + 100_000) if chosen.any else None)
    settings = replace(options.settings(chosen), seed=seed)
    parameters = options.parameters(chosen)
    try:
        known = catalogue(chosen.scenarios)
        if chosen.names:
            each = find(chosen.names[0])
        else:
            each = by_token(known, chosen.case) if chosen.case else any_failure(known, str(seed))
        return _show(chosen, each, settings, parameters)
    except (ScenarioError, Misuse) as error:
        return options.complain(str(error), options.MISUSE)


def _show(
    chosen: argparse.Namespace, each: Scenario, settings: Settings, parameters: Mapping[str, int]
) -> int:
    played = play(Order(each.name, settings if chosen.host_sleeps else quick(settings), parameters))
    outcome = played.outcome
    if outcome is None:
        return options.complain(
            played.skipped or f"the scenario broke: {played.error}",
            options.NEED_UNMET if played.skipped else 1,
        )
    shown = min(len(VIEWS), max(chosen.hint, default=0) + chosen.hint.count(0))
    style = style_of(sys.stdout)
    for line in bench_lines(outcome, style):
        options.say(line)
    for line in view_lines(outcome, shown, style):
        options.say(line)
    for line in reveal_lines(each, outcome, style) if chosen.reveal else ():
        options.say(line)
    which = (each.name,) if chosen.names else ("--case", token(each.name))
    again = (*which, *_as_given(settings, parameters), "--blind")
    for line in next_lines(again, shown, revealed=chosen.reveal):
        options.say(line)
    return 0 if outcome.as_foretold else 1


def _as_given(settings: Settings, parameters: Mapping[str, int]) -> tuple[str, ...]:
    """The options that make it the same again."""
    words: list[str] = []
    if settings.seed is not None:
        words += ["--seed", settings.seed]
    if settings.now is not None:
        words += ["--now", settings.now.isoformat()]
    if settings.device != Settings().device:
        words += ["--device", settings.device]
    if settings.profile_was_chosen:
        words += ["--profile", settings.profile]
    for name, value in parameters.items():
        words += ["--set", f"{name}={value}"]
    return tuple(words)
