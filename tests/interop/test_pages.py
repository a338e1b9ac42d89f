"""The pages in a real browser: they complain of nothing, ask for nothing, and their pictures have names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.interop.browser import Browser

from jitplab import cli, scenario
from jitplab.html.report import write_report
from jitplab.lab import Lab, Settings
from jitplab.played import Played

pytestmark = pytest.mark.program("chromium")

FIXED = Settings(seed="pages", now=datetime(2026, 1, 31, tzinfo=UTC), library="own")
#: One of each ending, and a twin.
SHOWN = (
    *("wrong-slot-root-key", "right-slot", "signer-left-out", "private-slot-read", "device-clock-is-unset"),
    *("role-lacks-permission", "receive-is-not-allowed", "duplicate-client-id", "hand-made-v1-certificate"),
)
#: A page's own picture and that of the twin beside it, but where one of the two was not played.
PICTURES = {"index": 0, "receive-is-not-allowed": 1, "duplicate-client-id": 1, "quarantine": 1}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    known = scenario.catalogue()
    runs = []
    for name in SHOWN:
        with Lab(FIXED) as lab:
            runs.append(Played(name, scenario.run(known[name], lab, {})))
    runs += [
        Played("quarantine", skipped="its need is unmet"),
        Played("qos-2-is-not-spoken", error="it broke"),
    ]
    return write_report(tmp_path_factory.mktemp("report"), runs, known).parent


@pytest.mark.parametrize("name", [*SHOWN, "quarantine", "index"])
def test_a_page_loads_nothing_and_complains_of_nothing(browser: Browser, report: Path, name: str) -> None:
    file = report / f"{name}.html"

    seen = browser.look(file)

    assert seen.requests == [file.resolve().as_uri()]
    assert seen.complaints == []
    assert all(seen.images)
    assert len(seen.images) == PICTURES.get(name, 2)
    assert seen.paper[0] != seen.paper[1]


def test_the_xray_is_such_a_page_too(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "xray.html"
    cli.main(["xray", "signer", "--scenario", "wrong-slot-root-key", "--library", "own", "--html", str(file)])

    seen = browser.look(file)

    assert seen.requests == [file.resolve().as_uri()]
    assert seen.complaints == []
    assert seen.paper[0] != seen.paper[1]


def test_the_browser_would_notice(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text('<svg role="img"></svg><img src="missing.png"><script>console.error("no")</script>')

    seen = browser.look(file)

    assert len(seen.requests) == 2
    assert len(seen.complaints) >= 2
    assert "" in seen.images
    assert seen.paper[0] == seen.paper[1]
