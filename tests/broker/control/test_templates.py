"""Provisioning templates, their versions, claims, and a template run by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.broker.control.conftest import Desk, Identity

ARNS = "arn:aws:iot:us-east-1:123456789012:"
ROLE = "arn:aws:iam::123456789012:role/JITPRole"
HOOK = {"targetArn": "arn:aws:lambda:us-east-1:123456789012:function:hook"}
CERTIFICATE = {
    "Type": "AWS::IoT::Certificate",
    "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"},
}
Text = Callable[[str], str]


def body(**resources: object) -> str:
    return json.dumps({"Resources": {"certificate": CERTIFICATE, **resources}})


def create(desk: Desk, name: str = "t", text: str | None = None, **more: object) -> dict[str, object]:
    return desk.iot(
        "CreateProvisioningTemplate",
        templateName=name,
        templateBody=body() if text is None else text,
        provisioningRoleArn=ROLE,
        **more,
    )


def test_a_template_is_made_and_read_back(desk: Desk) -> None:
    made = create(desk, description="for meters", type="JITP", enabled=True)

    read = desk.iot("DescribeProvisioningTemplate", templateName="t")
    assert made == {
        "templateArn": ARNS + "provisioningtemplate/t",
        "templateName": "t",
        "defaultVersionId": 1,
    }
    assert (read["templateBody"], read["type"], read["enabled"]) == (body(), "JITP", True)
    assert (read["description"], read["provisioningRoleArn"]) == ("for meters", ROLE)
    (listed,) = desk.iot("ListProvisioningTemplates")["templates"]
    assert (listed["templateName"], listed["enabled"]) == ("t", True)


def test_a_template_is_for_fleets_and_switched_off_unless_asked(desk: Desk) -> None:
    create(desk)

    read = desk.iot("DescribeProvisioningTemplate", templateName="t")
    assert (read["type"], read["enabled"]) == ("FLEET_PROVISIONING", False)
    assert "preProvisioningHook" not in read


def changed(**properties: object) -> str:
    given = {**CERTIFICATE["Properties"], **properties}  # type: ignore[dict-item]
    kept = {key: value for key, value in given.items() if value != "gone"}
    return json.dumps({"Resources": {"c": {"Type": "AWS::IoT::Certificate", "Properties": kept}}})


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("nonsense", "The template body is invalid"),
        ("[]", "The template body is invalid"),
        ("{}", "The template body is invalid: Template must have certificate resource."),
        (
            body(second=CERTIFICATE),
            "The template body is invalid: Only one certificate resource can be defined",
        ),
        (
            changed(CertificateId="x"),
            "The template body is invalid: CertificateId must contain a reference to AWS::IoT::",
        ),
        (
            changed(Status="gone"),
            'The template body is invalid: A certificate resource must specify a Status of either "Active"',
        ),
        (changed(Status=None), "The template body is invalid: Properties of a resource cannot be null."),
    ],
)
def test_a_body_is_judged_when_it_comes_in_as_version_too(desk: Desk, text: str, sentence: str) -> None:
    create(desk, "good")

    refusal = desk.refused(
        "CreateProvisioningTemplate", templateName="t", templateBody=text, provisioningRoleArn=ROLE
    )
    version = desk.refused("CreateProvisioningTemplateVersion", templateName="good", templateBody=text)

    assert (refusal.status, refusal.code) == (400, "InvalidRequestException")
    assert refusal.message.startswith(sentence)
    assert version.message == refusal.message


def test_a_template_of_type_jitp_has_no_hook(desk: Desk) -> None:
    with pytest.raises(Exception, match="Provisioning hook is not supported for template type: JITP"):
        create(desk, type="JITP", preProvisioningHook=HOOK)
    create(desk, preProvisioningHook=HOOK)
    hooked = desk.iot("DescribeProvisioningTemplate", templateName="t")["preProvisioningHook"]
    both = desk.refused(
        "UpdateProvisioningTemplate",
        templateName="t",
        preProvisioningHook=HOOK,
        removePreProvisioningHook=True,
    )
    desk.iot("UpdateProvisioningTemplate", templateName="t", removePreProvisioningHook=True)

    assert hooked["targetArn"] == HOOK["targetArn"]
    assert both.code == "InvalidRequestException"
    assert "preProvisioningHook" not in desk.iot("DescribeProvisioningTemplate", templateName="t")


def test_a_name_is_taken_once_and_follows_the_model(desk: Desk) -> None:
    create(desk)

    with pytest.raises(Exception, match="409 ResourceAlreadyExistsException"):
        create(desk)
    with pytest.raises(Exception, match="400 InvalidRequestException: 1 validation error"):
        create(desk, "a b")


def test_versions_come_and_go(desk: Desk) -> None:
    create(desk)
    other = body(thing={"Type": "AWS::IoT::Thing", "Properties": {"ThingName": "x"}})
    second = desk.iot(
        "CreateProvisioningTemplateVersion", templateName="t", templateBody=other, setAsDefault=True
    )
    third = desk.iot("CreateProvisioningTemplateVersion", templateName="t", templateBody=body())
    current = desk.iot("DescribeProvisioningTemplate", templateName="t")["templateBody"]
    listed = desk.iot("ListProvisioningTemplateVersions", templateName="t")["versions"]
    default = desk.refused("DeleteProvisioningTemplateVersion", templateName="t", versionId=2)
    several = desk.refused("DeleteProvisioningTemplate", templateName="t")
    desk.iot("UpdateProvisioningTemplate", templateName="t", defaultVersionId=3)
    for number in (1, 2):
        desk.iot("DeleteProvisioningTemplateVersion", templateName="t", versionId=number)
    gone = desk.refused("DescribeProvisioningTemplateVersion", templateName="t", versionId=1)
    left = desk.iot("DescribeProvisioningTemplateVersion", templateName="t", versionId=3)
    desk.iot("DeleteProvisioningTemplate", templateName="t")

    assert (second["versionId"], second["isDefaultVersion"]) == (2, True)
    assert (third["versionId"], third["isDefaultVersion"]) == (3, False)
    assert current == other
    assert [(each["versionId"], each["isDefaultVersion"]) for each in listed] == [
        (1, False),
        (2, True),
        (3, False),
    ]
    for refusal in (default, several):
        assert (refusal.status, refusal.code) == (409, "DeleteConflictException")
    assert gone.code == "ResourceNotFoundException"
    assert left["isDefaultVersion"] is True
    assert desk.iot("ListProvisioningTemplates")["templates"] == []


def test_a_sixth_version_is_one_too_many(desk: Desk) -> None:
    create(desk)
    for _ in range(4):
        desk.iot("CreateProvisioningTemplateVersion", templateName="t", templateBody=body())

    refusal = desk.refused("CreateProvisioningTemplateVersion", templateName="t", templateBody=body())

    assert (refusal.status, refusal.code) == (409, "VersionsLimitExceededException")


def test_an_update_changes_what_is_given(desk: Desk) -> None:
    create(desk, description="old")
    desk.clock[0] += timedelta(hours=1)

    desk.iot("UpdateProvisioningTemplate", templateName="t", enabled=True)
    desk.iot(
        "UpdateProvisioningTemplate", templateName="t", description="new", provisioningRoleArn=ROLE + "2"
    )
    missing = desk.refused("UpdateProvisioningTemplate", templateName="t", defaultVersionId=9)

    read = desk.iot("DescribeProvisioningTemplate", templateName="t")
    assert (read["enabled"], read["description"]) == (True, "new")
    assert read["provisioningRoleArn"] == ROLE + "2"
    assert read["lastModifiedDate"] - read["creationDate"] == timedelta(hours=1)
    assert missing.code == "ResourceNotFoundException"


def test_a_template_in_use_by_a_ca_is_not_deleted_and_its_changes_reach_the_ca(
    desk: Desk, signer: Identity, issue: Callable[..., Identity]
) -> None:
    create(desk, type="JITP")
    other = issue("other", key=9, ca=True)
    desk.iot("RegisterCACertificate", caCertificate=other.pem, certificateMode="SNI_ONLY")
    desk.iot(
        "RegisterCACertificate",
        caCertificate=signer.pem,
        certificateMode="SNI_ONLY",
        registrationConfig={"templateName": "t"},
    )

    refusal = desk.refused("DeleteProvisioningTemplate", templateName="t")
    desk.iot("UpdateProvisioningTemplate", templateName="t", provisioningRoleArn=ROLE + "2")

    assert (refusal.status, refusal.code) == (409, "DeleteConflictException")
    config = desk.iot("DescribeCACertificate", certificateId=signer.id)["registrationConfig"]
    assert config["roleArn"] == ROLE + "2"


@pytest.mark.parametrize(
    "operation, more",
    [
        ("DescribeProvisioningTemplate", {}),
        ("UpdateProvisioningTemplate", {}),
        ("DeleteProvisioningTemplate", {}),
        ("CreateProvisioningTemplateVersion", {"templateBody": body()}),
        ("ListProvisioningTemplateVersions", {}),
        ("DescribeProvisioningTemplateVersion", {"versionId": 1}),
        ("DeleteProvisioningTemplateVersion", {"versionId": 1}),
        ("CreateProvisioningClaim", {}),
    ],
)
def test_a_template_nobody_made_is_not_found(desk: Desk, operation: str, more: dict[str, object]) -> None:
    refusal = desk.refused(operation, templateName="nobody", **more)

    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")


def test_a_claim_lasts_five_minutes(desk: Desk) -> None:
    create(desk)
    create(desk, "jitp", type="JITP")

    claim = desk.iot("CreateProvisioningClaim", templateName="t")
    wrong = desk.refused("CreateProvisioningClaim", templateName="jitp")

    assert claim["expiration"] - desk.clock[0] == timedelta(minutes=5)
    described = desk.iot("DescribeCertificate", certificateId=claim["certificateId"])[
        "certificateDescription"
    ]
    assert described["status"] == "ACTIVE"
    assert described["validity"]["notAfter"] == claim["expiration"]
    assert wrong.code == "InvalidRequestException"


# --- RegisterThing ---------------------------------------------------------------------------------------


def by_hand(certificate: dict[str, object], **more: object) -> str:
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    return json.dumps(
        {
            "Parameters": {
                "ThingName": {"Type": "String"},
                "Place": {"Type": "String", "Default": "hall"},
                "Certificate": {"Type": "String"},
            },
            "Resources": {
                "thing": {
                    "Type": "AWS::IoT::Thing",
                    "Properties": {
                        "ThingName": {"Ref": "ThingName"},
                        "AttributePayload": {"place": {"Ref": "Place"}},
                        "ThingGroups": ["all", {"Ref": "Place"}],
                    },
                },
                "certificate": {"Type": "AWS::IoT::Certificate", "Properties": certificate},
                "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": document}},
                **more,
            },
        }
    )


@pytest.fixture(autouse=True)
def groups(desk: Desk) -> None:
    for name in ("all", "hall", "attic"):
        desk.iot("CreateThingGroup", thingGroupName=name)


def test_a_thing_is_registered_with_a_certificate_that_comes_along(desk: Desk, device: Identity) -> None:
    text = by_hand({"CertificatePem": {"Ref": "Certificate"}, "Status": "ACTIVE"})
    parameters = {"ThingName": "t", "Certificate": device.pem}

    answer = desk.iot("RegisterThing", templateBody=text, parameters=parameters)

    arns = answer["resourceArns"]
    assert answer["certificatePem"] == device.pem
    assert (arns["thing"], arns["certificate"]) == (ARNS + "thing/t", f"{ARNS}cert/{device.id}")
    described = desk.iot("DescribeCertificate", certificateId=device.id)["certificateDescription"]
    assert described["status"] == "ACTIVE"
    assert desk.iot("DescribeThing", thingName="t")["attributes"] == {"place": "hall"}
    assert desk.iot("ListThingPrincipals", thingName="t")["principals"] == [arns["certificate"]]
    (policy,) = desk.iot("ListAttachedPolicies", target=arns["certificate"])["policies"]
    assert policy["policyArn"] == arns["policy"]


def test_a_thing_is_registered_with_a_certificate_that_is_known(desk: Desk, device: Identity) -> None:
    desk.iot("RegisterCertificateWithoutCA", certificatePem=device.pem)
    text = by_hand({"CertificateId": {"Ref": "Certificate"}})
    parameters = {"ThingName": "t", "Certificate": device.id, "Place": "attic"}

    desk.iot("RegisterThing", templateBody=text, parameters=parameters)

    described = desk.iot("DescribeCertificate", certificateId=device.id)["certificateDescription"]
    assert described["status"] == "INACTIVE"
    assert desk.iot("DescribeThing", thingName="t")["attributes"] == {"place": "attic"}


@pytest.mark.parametrize(
    "text, code",
    [
        ("nonsense", "InvalidRequestException"),
        ("[]", "InvalidRequestException"),
        ('{"Resources": []}', "InvalidRequestException"),
        ("{}", "InvalidRequestException"),
        (by_hand({}), "InvalidRequestException"),
        (
            '{"Resources": {"c": {"Type": "AWS::IoT::Certificate", "Properties": 7}}}',
            "InvalidRequestException",
        ),
        (by_hand({"CertificateId": {"Ref": "Nobody"}}), "InvalidRequestException"),
        (by_hand({"CertificateId": "0" * 64}), "ResourceRegistrationFailureException"),
        (by_hand({"CertificatePem": "hello"}), "ResourceRegistrationFailureException"),
        (by_hand({"CertificateSigningRequest": "x"}), "InvalidRequestException"),
        (
            by_hand({"CertificatePem": {"Ref": "Certificate"}}, other={"Type": "AWS::S3::Bucket"}),
            "InvalidRequestException",
        ),
        (
            by_hand(
                {"CertificatePem": {"Ref": "Certificate"}},
                other={"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "nobody"}},
            ),
            "ResourceRegistrationFailureException",
        ),
    ],
)
def test_a_template_that_cannot_run_says_why(desk: Desk, device: Identity, text: str, code: str) -> None:
    parameters = {"ThingName": "t", "Certificate": device.pem}

    refusal = desk.refused("RegisterThing", templateBody=text, parameters=parameters)

    assert (refusal.status, refusal.code) == (400, code)
    assert refusal.message


def test_a_parameter_without_a_value_is_missed(desk: Desk, device: Identity) -> None:
    text = by_hand({"CertificatePem": {"Ref": "Certificate"}})

    refusal = desk.refused("RegisterThing", templateBody=text, parameters={"Certificate": device.pem})

    assert "ThingName" in refusal.message
