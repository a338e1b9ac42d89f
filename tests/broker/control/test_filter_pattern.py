"""CloudWatch's filter patterns: words, members, and what is neither."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.control.filter_pattern import filter_of
from jitpbroker.control.messages import Refused

ENTRY = json.dumps(
    {"eventType": "Connect", "status": "Failure", "sourcePort": 50000, "ok": False, "deep": {"a": 'x"y'}}
)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "Connect",
        "Connect Failure",
        "Connect -Success",
        "?Publish ?Connect",
        '{ $.eventType = "Connect" }',
        "{ $.eventType = Connect }",
        '{ $.eventType = "Conn*" }',
        '{ $.eventType != "Publish-In" }',
        '{ $.status = "Failure" && $.eventType = "Connect" }',
        '{ $.status = "Success" || $.eventType = "Connect" }',
        '{ ($.status = "Success" || $.status = "Failure") && $.sourcePort >= 50000 }',
        "{ $.sourcePort = 50000 }",
        "{ $.sourcePort < 50001 && $.sourcePort > 49999 && $.sourcePort <= 50000 }",
        "{ $.sourcePort != abc }",
        "{ $.ok = false }",
        '{ $.deep.a = "x\\"y" }',
    ],
)
def test_a_pattern_that_fits(pattern: str) -> None:
    assert filter_of(pattern)(ENTRY)


@pytest.mark.parametrize(
    "pattern",
    [
        "connect",
        "Connect Success",
        "Connect -Failure",
        "?Publish ?Subscribe",
        '{ $.eventType = "Con" }',
        '{ $.eventType = "Conn?ct" }',
        '{ $.eventType = "[C]onnect" }',
        '{ $.nobody = "x" }',
        '{ $.nobody != "x" }',
        '{ $.deep.b = "x" }',
        '{ $.eventType.a = "x" }',
        "{ $.sourcePort = abc }",
        "{ $.status > 5 }",
        '{ $.status = "Success" && $.eventType = "Connect" }',
    ],
)
def test_a_pattern_that_does_not(pattern: str) -> None:
    assert not filter_of(pattern)(ENTRY)


@pytest.mark.parametrize("message", ["not json", "[1]", "7"])
def test_only_objects_have_members(message: str) -> None:
    assert not filter_of("{ $.a != b }")(message)


@pytest.mark.parametrize(
    "pattern, why",
    [
        ("{ $.a = 1", "no closing brace"),
        ("{ }", "it ends where a selector"),
        ("{ $.a }", "it ends where an operator"),
        ("{ $.a = }", "it ends where a value"),
        ("{ $.a ( 1 }", "no comparison"),
        ("{ $.a = = }", "no comparison"),
        ("{ a = 1 }", "a stands where a selector"),
        ("{ $.a = 1 $.b = 2 }", "was not expected there"),
        ("{ ($.a = 1 }", "a parenthesis is not closed"),
        ('{ $.a = "x }', "cannot be read"),
        ("{ " + "(" * 201 + " }", "cannot be read"),
        ("[a, b]", "not supported here"),
        ("%a%", "not supported here"),
    ],
)
def test_what_is_no_pattern_is_refused_in_one_sentence(pattern: str, why: str) -> None:
    with pytest.raises(Refused) as caught:
        filter_of(pattern)

    assert caught.value.code == "InvalidParameterException"
    assert why in caught.value.message


@given(st.one_of(st.text(max_size=200), st.text('{}()$.a="&|!<>= \\', max_size=60).map(lambda t: f"{{{t}}}")))
def test_no_pattern_makes_it_stumble(pattern: str) -> None:
    try:
        fits = filter_of(pattern)
    except Refused:
        return

    assert fits(ENTRY) in (True, False)
