"""What every test may rely on: programs that are there, and no silent skip where nobody watches."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import settings

# No test asserts a duration, searches included.
settings.register_profile("jitplab", deadline=None)
settings.load_profile("jitplab")

#: Folders and files whose tests start programs or sockets by the dozen, or search for long; `make check`
#: leaves them to `make test`.
SLOW = {
    *("interop", "library", "ports", "transports", "state", "control", "server", "engine", "tls", "store"),
    *("inspection", "fuzz", "test_catalogue.py", "test_channel.py", "test_secrecy.py"),
}
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that names a program is skipped without it, in CI it fails; what starts programs is slow.

    What takes long comes first, so that no process is left with it when the others have finished.
    """
    for item in items:
        if SLOW.intersection(item.path.parts):
            item.add_marker(pytest.mark.slow)
        for marker in item.iter_markers("program"):
            (name,) = marker.args
            if shutil.which(name) is None and not IN_CI:
                item.add_marker(pytest.mark.skip(reason=f"needs the program {name}, which is not on PATH"))
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skip is a failure: there everything that can be installed is."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", ())) if reporter is not None else 0
    if IN_CI and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        assert reporter is not None
        reporter.write_line(f"{skipped} skipped: in CI a skip is a failure", red=True)
