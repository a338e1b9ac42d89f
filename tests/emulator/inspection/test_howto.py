"""The how-to runs, and shows what the command line prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from jitplab import cli

PAGE = (Path(__file__).parents[3] / "docs" / "howto" / "look-inside-the-chip.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"<!-- runs -->\n```python\n(.*?)\n```", PAGE, re.DOTALL)
SHOWN = re.findall(r"```console\n\.venv/bin/(jitplab [^\n]+)\n```\n\n```text\n(.*?)\n```", PAGE, re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_every_block_runs_as_it_is_printed(code: str) -> None:
    assert "assert " in code
    exec(compile(code, "look-inside-the-chip.md", "exec"), {"__name__": "howto"})


@pytest.mark.parametrize("command, output", SHOWN)
def test_the_page_shows_what_is_printed(
    capsys: pytest.CaptureFixture[str], command: str, output: str
) -> None:
    code = cli.main(shlex.split(command)[1:])

    assert code == 0
    assert capsys.readouterr().out.rstrip("\n") == output


def test_there_is_something_to_run_and_to_show() -> None:
    assert (len(BLOCKS), len(SHOWN)) == (3, 2)
