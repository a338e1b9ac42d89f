"""What the documentation says is what happens."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from jitplab import catalogue_page, cli, failures_page, knobs_page, scenario
from jitplab.lab import Lab, Settings
from softatecc import cal

TREE = Path(__file__).resolve().parent.parent
PAGES = sorted([*TREE.glob("*.md"), *TREE.glob("docs/**/*.md")])
TESTED = re.compile(r"<!-- tested: (?P<command>.+?) -->\n```text\n(?P<output>.*?)\n```", re.DOTALL)
RUNS = re.compile(r"<!-- runs -->\n```python\n(?P<code>.*?)\n```", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
COMMAND = re.compile(r"(?:\.venv/bin/|`|^)jitplab (?P<name>[a-z]+)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TREE)))
def test_every_link_inside_the_tree_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for match in LINK.finditer(text):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        file = (page.parent / target).resolve() if target else page

        assert file.exists(), f"{page.name} links to {target}, which is not there"
        if anchor and file.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TREE)))
def test_every_command_named_exists(page: Path) -> None:
    known = set(cli.COMMAND_NAMES)
    named = {match["name"] for match in COMMAND.finditer(page.read_text(encoding="utf-8"))}

    assert named <= known


@pytest.mark.skipif(not cal.available(), reason="the page was written with cryptoauthlib")
def test_the_readme_shows_what_the_demo_prints(capsys: pytest.CaptureFixture[str]) -> None:
    found = list(TESTED.finditer((TREE / "README.md").read_text(encoding="utf-8")))

    assert len(found) == 1
    for match in found:
        code = cli.main(shlex.split(match["command"])[1:])

        assert code == 0
        assert capsys.readouterr().out.strip() == match["output"].strip()


def test_the_demo_fits_a_screen_and_a_half(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["demo", "--library", "own"])
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) <= 36
    assert max(map(len, lines)) <= 110


def test_the_list_of_scenarios_is_drawn_from_the_code() -> None:
    written = (TREE / "docs" / "reference" / "scenarios.md").read_text(encoding="utf-8")

    assert written == "\n".join(catalogue_page.lines()) + "\n", "run make docs"


def test_the_list_of_failures_is_drawn_from_the_code() -> None:
    written = (TREE / "docs" / "reference" / "failures.md").read_text(encoding="utf-8")

    assert written == "\n".join(failures_page.lines()) + "\n", "run make docs"


def test_the_knobs_of_the_doctor_are_drawn_from_the_code() -> None:
    written = (TREE / "docs" / "reference" / "knobs.md").read_text(encoding="utf-8")

    assert written == "\n".join(knobs_page.lines()) + "\n", "run make docs"


def test_the_scenario_of_the_how_to_comes_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario, "_CATALOGUE", dict(scenario.catalogue()))
    page = (TREE / "docs" / "howto" / "write-a-scenario.md").read_text(encoding="utf-8")
    (match,) = RUNS.finditer(page)
    namespace: dict[str, object] = {"__name__": "cases.onboarding.an_empty_slot_as_root_key"}

    exec(compile(match["code"], "write-a-scenario.md", "exec"), namespace)
    chosen = scenario.find("an-empty-slot-as-root-key")
    with Lab(Settings(library="own")) as lab:
        outcome = scenario.run(chosen, lab, {})

    assert outcome.as_foretold
    assert outcome.signer_differences[0].difference.ours.hex().startswith("94a7d5818ab9")
