"""What ``jitplab broker`` makes of its arguments; that it serves is shown with real clients in interop."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitpbroker.admission.profiles import AWS_2026, turned_by_name
from jitpbroker.mqtt import AWS_LIMITS, Limits
from jitplab.desk_broker import Plan, settings_of


@pytest.mark.parametrize("choice, limits", [("free", Limits()), ("aws", AWS_LIMITS)])
def test_the_switch_of_the_quotas_sets_what_a_connection_may_do_in_a_second(
    choice: str, limits: Limits
) -> None:
    plan = Plan(
        cas=(),
        template=None,
        listen="127.0.0.1",
        port=0,
        server_names=(),
        profile=turned_by_name(AWS_2026, "quotas", choice),
        engine="local",
        directory=Path("nowhere"),
        c_array=None,
        log_authn_errors=False,
    )

    assert settings_of(plan).limits == limits
