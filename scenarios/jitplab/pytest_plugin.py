"""The pytest plugin: a chip, a broker and a lab as fixtures, and scenarios as tests.

Rules of this file:
1. pytest loads it in every session of whoever has jitplab installed: nothing of ours is imported before a
   fixture is asked for.
2. A fixture is fresh for each test; what a test opens is closed after it.
3. A test that failed in a lab says what the device saw, which rule objected and what the trace says.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from jitplab.account import Account
    from jitplab.lab import Lab
    from jitplab.outcome import Outcome
    from jitplab.settings import Settings
    from softatecc.host import Host

_MARKER = "jitplab_scenario"
_DEFAULT_SEED = "jitplab"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The command line's two options."""
    group = parser.getgroup("jitplab", "a software ATECC608A and a local AWS IoT broker")
    group.addoption(
        "--jitplab-device",
        metavar="URL",
        default="emulator:blank",
        help="the chip of jitp_lab: emulator:blank (default), tcp://host:port, i2c:///dev/i2c-1?addr=0x60",
    )
    group.addoption(
        "--jitplab-seed",
        metavar="N",
        default=_DEFAULT_SEED,
        help=f"fixes keys and the chip's randomness (default {_DEFAULT_SEED!r}: every run is the same)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(name, **parameters): play a scenario of jitplab before the test, and fail if it does "
        "not end as foretold; the fixture jitp_outcome is what came of it",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test with the marker plays its scenario whether it asks for the outcome or not."""
    if isinstance(item, pytest.Function) and item.get_closest_marker(_MARKER) is not None:
        item.fixturenames.append("jitp_outcome")


# --- fixtures -------------------------------------------------------------------------------------


@pytest.fixture
def atecc(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A blank emulated ATECC608A behind the calls a microcontroller makes, see ``softatecc.host.Host``."""
    from softatecc.host import Host  # noqa: PLC0415 - rule 1
    from softatecc.transports import open_transport  # noqa: PLC0415 - rule 1

    transport = open_transport("emulator:blank", seed=_option(request, "--jitplab-seed"))
    yield Host(transport)
    transport.close()


@pytest.fixture
def jitp_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab: a chip to provision, its firmware's view, and accounts to visit, see ``jitplab.lab.Lab``.

    Skips the test where the chip or the library cannot be had.
    """
    from jitplab.lab import Lab  # noqa: PLC0415 - rule 1
    from jitplab.scenario import NeedUnmet  # noqa: PLC0415 - rule 1

    with ExitStack() as stack:
        try:
            lab = stack.enter_context(Lab(_settings(request)))
        except NeedUnmet as unmet:
            pytest.skip(str(unmet))
        except ValueError as misuse:
            raise pytest.UsageError(str(misuse)) from None
        request.node.stash[_LAB] = lab
        yield lab


@pytest.fixture
def jitp_broker(jitp_lab: Lab) -> Account:
    """A running local broker: an account in which the lab's root and signer are registered as in the case."""
    return jitp_lab.account()


@pytest.fixture
def jitp_outcome(request: pytest.FixtureRequest) -> Outcome:
    """What came of the scenario that the test's marker names.

    Fails the test where it was not as foretold; skips it where a need is unmet.
    """
    from jitplab.report import outcome_lines  # noqa: PLC0415 - rule 1
    from jitplab.scenario import NeedUnmet, ScenarioError, find, run  # noqa: PLC0415 - rule 1
    from jitplab.terminal import Style  # noqa: PLC0415 - rule 1

    marker = request.node.get_closest_marker(_MARKER)
    if marker is None or len(marker.args) != 1:
        raise pytest.UsageError(
            f'jitp_outcome needs to know what to play; mark the test @pytest.mark.{_MARKER}("right-slot")'
        )
    lab: Lab = request.getfixturevalue("jitp_lab")
    try:
        outcome = run(find(str(marker.args[0])), lab, dict(marker.kwargs))
    except ScenarioError as error:
        raise pytest.UsageError(str(error)) from None
    except NeedUnmet as unmet:
        pytest.skip(str(unmet))
    if not outcome.as_foretold:
        lines = outcome_lines(str(marker.args[0]), outcome, Style(colour=False))
        pytest.fail("\n".join(lines), pytrace=False)
    return outcome


_LAB: pytest.StashKey[Lab] = pytest.StashKey()


def _option(request: pytest.FixtureRequest, name: str) -> str:
    return str(request.config.getoption(name))


def _settings(request: pytest.FixtureRequest) -> Settings:
    from jitplab.settings import Settings, quick  # noqa: PLC0415 - rule 1

    return quick(
        Settings(device=_option(request, "--jitplab-device"), seed=_option(request, "--jitplab-seed"))
    )


# --- what a failure shows -------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put beneath a failed test what happened in its lab."""
    report = yield
    lab = item.stash.get(_LAB, None)
    if report.failed and report.when != "teardown" and lab is not None:
        from jitplab.report import visit_lines  # noqa: PLC0415 - rule 1

        report.sections.append(("jitplab: what happened in the lab", "\n".join(visit_lines(lab.calls))))
    return report
