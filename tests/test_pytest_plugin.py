"""The pytest plugin as a stranger meets it: the wheel in an environment of its own, a fresh directory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import textwrap
import venv
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

TREE = Path(__file__).resolve().parent.parent
RUNS = re.compile(r"<!-- runs -->\n```python\n(?P<code>.*?)\n```", re.DOTALL)
PAGE = TREE / "docs" / "howto" / "test-your-firmware-in-ci.md"

Pytest: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the wheel; what the wheel depends on lies where this one has it."""
    place = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(TREE)],
        check=True,
        capture_output=True,
    )
    (wheel,) = place.glob("jitplab-*.whl")
    venv.create(place / "clean", with_pip=False)
    python = place / "clean" / "bin" / "python"
    (packages,) = (place / "clean" / "lib").glob("python*/site-packages")
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps",
         "--no-index", "--target", str(packages), str(wheel)],
        check=True,
    )  # fmt: skip
    # A path in a .pth file is searched after site-packages, and the .pth files in it are not obeyed: this
    # tree's own editable installation stays out.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


@pytest.fixture
def run_pytest(python: Path, tmp_path: Path) -> Pytest:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "COV"))
    }

    def run(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_own.py").write_text(textwrap.dedent(text), encoding="utf-8")
        return subprocess.run(
            [str(python), "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *options],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_ten_lines_onboard_a_device_and_assert_a_refusal(run_pytest: Pytest) -> None:
    first, *_ = (match["code"] for match in RUNS.finditer(PAGE.read_text(encoding="utf-8")))
    lines = [line for line in first.splitlines() if line]

    done = run_pytest(first)

    assert len(lines) <= 10
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_every_example_of_the_how_to_runs(run_pytest: Pytest) -> None:
    blocks = [match["code"] for match in RUNS.finditer(PAGE.read_text(encoding="utf-8"))]

    done = run_pytest("\n\n".join(blocks), "--strict-markers", "--jitplab-seed", "7")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_a_failure_shows_what_the_device_saw_which_rule_objected_and_the_trace(run_pytest: Pytest) -> None:
    done = run_pytest(
        """
        def test_it_is_let_in(jitp_lab):
            device = jitp_lab.device()
            call = jitp_lab.connect(device, jitp_lab.rebuild_chain(device, root_key_slot=13))
            assert call.visit.admitted
        """
    )

    assert done.returncode == 1
    assert "jitplab: what happened in the lab" in done.stdout
    assert "no CONNACK, the peer ended it by close_notify" in done.stdout
    assert "stopped by rule presented_ca_is_registered" in done.stdout
    assert "trace: decision:" in done.stdout


def test_a_marked_test_fails_where_its_scenario_does_not_end_as_foretold(run_pytest: Pytest) -> None:
    done = run_pytest(
        """
        import pytest
        from jitplab.scenario import scenario


        @scenario(refused_by="leaf_is_in_date", checked_against="assumed", source="a test")
        def foretold_wrongly(lab):
            '''Another rule objects.'''
            device = lab.device()
            lab.connect(device, lab.rebuild_chain(device, root_key_slot=13))
            return lab.outcome()


        @pytest.mark.jitplab_scenario("foretold-wrongly")
        def test_wrong():
            pass


        @pytest.mark.jitplab_scenario("right-slot", slot=3)
        def test_misuse():
            pass


        def test_unmarked(jitp_outcome):
            pass


        @pytest.mark.jitplab_scenario("handshake-only")
        def test_right():
            pass
        """
    )

    assert done.returncode == 1
    assert "1 passed, 3 errors" in done.stdout
    assert "NO  stopped by: rule leaf_is_in_date, seen rule presented_ca_is_registered" in done.stdout
    assert "right-slot has no parameter 'slot'; it has: none" in done.stdout
    assert "mark the test @pytest.mark.jitplab_scenario" in done.stdout


def test_a_chip_that_cannot_be_had_skips_with_a_sentence_and_a_wrong_url_is_told(run_pytest: Pytest) -> None:
    text = "def test_it(jitp_lab):\n    pass\n"

    nobody = run_pytest(text, "-rs", "--jitplab-device", "tcp://127.0.0.1:1")
    no_url = run_pytest(text, "--jitplab-device", "potato")

    assert "1 skipped" in nobody.stdout
    assert "127.0.0.1:1" in nobody.stdout
    assert "'potato' is no way to a chip" in no_url.stdout


def test_who_asks_for_no_fixture_loads_nothing_of_ours(run_pytest: Pytest) -> None:
    done = run_pytest(
        """
        import sys


        def test_nothing_is_loaded():
            rooms = {"jitplab", "jitpbroker", "softatecc"}
            ours = {name for name in sys.modules if name.split(".")[0] in rooms}
            assert ours == {"jitplab", "jitplab.pytest_plugin"}
        """
    )

    assert done.returncode == 0, done.stdout
