"""Keys outside any chip: from a seed, for tests, and public ones out of whatever file holds them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


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

    def sign_certificate(self, builder: x509.CertificateBuilder) -> bytes:
        """Sign what ``builder`` describes; returns the certificate's DER."""
        certificate = builder.sign(self._key, hashes.SHA256(), ecdsa_deterministic=True)
        return certificate.public_bytes(serialization.Encoding.DER)

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256 over ``message``, DER, RFC 6979 nonce (so that a seed repeats a run)."""
        return self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


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
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise ValueError(
            f"the {len(data)} bytes hold no readable public key; "
            "give a PEM public key, or a certificate in PEM or DER"
        ) from None
    return raw_public_key(key)


def public_key_pem(public_key: bytes) -> bytes:
    """A P-256 ``X || Y`` as PEM SubjectPublicKeyInfo."""
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + public_key)
    return point.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def is_der_private_key(data: bytes) -> bool:
    """Whether this is a private key in DER, encrypted or not. Nothing of it is kept."""
    try:
        serialization.load_der_private_key(data, None)
    except TypeError:
        return True  # it wants a password: it is encrypted, and a private key all the same
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def public_point(raw: bytes) -> ec.EllipticCurvePublicKey:
    """The point of a P-256 ``X || Y``, 64 bytes.

    Raises:
        ValueError: it is not on the curve.
    """
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + raw)
