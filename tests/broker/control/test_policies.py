"""Policies and what they allow, asked of the engine that judges packets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.broker.control.conftest import Desk, Identity

ARNS = "arn:aws:iot:us-east-1:123456789012:"


def document(*statements: tuple[str, str, str]) -> str:
    """``document((effect, action, resource), …)``."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": effect,
                    "Action": f"iot:{action}",
                    "Resource": resource if resource == "*" else ARNS + resource,
                }
                for effect, action, resource in statements
            ],
        }
    )


ALLOW = document(("Allow", "*", "*"))


@pytest.fixture
def principal(desk: Desk, device: Identity) -> str:
    """The ARN of an ACTIVE certificate without policies."""
    answer = desk.iot("RegisterCertificateWithoutCA", certificatePem=device.pem, status="ACTIVE")
    arn: str = answer["certificateArn"]
    return arn


def test_a_policy_is_made_and_read_back_to_the_letter(desk: Desk) -> None:
    text = ALLOW.replace('"Statement"', '\n  "Statement"')

    made = desk.iot("CreatePolicy", policyName="p", policyDocument=text)

    read = desk.iot("GetPolicy", policyName="p")
    assert made["policyArn"] == ARNS + "policy/p"
    assert (made["policyVersionId"], made["policyDocument"]) == ("1", text)
    assert (read["policyDocument"], read["defaultVersionId"]) == (text, "1")
    assert read["creationDate"] == desk.clock[0]


@pytest.mark.parametrize("text", ["not json", "{}", ALLOW.replace("Allow", "Maybe"), '{"Version":1}'])
def test_a_document_that_is_no_policy_is_malformed(desk: Desk, text: str) -> None:
    desk.iot("CreatePolicy", policyName="good", policyDocument=ALLOW)

    refusals = (
        desk.refused("CreatePolicy", policyName="p", policyDocument=text),
        desk.refused("CreatePolicyVersion", policyName="good", policyDocument=text),
    )

    assert {(each.status, each.code) for each in refusals} == {(400, "MalformedPolicyException")}
    assert [each["policyName"] for each in desk.iot("ListPolicies")["policies"]] == ["good"]


def test_a_document_of_more_than_2048_characters_is_malformed(desk: Desk) -> None:
    long = document(*[("Allow", "Connect", f"client/{number:030}") for number in range(20)])

    refusal = desk.refused("CreatePolicy", policyName="p", policyDocument=long)

    assert (refusal.status, refusal.code) == (400, "MalformedPolicyException")


def test_a_policy_name_is_taken_once(desk: Desk) -> None:
    desk.iot("CreatePolicy", policyName="p", policyDocument=ALLOW)

    refusal = desk.refused("CreatePolicy", policyName="p", policyDocument=ALLOW)

    assert (refusal.status, refusal.code) == (409, "ResourceAlreadyExistsException")
    assert refusal.body["resourceArn"] == ARNS + "policy/p"


def test_versions_come_and_go_and_the_default_counts(desk: Desk) -> None:
    desk.iot("CreatePolicy", policyName="p", policyDocument=ALLOW)
    other = document(("Deny", "*", "*"))

    second = desk.iot("CreatePolicyVersion", policyName="p", policyDocument=other, setAsDefault=True)
    third = desk.iot("CreatePolicyVersion", policyName="p", policyDocument=ALLOW)
    listed = desk.iot("ListPolicyVersions", policyName="p")["policyVersions"]
    desk.iot("SetDefaultPolicyVersion", policyName="p", policyVersionId="3")
    desk.iot("DeletePolicyVersion", policyName="p", policyVersionId="2")

    assert (second["policyVersionId"], second["isDefaultVersion"]) == ("2", True)
    assert (third["policyVersionId"], third["isDefaultVersion"]) == ("3", False)
    assert [(each["versionId"], each["isDefaultVersion"]) for each in listed] == [
        ("3", False),
        ("2", True),
        ("1", False),
    ]
    assert desk.iot("GetPolicy", policyName="p")["defaultVersionId"] == "3"
    read = desk.iot("GetPolicyVersion", policyName="p", policyVersionId="1")
    assert (read["policyDocument"], read["isDefaultVersion"]) == (ALLOW, False)
    gone = desk.refused("GetPolicyVersion", policyName="p", policyVersionId="2")
    assert (gone.status, gone.code) == (404, "ResourceNotFoundException")


def test_a_sixth_version_is_one_too_many(desk: Desk) -> None:
    desk.iot("CreatePolicy", policyName="p", policyDocument=ALLOW)
    for _ in range(4):
        desk.iot("CreatePolicyVersion", policyName="p", policyDocument=ALLOW)

    refusal = desk.refused("CreatePolicyVersion", policyName="p", policyDocument=ALLOW)

    assert (refusal.status, refusal.code) == (409, "VersionsLimitExceededException")


def test_the_default_version_and_what_is_in_use_are_not_deleted(desk: Desk, principal: str) -> None:
    desk.iot("CreatePolicy", policyName="p", policyDocument=ALLOW)
    default = desk.refused("DeletePolicyVersion", policyName="p", policyVersionId="1")
    desk.iot("CreatePolicyVersion", policyName="p", policyDocument=ALLOW)
    versions = desk.refused("DeletePolicy", policyName="p")
    desk.iot("DeletePolicyVersion", policyName="p", policyVersionId="2")
    desk.iot("AttachPolicy", policyName="p", target=principal)
    attached = desk.refused("DeletePolicy", policyName="p")
    desk.iot("DetachPolicy", policyName="p", target=principal)
    desk.iot("DeletePolicy", policyName="p")

    for refusal in (default, versions, attached):
        assert (refusal.status, refusal.code) == (409, "DeleteConflictException")
    assert desk.iot("ListPolicies")["policies"] == []


@pytest.mark.parametrize(
    "operation, more",
    [
        ("GetPolicy", {}),
        ("DeletePolicy", {}),
        ("CreatePolicyVersion", {"policyDocument": ALLOW}),
        ("ListPolicyVersions", {}),
        ("SetDefaultPolicyVersion", {"policyVersionId": "1"}),
        ("DeletePolicyVersion", {"policyVersionId": "1"}),
        ("AttachPolicy", {"target": ARNS + "cert/" + "0" * 64}),
        ("ListTargetsForPolicy", {}),
    ],
)
def test_a_policy_nobody_made_is_not_found(desk: Desk, operation: str, more: dict[str, str]) -> None:
    refusal = desk.refused(operation, policyName="nobody", **more)

    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")


def test_policies_are_attached_to_certificates_and_groups(desk: Desk, principal: str) -> None:
    desk.iot("CreateThingGroup", thingGroupName="root")
    desk.iot("CreateThingGroup", thingGroupName="leaf", parentGroupName="root")
    for name, target in (("a", principal), ("b", ARNS + "thinggroup/root"), ("c", ARNS + "thinggroup/leaf")):
        desk.iot("CreatePolicy", policyName=name, policyDocument=ALLOW)
        desk.iot("AttachPolicy", policyName=name, target=target)

    def attached(target: str, **more: object) -> list[str]:
        found = desk.iot("ListAttachedPolicies", target=target, **more)["policies"]
        return [each["policyName"] for each in found]

    assert attached(principal) == ["a"]
    assert attached(ARNS + "thinggroup/leaf") == ["c"]
    assert attached(ARNS + "thinggroup/leaf", recursive=True) == ["c", "b"]
    assert desk.iot("ListTargetsForPolicy", policyName="b")["targets"] == [ARNS + "thinggroup/root"]
    desk.iot("DetachPolicy", policyName="a", target=principal)
    desk.iot("DetachPolicy", policyName="a", target=principal)
    assert attached(principal) == []


def test_an_eleventh_policy_on_one_certificate_is_one_too_many(desk: Desk, principal: str) -> None:
    for number in range(11):
        desk.iot("CreatePolicy", policyName=f"p{number}", policyDocument=ALLOW)
    for number in range(10):
        desk.iot("AttachPolicy", policyName=f"p{number}", target=principal)

    refusal = desk.refused("AttachPolicy", policyName="p10", target=principal)

    assert (refusal.status, refusal.code) == (410, "LimitExceededException")


@pytest.mark.parametrize(
    "target, code",
    [
        ("me", "InvalidRequestException"),
        (ARNS.replace("us-east-1", "eu-west-1") + "cert/" + "0" * 64, "InvalidRequestException"),
        (ARNS.replace("1234", "4321") + "thinggroup/all", "InvalidRequestException"),
        (ARNS + "cert/" + "0" * 64, "ResourceNotFoundException"),
        (ARNS + "thinggroup/all", "ResourceNotFoundException"),
    ],
)
def test_a_target_that_is_none_is_refused(desk: Desk, target: str, code: str) -> None:
    desk.iot("CreatePolicy", policyName="p", policyDocument=ALLOW)

    assert desk.refused("AttachPolicy", policyName="p", target=target).code == code
    assert desk.refused("ListAttachedPolicies", target=target).code == code


def test_policies_are_listed_in_order_of_name_if_asked(desk: Desk) -> None:
    for name in ("b", "a", "c"):
        desk.iot("CreatePolicy", policyName=name, policyDocument=ALLOW)

    made = [each["policyName"] for each in desk.iot("ListPolicies")["policies"]]
    sorted_ = [each["policyName"] for each in desk.iot("ListPolicies", ascendingOrder=True)["policies"]]

    assert (made, sorted_) == (["b", "a", "c"], ["a", "b", "c"])


# --- what a principal may do -----------------------------------------------------------------------------


def ask(desk: Desk, principal: str, action: str, resource: str, **more: object) -> dict[str, object]:
    infos = [{"actionType": action, "resources": [ARNS + resource]}]
    (result,) = desk.iot("TestAuthorization", principal=principal, authInfos=infos, **more)["authResults"]
    answer: dict[str, object] = result
    return answer


@pytest.fixture
def limited(desk: Desk, principal: str) -> str:
    """A principal with one policy that allows and denies, and one that is about something else."""
    text = document(("Allow", "Publish", "topic/*"), ("Deny", "Publish", "topic/secret"))
    desk.iot("CreatePolicy", policyName="p", policyDocument=text)
    desk.iot("CreatePolicy", policyName="q", policyDocument=document(("Allow", "Connect", "client/me")))
    for name in "pq":
        desk.iot("AttachPolicy", policyName=name, target=principal)
    return principal


def test_the_engines_answer_is_given_with_the_policies_that_made_it(desk: Desk, limited: str) -> None:
    p, q = ({"policyName": name, "policyArn": ARNS + f"policy/{name}"} for name in "pq")

    allowed = ask(desk, limited, "PUBLISH", "topic/a")
    denied = ask(desk, limited, "PUBLISH", "topic/secret")
    neither = ask(desk, limited, "SUBSCRIBE", "topicfilter/a")

    assert allowed["authDecision"] == "ALLOWED"
    assert allowed["allowed"] == {"policies": [p]}
    assert allowed["denied"] == {"implicitDeny": {"policies": [q]}, "explicitDeny": {"policies": []}}
    assert denied["authDecision"] == "EXPLICIT_DENY"
    assert denied["denied"] == {"implicitDeny": {"policies": [q]}, "explicitDeny": {"policies": [p]}}
    assert neither["authDecision"] == "IMPLICIT_DENY"
    assert neither["denied"] == {"implicitDeny": {"policies": [p, q]}, "explicitDeny": {"policies": []}}
    assert neither["missingContextValues"] == []


def test_policies_can_be_added_and_skipped_for_the_question(desk: Desk, limited: str) -> None:
    desk.iot("CreatePolicy", policyName="all", policyDocument=ALLOW)

    added = ask(desk, limited, "SUBSCRIBE", "topicfilter/a", policyNamesToAdd=["all"])
    skipped = ask(desk, limited, "PUBLISH", "topic/a", policyNamesToSkip=["p"])

    assert added["authDecision"] == "ALLOWED"
    assert skipped["authDecision"] == "IMPLICIT_DENY"
    infos = [{"actionType": "CONNECT", "resources": [ARNS + "client/me"]}]
    refusal = desk.refused(
        "TestAuthorization", principal=limited, authInfos=infos, policyNamesToAdd=["nobody"]
    )
    assert refusal.code == "ResourceNotFoundException"


def test_each_resource_has_a_result(desk: Desk, limited: str) -> None:
    infos = [{"actionType": "PUBLISH", "resources": [ARNS + "topic/a", ARNS + "topic/secret"]}]

    results = desk.iot("TestAuthorization", principal=limited, authInfos=infos)["authResults"]

    assert [each["authDecision"] for each in results] == ["ALLOWED", "EXPLICIT_DENY"]
    assert results[1]["authInfo"] == {"actionType": "PUBLISH", "resources": [ARNS + "topic/secret"]}


def test_a_variable_takes_the_client_id_and_is_missing_without(desk: Desk, principal: str) -> None:
    text = document(("Allow", "Connect", "client/${iot:ClientId}"))
    desk.iot("CreatePolicy", policyName="p", policyDocument=text)
    desk.iot("AttachPolicy", policyName="p", target=principal)

    given = ask(desk, principal, "CONNECT", "client/me", clientId="me")
    missing = ask(desk, principal, "CONNECT", "client/me")

    assert (given["authDecision"], given["missingContextValues"]) == ("ALLOWED", [])
    assert (missing["authDecision"], missing["missingContextValues"]) == ("IMPLICIT_DENY", ["iot:ClientId"])


def test_a_thing_counts_when_it_is_attached_and_so_do_its_groups(desk: Desk, principal: str) -> None:
    desk.iot("CreateThingGroup", thingGroupName="root")
    desk.iot("CreateThingGroup", thingGroupName="leaf", parentGroupName="root")
    text = document(("Allow", "Connect", "client/${iot:Connection.Thing.ThingName}"))
    desk.iot("CreatePolicy", policyName="p", policyDocument=text)
    desk.iot("AttachPolicy", policyName="p", target=ARNS + "thinggroup/root")
    desk.iot("CreateThing", thingName="me")
    desk.iot("AddThingToThingGroup", thingGroupName="leaf", thingName="me")

    before = ask(desk, principal, "CONNECT", "client/me", clientId="me")
    none = desk.iot("GetEffectivePolicies", principal=principal, thingName="me")["effectivePolicies"]
    desk.iot("AttachThingPrincipal", thingName="me", principal=principal)
    after = ask(desk, principal, "CONNECT", "client/me", clientId="me")
    effective = desk.iot("GetEffectivePolicies", principal=principal, thingName="me")["effectivePolicies"]

    assert (before["authDecision"], after["authDecision"]) == ("IMPLICIT_DENY", "ALLOWED")
    assert none == []
    assert effective == [{"policyName": "p", "policyArn": ARNS + "policy/p", "policyDocument": text}]


def test_an_exclusive_thing_counts_whatever_the_client_id(desk: Desk, principal: str) -> None:
    text = document(("Allow", "Publish", "topic/${iot:Connection.Thing.ThingName}"))
    desk.iot("CreatePolicy", policyName="p", policyDocument=text)
    desk.iot("AttachPolicy", policyName="p", target=principal)
    desk.iot("CreateThing", thingName="me")
    desk.iot(
        "AttachThingPrincipal", thingName="me", principal=principal, thingPrincipalType="EXCLUSIVE_THING"
    )

    answer = ask(desk, principal, "PUBLISH", "topic/me", clientId="somebody")

    assert answer["authDecision"] == "ALLOWED"


def test_questions_that_cannot_be_answered_are_refused(desk: Desk, principal: str) -> None:
    infos = [{"actionType": "CONNECT", "resources": [ARNS + "client/me"]}]

    nobody = desk.refused("TestAuthorization", authInfos=infos)
    cognito = desk.refused("GetEffectivePolicies", cognitoIdentityPoolId="us-east-1:1")
    stranger = desk.refused("TestAuthorization", principal=ARNS + "cert/" + "0" * 64, authInfos=infos)
    no_thing = desk.refused("GetEffectivePolicies", principal=principal, thingName="nobody")
    no_action = desk.refused(
        "TestAuthorization", principal=principal, authInfos=[{"resources": [ARNS + "client/me"]}]
    )

    assert nobody.code == cognito.code == no_action.code == "InvalidRequestException"
    assert stranger.code == no_thing.code == "ResourceNotFoundException"
