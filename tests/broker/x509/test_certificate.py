"""Reading certificates: what every reader may rely on, and what hostile bytes can do."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitpbroker.x509 import Certificate, NotIssuedBy

Build = Callable[..., Certificate]
Assemble = Callable[..., bytes]

ORDER = ("serial", "algorithm", "issuer", "validity", "subject", "public_key")
ANY_FIXTURE = (HealthCheck.function_scoped_fixture,)


def test_the_id_is_the_hash_of_the_der(device: Certificate) -> None:
    assert device.id == hashlib.sha256(device.der).hexdigest()


def test_what_the_library_reads_is_what_is_handed_out(device: Certificate, signer: Certificate) -> None:
    parsed = x509.load_der_x509_certificate(device.der)

    assert device.version == 3
    assert device.serial_number == parsed.serial_number == 0x40F7D946
    assert device.not_before == datetime(2021, 1, 14, 21, tzinfo=UTC)
    assert device.not_after == datetime(3000, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert device.subject.der == parsed.subject.public_bytes()
    assert device.subject.text == device.label == "CN=pu0223528E47B3461DEE,O=CompanyName"
    assert device.common_name == "pu0223528E47B3461DEE"
    assert device.issuer == signer.subject
    assert device.signature_algorithm == "ECDSA-WITH-SHA256"
    assert device.is_ca is False
    assert signer.is_ca is True
    assert device.extensions_problem is None


def test_the_key_identifiers_are_the_hash_of_the_point(device: Certificate, signer: Certificate) -> None:
    own, issuers = device.p256_point, signer.p256_point

    assert own is not None
    assert issuers is not None
    assert device.subject_key_identifier == hashlib.sha1(b"\x04" + own).digest()
    assert device.authority_key_identifier == hashlib.sha1(b"\x04" + issuers).digest()
    assert signer.authority_key_identifier is None


def test_the_published_keys_and_identifiers_of_the_case_agree(
    parts: Mapping[str, bytes], assemble: Assemble
) -> None:
    x = bytes.fromhex("c71fa4eae7ae5116fbc30bce33f17aaff1273aafa75d76767458e85636945676")
    y = bytes.fromhex("5fa62e2153a5917d95f89e0ef8cebdd9c15083c27d74984b66b2eb9ab749484c")
    public_key = parts["public_key"][:-64] + x + y
    members = {**parts, "public_key": public_key}

    certificate = Certificate.from_der(assemble(*(members[each] for each in ORDER)))

    assert certificate.p256_point == x + y
    assert hashlib.sha1(b"\x04" + x + y).hexdigest() == "4af0380d8e577671a29207b7601bc70ab47e8bd1"


def test_a_version_1_certificate_is_read_and_verified(
    parts: Mapping[str, bytes], assemble: Assemble, signer: Certificate
) -> None:
    certificate = Certificate.from_der(assemble(*(parts[each] for each in ORDER)))

    certificate.check_issued_by(signer)

    assert certificate.version == 1
    assert certificate.subject_key_identifier is None
    assert certificate.is_ca is False


def test_version_2_is_refused(parts: Mapping[str, bytes], assemble: Assemble) -> None:
    der = assemble(bytes.fromhex("a003020101"), *(parts[each] for each in ORDER))

    with pytest.raises(ValueError, match="no readable certificate"):
        Certificate.from_der(der)


def test_a_negative_serial_number_and_a_long_country_are_the_clients_business(
    parts: Mapping[str, bytes], assemble: Assemble
) -> None:
    country = bytes.fromhex("300e310c300a060355040613034e4f52")
    members = {**parts, "serial": b"\x02\x01\xff", "subject": country}

    certificate = Certificate.from_der(assemble(*(members[each] for each in ORDER)))

    assert certificate.serial_number == -1
    assert certificate.subject.first("Country") == "NOR"


def test_a_key_that_is_no_curve_point_leaves_a_certificate_that_cannot_have_issued_anything(
    parts: Mapping[str, bytes], assemble: Assemble, device: Certificate
) -> None:
    nowhere = {
        **parts,
        "subject": parts["issuer"],
        "public_key": parts["public_key"][:-64] + bytes(64),
    }
    signer = Certificate.from_der(assemble(*(nowhere[each] for each in ORDER)))

    with pytest.raises(NotIssuedBy, match="its signature cannot be checked"):
        device.check_issued_by(signer)

    assert signer.p256_point == bytes(64)


def test_a_broken_extension_leaves_a_readable_certificate(
    parts: Mapping[str, bytes], assemble: Assemble, signer: Certificate
) -> None:
    broken_ski = bytes.fromhex("a30d300b300906 03551d0e04024242".replace(" ", ""))
    der = assemble(parts["version"], *(parts[each] for each in ORDER), broken_ski)

    certificate = Certificate.from_der(der)
    certificate.check_issued_by(signer)

    assert certificate.extensions_problem is not None
    assert certificate.subject_key_identifier is None


def test_a_repeated_extension_leaves_a_readable_certificate(
    parts: Mapping[str, bytes], assemble: Assemble
) -> None:
    ski = bytes.fromhex("300906 03551d0e0402 0400".replace(" ", ""))
    twice = bytes((0xA3, 2 + 2 * len(ski), 0x30, 2 * len(ski))) + ski + ski

    certificate = Certificate.from_der(assemble(parts["version"], *(parts[each] for each in ORDER), twice))

    assert certificate.extensions_problem is not None


def test_an_unknown_signature_algorithm_keeps_its_number_and_cannot_be_checked(
    parts: Mapping[str, bytes], assemble: Assemble, signer: Certificate
) -> None:
    unknown = bytes.fromhex("300706052b0e03021b")
    members = {**parts, "algorithm": unknown}
    der = assemble(*(members[each] for each in ORDER), algorithm=unknown)

    certificate = Certificate.from_der(der)
    with pytest.raises(NotIssuedBy, match="its signature cannot be checked"):
        certificate.check_issued_by(signer)

    assert certificate.signature_algorithm == "1.3.14.3.2.27"


def test_an_rsa_certificate_is_read_and_verified(build: Build) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = build(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer FFFF")]), key, key)
    own = build(certificate_name(certificate), key, key, issuer=certificate_name(certificate))

    own.check_issued_by(own)

    assert own.signature_algorithm == "SHA256WITHRSA"
    assert own.p256_point is None


def certificate_name(certificate: Certificate) -> x509.Name:
    return x509.load_der_x509_certificate(certificate.der).subject


@pytest.mark.parametrize("algorithm", [hashes.SHA224(), hashes.SHA512()], ids=["SHA224", "SHA512"])
def test_other_hashes_verify(build: Build, signer: Certificate, algorithm: hashes.HashAlgorithm) -> None:
    key = ec.derive_private_key(0x2000_0002, ec.SECP256R1())
    certificate = build(certificate_name(signer), key, key, algorithm=algorithm)

    certificate.check_issued_by(signer)


def test_an_ed25519_certificate_is_read_and_verified(build: Build, signer: Certificate) -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    certificate = build(certificate_name(signer), key, key)

    certificate.check_issued_by(certificate)

    assert certificate.signature_algorithm == "ED25519"


def test_a_certificate_of_another_name_did_not_issue_it(device: Certificate) -> None:
    with pytest.raises(NotIssuedBy) as caught:
        device.check_issued_by(device)

    assert "as its issuer, not 'CN=pu0223528E47B3461DEE,O=CompanyName'" in str(caught.value)


def test_the_same_name_in_another_encoding_is_another_name(
    parts: Mapping[str, bytes], assemble: Assemble, signer: Certificate
) -> None:
    printable = parts["issuer"].replace(b"\x0c\x0bCompanyName", b"\x13\x0bCompanyName")
    members = {**parts, "issuer": printable}
    certificate = Certificate.from_der(assemble(*(members[each] for each in ORDER)))

    with pytest.raises(NotIssuedBy, match="in another encoding"):
        certificate.check_issued_by(signer)

    assert certificate.issuer.text == signer.subject.text


def test_a_name_alone_is_no_proof(build: Build, signer: Certificate) -> None:
    stranger = ec.derive_private_key(99, ec.SECP256R1())
    claimed = build(certificate_name(signer), stranger, stranger)

    with pytest.raises(NotIssuedBy, match="its signature does not verify under the public key of CN=signer"):
        claimed.check_issued_by(signer)


def test_the_first_of_several_values_counts_and_all_are_kept(build: Build) -> None:
    key = ec.derive_private_key(5, ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "one"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "two"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "0123"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Ohio"),
        ]
    )

    found = build(subject, key, key).subject

    assert found.values("OrganizationalUnit") == ("one", "two")
    assert found.first("OrganizationalUnit") == "one"
    assert found.first("SerialNumber") == "0123"
    assert found.first("StateName") == found.first("State") == "Ohio"
    assert found.first("CommonName") is None
    assert found.values("Locality") == ()


def test_an_attribute_that_is_a_bit_string_is_shown_in_hex(
    parts: Mapping[str, bytes], assemble: Assemble
) -> None:
    unique_identifier = bytes.fromhex("300e310c300a060355042d0303000a0b")
    members = {**parts, "subject": unique_identifier}

    certificate = Certificate.from_der(assemble(*(members[each] for each in ORDER)))

    assert certificate.subject.attributes == (("2.5.4.45", "000a0b"),)


def test_an_empty_subject_is_called_by_the_certificates_id(build: Build) -> None:
    key = ec.derive_private_key(5, ec.SECP256R1())
    certificate = build(x509.Name([]), key, key)

    assert certificate.label == f"certificate {certificate.id[:8]}"
    assert certificate.common_name is None


def test_certificates_are_equal_when_their_bytes_are(device: Certificate, signer: Certificate) -> None:
    assert Certificate.from_der(device.der) == device
    assert len({device, Certificate.from_der(device.der), signer}) == 2


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=600))
def test_arbitrary_bytes_raise_nothing_but_value_errors(der: bytes) -> None:
    with pytest.raises(ValueError, match="no readable certificate"):
        Certificate.from_der(der)


@settings(deadline=None, max_examples=400, suppress_health_check=ANY_FIXTURE)
@given(data=st.data())
def test_a_damaged_certificate_raises_nothing_but_value_errors(
    data: st.DataObject, device: Certificate, signer: Certificate
) -> None:
    damaged = bytearray(device.der)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    certificate = device
    with contextlib.suppress(ValueError):
        certificate = Certificate.from_der(bytes(damaged))
    if certificate != device:
        with pytest.raises(NotIssuedBy):
            certificate.check_issued_by(signer)
