"""The certification authorities and certificates of the case: its names, dates and extensions, our keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from jitplab.pki.keys import KeySource, SigningKey, key_identifier, public_point

ORGANIZATION = "CompanyName"
ROOT_COMMON_NAME = "root.companyname.com FFFF"
SIGNER_COMMON_NAME = "signer.companyname.com FFFF"
OTHER_COMMON_NAME = "root.othercompany.com FFFF"
#: The hand-made certificate of the case (its recipe's -subj).
HAND_MADE_COMMON_NAME = "pu010203040506070811"

SIGNER_SERIAL = bytes.fromhex("4D2966FFB8098D390E39C83A946EEE6A")
SIGNER_NOT_BEFORE = datetime(2020, 11, 9, 17, 55, 11, tzinfo=UTC)
SIGNER_NOT_AFTER = datetime(2070, 10, 28, 17, 44, 12, tzinfo=UTC)
DEVICE_NOT_BEFORE = datetime(2021, 1, 14, 21, 0, 0, tzinfo=UTC)
DEVICE_NOT_AFTER = datetime(3000, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority: its key and its own certificate (DER)."""

    key: SigningKey
    certificate: bytes


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _ski(public_key: bytes) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier(key_identifier(public_key))


def _aki(public_key: bytes) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier(key_identifier(public_key), None, None)


def _key_usage(*, key_agreement: bool = False, authority: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=key_agreement,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def make_root(keys: KeySource, common_name: str = ROOT_COMMON_NAME) -> Authority:
    """A self-signed root of the case's company (or of another one)."""
    key = keys.key(common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(_name(common_name))
        .public_key(public_point(key.public_key))
        .serial_number(keys.serial(common_name))
        .not_valid_before(SIGNER_NOT_BEFORE)
        .not_valid_after(SIGNER_NOT_AFTER)
        .add_extension(_ski(key.public_key), critical=False)
        .add_extension(_aki(key.public_key), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
    )
    return Authority(key, key.sign_certificate(builder))


def make_signer(
    keys: KeySource,
    root: Authority,
    *,
    common_name: str = SIGNER_COMMON_NAME,
    serial: bytes = SIGNER_SERIAL,
) -> Authority:
    """The signer of the case: its names, serial number, dates and extensions, our keys."""
    key = keys.key(common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(x509.load_der_x509_certificate(root.certificate).subject)
        .public_key(public_point(key.public_key))
        .serial_number(int.from_bytes(serial))
        .not_valid_before(SIGNER_NOT_BEFORE)
        .not_valid_after(SIGNER_NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .add_extension(_key_usage(authority=True), critical=False)
        .add_extension(_ski(key.public_key), critical=False)
        .add_extension(_aki(root.key.public_key), critical=False)
    )
    return Authority(key, root.key.sign_certificate(builder))


def make_device_certificate(
    signer: Authority, public_key: bytes, *, common_name: str, serial: bytes
) -> bytes:
    """The device certificate of the case for a key that lives in a chip. Returns DER."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(x509.load_der_x509_certificate(signer.certificate).subject)
        .public_key(public_point(public_key))
        .serial_number(int.from_bytes(serial))
        .not_valid_before(DEVICE_NOT_BEFORE)
        .not_valid_after(DEVICE_NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(key_agreement=True), critical=True)
        .add_extension(_ski(public_key), critical=False)
        .add_extension(_aki(signer.key.public_key), critical=False)
    )
    return signer.key.sign_certificate(builder)


def make_v1_certificate(
    signer: Authority,
    public_key: bytes,
    *,
    common_name: str = HAND_MADE_COMMON_NAME,
    serial: int,
    not_before: datetime,
    not_after: datetime,
) -> bytes:
    """A version 1 certificate, as ``openssl x509 -req`` of OpenSSL 3.1 and earlier makes it. Returns DER.

    ``cryptography`` builds version 3 only, and later OpenSSL adds key identifiers on its own, so the
    to-be-signed part is put together here: RFC 5280 section 4.1.2.1, no version field, no extensions.
    """
    algorithm = _der(0x30, bytes.fromhex("06082a8648ce3d040302"))  # ecdsa-with-SHA256
    issuer = x509.load_der_x509_certificate(signer.certificate).subject.public_bytes()
    spki = public_point(public_key).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    tbs = _der(
        0x30,
        _der(0x02, serial.to_bytes(serial.bit_length() // 8 + 1))
        + algorithm
        + issuer
        + _der(0x30, _time(not_before) + _time(not_after))
        + _name(common_name).public_bytes()
        + spki,
    )
    signature = signer.key.sign(tbs)
    return _der(0x30, tbs + algorithm + _der(0x03, b"\0" + signature))


def _der(tag: int, contents: bytes) -> bytes:
    size = len(contents)
    if size < 0x80:
        return bytes([tag, size]) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + contents


def _time(when: datetime) -> bytes:
    """UTCTime up to 2049, GeneralizedTime from 2050: RFC 5280 section 4.1.2.5."""
    if when.year < 2050:
        return _der(0x17, when.strftime("%y%m%d%H%M%SZ").encode())
    return _der(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())
