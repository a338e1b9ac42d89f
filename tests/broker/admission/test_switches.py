"""Contested questions: each switch turned, and what a profile says about itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.decide import Refuse, decide
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.admission.explanation import as_json, explain
from jitpbroker.admission.profiles import AWS_2021, AWS_2026, PROFILES, Profile, turned, turned_by_name
from jitpbroker.admission.rule import Rule
from jitpbroker.admission.switches import SWITCHES, Choice, Switch, choice_named, switch_of
from jitpbroker.gate import HangUp
from jitpbroker.mqtt import ConnectReturnCode
from jitpbroker.registry import CertificateStatus, Registry
from jitpbroker.trace import Trace
from jitpbroker.x509 import Certificate

Pki: TypeAlias = Mapping[str, Certificate]
AttemptOf: TypeAlias = Callable[..., Attempt]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SIGNER = "O=CompanyName,CN=signer FFFF"


@pytest.fixture
def profile() -> Profile:
    return AWS_2026


def rule_of(verdict: object) -> str | None:
    return verdict.rule.name if isinstance(verdict, Refuse) else None


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda each: str(each.name))
def test_a_switch_has_choices_that_say_where_they_are_from(switch: Switch) -> None:
    assert len({choice.name for choice in switch.choices}) == len(switch.choices) > 1
    for choice in switch.choices:
        assert choice_named(switch.name, choice.name) is choice
        assert switch_of(choice) is switch
        assert choice.source
        assert choice.meaning.endswith(".")
        assert 2014 <= choice.since <= 2026


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_answers_every_question_once(name: str) -> None:
    assert [switch_of(choice) for choice in PROFILES[name].choices] == list(SWITCHES)


def test_the_two_profiles_differ_where_their_summaries_say() -> None:
    differing = [
        (one.name, other.name)
        for one, other in zip(AWS_2021.choices, AWS_2026.choices, strict=True)
        if one is not other
    ]

    assert differing == [("required", "or-sni"), ("none", "on-request")]


def test_turning_a_switch_leaves_the_others() -> None:
    strict = turned_by_name(AWS_2021, "sni", "required")

    assert [c.name for c in strict.choices[1:]] == [c.name for c in AWS_2021.choices[1:]]
    assert strict.choices[0].name == "required"
    assert AWS_2021.choices[0].name == "where-needed"


@pytest.mark.parametrize(
    "switch, choice, sentence",
    [
        ("colour", "red", "'colour' is no switch; choose one of sni, chain,"),
        ("sni", "red", "'red' is no choice of the switch sni; choose one of where-needed, required."),
    ],
)
def test_an_unknown_switch_or_choice_is_refused_with_the_choice(
    switch: str, choice: str, sentence: str
) -> None:
    with pytest.raises(ValueError) as caught:
        turned_by_name(AWS_2026, switch, choice)

    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    "switch, choice, refused_by",
    [
        ("sni", "where-needed", None),
        ("sni", "required", "sni_is_sent"),
    ],
)
def test_a_missing_server_name_counts_as_switched(
    registry: Registry,
    register_ca: Callable[..., object],
    pki: Pki,
    attempt: AttemptOf,
    switch: str,
    choice: str,
    refused_by: str | None,
) -> None:
    register_ca(pki["signer"])
    chain = attempt(pki["device"], pki["signer"], sni=None)

    assert rule_of(decide(chain, registry, turned_by_name(AWS_2026, switch, choice))) == refused_by


def test_a_presented_ca_need_not_be_the_registered_one_where_that_is_not_judged(
    registry: Registry, register_ca: Callable[..., object], pki: Pki, attempt: AttemptOf
) -> None:
    """The case itself: by the matching AWS documents it would have been accepted."""
    register_ca(pki["signer"])
    chain = attempt(pki["device"], pki["wrong signer"])

    assert rule_of(decide(chain, registry, AWS_2026)) == "presented_ca_is_registered"
    assert rule_of(decide(chain, registry, turned_by_name(AWS_2026, "presented-ca", "unjudged"))) is None


@pytest.mark.parametrize(
    "switch, late, refused_by",
    [("dates", "device", "leaf_is_in_date"), ("ca-dates", "signer", "ca_is_in_date")],
)
def test_dates_count_as_switched(
    registry: Registry,
    register_ca: Callable[..., object],
    issue: Callable[..., Certificate],
    attempt: AttemptOf,
    switch: str,
    late: str,
    refused_by: str,
) -> None:
    past = {"not_after": datetime(2026, 11, 23, tzinfo=UTC)}
    signer = issue(SIGNER, key=2, issuer=SIGNER, issuer_key=2, **(past if late == "signer" else {}))
    device = issue("CN=d", key=10, issuer=SIGNER, issuer_key=2, **(past if late == "device" else {}))
    register_ca(signer)
    rules = {
        choice: rule_of(decide(attempt(device, signer), registry, turned_by_name(AWS_2026, switch, choice)))
        for choice in ("judged", "ignored")
    }

    assert rules == {"judged": refused_by, "ignored": None}


@pytest.mark.parametrize(
    "subject, refused_by", [("C=NO,CN=d", "country_is_the_cas"), ("C=DE,CN=d", None), ("CN=d", None)]
)
def test_the_country_counts_where_it_is_switched_on(
    registry: Registry,
    register_ca: Callable[..., object],
    issue: Callable[..., Certificate],
    attempt: AttemptOf,
    subject: str,
    refused_by: str | None,
) -> None:
    signer = issue("C=DE,CN=s", key=2, issuer="C=DE,CN=s", issuer_key=2)
    register_ca(signer)
    chain = attempt(issue(subject, key=10, issuer="C=DE,CN=s", issuer_key=2), signer)

    assert rule_of(decide(chain, registry, turned_by_name(AWS_2026, "country", "as-the-ca's"))) == refused_by
    assert rule_of(decide(chain, registry, AWS_2026)) is None


def test_the_registered_event_is_left_out_where_that_is_switched(
    registry: Registry, register_ca: Callable[..., object], pki: Pki, attempt: AttemptOf, trace: Trace
) -> None:
    register_ca(pki["signer"])
    quiet = turned_by_name(AWS_2026, "registered-event", "without-template")
    answer = FrontDesk(registry, trace, profile=quiet).connect(attempt(pki["device"], pki["signer"]))

    assert isinstance(answer, HangUp)
    assert (answer.reason, answer.events) == ("JITP_REGISTERED", ())


@pytest.mark.parametrize(
    "choice, code", [("none", None), ("not-authorized", ConnectReturnCode.NOT_AUTHORIZED)]
)
def test_a_refusal_has_a_return_code_where_that_is_switched(
    registry: Registry, pki: Pki, attempt: AttemptOf, trace: Trace, choice: str, code: object
) -> None:
    chosen = turned_by_name(AWS_2026, "connack", choice)
    answer = FrontDesk(registry, trace, profile=chosen).connect(attempt(pki["device"]))

    assert isinstance(answer, HangUp)
    assert (answer.reason, answer.return_code) == ("NOT_AUTHENTICATED", code)


def test_one_connect_a_second_where_that_is_switched(
    registry: Registry, pki: Pki, attempt: AttemptOf, trace: Trace
) -> None:
    device = registry.certificates.register(pki["device"], at=NOW, status=CertificateStatus.ACTIVE)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    registry.policies.create("p", json.dumps({"Version": "2012-10-17", "Statement": everything}), at=NOW)
    registry.policies.attach("p", device.arn)
    limited = FrontDesk(registry, trace, profile=turned_by_name(AWS_2026, "connect-rate", "one-per-second"))

    def came_in(certificate: Certificate, client_id: str, seconds: float) -> str:
        at = NOW + timedelta(seconds=seconds)
        answer = limited.connect(attempt(certificate, client_id=client_id, at=at))
        return answer.reason if isinstance(answer, HangUp) else "admitted"

    assert [
        came_in(pki["signer"], "a", 0.0),  # a stranger uses up nobody's second
        came_in(pki["device"], "a", 0.1),
        came_in(pki["device"], "b", 0.2),
        came_in(pki["device"], "a", 1.0),
        came_in(pki["device"], "a", 1.1),
        came_in(pki["device"], "b", 1.15),
        came_in(pki["device"], "b", 1.2),
    ] == ["NOT_AUTHENTICATED", "admitted", "admitted", "THROTTLED", "admitted", "THROTTLED", "admitted"]


def test_subscribing_is_refused_as_switched(registry: Registry, trace: Trace) -> None:
    by_suback = turned(AWS_2026, choice_named("subscribe", "suback-failure"))

    assert FrontDesk(registry, trace, profile=by_suback).denies_by_suback
    assert not FrontDesk(registry, trace).denies_by_suback


@pytest.mark.parametrize("name", PROFILES)
def test_an_explanation_names_every_rule_and_switch_with_grade_source_and_year(name: str) -> None:
    chosen = PROFILES[name]
    text = " ".join(explain(chosen).split())
    told = as_json(chosen)

    def marks(each: Rule | Choice) -> str:
        return f"[{each.grade}, since {each.since}: {each.source}]"

    positions = []
    for rule in chosen.rules:
        assert f"{rule.name} {rule.question} {marks(rule)}" in text
        positions.append(text.index(f"{rule.name} {rule.question}"))
    assert positions == sorted(positions)
    for switch, choice in zip(SWITCHES, chosen.choices, strict=True):
        assert f"{switch.name} = {choice.name} {switch.question} {choice.meaning} {marks(choice)}" in text
        others: list[Choice] = [each for each in switch.choices if each is not choice]
        assert all(f"or {other.name}: {other.meaning} {marks(other)}" in text for other in others)
    assert json.loads(json.dumps(told)) == told
    assert told["profile"] == name
    rules, switches = told["rules"], told["switches"]
    assert isinstance(rules, list)
    assert isinstance(switches, list)
    assert len(rules) == len(chosen.first) + len(chosen.onboarding) + len(chosen.known)
    assert [each["choice"] for each in switches if isinstance(each, dict)] == [c.name for c in chosen.choices]
