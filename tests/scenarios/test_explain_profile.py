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


def test_a_switch_that_was_turned_is_explained_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["broker", "--explain-profile", "--json", "--switch", "presented-ca=unjudged"])
    told = json.loads(capsys.readouterr().out)

    assert code == 0
    assert "presented_ca_is_registered" not in {rule["name"] for rule in told["rules"]}


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("weather=fine", "'weather' is no switch; choose one of sni, chain, presented-ca"),
        ("chain=gold", "'gold' is no choice of the switch chain; choose one of or-sni, required"),
        ("chain", "'' is no choice of the switch chain"),
    ],
)
def test_a_switch_or_choice_that_does_not_exist_is_named(
    capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["broker", "--explain-profile", "--switch", text])

    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err
