"""Runs Microchip's own C test program against blank parts, through its lock states, and counts.

The program is not part of this project and is built elsewhere: `docs/reference/conformance.md` says how.
It writes its own configuration into a blank part, locks it, then locks the data zone, and brings suites
for each of the three states; the suite for Trust&Go parts runs on one made by `trust_part`.

    python tests/conformance/run.py PROGRAM [--port i2c|tcp] [--json]

The exit code is 0 when every test that ran passed, but for the ones `EXCEPTIONS` gives a reason for; 1
when another failed; 2 when the program cannot be run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.progress import tell

#: The longest a suite may take, in seconds; the slowest polls a part some 40 000 times.
PATIENCE = 900
BUS = 1
BLANK_ADDRESS, TRUST_ADDRESS = "C0", "6A"

#: What cannot pass, and why.
EXCEPTIONS = {
    "tng_atcacert_read_signer_cert": (
        "verifies the signer's certificate with the key in Microchip's own root certificate, which is "
        "compiled into the program; the part's signer is certified by a root of ours, since only Microchip "
        "has that key"
    ),
}

_TEST = re.compile(r"TEST\((\w+), (\w+)\)(.*)")
_TOTALS = re.compile(r"^(\d+) Tests (\d+) Failures (\d+) Ignored", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Suite:
    """One run of the program.

    Attributes:
        command: what it is asked to do.
        state: the lock state of the part, for the reader.
        counts: whether it brings tests; locking does not.
    """

    command: str
    state: str
    counts: bool = True


BLANK_PART = (
    Suite("basic", "unlocked"),
    Suite("lockcfg", "", counts=False),
    Suite("basic", "configuration locked"),
    Suite("cio", "configuration locked"),
    Suite("lockdata", "", counts=False),
    Suite("basic", "data locked"),
    Suite("cio", "data locked"),
    Suite("crypto_int", "data locked"),
)
TRUST_PART = (Suite("tng", "Trust&Go part, locked"),)


@dataclass(frozen=True, slots=True)
class Result:
    """What a suite came to.

    Attributes:
        suite: its name in the program.
        state: the lock state it ran in.
        tests: how many it has, None where this program does not have the suite.
        passed: how many ran and passed.
        ignored: how many it leaves out in this state.
        failed: the names and messages of the others.
    """

    suite: str
    state: str
    tests: int | None
    passed: int
    ignored: int
    failed: dict[str, str]


class CannotRun(Exception):  # noqa: N818 - what happened, not whose fault it is
    """The program or the device did not do its part."""


@contextmanager
def device(port: str, *arguments: str) -> Iterator[dict[str, str]]:
    """A device port; the environment a client needs."""
    command = [sys.executable, "-m", "softatecc", "device", *arguments]
    command += ["--i2c", str(BUS)] if port == "i2c" else ["--tcp", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise CannotRun("the device port did not start; run it by hand: python -m softatecc device")
            yield json.loads(line)["env"]
        finally:
            process.terminate()


def make_trust_part(path: Path) -> None:
    """Leave a Trust&Go part in a state file."""
    script = Path(__file__).with_name("trust_part.py")
    made = subprocess.run(
        [sys.executable, script, path], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if made.returncode:
        raise CannotRun(f"the Trust&Go part cannot be made: {made.stderr.strip()[-200:]}")


def run(program: Path, suite: Suite, environment: dict[str, str], address: str) -> Result | None:
    """Run one suite; None where it only locks."""
    command = [str(program), suite.command, "-d", "ecc608", "-i", "i2c", str(BUS), "-a", address, "-y"]
    try:
        finished = subprocess.run(
            command,
            env=os.environ | environment,
            cwd=program.parent,
            input="",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except OSError as error:
        raise CannotRun(f"{program} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise CannotRun(f"{suite.command} did not end within {PATIENCE} s") from error
    if suite.counts:
        return read(suite, finished.stdout)
    if finished.returncode:
        raise CannotRun(f"{suite.command} ended with {finished.returncode}: {finished.stdout.strip()[-200:]}")
    return None


def read(suite: Suite, output: str) -> Result:
    """Take the counts and the failures out of what the program printed."""
    totals = _TOTALS.findall(output)
    if not totals:
        if "syntax error in command" in output:
            return Result(suite.command, suite.state, None, 0, 0, {})
        raise CannotRun(f"{suite.command} printed no totals: {output.strip()[-200:]!r}")
    tests, failures, ignored = (int(number) for number in totals[-1])
    failed = {
        name: rest.split("FAIL:")[-1].strip() for _, name, rest in _TEST.findall(output) if "FAIL" in rest
    }
    if len(failed) != failures:
        raise CannotRun(f"{suite.command} counts {failures} failures and names {len(failed)}")

    return Result(suite.command, suite.state, tests, tests - failures - ignored, ignored, failed)


def results(program: Path, port: str) -> Iterator[Result]:
    """Every suite, first on a blank part, then on a Trust&Go part."""
    with device(port, "--profile", "blank") as environment:
        for suite in BLANK_PART:
            tell(f"{suite.command}, {suite.state}")
            result = run(program, suite, environment, BLANK_ADDRESS)
            if result is not None:
                yield result
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "trust.state"
        make_trust_part(path)
        with device(port, "--state", str(path)) as environment:
            for suite in TRUST_PART:
                tell(f"{suite.command}, {suite.state}")
                result = run(program, suite, environment, TRUST_ADDRESS)
                assert result is not None
                yield result


def table(found: list[Result]) -> str:
    """The counts, as the manual shows them."""
    lines = [
        "| suite | lock state | tests | passed | failed | left out |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for result in found:
        numbers = (
            ("not in this program", "", "", "")
            if result.tests is None
            else (str(result.tests), str(result.passed), str(len(result.failed)), str(result.ignored))
        )
        lines.append(f"| {result.suite} | {result.state} | {' | '.join(numbers)} |")
    for result in found:
        for name, message in result.failed.items():
            reason = EXCEPTIONS.get(name, "UNEXPECTED")
            lines.append(f"\n{result.suite}, {name} ({message}): {reason}.")
    return "\n".join(lines)


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description="Runs Microchip's C test program against software parts.")
    parser.add_argument("program", type=Path, help="the built cryptoauth_test")
    parser.add_argument("--port", choices=("i2c", "tcp"), default="i2c", help="default i2c: /dev/i2c-1")
    parser.add_argument("--json", action="store_true", help="the counts as JSON")
    arguments = parser.parse_args()
    try:
        found = list(results(arguments.program.resolve(), arguments.port))
        tell("")
    except CannotRun as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    text = json.dumps([asdict(result) for result in found], indent=2) if arguments.json else table(found)
    print(text)

    return int(any(name not in EXCEPTIONS for result in found for name in result.failed))


if __name__ == "__main__":
    sys.exit(main())
