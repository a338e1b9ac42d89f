"""Device certificates by hand: registration, states, deletion, transfer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from tests.broker.control.conftest import Desk, Identity

Issue = Callable[..., "Identity"]
RegisterCa = Callable[..., str]

ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}'


def status_of(desk: Desk, certificate_id: str) -> str:
    described = desk.iot("DescribeCertificate", certificateId=certificate_id)["certificateDescription"]
    status: str = described["status"]
    return status


@pytest.fixture
def registered(desk: Desk, register_ca: RegisterCa, device: Identity) -> str:
    """The device under its CA, ACTIVE."""
    register_ca(desk)
    answer: str = desk.iot("RegisterCertificate", certificatePem=device.pem, status="ACTIVE")["certificateId"]
    return answer


def test_a_certificate_is_linked_to_the_ca_that_signed_it(
    desk: Desk, registered: str, signer: Identity, device: Identity
) -> None:
    answer = desk.iot("DescribeCertificate", certificateId=registered)["certificateDescription"]

    assert registered == device.id
    assert answer["caCertificateId"] == signer.id
    assert answer["certificatePem"] == device.pem
    assert (answer["status"], answer["certificateMode"]) == ("ACTIVE", "DEFAULT")
    assert answer["certificateArn"] == f"arn:aws:iot:us-east-1:123456789012:cert/{device.id}"
    assert answer["validity"]["notAfter"] == device.certificate.not_valid_after_utc
    by_ca = desk.iot("ListCertificatesByCA", caCertificateId=signer.id)["certificates"]
    assert [each["certificateId"] for each in by_ca] == [device.id]
    assert desk.iot("ListCertificatesByCA", caCertificateId="0" * 64)["certificates"] == []


def test_a_certificate_takes_the_mode_of_its_ca(desk: Desk, signer: Identity, device: Identity) -> None:
    desk.iot("RegisterCACertificate", caCertificate=signer.pem, certificateMode="SNI_ONLY", setAsActive=True)

    desk.iot("RegisterCertificate", certificatePem=device.pem, caCertificatePem=signer.pem)

    answer = desk.iot("DescribeCertificate", certificateId=device.id)["certificateDescription"]
    assert (answer["certificateMode"], answer["status"]) == ("SNI_ONLY", "INACTIVE")


def test_set_as_active_does_what_it_says(desk: Desk, register_ca: RegisterCa, device: Identity) -> None:
    register_ca(desk)

    desk.iot("RegisterCertificate", certificatePem=device.pem, setAsActive=True)

    assert status_of(desk, device.id) == "ACTIVE"


@pytest.mark.parametrize("with_pem", [False, True], ids=["CA not named", "CA named"])
def test_without_a_registered_ca_nothing_is_registered(
    desk: Desk, signer: Identity, device: Identity, with_pem: bool
) -> None:
    named = {"caCertificatePem": signer.pem} if with_pem else {}

    refusal = desk.refused("RegisterCertificate", certificatePem=device.pem, **named)

    assert (refusal.status, refusal.code) == (406, "CertificateStateException")
    assert refusal.message == "No CA certificate exists for the given certificate"
    assert desk.iot("ListCertificates")["certificates"] == []


@pytest.mark.parametrize("with_pem", [False, True], ids=["CA not named", "CA named"])
def test_an_inactive_ca_registers_nothing(
    desk: Desk, register_ca: RegisterCa, signer: Identity, device: Identity, with_pem: bool
) -> None:
    register_ca(desk, setAsActive=False)
    named = {"caCertificatePem": signer.pem} if with_pem else {}

    refusal = desk.refused("RegisterCertificate", certificatePem=device.pem, **named)

    assert (refusal.status, refusal.code) == (406, "CertificateStateException")
    assert refusal.message == "The CA certificate is not active"


def test_the_ca_that_is_named_must_be_the_issuer(
    desk: Desk, register_ca: RegisterCa, device: Identity, issue: Issue
) -> None:
    other = issue("other", key=8, ca=True)
    register_ca(desk, other)

    refusal = desk.refused("RegisterCertificate", certificatePem=device.pem, caCertificatePem=other.pem)

    assert (refusal.status, refusal.code) == (400, "CertificateValidationException")
    assert refusal.message == (
        "The issuer of the certificate did not match the subject of the provided CA certificate."
    )


@pytest.mark.parametrize("with_pem", [False, True], ids=["CA not named", "CA named"])
def test_a_namesake_of_the_ca_is_not_the_ca(
    desk: Desk, register_ca: RegisterCa, device: Identity, issue: Issue, with_pem: bool
) -> None:
    namesake = issue("signer FFFF", key=8, ca=True)
    register_ca(desk, namesake)
    named = {"caCertificatePem": namesake.pem} if with_pem else {}

    refusal = desk.refused("RegisterCertificate", certificatePem=device.pem, **named)

    assert (refusal.status, refusal.code) == (400, "CertificateValidationException")
    assert refusal.message == (
        "The signature of the certificate failed verification against the provided CA certificate."
    )


def test_of_two_cas_with_one_name_and_key_one_must_be_named(
    desk: Desk, signer: Identity, device: Identity, issue: Issue
) -> None:
    issuer = issue("issuer", key=9, ca=True)
    twin = issue("signer FFFF", issuer, key=2, ca=True)
    for each in (signer, twin):
        desk.iot(
            "RegisterCACertificate", caCertificate=each.pem, certificateMode="SNI_ONLY", setAsActive=True
        )

    refusal = desk.refused("RegisterCertificate", certificatePem=device.pem)
    desk.iot("RegisterCertificate", certificatePem=device.pem, caCertificatePem=twin.pem)

    assert (refusal.status, refusal.code) == (409, "CertificateConflictException")
    described = desk.iot("DescribeCertificate", certificateId=device.id)["certificateDescription"]
    assert described["caCertificateId"] == twin.id


def test_a_certificate_is_registered_once(desk: Desk, registered: str, device: Identity) -> None:
    refusal = desk.refused("RegisterCertificate", certificatePem=device.pem)

    assert (refusal.status, refusal.code) == (409, "ResourceAlreadyExistsException")
    assert refusal.body["resourceId"] == registered


@pytest.mark.parametrize("status", ["PENDING_ACTIVATION", "PENDING_TRANSFER", "REGISTER_INACTIVE"])
def test_nobody_registers_a_pending_certificate(
    desk: Desk, register_ca: RegisterCa, device: Identity, status: str
) -> None:
    register_ca(desk)

    refusal = desk.refused("RegisterCertificate", certificatePem=device.pem, status=status)

    assert (refusal.status, refusal.code) == (406, "CertificateStateException")
    assert refusal.message == f"Not allowed to register certificate with {status} status"


def test_a_certificate_that_cannot_be_read_is_refused(desk: Desk) -> None:
    for operation in ("RegisterCertificate", "RegisterCertificateWithoutCA"):
        refusal = desk.refused(operation, certificatePem="hello")

        assert (refusal.status, refusal.code) == (400, "CertificateValidationException")


def test_a_short_rsa_key_is_not_valid(desk: Desk, issue: Issue) -> None:
    weak = issue("weak", key=rsa.generate_private_key(65537, 1024))

    refusal = desk.refused("RegisterCertificateWithoutCA", certificatePem=weak.pem)

    assert refusal.message == "The key in the certificate is not valid"


def test_without_ca_a_certificate_is_sni_only(desk: Desk, elsewhere: Desk, device: Identity) -> None:
    here = desk.iot("RegisterCertificateWithoutCA", certificatePem=device.pem, status="ACTIVE")
    there = elsewhere.iot("RegisterCertificateWithoutCA", certificatePem=device.pem)

    answer = desk.iot("DescribeCertificate", certificateId=device.id)["certificateDescription"]
    assert (answer["certificateMode"], answer["status"]) == ("SNI_ONLY", "ACTIVE")
    assert "caCertificateId" not in answer
    assert here["certificateId"] == there["certificateId"]
    assert here["certificateArn"] != there["certificateArn"]
    refusal = desk.refused("RegisterCertificateWithoutCA", certificatePem=device.pem)
    assert refusal.code == "ResourceAlreadyExistsException"
    refusal = desk.refused(
        "RegisterCertificateWithoutCA", certificatePem=device.pem, status="PENDING_ACTIVATION"
    )
    assert refusal.code == "CertificateStateException"


def test_leaving_active_ends_live_connections(desk: Desk, registered: str) -> None:
    desk.iot("UpdateCertificate", certificateId=registered, newStatus="ACTIVE")
    before = list(desk.sessions.ended)
    desk.iot("UpdateCertificate", certificateId=registered, newStatus="INACTIVE")

    assert before == []
    assert desk.sessions.ended == [
        (registered, f"its certificate {registered} was set to INACTIVE"),
    ]


def test_a_revoked_certificate_stays_revoked(desk: Desk, registered: str) -> None:
    desk.iot("UpdateCertificate", certificateId=registered, newStatus="REVOKED")
    desk.iot("UpdateCertificate", certificateId=registered, newStatus="REVOKED")

    refusal = desk.refused("UpdateCertificate", certificateId=registered, newStatus="ACTIVE")

    assert (refusal.status, refusal.code) == (406, "CertificateStateException")
    assert status_of(desk, registered) == "REVOKED"


@pytest.mark.parametrize("status", ["PENDING_ACTIVATION", "PENDING_TRANSFER", "REGISTER_INACTIVE"])
def test_pending_is_for_aws_to_set(desk: Desk, registered: str, status: str) -> None:
    refusal = desk.refused("UpdateCertificate", certificateId=registered, newStatus=status)

    assert (refusal.status, refusal.code) == (400, "InvalidRequestException")
    assert "choose ACTIVE, INACTIVE, REVOKED" in refusal.message


@pytest.mark.parametrize("operation", ["DescribeCertificate", "DeleteCertificate", "TransferCertificate"])
def test_a_certificate_nobody_registered_is_not_found(desk: Desk, operation: str) -> None:
    more = {"targetAwsAccount": "210987654321"} if operation == "TransferCertificate" else {}
    refusal = desk.refused(operation, certificateId="0" * 64, **more)

    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")


def test_an_active_certificate_is_not_deleted_even_by_force(desk: Desk, registered: str) -> None:
    refusal = desk.refused("DeleteCertificate", certificateId=registered, forceDelete=True)

    assert (refusal.status, refusal.code) == (406, "CertificateStateException")


def test_what_is_attached_is_not_deleted_and_force_drops_policies_only(desk: Desk, registered: str) -> None:
    arn = f"arn:aws:iot:us-east-1:123456789012:cert/{registered}"
    desk.iot("UpdateCertificate", certificateId=registered, newStatus="INACTIVE")
    desk.iot("CreateThing", thingName="pu0102")
    desk.iot("CreatePolicy", policyName="p", policyDocument=ALLOW)
    desk.iot("AttachPolicy", policyName="p", target=arn)
    desk.iot("AttachThingPrincipal", thingName="pu0102", principal=arn)

    with_both = desk.refused("DeleteCertificate", certificateId=registered, forceDelete=True)
    desk.iot("DetachThingPrincipal", thingName="pu0102", principal=arn)
    with_policy = desk.refused("DeleteCertificate", certificateId=registered)
    desk.iot("DeleteCertificate", certificateId=registered, forceDelete=True)

    for refusal in (with_both, with_policy):
        assert (refusal.status, refusal.code) == (409, "DeleteConflictException")
    assert "Things must be detached" in with_both.message
    assert "policies must be detached" in with_policy.message
    assert desk.iot("ListTargetsForPolicy", policyName="p")["targets"] == []
    desk.iot("DeletePolicy", policyName="p")


def test_certificates_are_listed_newest_first(desk: Desk, issue: Issue) -> None:
    ids = [
        desk.iot("RegisterCertificateWithoutCA", certificatePem=issue(f"d{n}", key=n).pem)["certificateId"]
        for n in (40, 41, 42)
    ]

    first = desk.iot("ListCertificates", pageSize=2)
    upwards = desk.iot("ListCertificates", ascendingOrder=True)["certificates"]

    assert [each["certificateId"] for each in first["certificates"]] == [ids[2], ids[1]]
    assert first["nextMarker"] == "2"
    assert [each["certificateId"] for each in upwards] == ids
    assert upwards[0]["certificateMode"] == "SNI_ONLY"


def test_aws_makes_a_key_and_a_certificate_for_it(desk: Desk) -> None:
    answer = desk.iot("CreateKeysAndCertificate", setAsActive=True)
    quiet = desk.iot("CreateKeysAndCertificate")

    certificate = x509.load_pem_x509_certificate(answer["certificatePem"].encode())
    key = serialization.load_pem_private_key(answer["keyPair"]["PrivateKey"].encode(), None)
    public = serialization.load_pem_public_key(answer["keyPair"]["PublicKey"].encode())
    assert certificate.subject.rfc4514_string() == "CN=AWS IoT Certificate"
    assert certificate.version is x509.Version.v3
    assert certificate.serial_number > 0
    assert certificate.not_valid_after_utc == datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert certificate.public_key() == key.public_key() == public
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    assert status_of(desk, answer["certificateId"]) == "ACTIVE"
    assert status_of(desk, quiet["certificateId"]) == "INACTIVE"


def signing_request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "my own")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def test_aws_issues_for_the_key_of_a_signing_request(desk: Desk) -> None:
    key = ec.derive_private_key(77, ec.SECP256R1())
    answer = desk.iot(
        "CreateCertificateFromCsr", certificateSigningRequest=signing_request(key), setAsActive=True
    )

    certificate = x509.load_pem_x509_certificate(answer["certificatePem"].encode())
    assert certificate.public_key() == key.public_key()
    assert status_of(desk, answer["certificateId"]) == "ACTIVE"


def test_a_signing_request_that_cannot_be_used_is_refused(desk: Desk) -> None:
    good = signing_request(ec.derive_private_key(77, ec.SECP256R1()))
    octets = bytearray(x509.load_pem_x509_csr(good.encode()).public_bytes(serialization.Encoding.DER))
    octets[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(octets)).public_bytes(serialization.Encoding.PEM).decode()
    weak = signing_request(ec.derive_private_key(77, ec.SECP256K1()))

    for request, words in (
        ("dear diary", "cannot be used: it is no readable signing request"),
        (forged, "its signature is not that of the key in it"),
        (weak, "The key in the certificate signing request is not valid"),
    ):
        refusal = desk.refused("CreateCertificateFromCsr", certificateSigningRequest=request)
        assert (refusal.status, refusal.code) == (400, "InvalidRequestException")
        assert words in refusal.message


# --- transfer ------------------------------------------------------------------------------------------


@pytest.fixture
def offered(desk: Desk, elsewhere: Desk, registered: str) -> str:
    desk.iot("UpdateCertificate", certificateId=registered, newStatus="INACTIVE")
    desk.iot(
        "TransferCertificate",
        certificateId=registered,
        targetAwsAccount=elsewhere.account,
        transferMessage="yours now",
    )
    return registered


def test_a_certificate_changes_accounts_when_it_is_accepted(
    desk: Desk, elsewhere: Desk, offered: str
) -> None:
    waiting = desk.iot("ListOutgoingCertificates")["outgoingCertificates"]
    pending = desk.iot("DescribeCertificate", certificateId=offered)["certificateDescription"]
    elsewhere.clock[0] += timedelta(minutes=1)

    elsewhere.iot("AcceptCertificateTransfer", certificateId=offered, setAsActive=True)

    assert [(each["certificateId"], each["transferredTo"]) for each in waiting] == [
        (offered, elsewhere.account)
    ]
    assert pending["status"] == "PENDING_TRANSFER"
    assert pending["transferData"]["transferMessage"] == "yours now"
    taken = elsewhere.iot("DescribeCertificate", certificateId=offered)["certificateDescription"]
    assert (taken["status"], taken["ownedBy"]) == ("ACTIVE", elsewhere.account)
    assert taken["previousOwnedBy"] == "123456789012"
    assert taken["transferData"]["acceptDate"] == elsewhere.clock[0]
    assert desk.iot("ListCertificates")["certificates"] == []
    again = elsewhere.refused("AcceptCertificateTransfer", certificateId=offered)
    assert (again.status, again.code) == (410, "TransferAlreadyCompletedException")


def test_a_rejected_certificate_comes_back_with_the_reason(desk: Desk, elsewhere: Desk, offered: str) -> None:
    elsewhere.iot("RejectCertificateTransfer", certificateId=offered, rejectReason="no room")

    back = desk.iot("DescribeCertificate", certificateId=offered)["certificateDescription"]
    assert (back["status"], back["transferData"]["rejectReason"]) == ("INACTIVE", "no room")
    refusal = elsewhere.refused("AcceptCertificateTransfer", certificateId=offered)
    assert refusal.code == "ResourceNotFoundException"


def test_an_offer_can_be_taken_back_once(desk: Desk, offered: str) -> None:
    desk.iot("CancelCertificateTransfer", certificateId=offered)
    refusal = desk.refused("CancelCertificateTransfer", certificateId=offered)

    assert refusal.code == "TransferAlreadyCompletedException"
    assert status_of(desk, offered) == "INACTIVE"


def test_what_is_offered_is_neither_changed_nor_deleted_nor_offered_again(desk: Desk, offered: str) -> None:
    changed = desk.refused("UpdateCertificate", certificateId=offered, newStatus="ACTIVE")
    deleted = desk.refused("DeleteCertificate", certificateId=offered)
    again = desk.refused("TransferCertificate", certificateId=offered, targetAwsAccount="210987654321")

    assert changed.code == deleted.code == "CertificateStateException"
    assert (again.status, again.code) == (409, "TransferConflictException")


def test_only_an_inactive_unattached_certificate_is_offered_and_not_to_oneself(
    desk: Desk, elsewhere: Desk, registered: str, device: Identity
) -> None:
    def offer(account: str) -> str:
        refusal = desk.refused("TransferCertificate", certificateId=registered, targetAwsAccount=account)
        return f"{refusal.status} {refusal.code}: {refusal.message}"

    active = offer("210987654321")
    desk.iot("UpdateCertificate", certificateId=registered, newStatus="INACTIVE")
    own = offer("123456789012")
    desk.iot("CreateThing", thingName="t")
    arn = f"arn:aws:iot:us-east-1:123456789012:cert/{registered}"
    desk.iot("AttachThingPrincipal", thingName="t", principal=arn)
    attached = offer("210987654321")
    desk.iot("DetachThingPrincipal", thingName="t", principal=arn)
    elsewhere.iot("RegisterCertificateWithoutCA", certificatePem=device.pem)
    there = offer("210987654321")

    assert active.startswith("406 CertificateStateException")
    assert own.startswith("400 InvalidRequestException")
    assert attached.startswith("400 InvalidRequestException")
    assert there.startswith("409 TransferConflictException")
