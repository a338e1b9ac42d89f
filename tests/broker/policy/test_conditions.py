"""Conditions: each operator both ways, keys without a value, and operators nobody knows."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from jitpbroker.policy import Answer, Context, NamedPolicy, evaluate
from jitpbroker.registry.jsontext import Json

CLIENT = "iot:ClientId"
ADDRESS = "aws:SourceIp"
OPTIONS = "iot:ConnectAttributes"
FIRMWARE = "iot:Connection.Thing.Attributes[firmware]"
BUILT = "iot:Connection.Thing.Attributes[built]"
OWNER = "iot:Connection.Thing.Attributes[owner]"
MISSING = "iot:Certificate.Subject.Country"


def ask(context: Context, operator: str, key: str, wanted: Json, effect: str = "Allow") -> Answer:
    statements: list[Json] = [
        {"Effect": effect, "Action": "*", "Resource": "*", "Condition": {operator: {key: wanted}}}
    ]
    if effect == "Deny":
        statements.append({"Effect": "Allow", "Action": "*", "Resource": "*"})
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return evaluate([NamedPolicy("p", text)], "iot:Connect", "x", context)


@pytest.mark.parametrize(
    "operator, key, fits, fits_not",
    [
        ("StringEquals", CLIENT, ["x", "pu02"], "PU02"),
        ("StringEquals", CLIENT, "${iot:Certificate.Subject.CommonName}", "pu0*"),
        ("StringNotEquals", CLIENT, "pu03", ["pu03", "pu02"]),
        ("StringEqualsIgnoreCase", CLIENT, "PU02", "pu03"),
        ("StringNotEqualsIgnoreCase", CLIENT, "pu03", "PU02"),
        ("StringLike", CLIENT, "pu*", "PU*"),
        ("StringLike", CLIENT, "pu0?", "pu0"),
        ("StringNotLike", CLIENT, "qu*", "pu*"),
        ("Bool", "iot:Connection.Thing.IsAttached", True, "false"),
        ("IpAddress", ADDRESS, "192.0.2.0/24", "198.51.100.0/24"),
        ("IpAddress", ADDRESS, "192.0.2.7", "2001:db8::/32"),
        ("IpAddress", ADDRESS, "192.0.2.99/24", "192.0.3.99/24"),
        ("NotIpAddress", ADDRESS, "198.51.100.0/24", "192.0.2.0/24"),
        ("NumericEquals", FIRMWARE, ["7", "12.0"], "13"),
        ("NumericNotEquals", FIRMWARE, "13", "12.0"),
        ("NumericLessThan", FIRMWARE, "12.5", "12"),
        ("NumericLessThanEquals", FIRMWARE, "12", "11"),
        ("NumericGreaterThan", FIRMWARE, "11", "12"),
        ("NumericGreaterThanEquals", FIRMWARE, "12", "13"),
        ("DateEquals", BUILT, "2026-11-24T13:00:00+01:00", "2026-11-24"),
        ("DateNotEquals", BUILT, "2026-11-24", "2026-11-24T12:00:00Z"),
        ("DateLessThan", BUILT, "2026-11-24T12:00:01Z", "2026-11-24T12:00:00Z"),
        ("DateLessThanEquals", BUILT, "1795521600", "1795521599"),
        ("DateGreaterThan", BUILT, "2026-11-24", "2027-01-01"),
        ("DateGreaterThanEquals", BUILT, "2026-11-24T12:00:00", "2026-11-24T12:00:01"),
        ("ArnEquals", OWNER, "arn:aws:iot:us-*-1:*:thing/owner", "arn:aws:iot:*:thing/owner"),
        ("ArnLike", OWNER, "arn:aws:iot:us-east-1:123456789012:thing/*", "arn:*"),
        ("ArnNotEquals", OWNER, "arn:aws:s3:::x", "arn:aws:iot:us-east-1:123456789012:thing/owner"),
        ("ArnNotLike", OWNER, "thing/owner", "arn:*:*:*:*:*"),
        ("Null", MISSING, "true", "false"),
        ("Null", CLIENT, "false", "true"),
        ("StringEqualsIfExists", MISSING, "NO", []),
        ("StringEqualsIfExists", CLIENT, "pu02", "pu03"),
        ("ForAnyValue:StringEquals", OPTIONS, "LastWill", "Other"),
        ("ForAllValues:StringEquals", OPTIONS, ["PersistentConnect", "LastWill"], "LastWill"),
    ],
)
def test_a_condition_holds_or_does_not(
    somebody: Callable[..., Context], operator: str, key: str, fits: Json, fits_not: Json
) -> None:
    context = somebody(connect_attributes=("PersistentConnect", "LastWill"))

    assert ask(context, operator, key, fits).allowed
    assert not ask(context, operator, key, fits_not).allowed


@pytest.mark.parametrize(
    "operator, allowed",
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringEqualsIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
    ],
)
def test_a_key_without_a_value_decides_by_the_operator(
    context: Context, operator: str, *, allowed: bool
) -> None:
    assert ask(context, operator, MISSING, "NO").allowed is allowed
    assert ask(context, operator, OPTIONS, "LastWill").allowed is allowed


@pytest.mark.parametrize(
    "operator", ["BinaryEquals", "StringEqual", "ForSome:StringEquals", "IfExists", "NullIfExists"]
)
def test_an_unknown_operator_never_holds_and_is_named(context: Context, operator: str) -> None:
    answer = ask(context, operator, CLIENT, "pu02")

    assert not answer.allowed
    assert f"{operator} is no condition operator known here" in answer.why


def test_a_condition_that_does_not_hold_is_told_with_the_value(context: Context) -> None:
    answer = ask(context, "StringEquals", CLIENT, "pu03")

    assert (
        "statement 1 of policy p does not apply: StringEquals iot:ClientId does not hold: it is pu02"
        in answer.why
    )


def test_a_deny_whose_condition_does_not_hold_denies_nothing(context: Context) -> None:
    assert ask(context, "StringEquals", CLIENT, "pu03", effect="Deny").allowed
    assert not ask(context, "StringEquals", CLIENT, "pu02", effect="Deny").allowed


@pytest.mark.parametrize(
    "operator, negated, wanted",
    [
        ("NumericEquals", "NumericNotEquals", "twelve"),
        ("NumericEquals", "NumericNotEquals", "NaN"),
        ("DateEquals", "DateNotEquals", "yesterday"),
        ("DateEquals", "DateNotEquals", "9" * 30),
        ("ArnEquals", "ArnNotEquals", "no arn"),
    ],
)
def test_what_is_of_the_wrong_kind_fits_nothing_and_so_satisfies_a_negation(
    context: Context, operator: str, negated: str, wanted: str
) -> None:
    assert not ask(context, operator, FIRMWARE, wanted).allowed
    assert ask(context, negated, FIRMWARE, wanted).allowed


@pytest.mark.parametrize("wanted", ["not an address", "${iot:Nothing}", "192.0.2.0/33"])
def test_an_address_that_is_none_holds_nothing(context: Context, wanted: str) -> None:
    assert not ask(context, "IpAddress", ADDRESS, wanted).allowed


def test_every_condition_has_to_hold(context: Context) -> None:
    both = {"StringEquals": {CLIENT: "pu02"}, "IpAddress": {ADDRESS: "198.51.100.0/24"}}
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": both},
        }
    )

    answer = evaluate([NamedPolicy("p", text)], "iot:Connect", "x", context)

    assert not answer.allowed
    assert "IpAddress aws:SourceIp does not hold: it is 192.0.2.7" in answer.why
