"""CA certificates: the proof, the modes, the accounts, the states."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

if TYPE_CHECKING:
    from tests.broker.control.conftest import Desk, Identity

ROLE = "arn:aws:iam::123456789012:role/JITPRole"
Issue = Callable[..., "Identity"]
RegisterCa = Callable[..., str]
Text = Callable[[str], str]


def test_the_registration_code_stays_until_it_is_deleted(desk: Desk) -> None:
    first = desk.iot("GetRegistrationCode")["registrationCode"]
    again = desk.iot("GetRegistrationCode")["registrationCode"]
    desk.iot("DeleteRegistrationCode")
    other = desk.iot("GetRegistrationCode")["registrationCode"]

    assert len(first) == 64
    assert set(first) <= set("0123456789abcdef")
    assert again == first
    assert other != first


def test_a_registration_code_nobody_asked_for_cannot_be_deleted(desk: Desk) -> None:
    refusal = desk.refused("DeleteRegistrationCode")

    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")


def test_the_cases_registration_is_described_as_the_user_saw_it(
    desk: Desk, signer: Identity, register_ca: RegisterCa, template: Text
) -> None:
    config = {"templateBody": template("01"), "roleArn": ROLE}
    ca_id = register_ca(desk, allowAutoRegistration=True, registrationConfig=config)

    answer = desk.iot("DescribeCACertificate", certificateId=ca_id)

    description = answer["certificateDescription"]
    assert ca_id == signer.id
    assert answer["registrationConfig"] == config
    assert sorted(description) == [
        "autoRegistrationStatus",
        "certificateArn",
        "certificateId",
        "certificateMode",
        "certificatePem",
        "creationDate",
        "customerVersion",
        "generationId",
        "lastModifiedDate",
        "ownedBy",
        "status",
        "validity",
    ]
    assert description["certificateArn"] == f"arn:aws:iot:us-east-1:123456789012:cacert/{ca_id}"
    assert description["certificatePem"] == signer.pem
    assert (description["status"], description["autoRegistrationStatus"]) == ("ACTIVE", "ENABLE")
    assert (description["ownedBy"], description["certificateMode"]) == ("123456789012", "DEFAULT")
    assert description["creationDate"] == desk.clock[0]
    assert description["validity"]["notBefore"] == signer.certificate.not_valid_before_utc


def test_a_ca_certificate_is_inactive_without_auto_registration_or_config_unless_asked(
    desk: Desk, register_ca: RegisterCa
) -> None:
    ca_id = register_ca(desk, setAsActive=False)

    answer = desk.iot("DescribeCACertificate", certificateId=ca_id)

    assert "registrationConfig" not in answer
    description = answer["certificateDescription"]
    assert (description["status"], description["autoRegistrationStatus"]) == ("INACTIVE", "DISABLE")


def test_default_mode_needs_a_verification_certificate(desk: Desk, signer: Identity) -> None:
    refusal = desk.refused("RegisterCACertificate", caCertificate=signer.pem)

    assert (refusal.status, refusal.code) == (400, "InvalidRequestException")
    assert refusal.message == (
        "Need to provide verification certificate for registering CA Certificates in DEFAULT mode"
    )


def test_sni_only_mode_must_not_have_one(desk: Desk, signer: Identity) -> None:
    refusal = desk.refused(
        "RegisterCACertificate",
        caCertificate=signer.pem,
        verificationCertificate=signer.pem,
        certificateMode="SNI_ONLY",
    )

    assert (refusal.status, refusal.code) == (400, "InvalidRequestException")
    assert refusal.message == (
        "Cannot provide verification certificate for registering CA Certificates in SNI_ONLY mode"
    )


def verification_refused(desk: Desk, ca: Identity, pem: str) -> tuple[int, str, str]:
    desk.iot("GetRegistrationCode")
    refusal = desk.refused("RegisterCACertificate", caCertificate=ca.pem, verificationCertificate=pem)
    return refusal.status, refusal.code, refusal.message


def test_a_verification_certificate_that_is_none_is_refused(desk: Desk, signer: Identity) -> None:
    assert verification_refused(desk, signer, "hello") == (
        400,
        "InvalidRequestException",
        "Contents of the Verification Certificate are not correct",
    )


def test_a_verification_certificate_of_another_issuer_is_refused(
    desk: Desk, signer: Identity, issue: Issue
) -> None:
    other = issue("other", key=5, ca=True)
    code = desk.iot("GetRegistrationCode")["registrationCode"]

    assert verification_refused(desk, signer, issue(code, other, key=4).pem) == (
        400,
        "CertificateValidationException",
        "The issuer of the certificate did not match the subject of the provided CA certificate.",
    )


def test_a_verification_certificate_signed_by_a_namesake_is_refused(
    desk: Desk, signer: Identity, issue: Issue
) -> None:
    namesake = issue("signer FFFF", key=5, ca=True)
    code = desk.iot("GetRegistrationCode")["registrationCode"]

    assert verification_refused(desk, signer, issue(code, namesake, key=4).pem) == (
        400,
        "CertificateValidationException",
        "The signature of the certificate failed verification against the provided CA certificate.",
    )


@pytest.mark.parametrize("several", [False, True], ids=["another name", "the code and another name"])
def test_a_verification_certificate_without_exactly_the_code_is_refused(
    desk: Desk, signer: Identity, issue: Issue, several: bool
) -> None:
    code = desk.iot("GetRegistrationCode")["registrationCode"]
    names = (code, "x") if several else ("x",)

    assert verification_refused(desk, signer, issue(names, signer, key=4).pem) == (
        400,
        "RegistrationCodeValidationException",
        "Registration code provided in the CN field of verification certificate is invalid.",
    )


def test_a_deleted_code_proves_nothing(desk: Desk, signer: Identity, issue: Issue) -> None:
    code = desk.iot("GetRegistrationCode")["registrationCode"]
    desk.iot("DeleteRegistrationCode")

    refusal = desk.refused(
        "RegisterCACertificate",
        caCertificate=signer.pem,
        verificationCertificate=issue(code, signer, key=4).pem,
    )

    assert refusal.code == "RegistrationCodeValidationException"


def test_a_ca_certificate_is_registered_once_and_the_refusal_says_which(
    desk: Desk, signer: Identity, register_ca: RegisterCa
) -> None:
    register_ca(desk)

    refusal = desk.refused("RegisterCACertificate", caCertificate=signer.pem, certificateMode="SNI_ONLY")

    assert (refusal.status, refusal.code) == (409, "ResourceAlreadyExistsException")
    assert refusal.body["resourceId"] == signer.id
    assert refusal.body["resourceArn"] == f"arn:aws:iot:us-east-1:123456789012:cacert/{signer.id}"


def test_in_default_mode_one_account_per_region_has_a_ca_certificate(
    desk: Desk, elsewhere: Desk, register_ca: RegisterCa, signer: Identity
) -> None:
    register_ca(desk)

    with pytest.raises(Exception, match="409 ResourceAlreadyExistsException"):
        register_ca(elsewhere)
    refusal = elsewhere.refused("RegisterCACertificate", caCertificate=signer.pem, certificateMode="SNI_ONLY")
    elsewhere.region = "eu-central-1"
    register_ca(elsewhere)

    assert refusal.code == "ResourceAlreadyExistsException"
    assert desk.iot("ListCACertificates")["certificates"] != []


def test_in_sni_only_mode_many_accounts_have_it(desk: Desk, elsewhere: Desk, signer: Identity) -> None:
    answers = [
        each.iot("RegisterCACertificate", caCertificate=signer.pem, certificateMode="SNI_ONLY")
        for each in (desk, elsewhere)
    ]

    assert [answer["certificateId"] for answer in answers] == [signer.id, signer.id]
    assert answers[0]["certificateArn"] != answers[1]["certificateArn"]
    described = desk.iot("DescribeCACertificate", certificateId=signer.id)["certificateDescription"]
    assert described["certificateMode"] == "SNI_ONLY"


def test_an_eleventh_ca_certificate_of_one_subject_is_one_too_many(desk: Desk, issue: Issue) -> None:
    for key in range(10, 20):
        pem = issue("same", key=key, ca=True).pem
        desk.iot("RegisterCACertificate", caCertificate=pem, certificateMode="SNI_ONLY")

    refusal = desk.refused(
        "RegisterCACertificate",
        caCertificate=issue("same", key=20, ca=True).pem,
        certificateMode="SNI_ONLY",
    )

    assert (refusal.status, refusal.code) == (410, "LimitExceededException")


def weak_rsa(issue: Issue) -> Identity:
    return issue("weak", key=rsa.generate_private_key(65537, 1024), ca=True)


BAD_CAS: dict[str, tuple[Callable[[Issue], str], str]] = {
    "no certificate": (lambda _issue: "hello", "cannot be read"),
    "no CA": (lambda issue: issue("leaf").pem, "do not say CA:TRUE"),
    "no basicConstraints": (lambda issue: issue("leaf", ca=None).pem, "do not say CA:TRUE"),
    "a short RSA key": (lambda issue: weak_rsa(issue).pem, "The key in the certificate is not valid"),
    "a foreign curve": (
        lambda issue: issue("k1", key=ec.generate_private_key(ec.SECP256K1()), ca=True).pem,
        "The key in the certificate is not valid",
    ),
    "a foreign hash": (
        lambda issue: issue("sha3", ca=True, algorithm=hashes.SHA3_256()).pem,
        "is not supported; use SHA-256 or better",
    ),
}


@pytest.mark.parametrize("kind", BAD_CAS)
def test_a_ca_certificate_aws_would_not_take_is_refused(desk: Desk, issue: Issue, kind: str) -> None:
    make, sentence = BAD_CAS[kind]

    refusal = desk.refused("RegisterCACertificate", caCertificate=make(issue), certificateMode="SNI_ONLY")

    assert (refusal.status, refusal.code) == (400, "CertificateValidationException")
    assert sentence in refusal.message


@pytest.mark.parametrize(
    "curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda each: each.name
)
def test_three_curves_are_taken(desk: Desk, issue: Issue, curve: ec.EllipticCurve) -> None:
    ca = issue("ca", key=ec.generate_private_key(curve), ca=True)

    answer = desk.iot("RegisterCACertificate", caCertificate=ca.pem, certificateMode="SNI_ONLY")

    assert answer["certificateId"] == ca.id


@pytest.mark.parametrize("bits", [2048, 3072])
def test_rsa_is_taken_from_2048_bits_on(desk: Desk, issue: Issue, bits: int) -> None:
    ca = issue("ca", key=rsa.generate_private_key(65537, bits), ca=True)

    answer = desk.iot("RegisterCACertificate", caCertificate=ca.pem, certificateMode="SNI_ONLY")

    assert answer["certificateId"] == ca.id


def sni_only(desk: Desk, ca: Identity, **more: object) -> str:
    answer: str = desk.iot("RegisterCACertificate", caCertificate=ca.pem, certificateMode="SNI_ONLY", **more)[
        "certificateId"
    ]
    return answer


def make_template(desk: Desk, body: str, kind: str = "JITP") -> None:
    desk.iot(
        "CreateProvisioningTemplate",
        templateName="jitp",
        templateBody=body,
        provisioningRoleArn=ROLE,
        type=kind,
        enabled=True,
    )


def test_a_template_can_be_named_and_is_looked_up_by(desk: Desk, signer: Identity, template: Text) -> None:
    make_template(desk, template("01"))
    ca_id = sni_only(desk, signer, registrationConfig={"templateName": "jitp"})

    found = desk.iot("ListCACertificates", templateName="jitp")["certificates"]
    none = desk.iot("ListCACertificates", templateName="other")["certificates"]

    assert [each["certificateId"] for each in found] == [ca_id]
    assert none == []
    described = desk.iot("DescribeCACertificate", certificateId=ca_id)["registrationConfig"]
    assert described == {"templateName": "jitp", "roleArn": ROLE}


@pytest.mark.parametrize(
    "config, status, sentence",
    [
        ({"templateName": "nobody"}, 404, "Template nobody does not exist."),
        ({"templateName": "jitp"}, 400, "a CA certificate needs one of type JITP"),
        ({"templateName": "jitp", "templateBody": "{}"}, 400, "not both"),
        ({"templateBody": "{}"}, 400, "templateBody and roleArn together"),
        ({"roleArn": ROLE}, 400, "templateBody and roleArn together"),
    ],
)
def test_a_registration_config_that_cannot_be_meant_is_refused(
    desk: Desk, signer: Identity, template: Text, config: dict[str, str], status: int, sentence: str
) -> None:
    make_template(desk, template("01"), "FLEET_PROVISIONING")

    refusal = desk.refused(
        "RegisterCACertificate",
        caCertificate=signer.pem,
        certificateMode="SNI_ONLY",
        registrationConfig=config,
    )

    assert refusal.status == status
    assert sentence in refusal.message
    assert desk.iot("ListCACertificates")["certificates"] == []


def test_an_empty_registration_config_is_none(desk: Desk, signer: Identity) -> None:
    ca_id = sni_only(desk, signer, registrationConfig={})

    assert "registrationConfig" not in desk.iot("DescribeCACertificate", certificateId=ca_id)


def test_an_update_changes_what_is_given_and_counts(desk: Desk, signer: Identity) -> None:
    ca_id = sni_only(desk, signer)
    desk.clock[0] += timedelta(hours=1)
    config = {"templateBody": "{}", "roleArn": ROLE}

    desk.iot("UpdateCACertificate", certificateId=ca_id, newStatus="ACTIVE")
    desk.iot("UpdateCACertificate", certificateId=ca_id, newAutoRegistrationStatus="ENABLE")
    desk.iot("UpdateCACertificate", certificateId=ca_id, registrationConfig=config)

    answer = desk.iot("DescribeCACertificate", certificateId=ca_id)
    description = answer["certificateDescription"]
    assert (description["status"], description["autoRegistrationStatus"]) == ("ACTIVE", "ENABLE")
    assert description["customerVersion"] == 4
    assert description["lastModifiedDate"] - description["creationDate"] == timedelta(hours=1)
    assert answer["registrationConfig"] == config


def test_removing_auto_registration_clears_template_and_role(desk: Desk, signer: Identity) -> None:
    config = {"templateBody": "{}", "roleArn": ROLE}
    ca_id = sni_only(desk, signer, allowAutoRegistration=True, registrationConfig=config)

    desk.iot("UpdateCACertificate", certificateId=ca_id, removeAutoRegistration=True)

    answer = desk.iot("DescribeCACertificate", certificateId=ca_id)
    assert "registrationConfig" not in answer
    assert answer["certificateDescription"]["autoRegistrationStatus"] == "DISABLE"


def test_only_an_inactive_ca_certificate_is_deleted(desk: Desk, signer: Identity) -> None:
    ca_id = sni_only(desk, signer, setAsActive=True)

    refusal = desk.refused("DeleteCACertificate", certificateId=ca_id)
    desk.iot("UpdateCACertificate", certificateId=ca_id, newStatus="INACTIVE")
    desk.iot("DeleteCACertificate", certificateId=ca_id)

    assert (refusal.status, refusal.code) == (406, "CertificateStateException")
    assert refusal.message == (
        f"CA Certificate must be deactivated (not ACTIVE) before deletion. Id: {ca_id}"
    )
    assert desk.iot("ListCACertificates")["certificates"] == []


@pytest.mark.parametrize("operation", ["DescribeCACertificate", "UpdateCACertificate", "DeleteCACertificate"])
def test_a_ca_certificate_nobody_registered_is_not_found(desk: Desk, operation: str) -> None:
    refusal = desk.refused(operation, certificateId="0" * 64)

    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")


def test_lists_come_newest_first_in_pages(desk: Desk, issue: Issue) -> None:
    ids = [sni_only(desk, issue(f"ca {number}", key=number + 30, ca=True)) for number in range(5)]

    first = desk.iot("ListCACertificates", pageSize=2)
    second = desk.iot("ListCACertificates", pageSize=2, marker=first["nextMarker"])
    last = desk.iot("ListCACertificates", pageSize=2, marker=second["nextMarker"])
    upwards = desk.iot("ListCACertificates", ascendingOrder=True)

    pages = [[each["certificateId"] for each in page["certificates"]] for page in (first, second, last)]
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
    assert "nextMarker" not in last
    assert [each["certificateId"] for each in upwards["certificates"]] == ids


@pytest.mark.parametrize("marker", ["-1", "x", "9" * 10, "²"])
def test_a_marker_nobody_gave_is_refused(desk: Desk, marker: str) -> None:
    refusal = desk.refused("ListThings", nextToken=marker)

    assert (refusal.status, refusal.code) == (400, "InvalidRequestException")
    assert "which no earlier answer gave" in refusal.message
