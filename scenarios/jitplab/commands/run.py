"""``jitplab run NAME…`` and ``jitplab run --all``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jitplab.commands import blind, options
from jitplab.junit import junit
from jitplab.outcome import JsonValue
from jitplab.pcapng import pcapng
from jitplab.played import Played, Verdict
from jitplab.report import outcome_lines
from jitplab.run_report import Progress, table_lines
from jitplab.runner import Misuse, Order, in_play_order, play, play_all
from jitplab.scenario import Scenario, ScenarioError, catalogue, find
from jitplab.selection import SelectionError, selection
from jitplab.settings import Settings, is_inside, quick
from jitplab.tap import Tap
from jitplab.terminal import style_of

if TYPE_CHECKING:
    from jitplab.commands import SubParsers

_EPILOG = """\
examples:
  jitplab run right-slot
  jitplab run wrong-slot-root-key --slot 14 --profile aws-2021
  jitplab run wrong-slot-root-key --seed 1 --now 2026-01-31 --json
  jitplab run --all                              everything there is, on every processor
  jitplab run --all -k "slot and not wrong"      what has slot in its name or area, but not wrong
  jitplab run --all --junit report.xml --html report
  jitplab run --all --scenarios our/scenarios    with your own beside ours
  jitplab run wrong-slot-root-key --pcap run.pcapng      Wireshark decrypts it as it is
  jitplab run --any --blind                      a failure to be found; --hint opens views, --reveal tells
  jitplab run --all --seed 1 --device tcp://localhost:8608     on jitplab device --fresh --seed 1

Progress goes to standard error, the result to standard output. A scenario whose need is unmet is skipped
with a sentence. With --all, cryptoauthlib's own waiting is taken out where the chip is emulated in this
process (Linux); --host-sleeps keeps it.

exit codes: 0 all as foretold, 1 something was not, 2 misuse, 3 nothing ran because needs are unmet
"""


def add_to(commands: SubParsers, summary: str) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "run",
        help=summary,
        description="Runs each scenario in a lab of its own. Exits 0 when everything was as foretold.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("names", metavar="NAME", nargs="*", help="as `jitplab list` shows them")
    which = command.add_argument_group("which, and how")
    which.add_argument("--all", action="store_true", help="the whole catalogue, with a table at the end")
    which.add_argument(
        "-k",
        metavar="EXPR",
        dest="matching",
        help="only those whose area/name has these words, with and, or, not and brackets, as pytest's -k",
    )
    which.add_argument(
        "--jobs",
        metavar="N",
        type=_jobs,
        help="processes (default: with --all on emulated chips one for each processor, else 1)",
    )
    options.add_scenarios_option(which)
    which.add_argument("--slot", metavar="N", type=int, help="short for --set slot=N")
    which.add_argument(
        "--set",
        metavar="KEY=N",
        action="append",
        default=[],
        type=_parameter,
        help="a scenario's parameter (jitplab show NAME lists them)",
    )
    told = command.add_argument_group("what is told")
    told.add_argument("--json", action="store_true", help="one object for one name, an array for several")
    told.add_argument("--junit", metavar="FILE", type=Path, help="write JUnit XML for a CI server, too")
    told.add_argument(
        "--pcap",
        metavar="FILE",
        type=Path,
        help="save one scenario's connections with the secrets of their TLS, for Wireshark (pcapng)",
    )
    told.add_argument("--html", metavar="DIR", type=Path, help="write a page for each scenario, too")
    blind.add_to(command.add_argument_group("to find out by yourself"))
    lab = command.add_argument_group("the lab")
    options.add_lab_options(lab)
    lab.add_argument(
        "--broker",
        metavar="URL",
        help="a broker that runs already, with a control plane (jitplab broker --control-port): "
        "mqtts://localhost:8883?control=http://127.0.0.1:9000&cafile=FILE&trace=FILE",
    )
    lab.add_argument(
        "--host-sleeps", action="store_true", help="with --all: keep cryptoauthlib's own waiting"
    )
    command.set_defaults(act=act, refuse=command.error)


def _parameter(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    try:
        return name, int(value, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=NUMBER, such as slot=13") from None


def _jobs(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes; 1 or more")
    return int(text)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be played, as the command line has it."""

    scenarios: tuple[Scenario, ...]
    known: Mapping[str, Scenario]
    settings: Settings
    parameters: Mapping[str, int]
    jobs: int
    many: bool


def _plan(chosen: argparse.Namespace) -> _Plan:
    """Read the command line.

    Raises:
        ScenarioError: a name, a file or a parameter that does not exist, or a selection of nothing.
        SelectionError: -k cannot be read.
    """
    known = catalogue(chosen.scenarios)
    many = chosen.all or chosen.matching is not None
    scenarios = [find(name) for name in chosen.names] if chosen.names else list(known.values())
    if chosen.matching is not None:
        meant = selection(chosen.matching)
        scenarios = [each for each in scenarios if meant(f"{each.area}/{each.name}")]
        if not scenarios:
            raise ScenarioError(f"-k {chosen.matching!r} fits no scenario; jitplab list shows them all")
    parameters = options.parameters(chosen)
    for each in scenarios:
        each.check(parameters)
    settings = options.settings(chosen)
    if many and not chosen.host_sleeps:
        settings = quick(settings)
    jobs = chosen.jobs or (_processors() if many and is_inside(settings) and settings.broker is None else 1)
    return _Plan(
        in_play_order(scenarios) if many else tuple(scenarios), known, settings, parameters, jobs, many
    )


def _processors() -> int:
    """Those this process may use, which in a container are fewer than there are."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux and some others
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def act(chosen: argparse.Namespace) -> int:
    """Run them and tell what came of it."""
    if blind.is_asked(chosen):
        return blind.act(chosen)
    if not chosen.names and not chosen.all and chosen.matching is None:
        chosen.refuse("name a scenario, or give --all or -k EXPR")
    if chosen.pcap is not None and (len(chosen.names) != 1 or (chosen.jobs or 1) > 1):
        chosen.refuse("--pcap saves one scenario, played in this process; give one NAME and no --jobs")
    if chosen.names and chosen.all:
        chosen.refuse("--all is every scenario; leave it out, or the names")
    try:
        plan = _plan(chosen)
        runs = _played(plan, chosen.scenarios) if chosen.pcap is None else _recorded(plan, chosen.pcap)
        _write(chosen, plan, runs)
    except (ScenarioError, SelectionError, Misuse) as error:
        return options.complain(str(error), options.MISUSE)
    except OSError as error:
        return options.complain(f"{error.filename} cannot be written: {error.strerror}", options.MISUSE)
    return _tell(chosen, plan, runs)


def _played(plan: _Plan, own: Sequence[Path]) -> tuple[Played, ...]:
    orders = [Order(each.name, plan.settings, plan.parameters) for each in plan.scenarios]
    if not plan.many:
        return play_all(orders, jobs=plan.jobs, own=own)
    progress = Progress(sys.stderr, len(orders))
    try:
        runs = play_all(orders, jobs=plan.jobs, own=own, heard=progress)
    finally:
        progress.end()
    return tuple(sorted(runs, key=lambda played: (plan.known[played.name].area, played.name)))


def _recorded(plan: _Plan, target: Path) -> tuple[Played, ...]:
    """Play one scenario with a tap on its connections, and save what was heard."""
    (each,) = plan.scenarios
    now = plan.settings.now
    with Tap(lambda: now or datetime.now(UTC)) as tap:
        played = play(Order(each.name, plan.settings, plan.parameters), tap)
        secrets = tap.secrets()
        data = pcapng(tap.conversations, secrets)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it opens what it holds
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    if tap.conversations and not secrets:
        options.complain(
            f"{target} cannot be decrypted: tlslite-ng keeps no secrets of TLS 1.3; choose --tls ssl", 0
        )
    return (played,)


def _write(chosen: argparse.Namespace, plan: _Plan, runs: Sequence[Played]) -> None:
    if chosen.junit is not None:
        chosen.junit.parent.mkdir(parents=True, exist_ok=True)
        chosen.junit.write_text(junit(runs, plan.known), encoding="utf-8")
    if chosen.html is not None:
        from jitplab.html.report import write_report  # noqa: PLC0415 - loaded for those who want pages

        write_report(chosen.html, runs, plan.known)


def _tell(chosen: argparse.Namespace, plan: _Plan, runs: Sequence[Played]) -> int:
    one = len(runs) == 1 and not plan.many
    unplayed = [played for played in runs if played.outcome is None]
    if not plan.many:
        for played in unplayed:
            options.complain(played.skipped or f"{played.name} broke: {played.error}", 0)
    if chosen.json:
        told = [_described(plan.known[played.name], played, plan.settings) for played in runs]
        if not (one and unplayed):
            options.say_json(told[0] if one else list(told))
    else:
        style = style_of(sys.stdout)
        if plan.many:
            for line in table_lines(runs, plan.known, style):
                options.say(line)
        for played in () if plan.many else runs:
            if played.outcome is not None:
                for line in outcome_lines(played.name, played.outcome, style):
                    options.say(line)
    return exit_code(runs)


def exit_code(runs: Sequence[Played]) -> int:
    """0 as foretold, 1 something was not, 3 when nothing ran."""
    verdicts = {played.verdict for played in runs}
    if verdicts & {Verdict.OTHERWISE, Verdict.BROKEN}:
        return 1
    return 0 if Verdict.AS_FORETOLD in verdicts else options.NEED_UNMET


def _described(each: Scenario, played: Played, settings: Settings) -> dict[str, JsonValue]:
    return {
        "scenario": each.name,
        "area": each.area,
        "verdict": played.verdict.value,
        "skipped": played.skipped,
        "broken": played.error,
        "checked_against": each.checked_against.value,
        "device": settings.device,
        "seed": settings.seed,
        "now": settings.now.isoformat() if settings.now is not None else None,
        **(played.outcome.as_json() if played.outcome is not None else {}),
    }
