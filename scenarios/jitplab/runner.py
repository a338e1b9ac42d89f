"""Plays scenarios, each in a lab of its own, in this process or in several.

Rules of this file:
1. cryptoauthlib's calls are global to a process: a process plays one scenario at a time.
2. Processes are spawned, never forked: a fork would copy the threads and locks of a broker.
3. What comes back is in the order asked for, and the same however many processes there were.
4. A process that dies takes one scenario with it, which is told as broken; a new process takes its place.
5. Misuse (a parameter or a setting that does not exist) ends the run; whatever else happens to a scenario
   is told of that scenario.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, TypeAlias

from jitplab import own_scenarios
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.played import Played
from jitplab.scenario import NeedUnmet, Part, Scenario, ScenarioError, find, run
from jitplab.settings import Settings
from jitplab.tap import Tap
from softatecc.transports import NoResponse
from softatecc.transports.guard import ChangeRefused

#: Seconds to wait for an idle process to end by itself.
_PATIENCE: Final = 5.0


class Misuse(Exception):  # noqa: N818 - whose fault it is
    """What was asked for does not exist; ``str()`` says what does."""


@dataclass(frozen=True, slots=True)
class Order:
    """A scenario to be played."""

    name: str
    settings: Settings
    parameters: Mapping[str, int] = field(default_factory=dict)


Heard: TypeAlias = Callable[[Played], None]


def play(order: Order, tap: Tap | None = None) -> Played:
    """Play one scenario in a lab of its own.

    Args:
        order: what to play.
        tap: hears every connection of the firmware's.

    Raises:
        Misuse: a parameter the scenario does not have, or a setting that does not exist.
    """
    began = time.monotonic()
    outcome: Outcome | None = None
    skipped = error = None
    try:
        outcome = _outcome(order, tap)
    except (NeedUnmet, ChangeRefused, NoResponse) as unmet:
        skipped = str(unmet)
    except ScenarioError as misuse:
        raise Misuse(str(misuse)) from None
    except Misuse:
        raise
    except Exception as broken:  # noqa: BLE001 - a scenario that breaks is told; the others go on
        error = _sentence(broken)
    return Played(order.name, outcome, skipped, error, time.monotonic() - began)


def _outcome(order: Order, tap: Tap | None) -> Outcome:
    chosen = find(order.name)
    chosen.check(order.parameters)
    with ExitStack() as stack:
        try:
            lab = stack.enter_context(Lab(order.settings, tap))
        except ValueError as error:
            raise Misuse(str(error)) from None
        return run(chosen, lab, order.parameters)


def _sentence(error: Exception) -> str:
    """What broke and where, without a traceback."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{what} ({Path(frame.filename).name}, line {frame.lineno})"


def in_play_order(chosen: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """By area and name, but those that spend a blank part after those that adopt one."""
    return tuple(sorted(chosen, key=lambda each: (each.part is Part.PROVISIONS, each.area, each.name)))


def play_all(
    orders: Sequence[Order], *, jobs: int = 1, own: Sequence[Path] = (), heard: Heard = lambda _: None
) -> tuple[Played, ...]:
    """Play them all; what came of each, in the order of ``orders``.

    Args:
        orders: what to play.
        jobs: how many processes; 1 plays in this one.
        own: files and folders with scenarios of the user's, for the processes to load.
        heard: told of each as it ends.

    Raises:
        Misuse: see `play`; nothing more is played.
    """
    if jobs <= 1:
        return tuple(_told(play(order), heard) for order in orders)
    found: dict[int, Played] = {}
    for number, played in _by_processes(orders, min(jobs, len(orders)), tuple(own)):
        found[number] = _told(played, heard)
    return tuple(found[number] for number in range(len(orders)))


def _told(played: Played, heard: Heard) -> Played:
    heard(played)
    return played


# --- processes ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection


def _by_processes(orders: Sequence[Order], count: int, own: tuple[Path, ...]) -> Iterator[tuple[int, Played]]:
    waiting = list(enumerate(orders))[::-1]
    busy: dict[Connection, tuple[_Worker, int]] = {}
    try:
        for _ in range(count):
            _send_next(_hired(own), waiting, busy)
        while busy:
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                worker, number = busy.pop(pipe)
                try:
                    answer: Played | Misuse = pipe.recv()
                except (EOFError, OSError):
                    yield number, _lost(worker, orders[number])
                    worker = _hired(own) if waiting else worker
                else:
                    if isinstance(answer, Misuse):
                        raise answer
                    yield number, answer
                _send_next(worker, waiting, busy)
    finally:
        for worker, _ in busy.values():  # left early: what they are doing is not wanted any more
            worker.process.terminate()
            _dismiss(worker)


def _hired(own: tuple[Path, ...]) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, own), daemon=True)
    with _unheard_interrupts():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _unheard_interrupts() -> Iterator[None]:
    """What is started meanwhile ignores Ctrl-C: the run is ended by the process that was asked for it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _send_next(
    worker: _Worker, waiting: list[tuple[int, Order]], busy: dict[Connection, tuple[_Worker, int]]
) -> None:
    if not waiting:
        _dismiss(worker)
        return
    number, order = waiting.pop()
    busy[worker.pipe] = (worker, number)
    with suppress(OSError):  # it died at once: the empty pipe will tell
        worker.pipe.send(order)


def _dismiss(worker: _Worker) -> None:
    worker.pipe.close()  # the process reads its end and goes
    worker.process.join(_PATIENCE)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    worker.process.close()


def _lost(worker: _Worker, order: Order) -> Played:
    worker.pipe.close()
    worker.process.join()
    code = worker.process.exitcode
    how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
    why = f"the process that played it {how}; jitplab run {order.name} --jobs 1 shows it alone"
    return Played(order.name, error=why)


def _work(pipe: Connection, own: tuple[Path, ...]) -> None:
    """What a process does: play what it is sent until nobody sends any more."""
    own_scenarios.load_paths(own)
    with suppress(EOFError):
        while True:
            order = pipe.recv()
            try:
                answer: Played | Misuse = play(order)
            except Misuse as misuse:
                answer = misuse
            pipe.send(answer)
