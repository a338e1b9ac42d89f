"""The laboratory's certification authorities and the chain of the case.

The only module of this room that imports ``cryptography``. Keys come from a seed, so that a run can
be repeated byte for byte; they are test keys and say so wherever they are written.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

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


def key_identifier(public_key: bytes) -> bytes:
    """SHA-1 of ``04 || public_key``: RFC 5280 section 4.2.1.2, method 1, as cryptoauthlib computes it.

    Args:
        public_key: ``X || Y``, 64 bytes; other lengths are hashed as they come, which is just what the
            72-byte defect of cryptoauthlib 3.7.9 does.
    """
    return hashlib.sha1(b"\4" + public_key, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A P-256 key outside any chip. Its scalar is shown by no repr."""

    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def public_key(self) -> bytes:
        """``X || Y``, 64 bytes."""
        return raw_public_key(self._key.public_key())

    def pkcs8_pem(self) -> bytes:
        """The key as unencrypted PKCS #8 PEM, for clients that want a key file. Test keys only."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def sign_digest(self, digest: bytes) -> bytes:
        """ECDSA over a 32-byte digest, ``R || S``, 64 bytes: what a chip's Sign command gives."""
        algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
        r, s = utils.decode_dss_signature(self._key.sign(digest, algorithm))
        return r.to_bytes(32) + s.to_bytes(32)

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256 over ``message``, DER, RFC 6979 nonce (so that a seed repeats a run)."""
        return self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority: its key and its own certificate (DER)."""

    key: SigningKey
    certificate: bytes


class KeySource:
    """P-256 keys by name, from a seed: the same seed and name always give the same key."""

    def __init__(self, seed: str | None) -> None:
        self._seed = secrets.token_bytes(32) if seed is None else seed.encode()

    def key(self, name: str) -> SigningKey:
        """The key called ``name``."""
        material = hashlib.shake_256(b"jitplab pki\0" + self._seed + b"\0" + name.encode()).digest(48)
        scalar = int.from_bytes(material) % (_ORDER - 1) + 1
        return SigningKey(ec.derive_private_key(scalar, ec.SECP256R1()))

    def serial(self, name: str) -> int:
        """A positive 16-byte serial number."""
        material = hashlib.shake_256(b"jitplab serial\0" + self._seed + b"\0" + name.encode()).digest(16)
        return int.from_bytes(bytes([material[0] & 0x7F | 0x40]) + material[1:])


def raw_public_key(key: object) -> bytes:
    """``X || Y`` of a P-256 public key.

    Raises:
        ValueError: the key is of another kind.
    """
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the public key is not on P-256, the only curve of an ATECC608A")  # noqa: TRY004
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]


def public_key_from(data: bytes) -> bytes:
    """``X || Y`` of the P-256 key in a PEM public key, a PEM certificate, or a bare DER certificate.

    Raises:
        ValueError: ``data`` holds none of them, or a key of another kind.
    """
    try:
        if b"BEGIN PUBLIC KEY" in data:
            key: object = serialization.load_pem_public_key(data)
        elif b"BEGIN CERTIFICATE" in data:
            key = x509.load_pem_x509_certificate(data).public_key()
        else:
            key = x509.load_der_x509_certificate(data).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            f"the {len(data)} bytes hold no readable public key; "
            "give a PEM public key, or a certificate in PEM or DER"
        ) from None
    return raw_public_key(key)


def public_key_pem(public_key: bytes) -> bytes:
    """A P-256 ``X || Y`` as PEM SubjectPublicKeyInfo."""
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + public_key)
    return point.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _public(raw: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + raw)


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


def _sign(builder: x509.CertificateBuilder, key: SigningKey) -> bytes:
    certificate = builder.sign(key._key, hashes.SHA256(), ecdsa_deterministic=True)  # noqa: SLF001
    return certificate.public_bytes(serialization.Encoding.DER)


def make_root(keys: KeySource, common_name: str = ROOT_COMMON_NAME) -> Authority:
    """A self-signed root of the case's company (or of another one)."""
    key = keys.key(common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(_name(common_name))
        .public_key(_public(key.public_key))
        .serial_number(keys.serial(common_name))
        .not_valid_before(SIGNER_NOT_BEFORE)
        .not_valid_after(SIGNER_NOT_AFTER)
        .add_extension(_ski(key.public_key), critical=False)
        .add_extension(_aki(key.public_key), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
    )
    return Authority(key, _sign(builder, key))


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
        .public_key(_public(key.public_key))
        .serial_number(int.from_bytes(serial))
        .not_valid_before(SIGNER_NOT_BEFORE)
        .not_valid_after(SIGNER_NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .add_extension(_key_usage(authority=True), critical=False)
        .add_extension(_ski(key.public_key), critical=False)
        .add_extension(_aki(root.key.public_key), critical=False)
    )
    return Authority(key, _sign(builder, root.key))


def make_device_certificate(
    signer: Authority, public_key: bytes, *, common_name: str, serial: bytes
) -> bytes:
    """The device certificate of the case for a key that lives in a chip. Returns DER."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(x509.load_der_x509_certificate(signer.certificate).subject)
        .public_key(_public(public_key))
        .serial_number(int.from_bytes(serial))
        .not_valid_before(DEVICE_NOT_BEFORE)
        .not_valid_after(DEVICE_NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(key_agreement=True), critical=True)
        .add_extension(_ski(public_key), critical=False)
        .add_extension(_aki(signer.key.public_key), critical=False)
    )
    return _sign(builder, signer.key)


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
    spki = _public(public_key).public_bytes(
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


def pem(*certificates: bytes) -> bytes:
    """DER certificates as one PEM file, in the given order."""
    return b"".join(
        x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM) for der in certificates
    )


def certificates_from_pem(data: bytes) -> tuple[bytes, ...]:
    """DER of every certificate in a PEM file, in order.

    Raises:
        ValueError: there is none, or one of them cannot be read.
    """
    try:
        loaded = x509.load_pem_x509_certificates(data)
    except ValueError:
        raise ValueError(
            "no readable PEM certificate in it; convert DER with openssl x509 -inform der"
        ) from None
    return tuple(certificate.public_bytes(serialization.Encoding.DER) for certificate in loaded)


def signature_verifies(certificate: bytes, issuer_public_key: bytes) -> bool:
    """Whether a P-256 key (``X || Y``) verifies the signature of a certificate (DER)."""
    loaded = x509.load_der_x509_certificate(certificate)
    try:
        _public(issuer_public_key).verify(
            loaded.signature, loaded.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256())
        )
    except InvalidSignature:
        return False
    return True


def certificate_version(certificate: bytes) -> int:
    """1 or 3, as openssl prints it."""
    return x509.load_der_x509_certificate(certificate).version.value + 1


def describe_name(certificate: bytes) -> str:
    """The subject as RFC 4514 writes it."""
    return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()


def name_objection(certificate: bytes, server_name: str) -> str | None:
    """Why a server certificate (DER) is not one for ``server_name``, ``None`` when it is.

    RFC 6125 section 6.4 as far as a test server needs it: exact names, one wildcard as the leftmost label.
    """
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return "the server's certificate names no host"
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    addresses = names.get_values_for_type(x509.IPAddress)
    if host_address(server_name) is not None:
        matches = host_address(server_name) in addresses
    else:
        wanted = server_name.lower()
        matches = wanted in hosts or f"*.{wanted.partition('.')[2]}" in hosts
    if matches:
        return None
    known = ", ".join((*hosts, *map(str, addresses))) or "no host"
    return f"the server's certificate is for {known}, not for {server_name}"


def host_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a server's name is, ``None`` for a host name; only the latter is sent as SNI."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
