"""Every scenario runs on a part that another process could serve, not only on one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jitplab import scenario
from jitplab.chain import CHIP_SERIAL_NUMBER
from jitplab.lab import Lab, Settings
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import NeedUnmet, find
from softatecc import cal
from softatecc.ports.device import Plan
from softatecc.ports.parts import Order
from softatecc.ports.thread import DeviceThread

NOW = datetime(2026, 1, 31, tzinfo=UTC)
LIBRARIES = ("own", "cryptoauthlib") if cal.available() else ("own",)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A device that gives every connection a new blank part."""
    order = Order(serial_number=CHIP_SERIAL_NUMBER, seed="catalogue")
    with DeviceThread(Plan((order,), tcp=0, fresh=True)) as device:
        yield device.url


def _results(outcome: Outcome) -> tuple[object, ...]:
    facts = [(fact.what, fact.foretold, fact.seen) for fact in outcome.facts]
    return outcome.stop, outcome.registered, facts, outcome.signer, outcome.device


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", sorted(scenario.catalogue()))
def test_a_scenario_comes_true_over_tcp(url: str, name: str, library: str) -> None:
    each = find(name)
    now = None if Need.REAL_CLOCK in each.needs else NOW
    settings = Settings(device=url, seed="catalogue", library=library, host_sleeps=False, now=now)
    with Lab(settings) as lab:
        if any(lab.unmet(need) for need in each.needs):
            with pytest.raises(NeedUnmet):
                scenario.run(each, lab, {})
            return
        outcome = scenario.run(each, lab, {})
        description = lab.bench.description

    assert outcome.as_foretold
    if library == "own":  # what a run in this process gives; that both libraries agree is shown elsewhere
        with Lab(replace(settings, device="emulator:blank")) as lab:
            inside = scenario.run(each, lab, {})
        assert _results(outcome) == _results(inside)
    assert description == f"ATECC608A at {url}, serial number {CHIP_SERIAL_NUMBER.hex()}"


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_commands_of_a_run_are_those_of_an_emulated_chip_but_for_the_reasons(
    url: str, library: str
) -> None:
    runs = []
    for device in (url, "emulator:blank"):
        with Lab(Settings(device=device, seed="catalogue", library=library, host_sleeps=False)) as lab:
            lab.provision_device()
            commands = lab.bench.commands()
        runs.append([{key: value for key, value in command.items() if key != "why"} for command in commands])

    assert runs[0] == runs[1]


def test_a_part_that_is_not_blank_is_an_unmet_need(url: str) -> None:
    with Lab(Settings(device=url, seed="catalogue", library="own")) as lab:
        lab.provision_device()
        with pytest.raises(NeedUnmet, match="needs a blank part"):
            lab.provision_device()


def test_where_nothing_listens_a_run_says_what_to_start() -> None:
    lab = Lab(Settings(device="tcp://127.0.0.1:1"))

    with pytest.raises(NeedUnmet, match=r"no part answers at 127\.0\.0\.1:1: .*`jitplab device --tcp`"):
        lab.__enter__()
