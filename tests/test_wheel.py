"""What a stranger installs: the wheel, in an empty environment, outside the tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_runs_the_case_from_a_clean_environment(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(TREE)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("jitplab-*.whl")
    venv.create(tmp_path / "clean")
    python = tmp_path / "clean" / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "--disable-pip-version-check",
        "--quiet",
        "install",
    ]
    subprocess.run([*pip, "--require-hashes", "-r", str(TREE / "requirements" / "run.txt")], check=True)
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV"))}

    done = subprocess.run(
        [str(tmp_path / "clean" / "bin" / "jitplab"), "run", "wrong-slot-root-key", "--json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["rule"] == "presented_ca_is_registered"
    assert told["signer_difference"]["matches_slot"] == 13
    places = subprocess.run(
        [
            str(python),
            "-c",
            "import jitplab, softatecc, jitpbroker; print(jitplab.__file__, softatecc.__file__)",
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(TREE) not in places
