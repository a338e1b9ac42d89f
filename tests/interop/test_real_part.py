"""The scenarios on a part behind /dev/i2c-N, which is taken for silicon: how-to run-on-a-real-part.

The bus is the preload library's; cryptoauthlib is not involved, so that no wheel is needed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from jitplab import cli

SERIAL = "0123528e47b3461dee"
PART = "i2c:///dev/i2c-1?addr=0x60"
ALLOWED = f"{PART}&allow-changes={SERIAL}"
#: What a run on the bus and a run on the emulator have to tell alike.
TOLD = ("verdict", "rule", "closed_by", "connack", "handshake", "registered", "facts")

Run: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]


def jitplab(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "jitplab", *arguments]


@pytest.fixture
def run() -> Iterator[Run]:
    """``run(*arguments)``: ``jitplab`` on a machine whose /dev/i2c-1 has one blank part."""
    device = subprocess.Popen(
        jitplab("device", "--i2c", "1", "--serial-number", SERIAL),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert device.stdout is not None
    environment = {**os.environ, **json.loads(device.stdout.readline())["env"]}

    def run_one(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            jitplab(*arguments, "--library", "own"),
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    yield run_one
    device.send_signal(signal.SIGTERM)
    assert device.wait(20) == 0
    device.stdout.close()


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return what_counts(done.stdout)


def what_counts(out: str) -> dict[str, Any]:
    outcome = json.loads(out)
    return {name: outcome[name] for name in TOLD}


@pytest.mark.slow
@pytest.mark.program("cc")
def test_a_part_is_changed_only_when_it_is_named_and_serves_one_scenario_after_the_other(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = ("--seed", "bench-1", "--json")
    refused = run("run", "wrong-slot-root-key", *seed, "--device", PART)
    wrong = told(run("run", "wrong-slot-root-key", *seed, "--device", ALLOWED))
    right = told(run("run", "right-slot", *seed, "--device", PART))
    blank_wanted = run("run", "data-zone-left-unlocked", *seed, "--device", ALLOWED)
    another_seed = run("run", "right-slot", "--seed", "another", "--device", PART)

    assert refused.returncode == 3
    assert f"taken for silicon; add &allow-changes={SERIAL} to the URL to allow it" in (
        refused.stderr + refused.stdout
    )
    assert wrong["rule"] == "presented_ca_is_registered"
    assert right["registered"] is True
    assert blank_wanted.returncode == 3
    assert "needs a blank part" in blank_wanted.stdout + blank_wanted.stderr
    assert another_seed.returncode != 0
    assert "Traceback" not in another_seed.stderr
    for name, seen in (("wrong-slot-root-key", wrong), ("right-slot", right)):
        assert cli.main(["run", name, *seed, "--library", "own"]) == 0
        assert what_counts(capsys.readouterr().out) == seen
