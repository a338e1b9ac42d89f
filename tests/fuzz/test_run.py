"""The fuzzer itself: it runs, it can be repeated, and it can find something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=TREE, capture_output=True, text=True, timeout=100, check=False
    )


def outcomes(text: str) -> list[tuple[str, str]]:
    """(target, number of different outcomes) of each line."""
    return [(line.split()[0], line.split(" s, ")[1].split()[0]) for line in text.splitlines()]


def test_a_short_run_finds_nothing_and_can_be_repeated() -> None:
    first, again = (run("tests/fuzz/run.py", "--inputs", "400", "--seed", "7") for _ in range(2))

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.count("found: nothing") == 5
    assert outcomes(first.stdout) == outcomes(again.stdout)
    assert [name for name, _ in outcomes(first.stdout)] == [
        "packet",
        "template",
        "policy",
        "certificate",
        "request",
    ]
    assert all(int(count) >= 10 for _, count in outcomes(first.stdout))


PLANTED = """
import sys
from dataclasses import replace
from tests.fuzz import run, targets

def faulty(data, rng):
    {fault}
    return "fine"

run.TARGETS = (replace(targets.TARGETS[0], feed=faulty),)
sys.exit(run.main(["--inputs", "20000"]))
"""


@pytest.mark.parametrize(
    "fault, words",
    [
        ("if data[:1] == b'\\x10' and b'\\xff' in data: raise IndexError('planted')", "IndexError: planted"),
        ("if len(data) > 100: raise targets.Finding('planted')", "Finding: planted"),
        ("if len(data) > 100: sum(range(10 ** 8))", "one input took"),
    ],
)
def test_a_planted_fault_is_found_and_its_input_shown(fault: str, words: str) -> None:
    done = run("-c", PLANTED.format(fault=fault))

    assert done.returncode == 1
    assert words in done.stdout
    assert "\ninput: b'" in done.stdout
