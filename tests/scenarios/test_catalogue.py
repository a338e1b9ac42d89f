"""Every scenario, on every library and every way to sign; and each one able to fail."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jitpbroker.admission.profiles import AWS_2026, PROFILES
from jitplab import scenario
from jitplab.lab import Lab, Settings
from jitplab.outcome import Outcome
from softatecc import cal

NAMES = tuple(scenario.catalogue())
FIXED = Settings(seed="catalogue", now=datetime(2026, 1, 31, tzinfo=UTC), host_sleeps=False)
OWN = replace(FIXED, library="own", host_sleeps=True)
#: What a scenario must have on its page, in this order.
PARTS = ("Cause.", "Symptom.", "Tell-tale.", "Cure.")


def play(name: str, settings: Settings) -> Outcome:
    chosen = scenario.find(name)
    with Lab(settings) as lab:
        return scenario.run(chosen, lab, {})


def assert_as_foretold(outcome: Outcome) -> None:
    assert [fact for fact in outcome.facts if not fact.agrees] == []
    assert outcome.as_foretold


@pytest.mark.wheel
@pytest.mark.skipif(not cal.available(), reason="no cryptoauthlib wheel for this Python")
@pytest.mark.parametrize("name", NAMES)
def test_comes_true_with_microchips_own_library(name: str) -> None:
    outcome = play(name, FIXED)

    assert_as_foretold(outcome)
    assert outcome.by_library.startswith("Microchip's cryptoauthlib")


@pytest.mark.parametrize("name", NAMES)
def test_comes_true_with_the_own_rebuild(name: str) -> None:
    outcome = play(name, OWN)

    assert_as_foretold(outcome)
    assert outcome.by_library.startswith("jitplab's own rebuild")


@pytest.mark.parametrize("name", NAMES)
def test_comes_true_where_the_interpreter_lends_no_key(name: str) -> None:
    assert_as_foretold(play(name, replace(OWN, tls_by="tlslite")))


@pytest.mark.parametrize("name", NAMES)
def test_comes_true_with_amqtt_as_the_engine(name: str) -> None:
    assert_as_foretold(play(name, replace(OWN, engine="amqtt")))


@pytest.mark.parametrize("profile", ["aws-2021", "aws-2026"])
@pytest.mark.parametrize("name", NAMES)
def test_comes_true_under_either_profile(name: str, profile: str) -> None:
    if name == "refusal-in-the-log" and profile == "aws-2021":
        assert play(name, replace(OWN, profile=profile, profile_was_chosen=True)).log == ()

    assert_as_foretold(play(name, replace(OWN, profile=profile, profile_was_chosen=True)))


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_outcome_is_json(name: str) -> None:
    told = json.loads(json.dumps(play(name, OWN).as_json()))

    assert told["as_foretold"] is True
    assert all(record["kind"] for record in told["trace"])


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_its_four_parts_and_its_evidence(name: str) -> None:
    chosen = scenario.find(name)
    places = [chosen.page.find(part) for part in PARTS]

    assert places == sorted(places)
    assert places[0] > 0
    assert chosen.title.endswith((".", "no."))
    assert chosen.source
    assert chosen.twin in NAMES


def test_the_three_questions_of_the_case_are_answered() -> None:
    answered = {each.question for each in scenario.catalogue().values()}

    assert {1, 2, 3} <= answered


def test_the_case_fails_for_no_other_reason_than_its_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(rule for rule in AWS_2026.onboarding if rule.name != "presented_ca_is_registered")
    monkeypatch.setitem(PROFILES, "aws-2026", replace(AWS_2026, onboarding=others))

    outcome = play("wrong-slot-root-key", OWN)

    assert not outcome.as_foretold
    assert outcome.registered


def test_no_private_key_gets_into_a_report() -> None:
    with Lab(OWN) as lab:
        told = json.dumps(scenario.run(scenario.find("right-slot"), lab, {}).as_json())
        signer = lab.signer.key.pkcs8_pem().decode()

    body = "".join(signer.splitlines()[1:-1])
    assert body not in told
    assert "PRIVATE" not in told


def test_two_scenarios_may_not_share_a_name() -> None:
    def right_slot(_lab: Lab) -> Outcome:
        """Never played."""
        raise AssertionError

    with pytest.raises(ValueError, match="two scenarios are called 'right-slot'"):
        scenario.scenario(checked_against="assumed", source="this test")(right_slot)


def test_a_locked_chip_is_an_unmet_need() -> None:
    with Lab(OWN) as lab:
        lab.provision_device()

        with pytest.raises(scenario.NeedUnmet, match="needs a blank part"):
            lab.provision_device()


def test_an_unknown_library_or_engine_is_named() -> None:
    with pytest.raises(ValueError, match="'mine' is no library"), Lab(replace(FIXED, library="mine")):
        pass
    with pytest.raises(ValueError, match="'mine' is no engine"), Lab(replace(OWN, engine="mine")) as lab:
        lab.account()
