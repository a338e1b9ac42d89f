"""The list of failures seen in the field: whole, numbered, and each played or left out for a reason."""

from __future__ import annotations

import pytest

from jitplab import scenario
from jitplab.field_failures import FIELD_FAILURES, FieldFailure


def test_the_failures_are_numbered_from_one_without_a_gap() -> None:
    assert [each.number for each in FIELD_FAILURES] == list(range(1, 45))


@pytest.mark.parametrize("failure", FIELD_FAILURES, ids=lambda failure: str(failure.number))
def test_a_failure_is_played_or_says_why_not(failure: FieldFailure) -> None:
    assert failure.scenarios or failure.left_out
    assert failure.what.endswith(".")
    assert failure.evidence


@pytest.mark.parametrize("failure", FIELD_FAILURES, ids=lambda failure: str(failure.number))
def test_every_scenario_a_failure_names_exists(failure: FieldFailure) -> None:
    assert set(failure.scenarios) <= set(scenario.catalogue())
