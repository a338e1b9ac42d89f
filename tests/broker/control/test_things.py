"""Things, types, groups, tags, and who is attached to what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.broker.control.conftest import Desk, Identity

ARNS = "arn:aws:iot:us-east-1:123456789012:"
TEMPLATE = (
    '{"Resources":{"c":{"Type":"AWS::IoT::Certificate","Properties":'
    '{"CertificateId":{"Ref":"AWS::IoT::Certificate::Id"},"Status":"ACTIVE"}}}}'
)


def payload(merge: bool = False, **attributes: str) -> dict[str, object]:
    return {"attributes": attributes, **({"merge": True} if merge else {})}


def attributes_of(desk: Desk, name: str) -> dict[str, str]:
    attributes: dict[str, str] = desk.iot("DescribeThing", thingName=name)["attributes"]
    return attributes


@pytest.fixture
def principal(desk: Desk, device: Identity) -> str:
    arn: str = desk.iot("RegisterCertificateWithoutCA", certificatePem=device.pem)["certificateArn"]
    return arn


def test_the_same_thing_again_is_no_error_and_another_one_is(desk: Desk) -> None:
    first = desk.iot("CreateThing", thingName="t", attributePayload=payload(a="1"))
    again = desk.iot("CreateThing", thingName="t", attributePayload=payload(a="1"))
    refusal = desk.refused("CreateThing", thingName="t", attributePayload=payload(a="2"))

    assert first == again
    assert first["thingArn"] == ARNS + "thing/t"
    assert (refusal.status, refusal.code) == (409, "ResourceAlreadyExistsException")
    assert refusal.body["resourceArn"] == ARNS + "thing/t"


@pytest.mark.parametrize("name", ["a b", "a.b", "ä", "a" * 129])
def test_a_thing_name_the_model_forbids_is_refused_in_its_words(desk: Desk, name: str) -> None:
    refusal = desk.refused("CreateThing", thingName=name)

    assert (refusal.status, refusal.code) == (400, "InvalidRequestException")
    assert refusal.message.startswith(f"1 validation error detected: Value '{name}' at 'thingName' failed")


def test_every_objection_is_in_one_answer(desk: Desk) -> None:
    refusal = desk.refused("CreateThing", thingName="a b", attributePayload={"attributes": {"x y": "1 2"}})

    assert refusal.message.startswith("3 validation errors detected: ")


def test_untyped_things_have_three_attributes_at_most(desk: Desk) -> None:
    four = payload(a="1", b="2", c="3", d="4")
    refusal = desk.refused("CreateThing", thingName="t", attributePayload=four)
    desk.iot("CreateThingType", thingTypeName="meter")
    desk.iot("CreateThing", thingName="t", attributePayload=four, thingTypeName="meter")

    assert (refusal.status, refusal.code) == (400, "InvalidRequestException")
    assert desk.iot("DescribeThing", thingName="t")["thingTypeName"] == "meter"


def test_an_update_replaces_merges_and_removes(desk: Desk) -> None:
    desk.iot("CreateThing", thingName="t", attributePayload=payload(a="1", b="2"))

    desk.iot("UpdateThing", thingName="t", attributePayload=payload(merge=True, b="", c="3"))
    merged = attributes_of(desk, "t")
    desk.iot("UpdateThing", thingName="t", attributePayload=payload(d="4"))
    replaced = attributes_of(desk, "t")

    assert (merged, replaced) == ({"a": "1", "c": "3"}, {"d": "4"})
    assert desk.iot("DescribeThing", thingName="t")["version"] == 3


def test_a_version_that_is_not_the_latest_is_a_conflict(desk: Desk) -> None:
    desk.iot("CreateThing", thingName="t")

    for operation in ("UpdateThing", "DeleteThing"):
        refusal = desk.refused(operation, thingName="t", expectedVersion=7)
        assert (refusal.status, refusal.code) == (409, "VersionConflictException")
    desk.iot("DeleteThing", thingName="t", expectedVersion=1)
    desk.iot("DeleteThing", thingName="t")

    assert desk.iot("ListThings")["things"] == []


def test_things_are_found_by_attribute_and_type(desk: Desk) -> None:
    desk.iot("CreateThingType", thingTypeName="meter")
    desk.iot("CreateThing", thingName="a", attributePayload=payload(place="hall-1"))
    desk.iot("CreateThing", thingName="b", attributePayload=payload(place="hall-2"), thingTypeName="meter")
    desk.iot("CreateThing", thingName="c")

    def found(**wanted: object) -> list[str]:
        return [each["thingName"] for each in desk.iot("ListThings", **wanted)["things"]]

    assert found() == ["a", "b", "c"]
    assert found(attributeName="place", attributeValue="hall-1") == ["a"]
    assert found(attributeName="place", attributeValue="hall", usePrefixAttributeValue=True) == ["a", "b"]
    assert found(thingTypeName="meter") == ["b"]
    assert desk.refused("ListThings", attributeName="place").code == "InvalidRequestException"


def test_principals_are_attached_listed_and_in_the_way(desk: Desk, principal: str) -> None:
    for name in ("t", "u"):
        desk.iot("CreateThing", thingName=name)
    desk.iot("AttachThingPrincipal", thingName="t", principal=principal)

    in_the_way = desk.refused("DeleteThing", thingName="t")
    exclusive = desk.refused(
        "AttachThingPrincipal", thingName="u", principal=principal, thingPrincipalType="EXCLUSIVE_THING"
    )

    assert in_the_way.code == exclusive.code == "InvalidRequestException"
    assert desk.iot("ListThingPrincipals", thingName="t")["principals"] == [principal]
    assert desk.iot("ListPrincipalThings", principal=principal)["things"] == ["t"]
    kind = {"thingPrincipalType": "NON_EXCLUSIVE_THING"}
    assert desk.iot("ListThingPrincipalsV2", thingName="t")["thingPrincipalObjects"] == [
        {"principal": principal, **kind}
    ]
    assert desk.iot("ListPrincipalThingsV2", principal=principal)["principalThingObjects"] == [
        {"thingName": "t", **kind}
    ]
    none = desk.iot("ListThingPrincipalsV2", thingName="t", thingPrincipalType="EXCLUSIVE_THING")
    assert none["thingPrincipalObjects"] == []
    desk.iot("DetachThingPrincipal", thingName="t", principal=principal)
    assert desk.iot("ListThingPrincipals", thingName="t")["principals"] == []


@pytest.mark.parametrize(
    "operation", ["DescribeThing", "UpdateThing", "ListThingPrincipals", "ListThingPrincipalsV2"]
)
def test_a_thing_nobody_made_is_not_found(desk: Desk, operation: str) -> None:
    refusal = desk.refused(operation, thingName="nobody")

    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")


def test_a_principal_nobody_registered_is_not_found(desk: Desk) -> None:
    desk.iot("CreateThing", thingName="t")
    stranger = ARNS + "cert/" + "0" * 64

    for operation in ("AttachThingPrincipal", "DetachThingPrincipal"):
        refusal = desk.refused(operation, thingName="t", principal=stranger)
        assert refusal.code == "ResourceNotFoundException"
    assert desk.refused("ListPrincipalThings", principal=stranger).code == "ResourceNotFoundException"


def test_a_deprecated_type_takes_nothing_new_and_can_then_be_deleted(desk: Desk) -> None:
    properties = {"thingTypeDescription": "a meter", "searchableAttributes": ["place"]}
    made = desk.iot("CreateThingType", thingTypeName="meter", thingTypeProperties=properties)
    again = desk.iot("CreateThingType", thingTypeName="meter", thingTypeProperties=properties)
    other = desk.refused("CreateThingType", thingTypeName="meter")
    early = desk.refused("DeleteThingType", thingTypeName="meter")
    desk.iot("CreateThing", thingName="old", thingTypeName="meter")
    desk.clock[0] += timedelta(minutes=5)
    desk.iot("DeprecateThingType", thingTypeName="meter")
    described = desk.iot("DescribeThingType", thingTypeName="meter")
    new = desk.refused("CreateThing", thingName="new", thingTypeName="meter")
    used = desk.refused("DeleteThingType", thingTypeName="meter")
    desk.iot("UpdateThing", thingName="old", removeThingType=True)
    back = desk.refused("UpdateThing", thingName="old", thingTypeName="meter")
    desk.iot("DeprecateThingType", thingTypeName="meter", undoDeprecate=True)
    desk.iot("UpdateThing", thingName="old", thingTypeName="meter")
    desk.iot("UpdateThing", thingName="old", removeThingType=True)
    desk.iot("DeprecateThingType", thingTypeName="meter")
    desk.iot("DeleteThingType", thingTypeName="meter")

    assert made == again
    assert other.code == "ResourceAlreadyExistsException"
    assert described["thingTypeProperties"] == properties
    assert described["thingTypeMetadata"]["deprecated"] is True
    assert described["thingTypeMetadata"]["deprecationDate"] == desk.clock[0]
    for refusal in (early, new, used, back):
        assert refusal.code == "InvalidRequestException"
    assert desk.iot("ListThingTypes")["thingTypes"] == []
    assert desk.refused("DescribeThingType", thingTypeName="meter").code == "ResourceNotFoundException"
    assert desk.refused("DeleteThingType", thingTypeName="meter").code == "ResourceNotFoundException"


def test_a_thing_keeps_or_loses_its_type_not_both(desk: Desk) -> None:
    desk.iot("CreateThing", thingName="t")

    refusal = desk.refused("UpdateThing", thingName="t", thingTypeName="x", removeThingType=True)

    assert "exclude each other" in refusal.message


def test_types_are_listed_by_name(desk: Desk) -> None:
    for name in ("a", "b"):
        desk.iot("CreateThingType", thingTypeName=name)

    listed = desk.iot("ListThingTypes", thingTypeName="b")["thingTypes"]

    assert [each["thingTypeName"] for each in listed] == ["b"]


@pytest.fixture
def tree(desk: Desk) -> None:
    """root > branch > leaf, and a lone group."""
    properties = {"thingGroupDescription": "all", "attributePayload": payload(a="1")}
    desk.iot("CreateThingGroup", thingGroupName="root", thingGroupProperties=properties)
    desk.iot("CreateThingGroup", thingGroupName="branch", parentGroupName="root")
    desk.iot("CreateThingGroup", thingGroupName="leaf", parentGroupName="branch")
    desk.iot("CreateThingGroup", thingGroupName="lone")


def test_groups_have_parents_and_a_way_to_them(desk: Desk, tree: None) -> None:
    leaf = desk.iot("DescribeThingGroup", thingGroupName="leaf")["thingGroupMetadata"]
    root = desk.iot("DescribeThingGroup", thingGroupName="root")

    def listed(**wanted: object) -> list[str]:
        return [each["groupName"] for each in desk.iot("ListThingGroups", **wanted)["thingGroups"]]

    assert leaf["parentGroupName"] == "branch"
    assert [each["groupName"] for each in leaf["rootToParentThingGroups"]] == ["root", "branch"]
    assert root["thingGroupProperties"]["attributePayload"]["attributes"] == {"a": "1"}
    assert listed() == ["root", "branch", "leaf", "lone"]
    assert listed(recursive=False) == ["root", "lone"]
    assert listed(parentGroup="root") == ["branch", "leaf"]
    assert listed(parentGroup="root", recursive=False) == ["branch"]
    assert listed(namePrefixFilter="l") == ["leaf", "lone"]
    assert desk.refused("ListThingGroups", parentGroup="nobody").code == "ResourceNotFoundException"


def test_things_come_into_groups_and_out(desk: Desk, tree: None) -> None:
    desk.iot("CreateThing", thingName="t")
    for _ in range(2):
        desk.iot("AddThingToThingGroup", thingName="t", thingGroupName="leaf")
    desk.iot("AddThingToThingGroup", thingArn=ARNS + "thing/t", thingGroupArn=ARNS + "thinggroup/lone")

    groups = desk.iot("ListThingGroupsForThing", thingName="t")["thingGroups"]
    direct = desk.iot("ListThingsInThingGroup", thingGroupName="root")["things"]
    recursive = desk.iot("ListThingsInThingGroup", thingGroupName="root", recursive=True)["things"]
    for _ in range(2):
        desk.iot("RemoveThingFromThingGroup", thingName="t", thingGroupName="leaf")

    assert [each["groupName"] for each in groups] == ["leaf", "lone"]
    assert (direct, recursive) == ([], ["t"])
    left = desk.iot("ListThingGroupsForThing", thingName="t")["thingGroups"]
    assert [each["groupName"] for each in left] == ["lone"]
    assert desk.refused("AddThingToThingGroup", thingName="t").code == "InvalidRequestException"
    for wrong in ({"thingName": "t", "thingGroupName": "x"}, {"thingName": "x", "thingGroupName": "leaf"}):
        assert desk.refused("AddThingToThingGroup", **wrong).code == "ResourceNotFoundException"


def test_an_eleventh_group_and_an_eighth_level_are_too_many(desk: Desk) -> None:
    desk.iot("CreateThing", thingName="t")
    desk.iot("CreateThingGroup", thingGroupName="g0")
    for number in range(1, 7):
        parent = f"g{number - 1}"
        desk.iot("CreateThingGroup", thingGroupName=f"g{number}", parentGroupName=parent)
    too_deep = desk.refused("CreateThingGroup", thingGroupName="g7", parentGroupName="g6")
    for number in range(7, 11):
        desk.iot("CreateThingGroup", thingGroupName=f"g{number}")
    for number in range(10):
        desk.iot("AddThingToThingGroup", thingName="t", thingGroupName=f"g{number}")
    too_many = desk.refused("AddThingToThingGroup", thingName="t", thingGroupName="g10")

    assert too_deep.code == too_many.code == "InvalidRequestException"


def test_a_group_is_deleted_with_its_policies_but_not_with_its_children(desk: Desk, tree: None) -> None:
    desk.iot("CreateThing", thingName="t")
    desk.iot("CreateThing", thingName="u")
    desk.iot("AddThingToThingGroup", thingName="t", thingGroupName="leaf")
    text = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    desk.iot("CreatePolicy", policyName="p", policyDocument=text)
    desk.iot("AttachPolicy", policyName="p", target=ARNS + "thinggroup/leaf")

    children = desk.refused("DeleteThingGroup", thingGroupName="branch")
    version = desk.refused("DeleteThingGroup", thingGroupName="leaf", expectedVersion=9)
    for _ in range(2):
        desk.iot("DeleteThingGroup", thingGroupName="leaf")

    assert children.code == "InvalidRequestException"
    assert (version.status, version.code) == (409, "VersionConflictException")
    assert desk.iot("ListThingGroupsForThing", thingName="t")["thingGroups"] == []
    assert desk.iot("ListTargetsForPolicy", policyName="p")["targets"] == []
    assert desk.refused("DescribeThingGroup", thingGroupName="leaf").code == "ResourceNotFoundException"


def test_a_group_again_must_be_the_same_group(desk: Desk, tree: None) -> None:
    desk.iot("CreateThingGroup", thingGroupName="leaf", parentGroupName="branch")
    desk.iot("CreateBillingGroup", billingGroupName="bill")
    desk.iot("CreateBillingGroup", billingGroupName="bill")

    other = desk.refused("CreateThingGroup", thingGroupName="leaf")
    billing = desk.refused(
        "CreateBillingGroup",
        billingGroupName="bill",
        billingGroupProperties={"billingGroupDescription": "x"},
    )

    assert other.code == billing.code == "ResourceAlreadyExistsException"
    with pytest.raises(Exception, match="404 ResourceNotFoundException"):
        desk.iot("CreateThingGroup", thingGroupName="x", parentGroupName="nobody")


def test_a_thing_is_in_one_billing_group(desk: Desk) -> None:
    for name in ("one", "two"):
        desk.iot("CreateBillingGroup", billingGroupName=name)
    desk.iot("CreateThing", thingName="t", billingGroupName="one")
    desk.iot("AddThingToBillingGroup", thingName="t", billingGroupName="two")

    used = desk.refused("DeleteBillingGroup", billingGroupName="two")
    desk.iot("RemoveThingFromBillingGroup", thingName="t", billingGroupName="one")
    still = desk.iot("DescribeThing", thingName="t")["billingGroupName"]
    desk.iot("RemoveThingFromBillingGroup", thingName="t", billingGroupName="two")
    for _ in range(2):
        desk.iot("DeleteBillingGroup", billingGroupName="two")

    assert used.code == "InvalidRequestException"
    assert still == "two"
    assert "billingGroupName" not in desk.iot("DescribeThing", thingName="t")
    described = desk.iot("DescribeBillingGroup", billingGroupName="one")
    assert (described["billingGroupArn"], described["version"]) == (ARNS + "billinggroup/one", 1)
    assert desk.refused("DescribeBillingGroup", billingGroupName="two").code == "ResourceNotFoundException"


def test_tags_are_put_on_resources_when_and_after_they_are_made(desk: Desk) -> None:
    tags = [{"Key": "owner", "Value": "me"}, {"Key": "empty"}]
    arn = desk.iot("CreateThingType", thingTypeName="meter", tags=tags)["thingTypeArn"]

    desk.iot("TagResource", resourceArn=arn, tags=[{"Key": "owner", "Value": "you"}])
    desk.iot("UntagResource", resourceArn=arn, tagKeys=["empty", "none"])

    assert desk.iot("ListTagsForResource", resourceArn=arn)["tags"] == [{"Key": "owner", "Value": "you"}]
    twice = desk.refused("TagResource", resourceArn=arn, tags=[{"Key": "a"}, {"Key": "a"}])
    assert twice.code == "InvalidRequestException"
    many = [{"Key": f"k{number}"} for number in range(50)]
    with pytest.raises(Exception, match="410 LimitExceededException"):
        desk.iot("TagResource", resourceArn=arn, tags=many)


def test_every_kind_of_resource_takes_tags_and_strangers_take_none(
    desk: Desk, signer: Identity, tree: None
) -> None:
    text = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    ca = desk.iot("RegisterCACertificate", caCertificate=signer.pem, certificateMode="SNI_ONLY")
    arns = [
        ca["certificateArn"],
        desk.iot("CreatePolicy", policyName="p", policyDocument=text)["policyArn"],
        desk.iot("CreateBillingGroup", billingGroupName="b")["billingGroupArn"],
        desk.iot(
            "CreateProvisioningTemplate",
            templateName="t",
            templateBody=TEMPLATE,
            provisioningRoleArn="arn:aws:iam::123456789012:role/r",
        )["templateArn"],
        ARNS + "thinggroup/root",
    ]

    for arn in arns:
        desk.iot("TagResource", resourceArn=arn, tags=[{"Key": "a", "Value": "b"}])
        assert desk.iot("ListTagsForResource", resourceArn=arn)["tags"] == [{"Key": "a", "Value": "b"}]
    for arn in ("x", ARNS + "policy/q", ARNS + "job/1", arns[1].replace("us-east-1", "eu-west-1")):
        assert desk.refused("ListTagsForResource", resourceArn=arn).code == "ResourceNotFoundException"
