"""Feeds changed inputs to what reads a stranger's bytes, for a limited time: ``make fuzz``.

Each target gets ``--seconds`` (60 unless told otherwise), or exactly ``--inputs``. The same seed and number
of inputs make the same run. Exit code 0: nothing found; 1: the first input of each finding is printed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # this is a script: its folder is no package

from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import TARGETS, Target
from tests.progress import tell

#: Seconds one input may take; more is a way to keep the broker busy.
_SLOW = 1.0


@dataclass
class Report:
    """What became of one target."""

    name: str
    inputs: int = 0
    words: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    finding: str | None = None
    input: bytes = b""

    def line(self) -> str:
        found = "nothing" if self.finding is None else self.finding.strip().splitlines()[-1]
        return (
            f"{self.name:12} {self.inputs:9} inputs in {self.seconds:5.1f} s,"
            f" {self.words:5} different outcomes, slowest {self.slowest * 1000:6.1f} ms, found: {found}"
        )


def fuzz(target: Target, seed: int, seconds: float, inputs: int | None) -> Report:
    """Feed one target until time or inputs are used up, or something is found."""
    rng = random.Random(f"{seed} {target.name}")
    mutator, seen, report = Mutator(rng, target.seeds, target.words), set[str](), Report(target.name)
    began = time.monotonic()
    while report.finding is None:
        report.seconds = time.monotonic() - began
        if report.inputs >= inputs if inputs is not None else report.seconds >= seconds:
            break
        data = target.seeds[report.inputs] if report.inputs < len(target.seeds) else mutator.next()
        start = time.process_time()
        try:
            word = target.feed(data, rng)
        except Exception:  # noqa: BLE001 - whatever comes out is what is looked for
            word, report.finding, report.input = "finding", traceback.format_exc(), data
        took = time.process_time() - start
        report.inputs += 1
        report.slowest = max(report.slowest, took)
        if took > _SLOW and report.finding is None:
            report.finding, report.input = f"one input took {took:.1f} s", data
        if word not in seen:
            seen.add(word)
            mutator.keep(data)
    report.words = len(seen)
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz what was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(description="Feed mutated inputs to the broker's readers.")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default 60)")
    parser.add_argument("--inputs", type=int, help="for each target, instead of a time")
    parser.add_argument("--seed", type=int, default=0, help="of the run (default 0)")
    parser.add_argument("--target", choices=[target.name for target in TARGETS], action="append")
    chosen = parser.parse_args(arguments)
    code = 0
    for target in TARGETS:
        if chosen.target is None or target.name in chosen.target:
            tell(f"{target.name}: {chosen.inputs or f'{chosen.seconds:g} s'}")
            report = fuzz(target, chosen.seed, chosen.seconds, chosen.inputs)
            tell("")
            print(report.line(), flush=True)
            if report.finding is not None:
                print(f"{report.finding}\ninput: {report.input!r}", flush=True)
                code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
