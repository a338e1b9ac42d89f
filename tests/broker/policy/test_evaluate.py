"""Allow, Deny and neither, over one policy and several."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from jitpbroker.policy import Answer, Context, NamedPolicy, evaluate
from jitpbroker.registry.jsontext import Json

ARN = "arn:aws:iot:us-east-1:123456789012:"


def statement(**parts: Json) -> dict[str, Json]:
    return {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*", **parts}


def document(*statements: dict[str, Json], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def ask(
    context: Context, *statements: dict[str, Json], action: str = "iot:Connect", resource: str = "client/pu02"
) -> Answer:
    return evaluate([NamedPolicy("p", document(*statements))], action, ARN + resource, context)


def test_without_a_policy_nothing_is_allowed(context: Context) -> None:
    answer = evaluate([], "iot:Connect", ARN + "client/pu02", context)

    assert not answer.allowed
    assert answer.why == f"no policy is attached, so none allows iot:Connect on {ARN}client/pu02"


def test_an_allow_names_the_first_statement_that_allows(context: Context) -> None:
    answer = ask(context, statement(Action="iot:Publish"), statement(), statement())

    assert answer == Answer(
        allowed=True, why=f"statement 2 of policy p allows iot:Connect on {ARN}client/pu02"
    )


def test_what_no_statement_allows_is_refused(context: Context) -> None:
    answer = ask(context, statement(Resource=ARN + "client/other"))

    assert answer == Answer(allowed=False, why=f"none of p allows iot:Connect on {ARN}client/pu02")


def test_an_explicit_deny_wins_wherever_it_stands(context: Context) -> None:
    allow = NamedPolicy("open", document(statement()))
    deny = NamedPolicy("shut", document(statement(Effect="Deny")))

    for policies in ([allow, deny], [deny, allow]):
        answer = evaluate(policies, "iot:Connect", ARN + "client/pu02", context)

        assert answer == Answer(
            allowed=False, why=f"statement 1 of policy shut denies iot:Connect on {ARN}client/pu02"
        )


def test_policies_add_up(context: Context) -> None:
    policies = [
        NamedPolicy("a", document(statement(Action="iot:Publish"))),
        NamedPolicy("b", document(statement())),
    ]

    assert evaluate(policies, "iot:Connect", "x", context).allowed
    assert evaluate(policies, "iot:Publish", "x", context).allowed
    assert evaluate(policies, "iot:Receive", "x", context).why == "none of a, b allows iot:Receive on x"


def test_a_malformed_policy_counts_for_nothing_and_is_named(context: Context) -> None:
    answer = evaluate(
        [NamedPolicy("bad", "{"), NamedPolicy("good", document(statement(Action="iot:Publish")))],
        "iot:Connect",
        "x",
        context,
    )

    assert not answer.allowed
    assert "policy bad counts for nothing: The policy document is not JSON" in answer.why


@pytest.mark.parametrize(
    "action", ["iot:Connect", "IOT:connect", "iot:*", "*", "iot:Con????", ["x", "iot:C*t"]]
)
def test_actions_match_without_regard_to_case_and_with_wildcards(context: Context, action: Json) -> None:
    assert ask(context, statement(Action=action)).allowed


@pytest.mark.parametrize(
    "action", ["iot:Publish", "iot:Connec", "iot:Connect?", "iot", ["iot:Publish", "s3:*"]]
)
def test_other_actions_do_not_match(context: Context, action: Json) -> None:
    assert not ask(context, statement(Action=action)).allowed


def test_not_action_and_not_resource_turn_the_match_round(context: Context) -> None:
    but_publish: dict[str, Json] = {"Effect": "Allow", "NotAction": "iot:Publish", "Resource": "*"}
    but_admin: dict[str, Json] = {"Effect": "Allow", "Action": "*", "NotResource": ARN + "client/admin"}

    assert ask(context, but_publish).allowed
    assert not ask(context, but_publish, action="iot:Publish").allowed
    assert ask(context, but_admin).allowed
    assert not ask(context, but_admin, resource="client/admin").allowed


@pytest.mark.parametrize(
    "granted, asked, allowed",
    [
        ("topicfilter/a/#", "topicfilter/a/#", True),
        ("topicfilter/a/#", "topicfilter/a/b", False),
        ("topicfilter/a/+/c", "topicfilter/a/+/c", True),
        ("topicfilter/a/+/c", "topicfilter/a/b/c", False),
        ("topicfilter/a/*", "topicfilter/a/#", True),
        ("topicfilter/a/*", "topicfilter/#", False),
    ],
)
def test_mqtt_wildcards_are_letters(context: Context, granted: str, asked: str, *, allowed: bool) -> None:
    answer = ask(
        context,
        statement(Action="iot:Subscribe", Resource=ARN + granted),
        action="iot:Subscribe",
        resource=asked,
    )

    assert answer.allowed is allowed


def test_denying_a_narrow_filter_does_not_stop_a_wide_one(context: Context) -> None:
    allow = statement(Action="iot:Subscribe")
    deny = statement(Effect="Deny", Action="iot:Subscribe", Resource=ARN + "topicfilter/a/restricted/#")

    assert ask(context, allow, deny, action="iot:Subscribe", resource="topicfilter/a/#").allowed


@pytest.mark.parametrize(
    "variable, resource",
    [
        ("${iot:ClientId}", "client/pu02"),
        ("${IOT:CLIENTID}", "client/pu02"),
        ("${aws:SourceIp}", "client/192.0.2.7"),
        ("${iot:Connection.Thing.ThingName}", "client/pu02"),
        ("${iot:Connection.Thing.ThingTypeName}", "client/meter"),
        ("${iot:Connection.Thing.Attributes[plant]}", "client/north"),
        ("${iot:Connection.Thing.IsAttached}", "client/true"),
        ("${iot:Certificate.Subject.CommonName}", "client/pu02"),
        ("${iot:Certificate.Subject.OrganizationalUnit}", "client/one"),
        ("${iot:Certificate.Subject.OrganizationalUnit.1}", "client/two"),
        ("${iot:Certificate.Subject.OrganizationalUnit.4}", "client/5"),
        ("${iot:Certificate.Subject.Organization}", r"client/Company\, Inc."),
        ("${iot:Certificate.Subject.SerialNumber}", "client/0123"),
        ("${iot:Certificate.Issuer.CommonName}", "client/signer"),
        ("${iot:Certificate.SerialNumber}", "client/1089984838"),
        ("${*}${?}${$}", "client/*?$"),
    ],
)
def test_a_variable_is_replaced_by_its_value(context: Context, variable: str, resource: str) -> None:
    granted = statement(Resource=f"{ARN}client/{variable}")

    assert ask(context, granted, resource=resource).allowed
    assert not ask(context, granted, resource=resource + "x").allowed


@pytest.mark.parametrize(
    "variable",
    [
        "iot:Certificate.Subject.Country",
        "iot:Certificate.Subject.OrganizationalUnit.5",
        "iot:Certificate.Subject.OrganizationalUnit.-1",
        "iot:Certificate.Subject.OrganizationalUnit.1.1",
        "iot:Certificate.Subject.AlternativeName.DNSName",
        "iot:Certificate.Subject.AlternativeName.X400Address",
        "iot:Certificate.Subject.StateName",
        "iot:Certificate.Subject",
        "iot:Certificate.Issuer.Country",
        "iot:Certificate",
        "iot:Certificate.",
        "iot:Connection.Thing.Attributes[nothing]",
        "iot:Connection.Thing.Colour",
        "iot:Nothing",
        "",
    ],
)
def test_a_variable_without_a_value_matches_nothing_and_is_named(context: Context, variable: str) -> None:
    answer = ask(
        context, statement(Resource=f"{ARN}client/${{{variable}}}"), resource=f"client/${{{variable}}}"
    )

    assert not answer.allowed
    assert f"statement 1 of policy p does not apply: ${{{variable}}} has no value here" in answer.why


def test_a_value_with_a_wildcard_in_it_is_not_put_in(
    context: Context, somebody: Callable[..., Context]
) -> None:
    by_state = statement(Resource=ARN + "client/${iot:Certificate.Subject.State}")
    by_id = statement(Resource=ARN + "client/${iot:ClientId}")

    assert "holds a wildcard" in ask(context, by_state, resource="client/axb").why
    assert not ask(somebody(client_id="*"), by_id, resource="client/*").allowed
    assert not ask(somebody(client_id="x" * 1025), by_id, resource="client/" + "x" * 1025).allowed


def test_one_resolvable_resource_is_enough(context: Context) -> None:
    both = statement(Resource=["${iot:Nothing}", ARN + "client/pu02"])

    assert ask(context, both).allowed


def test_a_resource_that_cannot_be_resolved_excludes_everything_from_not_resource(context: Context) -> None:
    but_unknown: dict[str, Json] = {"Effect": "Allow", "Action": "*", "NotResource": ["${iot:Nothing}"]}

    assert not ask(context, but_unknown).allowed


def test_thing_variables_need_the_thing_to_be_attached(
    context: Context, somebody: Callable[..., Context]
) -> None:
    by_thing = statement(Resource=ARN + "client/${iot:Connection.Thing.ThingName}")
    if_detached = statement(Condition={"Bool": {"iot:Connection.Thing.IsAttached": ["false"]}})
    detached = somebody(attached=False)

    assert not ask(detached, by_thing).allowed
    assert not ask(somebody(thing=None), by_thing).allowed
    assert ask(detached, if_detached).allowed
    assert not ask(context, if_detached).allowed


def test_the_older_policy_version_has_no_variables(context: Context) -> None:
    literal = document(statement(Resource="${iot:ClientId}"), version="2008-10-17")

    assert evaluate([NamedPolicy("p", literal)], "iot:Connect", "${iot:ClientId}", context).allowed
    assert not evaluate([NamedPolicy("p", literal)], "iot:Connect", "pu02", context).allowed
