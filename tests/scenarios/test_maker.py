"""A part is made once; after that it is adopted, by whoever made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jitplab.chain import CHIP_SERIAL_NUMBER, Slot
from jitplab.lab import Lab, Making, Settings
from jitplab.needs import Need
from jitplab.scenario import NeedUnmet, Part, find, run, scenario
from softatecc.ports.device import Plan
from softatecc.ports.parts import Order
from softatecc.ports.thread import DeviceThread

FIXED = Settings(seed="a maker", now=datetime(2026, 1, 31, tzinfo=UTC), library="own")


@pytest.fixture
def served() -> Iterator[str]:
    order = Order(serial_number=CHIP_SERIAL_NUMBER, seed="a part")
    with DeviceThread(Plan((order,), tcp=0)) as device:
        yield device.url


def test_a_part_that_the_same_seed_made_is_adopted(served: str) -> None:
    with Lab(replace(FIXED, device=served)) as lab:
        made = lab.device()
    with Lab(replace(FIXED, device=served)) as lab:
        adopted = lab.device()
        chain = lab.rebuild_chain(adopted)

    assert adopted == made
    assert chain.device == made.certificate


def test_another_makers_part_is_an_unmet_need(served: str) -> None:
    with Lab(replace(FIXED, device=served)) as lab:
        lab.device()

    with (
        Lab(replace(FIXED, device=served, seed="another maker")) as lab,
        pytest.raises(NeedUnmet, match="give the --seed that it was provisioned with"),
    ):
        lab.device()


def test_a_half_made_part_is_an_unmet_need() -> None:
    with Lab(FIXED) as lab:
        lab.bench.write_configuration("mbedtls_examples_608")

        with pytest.raises(NeedUnmet, match="the part is locked and cannot be adopted"):
            lab.device()


def test_what_is_made_otherwise_lies_where_it_was_asked_for() -> None:
    with Lab(FIXED) as lab:
        lab.provision_device(Making(slots={8: lab.other_ca.key.public_key}))

        assert lab.bench.library.read_pubkey(8) == lab.other_ca.key.public_key
        assert lab.bench.library.read_pubkey(Slot.ROOT_PUBLIC_KEY) == lab.root.key.public_key


@pytest.mark.parametrize(
    "need, settings, why",
    [
        (Need.LOCAL_ENGINE, replace(FIXED, engine="amqtt"), "needs the engine local, and amqtt was chosen"),
        (Need.CRYPTOAUTHLIB, FIXED, "needs Microchip's cryptoauthlib"),
        (Need.REAL_CLOCK, FIXED, "--now has stopped the clock"),
    ],
)
def test_an_unmet_need_is_a_sentence_with_its_cure(need: Need, settings: Settings, why: str) -> None:
    with Lab(settings) as lab:
        told = lab.unmet(need)

    assert told is not None
    assert why in told


def test_needs_that_are_met_say_nothing() -> None:
    with Lab(replace(FIXED, now=None)) as lab:
        assert lab.unmet(Need.LOCAL_ENGINE) is None
        assert lab.unmet(Need.CHIP_INSIDE) is None
        assert lab.unmet(Need.REAL_CLOCK) is None


def test_a_chip_behind_a_bus_cannot_be_looked_into(served: str) -> None:
    with Lab(replace(FIXED, device=served)) as lab:
        told = lab.unmet(Need.CHIP_INSIDE)

    assert told is not None
    assert "is behind a bus" in told


def test_a_scenario_whose_need_is_unmet_is_not_played() -> None:
    chosen = replace(find("right-slot"), needs=(Need.LOCAL_ENGINE,))

    with Lab(replace(FIXED, engine="amqtt")) as lab, pytest.raises(NeedUnmet, match=r"^right-slot: it needs"):
        run(chosen, lab, {})


def test_a_scenario_says_one_thing_about_its_end() -> None:
    with pytest.raises(ValueError, match="say refused_by or stopped_by, not both"):
        scenario(
            refused_by="ca_is_active", stopped_by="chip ECC_FAULT", checked_against="assumed", source="here"
        )
    with pytest.raises(ValueError, match="admitted is stopped by nothing"):
        scenario(admitted=True, stopped_by="chip ECC_FAULT", checked_against="assumed", source="here")


def test_scenarios_without_a_chip_say_so() -> None:
    assert find("hand-made-v1-certificate").part is Part.NONE
    assert find("right-slot").part is Part.ADOPTS
