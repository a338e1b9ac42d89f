"""The case's certificates: repeatable, readable by others, and signed as they claim."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from jitplab import pki
from jitplab.lab import Chain, Device, Lab

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["openssl", *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def chain_of(seed: str | None) -> tuple[bytes, bytes, bytes, int]:
    keys = pki.KeySource(seed)
    root = pki.make_root(keys)
    signer = pki.make_signer(keys, root)
    return root.certificate, signer.certificate, keys.key("any").public_key, keys.serial("any")


def test_the_same_seed_gives_the_same_keys_and_the_same_der() -> None:
    assert chain_of("one") == chain_of("one")


def test_another_seed_gives_other_keys_and_other_der() -> None:
    assert not set(chain_of("one")) & set(chain_of("two"))


def test_without_a_seed_keys_are_drawn_anew() -> None:
    assert not set(chain_of(None)) & set(chain_of(None))


@settings(deadline=None)
@given(st.text(max_size=12), st.text(max_size=12))
def test_serial_numbers_are_positive_and_sixteen_bytes(seed: str, name: str) -> None:
    serial = pki.KeySource(seed).serial(name)

    assert serial.bit_length() == 127
    assert serial == pki.KeySource(seed).serial(name)


def test_no_repr_shows_a_private_key(lab: Lab) -> None:
    for authority in (lab.root, lab.signer, lab.other_ca):
        loaded = serialization.load_pem_private_key(authority.key.pkcs8_pem(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        scalar = loaded.private_numbers().private_value
        shown = repr(authority) + repr(authority.key) + str(authority.key) + f"{authority}"

        assert 0 < scalar < _ORDER
        assert str(scalar) not in shown
        assert f"{scalar:064x}" not in shown.lower()
        assert "_key" not in shown


def test_a_digest_signature_is_r_and_s_and_repeats(lab: Lab) -> None:
    digest = bytes(range(32))
    raw = lab.signer.key.sign_digest(digest)

    assert len(raw) == 64
    assert raw == lab.signer.key.sign_digest(digest)


def test_the_signer_is_the_case_s(lab: Lab) -> None:
    signer = x509.load_der_x509_certificate(lab.signer.certificate)

    assert signer.serial_number == 0x4D2966FFB8098D390E39C83A946EEE6A
    assert signer.issuer.rfc4514_string() == "CN=root.companyname.com FFFF,O=CompanyName"
    assert signer.subject.rfc4514_string() == "CN=signer.companyname.com FFFF,O=CompanyName"
    assert signer.not_valid_before_utc == datetime(2020, 11, 9, 17, 55, 11, tzinfo=UTC)
    assert signer.not_valid_after_utc == datetime(2070, 10, 28, 17, 44, 12, tzinfo=UTC)
    assert signer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_device_certificate_is_the_case_s(device: Device) -> None:
    leaf = x509.load_der_x509_certificate(device.certificate)

    assert leaf.not_valid_before_utc == datetime(2021, 1, 14, 21, 0, tzinfo=UTC)
    assert leaf.not_valid_after_utc == datetime(3000, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).critical
    assert pki.certificate_version(device.certificate) == 3


def test_the_published_keys_have_the_published_identifiers() -> None:
    """The case's certificates as its user published them."""
    device = bytes.fromhex(
        "c71fa4eae7ae5116fbc30bce33f17aaff1273aafa75d76767458e85636945676"
        "5fa62e2153a5917d95f89e0ef8cebdd9c15083c27d74984b66b2eb9ab749484c"
    )
    signer = bytes.fromhex(
        "cc6387d3bd58081ec75502bea8e1d7a2f97f620a39c64045cf1d834a535e6ae3"
        "5bbead8396103c0e5b0b6032655dd33b7790b2a7a8cb90b7493f24cdc66b1f38"
    )

    assert pki.key_identifier(device).hex() == "4af0380d8e577671a29207b7601bc70ab47e8bd1"
    assert pki.key_identifier(signer).hex() == "4ce514b29d3e8f294334458334c2f40953601399"


@pytest.mark.program("openssl")
def test_openssl_verifies_the_chain(lab: Lab, device: Device, wrong_chain: Chain, tmp_path: Path) -> None:
    root, signer, wrong, leaf = (tmp_path / name for name in ("root", "signer", "wrong", "leaf"))
    root.write_bytes(pki.pem(lab.root.certificate))
    signer.write_bytes(pki.pem(lab.signer.certificate))
    leaf.write_bytes(pki.pem(device.certificate))
    assert wrong_chain.signer is not None
    wrong.write_bytes(pki.pem(wrong_chain.signer))
    when = ("-attime", str(int(datetime(2021, 2, 1, tzinfo=UTC).timestamp())))
    right = openssl("verify", *when, "-CAfile", root, "-untrusted", signer, leaf)
    bad = openssl("verify", *when, "-CAfile", root, "-untrusted", wrong, leaf)

    assert right.stdout.strip() == f"{leaf}: OK"
    assert bad.returncode != 0
    assert "error 20 at 1 depth" in bad.stdout + bad.stderr


@pytest.mark.program("openssl")
def test_the_hand_made_certificate_is_version_1_to_openssl_too(v1_certificate: bytes, tmp_path: Path) -> None:
    path = tmp_path / "v1.pem"
    path.write_bytes(pki.pem(v1_certificate))
    shown = openssl("x509", "-in", path, "-noout", "-text").stdout

    assert "Version: 1 (0x0)" in shown
    assert "X509v3" not in shown
    assert "CN = pu010203040506070811" in shown or "CN=pu010203040506070811" in shown


def test_the_hand_made_certificate_is_version_1_and_signed_by_the_signer(
    lab: Lab, v1_certificate: bytes
) -> None:
    loaded = x509.load_der_x509_certificate(v1_certificate)

    assert loaded.version is x509.Version.v1
    assert pki.certificate_version(v1_certificate) == 1
    assert len(loaded.extensions) == 0
    assert loaded.serial_number == lab.serial("hand-made")
    assert loaded.not_valid_after_utc == datetime(2999, 5, 18, tzinfo=UTC)
    loaded.verify_directly_issued_by(x509.load_der_x509_certificate(lab.signer.certificate))


@settings(deadline=None)
@given(
    st.integers(1, 2**159 - 1),
    st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.text("abcdefghij ", min_size=1, max_size=64),
)
def test_any_hand_made_certificate_reads_as_it_was_asked_for(serial: int, end: datetime, name: str) -> None:
    keys = pki.KeySource("v1")
    root = pki.make_root(keys)
    der = pki.make_v1_certificate(
        root,
        keys.key("leaf").public_key,
        common_name=name,
        serial=serial,
        not_before=datetime(1950, 1, 1, tzinfo=UTC),
        not_after=end,
    )
    loaded = x509.load_der_x509_certificate(der)

    assert loaded.serial_number == serial
    assert loaded.not_valid_before_utc == datetime(1950, 1, 1, tzinfo=UTC)
    assert loaded.not_valid_after_utc == end.replace(microsecond=0)
    assert pki.public_key_from(der) == keys.key("leaf").public_key
    assert pki.signature_verifies(der, root.key.public_key)


def test_a_signature_verifies_under_its_issuer_s_key_and_no_other(lab: Lab, wrong_chain: Chain) -> None:
    assert pki.signature_verifies(lab.signer.certificate, lab.root.key.public_key)
    assert not pki.signature_verifies(lab.signer.certificate, lab.other_ca.key.public_key)
    assert wrong_chain.signer is not None
    assert not pki.signature_verifies(wrong_chain.signer, lab.root.key.public_key)


def test_a_public_key_is_found_in_whatever_holds_it(lab: Lab) -> None:
    key, certificate = lab.signer.key.public_key, lab.signer.certificate

    assert pki.public_key_from(pki.public_key_pem(key)) == key
    assert pki.public_key_from(pki.pem(certificate)) == key
    assert pki.public_key_from(certificate) == key


_NO_POINT = pki.public_key_pem(pki.KeySource("x").key("x").public_key).replace(b"MFkwEw", b"MFkwEx")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nothing of the kind",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"\x30\x03\x02\x01\x00",
        _NO_POINT,
    ],
)
def test_garbage_holds_no_public_key_and_says_so(data: bytes) -> None:
    with pytest.raises(ValueError) as caught:
        pki.public_key_from(data)

    assert "hold no readable public key; give a PEM public key" in str(caught.value)


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "p384"])
def test_a_public_key_of_another_kind_is_refused(kind: str) -> None:
    makers: dict[str, Callable[[], rsa.RSAPublicKey | ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey]]
    makers = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048).public_key(),
        "ed25519": lambda: ed25519.Ed25519PrivateKey.generate().public_key(),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()).public_key(),
    }
    data = makers[kind]().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    with pytest.raises(ValueError, match="not on P-256"):
        pki.public_key_from(data)


def test_pem_and_back_is_the_same_in_the_same_order(lab: Lab, device: Device) -> None:
    chain = (device.certificate, lab.signer.certificate, lab.root.certificate)

    assert pki.certificates_from_pem(b"a comment\n" + pki.pem(*chain)) == chain


@pytest.mark.parametrize("text", [b"", b"\x30\x00", b"-----BEGIN CERTIFICATE-----\nAA"])
def test_a_text_without_a_certificate_is_refused_with_a_cure(text: bytes) -> None:
    with pytest.raises(ValueError, match="openssl x509 -inform der"):
        pki.certificates_from_pem(text)


# --- what a client holds against a server ----------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _leaf(issued: trustme.LeafCert) -> bytes:
    return pki.certificates_from_pem(issued.cert_chain_pems[0].bytes())[0]


@pytest.mark.parametrize(
    "name", ["localhost", "LocalHost", "127.0.0.1", "::1", "0:0::1", "a.iot.example", "b.iot.example"]
)
def test_a_server_that_bears_its_name_is_not_objected_to(authority: trustme.CA, name: str) -> None:
    leaf = _leaf(authority.issue_cert("localhost", "127.0.0.1", "::1", "*.iot.example"))

    assert pki.name_objection(leaf, name) is None


@pytest.mark.parametrize(
    "name", ["elsewhere.example", "127.0.0.2", "bücher.example", "", "iot.example", "a.b.iot.example", "::2"]
)
def test_a_server_that_bears_another_name_is(authority: trustme.CA, name: str) -> None:
    leaf = _leaf(authority.issue_cert("localhost", "127.0.0.1", "*.iot.example"))

    assert pki.name_objection(leaf, name) == (
        f"the server's certificate is for localhost, *.iot.example, 127.0.0.1, not for {name}"
    )


def test_a_server_whose_certificate_names_no_host_is_objected_to(lab: Lab, authority: trustme.CA) -> None:
    by_mail = _leaf(authority.issue_cert("someone@example.org"))

    assert pki.name_objection(lab.signer.certificate, "localhost") == "the server's certificate names no host"
    assert pki.name_objection(b"\x30\x00", "localhost") == "the server's certificate names no host"
    assert pki.name_objection(by_mail, "localhost") == (
        "the server's certificate is for no host, not for localhost"
    )
