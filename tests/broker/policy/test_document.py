"""Documents that are policies, and sentences about those that are not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.policy import PolicyInvalid, parse_policy
from jitpbroker.registry.jsontext import Json

GOOD: dict[str, Json] = {"Sid": "s", "Effect": "Allow", "Action": "iot:*", "Resource": ["*"]}


def wrap(statement: Json, **more: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statement, **more})


def test_a_statement_may_stand_alone_or_in_a_list() -> None:
    assert parse_policy(wrap(GOOD)) == parse_policy(wrap([GOOD], Id="x"))


def without(key: str) -> dict[str, Json]:
    return {name: value for name, value in GOOD.items() if name != key}


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "is not JSON"),
        ("[]", "is no JSON object"),
        (wrap(GOOD, Principal="*"), "The policy document has the unknown key 'Principal'"),
        (json.dumps({"Statement": GOOD}), "Version is None"),
        (json.dumps({"Version": "2012-10-18", "Statement": GOOD}), "Version is '2012-10-18'"),
        (json.dumps({"Version": "2012-10-17"}), "Statement 1 is no JSON object"),
        (wrap([]), "has no Statement"),
        (wrap([GOOD, 7]), "Statement 2 is no JSON object"),
        (wrap({**GOOD, "Principal": "*"}), "Statement 1 has the unknown key 'Principal'"),
        (wrap({**GOOD, "Effect": "allow"}), "has Effect 'allow'"),
        (wrap(without("Effect")), "has Effect None"),
        (wrap(without("Action")), "needs Action or NotAction"),
        (wrap({**GOOD, "NotAction": "x"}), "needs Action or NotAction"),
        (wrap(without("Resource")), "needs Resource or NotResource"),
        (wrap({**GOOD, "Resource": []}), "Statement 1, Resource, is empty"),
        (wrap({**GOOD, "Resource": [7]}), "holds something other than strings"),
        (wrap({**GOOD, "Condition": []}), "a Condition that is no JSON object"),
        (wrap({**GOOD, "Condition": {"Bool": 7}}), "a condition Bool that is no JSON object"),
        (wrap({**GOOD, "Condition": {"Bool": {"k": None}}}), "condition Bool/k, holds something other"),
    ],
)
def test_a_malformed_document_is_refused_with_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(text)

    assert reason in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["Effect", "Action", "Resource", "Condition", "Allow"]), inner)
        ),
        max_leaves=8,
    )
)
def test_arbitrary_statements_raise_nothing_but_policy_invalid(statement: Json) -> None:
    try:
        parsed = parse_policy(wrap(statement))
    except PolicyInvalid:
        return
    assert parsed.statements
