"""A team's own scenarios, outside this tree, are found, listed, shown and run like ours."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from pathlib import Path

import pytest

from jitplab import cli, own_scenarios, scenario

STORY = '''
    """What befell us."""

    from jitplab.lab import Lab
    from jitplab.outcome import Outcome
    from jitplab.scenario import scenario


    @scenario(
        refused_by="presented_ca_is_registered",
        checked_against="assumed",
        source="ticket 4711 of our own tracker",
        twin="right-slot",
    )
    def NAME(lab: Lab) -> Outcome:
        """Our firmware of 2025 read the key from slot 14.

        Cause. A header that was not regenerated.
        """
        device = lab.device()
        lab.connect(device, lab.rebuild_chain(device, root_key_slot=14))
        return lab.outcome()
    '''


def story(name: str) -> str:
    return textwrap.dedent(STORY).replace("NAME", name)


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario, "_CATALOGUE", dict(scenario.catalogue()))
    monkeypatch.setattr(own_scenarios, "_loaded", set(own_scenarios._loaded))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_file_is_listed_shown_and_run_like_ours(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "field" / "slot_14.py"
    file.parent.mkdir()
    file.write_text(story("our_own_slot_14"), encoding="utf-8")
    own = ("--scenarios", str(file))

    _, listed, _ = run(capsys, "list", "--json", *own)
    _, shown, _ = run(capsys, "show", "our-own-slot-14", *own)
    code, told, _ = run(capsys, "run", "our-own-slot-14", "--library", "own", "--json", *own)

    assert {each["name"]: each["area"] for each in json.loads(listed)}["our-own-slot-14"] == "field"
    assert "A header that was not regenerated." in shown
    assert code == 0
    assert json.loads(told)["signer_difference"]["matches_slot"] == 14


def test_a_folder_is_taken_with_its_folders_and_the_environment_can_name_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("one/a.py", "two/deeper/b.py", "two/_private.py", "two/.hidden/c.py"):
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(story("found_" + file.stem), encoding="utf-8")
    monkeypatch.setenv("JITPLAB_SCENARIOS", str(tmp_path))

    _, listed, _ = run(capsys, "list", "--json")
    found = {each["name"]: each["area"] for each in json.loads(listed)}

    assert {name: area for name, area in found.items() if name.startswith("found-")} == {
        "found-a": "one",
        "found-b": "deeper",
    }


def test_an_installed_distribution_names_its_package_by_entry_point(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "acme_failures"
    (package / "tls").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "tls" / "__init__.py").touch()
    (package / "tls" / "slot.py").write_text(story("acme_slot"), encoding="utf-8")
    info = tmp_path / "acme_failures-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-failures\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[jitplab.scenarios]\nacme = acme_failures\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    code, told, _ = run(capsys, "run", "acme-slot", "--library", "own", "--json")

    assert code == 0
    assert (json.loads(told)["scenario"], json.loads(told)["area"]) == ("acme-slot", "tls")
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_failures"]:
        del sys.modules[name]


def test_an_entry_point_that_leads_nowhere_is_a_sentence_that_names_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "acme_gone-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-gone\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[jitplab.scenarios]\nacme = acme_gone\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()

    code, _, err = run(capsys, "list")

    assert code == 2
    assert "the entry point acme = acme_gone of acme-gone: the scenarios cannot be loaded" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "text, place, reason",
    [
        ("x = 1\ndef (:\n", "line 2", "this is no Python"),
        ("\n\nimport there_is_no_such_module\n", "line 3", "No module named 'there_is_no_such_module'"),
        ("\nraise ValueError('never mind')\n", "line 2", "ValueError: never mind"),
        (story("right_slot"), "line 9", "two scenarios are called 'right-slot'"),
        (story("x").replace('"assumed"', '"rumour"'), "line 9", "'rumour' is not a valid Evidence"),
    ],
)
@pytest.mark.parametrize("command", [("list",), ("show", "right-slot"), ("run", "right-slot")])
def test_a_broken_file_is_a_sentence_that_names_file_and_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: tuple[str, ...],
    text: str,
    place: str,
    reason: str,
) -> None:
    file = tmp_path / "broken.py"
    file.write_text(text, encoding="utf-8")

    code, out, err = run(capsys, *command, "--scenarios", str(file))

    assert (code, out) == (2, "")
    assert f"{file}, {place}: " in err
    assert reason in err
    assert err.count("\n") == 1


def test_a_folder_without_a_file_is_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "list", "--scenarios", str(tmp_path))

    assert code == 2
    assert "holds no scenario" in err
