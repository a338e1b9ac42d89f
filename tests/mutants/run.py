"""Breaks the permission checks of the chip one by one and sees whether the tests notice: ``make mutants``.

Rules of this file:
1. What a mutant is stands in `tests/mutants/changes.py`.
2. Every mutant is run in a copy of the tree, in a directory of its own, against the tests that reach the
   changed lines in an unchanged run; the first failure kills it. So does running into the time limit.
3. A mutant no test reaches has survived.
4. The order is fixed; ``--at-most N`` takes every so many-th, so a sample covers every file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.mutants.changes import Mutant, mutants_of
from tests.progress import tell

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("emulator/softatecc")
#: Files that are nothing but rules, and files of which the refusing statements count.
RULES = ("slots.py", "key_rules.py", "commands/guards.py")
MIXED = ("chip.py", "memory.py", "zones.py", "commands/*.py")
#: Of the copy: the project's own, without what would get in a worker's way.
SETTINGS = """\
[pytest]
addopts = --import-mode=importlib
filterwarnings =
    error
    ignore::pytest.PytestAssertRewriteWarning
markers =
    slow: not of the fast tests
    program(name): needs a program
    wheel: needs the wheel
"""
#: A deadline would kill mutants for being run on a busy machine, chance would make runs differ.
EXAMPLES = """\
from hypothesis import settings
settings.register_profile("mutants", deadline=None, derandomize=True, database=None)
settings.load_profile("mutants")
"""
TIME_LIMIT = 60
#: Tests tried before all the others that reach a line.
FIRST_TESTS = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant."""

    file: str
    line: int
    what: str
    outcome: str


# --- running them -------------------------------------------------------------------------------------


def copy_tree(into: Path) -> None:
    """The chip, its fast tests and what they read."""
    shutil.copytree(ROOT / PACKAGE, into / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    tests = into / "tests" / "emulator"
    tests.mkdir(parents=True)
    for file in (ROOT / "tests" / "emulator").glob("*.py"):
        shutil.copy(file, tests)
    shutil.copytree(ROOT / "tests" / "vectors", into / "tests" / "vectors")
    (into / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    (into / "conftest.py").write_text(EXAMPLES, encoding="utf-8")


def reached(tree: Path) -> dict[str, dict[int, list[str]]]:
    """The tests that reach each line, by file relative to the package; an unchanged run."""
    from coverage import CoverageData  # noqa: PLC0415 - workers start faster without it

    environment = {
        **os.environ,
        "PYTHONPATH": str(tree / "emulator"),
        "COVERAGE_FILE": str(tree / ".reached"),
    }
    options = ["-q", "-p", "no:cacheprovider", "--cov=softatecc", "--cov-context=test", "--cov-report="]
    command = [sys.executable, "-m", "pytest", *options, "tests/emulator"]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the tests fail without any mutant; mend them first\n{done.stdout[-2000:]}")
    data = CoverageData(str(tree / ".reached"))
    data.read()
    found: dict[str, dict[int, list[str]]] = {}
    for name in data.measured_files():
        by_line = data.contexts_by_lineno(name)
        tests = {
            line: sorted({each.rpartition("|")[0] for each in names if each})
            for line, names in by_line.items()
        }
        found[str(Path(name).relative_to(tree / PACKAGE))] = tests
    return found


def work(tree: Path) -> None:
    """A worker: mutants come in as JSON lines on standard input, outcomes go out."""
    import cryptography.hazmat.primitives.asymmetric.ec  # noqa: PLC0415 - loaded once, not in every child
    import hypothesis  # noqa: PLC0415 - likewise
    import pytest  # noqa: PLC0415 - likewise

    del cryptography, hypothesis  # loaded for their effect alone
    os.chdir(tree)
    for line in sys.stdin:
        job = json.loads(line)
        target = tree / PACKAGE / job["file"]
        original = target.read_text(encoding="utf-8")
        target.write_text(job["source"], encoding="utf-8")
        outcome = "survived"
        for tests in job["batches"]:
            child = os.fork()
            if child == 0:
                _run_tests(pytest.main, tree, tests)
            _, status = os.waitpid(child, 0)
            if status:
                outcome = "killed" if os.WIFEXITED(status) else "killed by the time limit"
                break
        target.write_text(original, encoding="utf-8")
        sys.stdout.write(outcome + "\n")
        sys.stdout.flush()


def _run_tests(main: Callable[[list[str]], int], tree: Path, tests: list[str]) -> None:
    """In a process of its own: the tests against the changed tree; never returns."""
    signal.alarm(TIME_LIMIT)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(tree / "emulator"))
    plugins = [word for name in ("cacheprovider", "cov", "xdist", "timeout") for word in ("-p", f"no:{name}")]
    code = 1
    try:
        code = int(main(["-x", "-q", *plugins, *tests]))
    finally:
        os._exit(code)


class Worker:
    """A worker process and its tree."""

    def __init__(self, tree: Path) -> None:
        copy_tree(tree)
        self._process = subprocess.Popen(
            [sys.executable, "-B", __file__, "--worker", str(tree)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def judge(self, mutant: Mutant, tests: list[str]) -> Verdict:
        """Run a mutant; the tests are in the order they are tried."""
        if not tests:
            return Verdict(mutant.file, min(mutant.lines), mutant.what, "survived: no test reaches it")
        step = max(1, len(tests) // FIRST_TESTS)
        batches = [batch for batch in (tests[::step], tests if step > 1 else []) if batch]
        job = {"file": mutant.file, "source": mutant.source, "batches": batches}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        outcome = self._process.stdout.readline().strip() or "killed"
        return Verdict(mutant.file, min(mutant.lines, default=0), mutant.what, outcome)

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def all_mutants() -> list[Mutant]:
    """Every mutant, file by file."""
    package = ROOT / PACKAGE
    files = dict.fromkeys(RULES, True)
    for pattern in MIXED:
        for path in sorted(package.glob(pattern)):
            files.setdefault(str(path.relative_to(package)), False)
    return [
        mutant
        for name, all_of_it in files.items()
        for mutant in mutants_of(name, (package / name).read_text(encoding="utf-8"), all_of_it=all_of_it)
    ]


def judged(mutants: list[Mutant], jobs: int, scratch: Path) -> Iterator[Verdict]:
    """Run the mutants on some workers; the verdicts come in order."""
    copy_tree(scratch / "unchanged")
    tests = reached(scratch / "unchanged")
    workers = [Worker(scratch / f"worker-{number}") for number in range(jobs)]
    free = list(workers)

    def judge(mutant: Mutant) -> Verdict:
        worker = free.pop()
        try:
            by_line = tests.get(mutant.file, {})
            names = {name for line in mutant.lines for name in by_line.get(line, ())}
            return worker.judge(mutant, sorted(names))
        finally:
            free.append(worker)

    control = Mutant(RULES[0], (), "none", (ROOT / PACKAGE / RULES[0]).read_text(encoding="utf-8"))
    reaching = sorted({name for names in tests[RULES[0]].values() for name in names})
    try:
        if workers[0].judge(control, reaching).outcome != "survived":
            raise SystemExit("an unchanged chip does not survive, so no verdict would mean anything")
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(judge, mutants)
    finally:
        for worker in workers:
            worker.stop()


def report(verdicts: list[Verdict], seconds: float) -> Iterator[str]:
    """The table, and every survivor."""
    killed, total = Counter[str](), Counter[str]()
    for each in verdicts:
        total[each.file] += 1
        killed[each.file] += each.outcome.startswith("killed")
    yield "| file | mutants | killed |"
    yield "|---|---|---|"
    for file in total:
        yield f"| {file} | {total[file]} | {killed[file]} |"
    share = 100 * killed.total() / total.total()
    yield f"| together | {total.total()} | {killed.total()} ({share:.1f} %) |"
    yield ""
    yield f"{seconds:.0f} s"
    for each in verdicts:
        if not each.outcome.startswith("killed"):
            yield f"{each.outcome}: {each.file}:{each.line} {each.what}"


def main() -> int:
    """Exit code 0 where the share of killed mutants is reached, 1 where it is not."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--jobs", type=int, default=2, help="processes at a time (default 2)")
    options.add_argument("--at-most", type=int, metavar="N", help="a sample of so many")
    options.add_argument("--only", metavar="TEXT", help="files whose name contains this")
    options.add_argument("--goal", type=float, default=90.0, metavar="PERCENT", help="default 90")
    options.add_argument("--json", action="store_true", help="the verdicts as JSON")
    options.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.worker is not None:
        work(chosen.worker)
        return 0

    mutants = [mutant for mutant in all_mutants() if chosen.only is None or chosen.only in mutant.file]
    if chosen.at_most is not None and mutants:
        mutants = mutants[:: max(1, -(-len(mutants) // chosen.at_most))]
    if not mutants:
        sys.stderr.write(f"no file of the checks contains {chosen.only!r}; leave --only out\n")
        return 2
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        tell("the tests run once, unchanged, to see which lines they reach")
        verdicts: list[Verdict] = []
        for verdict in judged(mutants, chosen.jobs, Path(scratch)):
            verdicts.append(verdict)
            survived = sum(not each.outcome.startswith("killed") for each in verdicts)
            tell(f"{len(verdicts)} of {len(mutants)} mutants, {survived} survived")
        tell("")
    seconds = time.monotonic() - start
    if chosen.json:
        print(json.dumps([asdict(each) for each in verdicts], indent=1))
    else:
        print("\n".join(report(verdicts, seconds)))
    killed = sum(each.outcome.startswith("killed") for each in verdicts)
    return 0 if 100 * killed >= chosen.goal * len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
