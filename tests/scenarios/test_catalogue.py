"""Every scenario once with each library; every way to sign where that matters; and each one able to fail.

Rules of this file:
1. What a scenario needs is looked up in its declaration before it is played: nothing is skipped while a
   test runs.
2. The whole catalogue is played twice, with Microchip's library and with our own. The further axes (TLS
   library, engine, profile) are for the area onboarding, which uses them all.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jitpbroker.admission import rules
from jitpbroker.admission.rule import Rule
from jitplab import scenario
from jitplab.lab import Lab, Settings
from jitplab.needs import Need
from jitplab.outcome import Outcome
from softatecc import cal

CATALOGUE = scenario.catalogue()
NAMES = tuple(CATALOGUE)
ONBOARDING = tuple(name for name, each in CATALOGUE.items() if each.area == "onboarding")
#: What no setting of this file can give.
LACKING = frozenset() if importlib.util.find_spec("botocore") else frozenset({Need.CONTROL_PLANE})
WITH_WHEEL = tuple(name for name in NAMES if not LACKING.intersection(CATALOGUE[name].needs))
WITH_OWN = tuple(name for name in WITH_WHEEL if Need.CRYPTOAUTHLIB not in CATALOGUE[name].needs)
FIXED = Settings(seed="catalogue", now=datetime(2026, 1, 31, tzinfo=UTC), host_sleeps=False)
OWN = replace(FIXED, library="own", host_sleeps=True)
#: Every rule there is, those that only a switch turns on included.
RULES = tuple(each for each in vars(rules).values() if isinstance(each, Rule))
#: Rules without whose answer the next one has nothing to ask about.
STOOD_ON = frozenset({"client_certificate_was_presented", "client_certificate_parses", "issuer_is_known"})
#: What a scenario must have on its page, in this order.
PARTS = ("Cause.", "Symptom.", "Tell-tale.", "Cure.")


def _name(rule: Rule) -> str:
    return rule.name


def play(name: str, settings: Settings) -> Outcome:
    chosen = scenario.find(name)
    now = None if Need.REAL_CLOCK in chosen.needs else settings.now
    with Lab(replace(settings, now=now)) as lab:
        return scenario.run(chosen, lab, {})


def assert_as_foretold(outcome: Outcome) -> None:
    assert [fact for fact in outcome.facts if not fact.agrees] == []
    assert outcome.as_foretold


@pytest.mark.wheel
@pytest.mark.skipif(not cal.available(), reason="no cryptoauthlib wheel for this Python")
@pytest.mark.parametrize("name", WITH_WHEEL)
def test_comes_true_with_microchips_own_library(name: str) -> None:
    outcome = play(name, FIXED)

    assert_as_foretold(outcome)
    assert outcome.by_library.startswith("Microchip's cryptoauthlib")


@pytest.mark.parametrize("name", WITH_OWN)
def test_comes_true_with_the_own_rebuild_and_is_json(name: str) -> None:
    outcome = play(name, OWN)
    told = json.loads(json.dumps(outcome.as_json()))

    assert_as_foretold(outcome)
    assert outcome.by_library.startswith("jitplab's own rebuild")
    assert told["as_foretold"] is True
    assert all(record["kind"] for record in told["trace"])


@pytest.mark.parametrize("name", ONBOARDING)
def test_comes_true_where_the_interpreter_lends_no_key(name: str) -> None:
    assert_as_foretold(play(name, replace(OWN, tls_by="tlslite")))


@pytest.mark.parametrize("name", ONBOARDING)
def test_comes_true_with_amqtt_as_the_engine(name: str) -> None:
    assert_as_foretold(play(name, replace(OWN, engine="amqtt")))


@pytest.mark.parametrize("profile", ["aws-2021", "aws-2026"])
@pytest.mark.parametrize("name", ONBOARDING)
def test_comes_true_under_either_profile(name: str, profile: str) -> None:
    outcome = play(name, replace(OWN, profile=profile, profile_was_chosen=True))

    assert_as_foretold(outcome)
    if name == "refusal-in-the-log" and profile == "aws-2021":
        assert outcome.log == ()


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_its_four_parts_and_its_evidence(name: str) -> None:
    chosen = CATALOGUE[name]
    places = [chosen.page.find(part) for part in PARTS]

    assert places == sorted(places)
    assert places[0] > 0
    assert chosen.title.endswith((".", "no."))
    assert chosen.source


@pytest.mark.parametrize("name", NAMES)
def test_a_failure_has_a_twin_that_is_let_in(name: str) -> None:
    chosen = CATALOGUE[name]
    assert chosen.twin is not None

    assert chosen.twin != name
    assert chosen.admitted or CATALOGUE[chosen.twin].admitted


@pytest.mark.parametrize("name", NAMES)
def test_what_looks_alike_says_so_on_both_sides(name: str) -> None:
    one_sided = {other for other in CATALOGUE[name].like if name not in CATALOGUE[other].like}

    assert one_sided == set()
    assert name not in CATALOGUE[name].like


@pytest.mark.parametrize("name", [each.name for each in CATALOGUE.values() if not each.admitted])
def test_a_failure_names_what_stops_it_or_foretells_its_own_endings(name: str) -> None:
    if CATALOGUE[name].stopped_by is None:
        assert len(play(name, OWN).facts) > 1


def test_the_three_questions_of_the_case_are_answered() -> None:
    answered = {each.question for each in scenario.catalogue().values()}

    assert {1, 2, 3} <= answered


@pytest.mark.parametrize(
    "rule", [each for each in RULES if each.name not in STOOD_ON], ids=lambda rule: rule.name
)
def test_without_any_single_rule_a_scenario_fails(rule: Rule) -> None:
    with _disabled(rule):
        outcome = play(_stopped_by(rule), OWN)

    missed = [fact for fact in outcome.facts if not fact.agrees]
    assert rule.name in str([fact.foretold for fact in missed])


@pytest.mark.parametrize(
    "rule", [each for each in RULES if each.name in STOOD_ON], ids=lambda rule: rule.name
)
def test_without_a_rule_that_others_stand_on_the_next_one_stumbles(rule: Rule) -> None:
    with _disabled(rule), pytest.raises((IndexError, AssertionError)):
        play(_stopped_by(rule), OWN)


def _stopped_by(rule: Rule) -> str:
    """A scenario that the rule stops; the two on what is sent along stop endings of signer-left-out."""
    named = (name for name, each in CATALOGUE.items() if each.refused_by == rule.name)
    return next(named, "signer-left-out")


@contextmanager
def _disabled(rule: Rule) -> Iterator[None]:
    ask = rule.ask
    object.__setattr__(rule, "ask", lambda _case: None)
    try:
        yield
    finally:
        object.__setattr__(rule, "ask", ask)


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
