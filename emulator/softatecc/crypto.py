"""Elliptic curve P-256, SHA-256, HMAC and AES for the chip: the only door to the `cryptography` library.

Rules of this file:
1. A private scalar enters `PrivateKey` and never leaves it; its repr shows the public half alone.
2. Verification raises, it never returns False.
3. Keys and signatures travel as the chip sends them: ``X || Y`` and ``R || S``, 64 bytes, big endian.
"""

import hashlib
import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePrivateNumbers,
    EllipticCurvePublicKey,
    EllipticCurveSignatureAlgorithm,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    PrivateFormat,
    PublicFormat,
)

from softatecc.entropy import Entropy

#: The library's names that `softatecc.chip_key` needs pass through this door too.
__all__ = [
    "ECDH",
    "ECDSA",
    "P256_ORDER",
    "SCALAR_SIZE",
    "SECP256R1",
    "EllipticCurve",
    "EllipticCurvePrivateKey",
    "EllipticCurvePrivateNumbers",
    "EllipticCurvePublicKey",
    "EllipticCurveSignatureAlgorithm",
    "Encoding",
    "Hash",
    "KeySerializationEncryption",
    "Prehashed",
    "PrivateFormat",
    "PrivateKey",
    "SignatureMismatch",
    "UnsupportedAlgorithm",
    "aes_decrypt",
    "aes_encrypt",
    "der_signature",
    "draw_scalar",
    "equal",
    "hmac_sha256",
    "is_scalar",
    "public_bytes",
    "public_key",
    "sha256",
    "verify",
    "xor",
]

#: Order of the group of P-256 (FIPS 186-4, D.1.2.3).
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
#: Bytes of a scalar, of a coordinate, of a digest.
SCALAR_SIZE = 32
#: Wide enough that the remainder modulo the order is uniform to 2^-128.
_WIDE_SIZE = 48

_CURVE = SECP256R1()
_PREHASHED = ECDSA(Prehashed(SHA256()))
_EXCHANGE = ECDH()
_ECB = ECB()  # noqa: S305 - the chip's AES command is the bare block cipher


class SignatureMismatch(Exception):  # noqa: N818 - an answer, not a fault of the program
    """The signature was not made with this key over this digest."""


class PrivateKey:
    """A P-256 private key that signs; the scalar stays inside.

    Args:
        scalar: 32 bytes, big endian.

    Raises:
        ValueError: the scalar is not between 1 and the order of the group less 1.
    """

    __slots__ = ("_key", "_scalar", "public")

    def __init__(self, scalar: bytes) -> None:
        value = int.from_bytes(scalar, "big")
        if not 0 < value < P256_ORDER:
            raise ValueError("a P-256 private key is a number from 1 to the group order less 1")
        self._scalar = value
        self._key = derive_private_key(value, _CURVE)
        #: ``X || Y``, 64 bytes.
        self.public = public_bytes(self._key.public_key())

    def __repr__(self) -> str:
        return f"PrivateKey(public={self.public.hex()})"

    def sign(self, digest: bytes, entropy: Entropy) -> bytes:
        """Sign a 32-byte digest; ``R || S``, not normalised to low S.

        With a repeatable source the secret number comes from it, so that a replayed run signs alike and
        two signatures of one digest still differ; else the library draws it. Key and digest go into it
        too (as RFC 6979 section 3.6 has it): two runs of one seed that sign different digests must not
        share it, or their signatures would give the key away.
        """
        if entropy.repeatable:
            seed = entropy.random_bytes(SCALAR_SIZE) + self._scalar.to_bytes(SCALAR_SIZE, "big") + digest
            k = int.from_bytes(hashlib.shake_256(seed).digest(_WIDE_SIZE), "big") % (P256_ORDER - 1) + 1
            r, s = self._sign_with(k, digest)
        else:
            r, s = decode_dss_signature(self._key.sign(digest, _PREHASHED))
        return r.to_bytes(SCALAR_SIZE, "big") + s.to_bytes(SCALAR_SIZE, "big")

    def exchange(self, point: EllipticCurvePublicKey) -> bytes:
        """The shared secret with a public key: the X coordinate, 32 bytes big endian."""
        return self._key.exchange(_EXCHANGE, point)

    def _sign_with(self, k: int, digest: bytes) -> tuple[int, int]:
        # FIPS 186-4, 6.4.  r = 0 and s = 0 call for another k; either would take 2^256 signatures.
        point = public_bytes(derive_private_key(k, _CURVE).public_key())
        r = int.from_bytes(point[:SCALAR_SIZE], "big") % P256_ORDER
        z = int.from_bytes(digest, "big")
        s = pow(k, -1, P256_ORDER) * (z + r * self._scalar) % P256_ORDER

        return r, s


def draw_scalar(entropy: Entropy) -> bytes:
    """A private scalar from an entropy source, 32 bytes big endian, uniform by rejection."""
    while True:
        scalar = entropy.random_bytes(SCALAR_SIZE)
        if is_scalar(scalar):
            return scalar


def is_scalar(octets: bytes) -> bool:
    """Whether 32 bytes are a P-256 private key."""
    return 0 < int.from_bytes(octets, "big") < P256_ORDER


def public_bytes(key: EllipticCurvePublicKey) -> bytes:
    """``X || Y`` of a public key, 64 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


@lru_cache(maxsize=64)
def public_key(point: bytes) -> EllipticCurvePublicKey:
    """The public key ``X || Y``.

    Raises:
        ValueError: the 64 bytes are no point of the curve.
    """
    return EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x04" + point)


def verify(key: EllipticCurvePublicKey, digest: bytes, signature: bytes) -> None:
    """Verify ``R || S`` over a 32-byte digest.

    Raises:
        SignatureMismatch: it does not verify; R or S of 0 or beyond the group order never do.
    """
    try:
        key.verify(der_signature(signature), digest, _PREHASHED)
    except InvalidSignature as error:
        raise SignatureMismatch("the signature was not made with this key over this digest") from error


def der_signature(signature: bytes) -> bytes:
    """``R || S`` as X.509 and TLS carry it, an ASN.1 sequence of two integers."""
    r, s = (int.from_bytes(half, "big") for half in (signature[:SCALAR_SIZE], signature[SCALAR_SIZE:]))

    return encode_dss_signature(r, s)


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the parts one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes."""
    return hmac.digest(key, message, "sha256")


def aes_encrypt(key: bytes, block: bytes) -> bytes:
    """AES-128 of one block of 16 bytes."""
    return Cipher(AES(key), _ECB).encryptor().update(block)


def aes_decrypt(key: bytes, block: bytes) -> bytes:
    """The inverse of AES-128 of one block of 16 bytes."""
    return Cipher(AES(key), _ECB).decryptor().update(block)


def equal(one: bytes, other: bytes) -> bool:
    """Compare digests without telling by the time taken how much fits."""
    return hmac.compare_digest(one, other)


def xor(one: bytes, other: bytes) -> bytes:
    """Byte by byte; both have the same length."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")
