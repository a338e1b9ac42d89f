"""The catalogue played as a whole: in processes, as a table, as JUnit XML, as pages."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jitplab import cli, own_scenarios, scenario
from jitplab.junit import junit
from jitplab.needs import Need
from jitplab.played import Played
from jitplab.run_report import Progress, table_lines
from jitplab.runner import Misuse, Order, play, play_all
from jitplab.settings import Settings
from jitplab.terminal import Style

FIXED = ("--seed", "1", "--now", "2026-01-31", "--library", "own")
QUICK = Settings(seed="1", library="own")

OWN = """
    import os
    import signal

    from jitplab.lab import Lab
    from jitplab.outcome import Outcome
    from jitplab.scenario import NeedUnmet, scenario


    def told(**more):
        return scenario(checked_against="assumed", source="a test", **more)


    @told(admitted=True)
    def fine(lab: Lab) -> Outcome:
        \"\"\"All is well.\"\"\"
        device = lab.device()
        chain = lab.rebuild_chain(device)
        lab.connect(device, chain)
        lab.connect(device, chain)
        return lab.outcome()


    @told(refused_by="leaf_is_in_date")
    def foretold_wrongly(lab: Lab) -> Outcome:
        \"\"\"Another rule objects than the one foretold.\"\"\"
        device = lab.device()
        lab.connect(device, lab.rebuild_chain(device, root_key_slot=13))
        return lab.outcome()


    @told()
    def needy(lab: Lab) -> Outcome:
        \"\"\"Needs what nobody has.\"\"\"
        raise NeedUnmet("it needs the moon, which is not on the bench")


    @told()
    def stumbles(lab: Lab) -> Outcome:
        \"\"\"Has a defect of its own.\"\"\"
        return {}["missing"]


    @told()
    def dies(lab: Lab) -> Outcome:
        \"\"\"Takes its process with it.\"\"\"
        os.kill(os.getpid(), signal.SIGKILL)
    """


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test loads is gone after it."""
    monkeypatch.setattr(scenario, "_CATALOGUE", dict(scenario.catalogue()))
    monkeypatch.setattr(own_scenarios, "_loaded", set(own_scenarios._loaded))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "bench" / "stories.py"
    file.parent.mkdir()
    file.write_text(textwrap.dedent(OWN), encoding="utf-8")
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["run", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_what_came_of_a_run_crosses_processes_whole() -> None:
    played = play(Order("wrong-slot-root-key", QUICK))

    assert pickle.loads(pickle.dumps(played)) == played


def test_order_and_results_do_not_depend_on_the_number_of_processes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def told(jobs: str) -> list[tuple[object, ...]]:
        code, out, _ = run(capsys, "-k", "onboarding and (slot or hand)", "--json", "--jobs", jobs, *FIXED)
        assert code == 0
        keys = ("area", "scenario", "verdict", "facts")
        return [tuple(each[key] for key in keys) for each in json.loads(out)]

    alone, together = told("1"), told("3")

    names = [(str(area), str(name)) for area, name, *_ in alone]
    assert names == sorted(names)
    assert len(alone) > 3
    assert alone == together


@pytest.mark.parametrize(
    "arguments, jobs", [(("--all",), 3), (("--all", "--jobs", "2"), 2), (("right-slot",), 1)]
)
def test_there_are_as_many_processes_as_processors_may_be_used(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    jobs: int,
) -> None:
    """In a container those are fewer than the machine has."""
    asked: list[int] = []

    def play_nothing(orders: Sequence[Order], *, jobs: int, **_: object) -> tuple[Played, ...]:
        asked.append(jobs)
        return tuple(Played(order.name, skipped="not played") for order in orders)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr("jitplab.commands.run.play_all", play_nothing)

    code, _, _ = run(capsys, *arguments, *FIXED)

    assert (code, asked) == (3, [jobs])


def test_a_process_that_dies_is_one_broken_scenario_and_no_more(
    capsys: pytest.CaptureFixture[str], own: Path
) -> None:
    code, out, err = run(capsys, "-k", "bench", "--scenarios", str(own), "--jobs", "2", "--json", *FIXED)
    told = {each["scenario"]: each for each in json.loads(out)}

    assert code == 1
    assert "the process that played it was ended by signal 9" in told["dies"]["broken"]
    assert told["fine"]["verdict"] == "as foretold"
    assert told["foretold-wrongly"]["verdict"] == "not as foretold"
    assert told["needy"]["skipped"] == "it needs the moon, which is not on the bench"
    assert told["stumbles"]["broken"] == "KeyError: 'missing' (stories.py, line 41)"
    assert len(err.splitlines()) == 5
    assert "Traceback" not in err


def test_the_table_has_every_scenario_its_end_and_what_disagreed(
    capsys: pytest.CaptureFixture[str], own: Path
) -> None:
    code, out, err = run(capsys, "-k", "bench and not dies", "--scenarios", str(own), "--jobs", "1", *FIXED)
    flat = re.sub(r"\s+", " ", out)

    assert code == 1
    assert out.startswith("bench\n")
    assert "fine as foretold admitted" in flat
    assert "needy skipped it needs the moon" in flat
    assert "stumbles broken KeyError: 'missing' (stories.py, line 41)" in flat
    assert "stopped by: foretold rule leaf_is_in_date, seen rule presented_ca_is_registered" in flat
    assert "4 scenarios: 1 as foretold, 1 not as foretold, 1 skipped, 1 broken" in flat
    assert sorted(line.split()[1] for line in err.splitlines()) == [
        "fine:", "foretold-wrongly:", "needy:", "stumbles:",
    ]  # fmt: skip
    assert "\x1b" not in out + err


def test_when_nothing_ran_the_exit_code_says_so(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    code, out, _ = run(capsys, "-k", "needy", "--scenarios", str(own), *FIXED)

    assert code == 3
    assert "1 scenarios: 0 as foretold, 0 not as foretold, 1 skipped" in out


def test_junit_has_a_case_for_each_scenario_and_a_sentence_for_each_that_did_not_pass(
    capsys: pytest.CaptureFixture[str], own: Path, tmp_path: Path
) -> None:
    target = tmp_path / "made" / "report.xml"
    run(
        capsys, "-k", "bench and not dies", "--scenarios", str(own), "--jobs", "1",
        "--junit", str(target), *FIXED,
    )  # fmt: skip
    root = ET.parse(target).getroot()
    (suite,) = root
    cases = {case.get("name"): case for case in suite}

    assert (root.tag, suite.tag, suite.get("name")) == ("testsuites", "testsuite", "jitplab.bench")
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]
    assert list(cases["fine"]) == []
    assert [child.tag for child in cases["foretold-wrongly"]] == ["failure"]
    assert "presented_ca_is_registered" in (cases["foretold-wrongly"][0].text or "")
    assert cases["needy"][0].get("message") == "it needs the moon, which is not on the bench"
    assert [child.tag for child in cases["stumbles"]] == ["error"]
    assert all(case.get("classname") == "jitplab.bench" for case in suite)
    assert all(float(case.get("time") or "-1") >= 0 for case in suite)


def test_junit_can_hold_what_xml_cannot_say() -> None:
    text = junit([Played("right-slot", error="\x00 < & \x1b[0m \ud800")], scenario.catalogue())

    assert "\ufffd" in (ET.fromstring(text)[0][0][0].get("message") or "")


def test_pages_are_written_for_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, _ = run(capsys, "-k", "handshake-only", "--html", str(tmp_path / "pages"), *FIXED)

    assert code == 0
    assert {file.name for file in (tmp_path / "pages").iterdir()} == {"index.html", "handshake-only.html"}


def test_a_file_that_cannot_be_written_is_misuse(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = run(capsys, "handshake-only", "--junit", str(tmp_path / "file" / "report.xml"), *FIXED)

    assert code == 2
    assert "cannot be written" in err


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_one_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    stream = _Terminal()
    progress = Progress(stream, 10)
    progress(Played("a", error="it broke"))
    progress(Played("b" * 100, skipped="a need"))
    progress.end()
    shown = stream.getvalue()

    assert "\n" not in shown
    assert " 1/10 1 not as foretold, a: broken" in shown
    assert max(map(len, re.split(r"\r\x1b\[K", shown))) < 40
    assert shown.endswith("\r\x1b[K")


def test_colour_marks_what_went_wrong() -> None:
    lines = list(table_lines([Played("right-slot", error="it broke")], scenario.catalogue(), Style(True)))

    assert any("\x1b[31mbroken" in line for line in lines)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("-k", "slot and"), "a word is missing"),
        (("-k", "nothing-like-it"), "-k 'nothing-like-it' fits no scenario"),
        (("--all", "--slot", "3"), "has no parameter 'slot'"),
        (("--all", "--device", "potato", "--jobs", "2"), "'potato' is no way to a chip"),
        (("--all", "--scenarios", "absent.py"), "there are no scenarios at absent.py"),
    ],
)
def test_misuse_is_a_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments", [(), ("right-slot", "--all"), ("--all", "--jobs", "0"), ("--all", "--jobs", "many")]
)
def test_a_command_line_that_says_nothing_or_too_much_exits_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(capsys, *arguments)

    assert caught.value.code == 2


def test_misuse_found_in_a_process_ends_the_run() -> None:
    orders = [Order("wrong-slot-root-key", QUICK, {"slot": 99})] * 3

    with pytest.raises(Misuse, match="slots 0 to 15, not 99"):
        play_all(orders, jobs=2)


@pytest.mark.slow
def test_an_interrupt_ends_the_run_and_its_processes_without_a_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "jitplab", "run", "--all", "--library", "own", "--jobs", "2"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs tests in a shell's background has interrupts ignored, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - one thread
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert "1/" in first
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


# --- another bench --------------------------------------------------------------------------------


@contextlib.contextmanager
def _served(*options: str) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "softatecc", "device", "--tcp", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield f"tcp://{json.loads(process.stdout.readline())['tcp']}"
        finally:
            process.terminate()


@pytest.mark.slow
def test_a_run_behind_tcp_gives_the_results_it_gives_in_process(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the command line; test_catalogue_over_tcp.py plays all of them so."""

    def told(*options: str) -> dict[str, tuple[object, ...]]:
        code, out, _ = run(capsys, "-k", "onboarding or chip", "--json", *options)
        assert code == 0
        return {
            each["scenario"]: (each["verdict"], each["facts"], each["stopped_by"], each["registered"])
            for each in json.loads(out)
            if each["verdict"] != "skipped"
        }

    inside = told(*FIXED)
    with _served("--fresh", "--serial-number", "0223528e47b3461dee", "--seed", "1") as url:
        behind_the_bus = told(*FIXED, "--device", url, "--jobs", "2")
    needy = {name for name, each in scenario.catalogue().items() if Need.CHIP_INSIDE in each.needs}

    assert len(behind_the_bus) > 10
    assert behind_the_bus == {name: result for name, result in inside.items() if name not in needy}


@pytest.mark.slow
def test_a_part_that_was_made_is_adopted_and_what_needs_a_blank_one_is_skipped(
    capsys: pytest.CaptureFixture[str], own: Path
) -> None:
    own.write_text(
        own.read_text(encoding="utf-8")
        + textwrap.dedent(
            """
            from jitplab.scenario import Part


            @told(admitted=True, part=Part.PROVISIONS)
            def another_part(lab: Lab) -> Outcome:
                \"\"\"Makes a part of its own.\"\"\"
                lab.provision_device()
                return lab.outcome()
            """
        ),
        encoding="utf-8",
    )
    chosen = ("-k", "right-slot or wrong-slot or another-part", "--scenarios", str(own), "--json")
    with _served("--seed", "1") as url:
        code, out, _ = run(capsys, *chosen, *FIXED, "--device", url)
        told = {each["scenario"]: each for each in json.loads(out)}
        strange, out_of_another_seed, _ = run(
            capsys, "-k", "right-slot", "--json", "--library", "own", "--seed", "2", "--device", url
        )

    assert code == 0
    assert told["right-slot"]["verdict"] == told["wrong-slot-root-key"]["verdict"] == "as foretold"
    assert "locked already; this scenario needs a blank part" in told["another-part"]["skipped"]
    assert strange == 3
    assert "give the --seed that it was provisioned with" in json.loads(out_of_another_seed)[0]["skipped"]
