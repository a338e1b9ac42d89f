"""Leave one admission rule out, whichever: a scenario of the catalogue fails. None is there for nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jitpbroker.admission import desk, rules
from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.decide import Verdict, decide
from jitpbroker.admission.profiles import Profile
from jitpbroker.admission.rule import Rule
from jitpbroker.registry.store import Registry
from jitplab import scenario
from jitplab.lab import Lab, Settings

FIXED = Settings(seed="every rule", now=datetime(2026, 1, 31, tzinfo=UTC), library="own")
RULES = sorted(each.name for each in vars(rules).values() if isinstance(each, Rule))
#: A rule whose absence shows in a scenario of several visits, rather than in one that it refuses.
BY_FACTS = {"chain_carries_a_registered_ca": "signer-left-out", "chain_or_sni_is_sent": "signer-left-out"}


def without(profile: Profile, name: str) -> Profile:
    def left(asked: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(rule for rule in asked if rule.name != name)

    return replace(
        profile, first=left(profile.first), known=left(profile.known), onboarding=left(profile.onboarding)
    )


def comes_true(name: str) -> bool:
    with Lab(FIXED) as lab:
        return scenario.run(scenario.find(name), lab, {}).as_foretold


@pytest.mark.parametrize("rule", RULES)
def test_without_a_rule_a_scenario_fails(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    refused = [each.name for each in scenario.catalogue().values() if each.refused_by == rule]
    chosen = BY_FACTS.get(rule) or refused[0]
    assert comes_true(chosen)

    def forgetful(attempt: Attempt, registry: Registry, profile: Profile) -> Verdict:
        return decide(attempt, registry, without(profile, rule))

    monkeypatch.setattr(desk, "decide", forgetful)
    try:
        still = comes_true(chosen)
    except (IndexError, AssertionError):  # the rules behind it rely on it
        still = False

    assert not still
