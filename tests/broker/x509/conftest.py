"""Certificates of every kind a client may send, made here with fixed keys."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from jitpbroker.x509 import Certificate

START = datetime(2021, 1, 14, 21, tzinfo=UTC)
END = datetime(3000, 12, 31, 23, 59, 59, tzinfo=UTC)
ISSUER = x509.Name(
    [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "CompanyName"),
        x509.NameAttribute(NameOID.COMMON_NAME, "signer FFFF"),
    ]
)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def ec_key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(0x2000_0000 + number, ec.SECP256R1())


def _subject(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def _build(
    subject: x509.Name,
    key: Key,
    signer: Key,
    *,
    issuer: x509.Name = ISSUER,
    algorithm: hashes.SHA224 | hashes.SHA256 | hashes.SHA512 | None = None,
    start: datetime = START,
    end: datetime = END,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(0x40F7D946)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    chosen = None if isinstance(signer, ed25519.Ed25519PrivateKey) else algorithm or hashes.SHA256()
    deterministic = True if isinstance(signer, ec.EllipticCurvePrivateKey) else None
    built = builder.sign(signer, chosen, ecdsa_deterministic=deterministic)
    return Certificate.from_der(built.public_bytes(serialization.Encoding.DER))


@pytest.fixture(scope="session")
def build() -> Callable[..., Certificate]:
    """``build(subject, key, signer, …)``."""
    return _build


@pytest.fixture(scope="session")
def signer() -> Certificate:
    return _build(
        ISSUER,
        ec_key(2),
        ec_key(2),
        extensions=(
            x509.BasicConstraints(ca=True, path_length=None),
            x509.SubjectKeyIdentifier.from_public_key(ec_key(2).public_key()),
        ),
    )


@pytest.fixture(scope="session")
def device() -> Certificate:
    return _build(
        _subject((NameOID.ORGANIZATION_NAME, "CompanyName"), (NameOID.COMMON_NAME, "pu0223528E47B3461DEE")),
        ec_key(10),
        ec_key(2),
        extensions=(
            x509.BasicConstraints(ca=False, path_length=None),
            x509.SubjectKeyIdentifier.from_public_key(ec_key(10).public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ec_key(2).public_key()),
            x509.SubjectAlternativeName([x509.DNSName("device.example")]),
        ),
    )


def tlv(tag: int, content: bytes) -> bytes:
    """DER of one value."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


@pytest.fixture(scope="session")
def assemble() -> Callable[..., bytes]:
    """``assemble(*tbs_members)``: a certificate of raw parts, signed by the signer; what no builder makes."""

    def make(*members: bytes, algorithm: bytes = ECDSA_SHA256) -> bytes:
        tbs = tlv(0x30, b"".join(members))
        signature = ec_key(2).sign(tbs, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return tlv(0x30, tbs + algorithm + tlv(0x03, b"\0" + signature))

    return make


@pytest.fixture(scope="session")
def parts(device: Certificate) -> dict[str, bytes]:
    """The members of the device's TBSCertificate by name, to be assembled anew."""
    parsed = x509.load_der_x509_certificate(device.der)
    extensions = tlv(0xA3, tlv(0x30, b""))
    assert hashlib.sha256(device.der).hexdigest() == device.id
    return {
        "version": bytes.fromhex("a003020102"),
        "serial": tlv(0x02, b"\x40\xf7"),
        "algorithm": ECDSA_SHA256,
        "issuer": parsed.issuer.public_bytes(),
        "validity": tlv(0x30, tlv(0x17, b"210114210000Z") + tlv(0x18, b"30001231235959Z")),
        "subject": parsed.subject.public_bytes(),
        "public_key": parsed.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "extensions": extensions,
    }
