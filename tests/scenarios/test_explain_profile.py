"""``jitplab broker --explain-profile``, and what goes with it."""

from __future__ import annotations

import json

import pytest

from jitpbroker.admission.explanation import as_json, explain
from jitpbroker.admission.profiles import PROFILES
from jitplab import cli


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_explained_without_serving(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code = cli.main(["broker", "--explain-profile", "--profile", name])
    text = capsys.readouterr().out
    json_code = cli.main(["broker", "--explain-profile", "--json", "--profile", name])

    assert (code, json_code) == (0, 0)
    assert text == explain(PROFILES[name])
    assert json.loads(capsys.readouterr().out) == as_json(PROFILES[name])


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("--ca", "x", "--json"), "--json goes with --explain-profile"),
        (("--json",), "--json goes with --explain-profile"),
        (("--ca", "x", "--provisioning-delay", "soon"), "'soon' is no delay; 0 to 3600 seconds"),
        (("--ca", "x", "--provisioning-delay", "nan"), "'nan' is no delay; 0 to 3600 seconds"),
        (("--ca", "x", "--provisioning-delay", "-1"), "'-1' is no delay; 0 to 3600 seconds"),
        ((), "the following arguments are required: --ca"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["broker", *arguments])

    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err
