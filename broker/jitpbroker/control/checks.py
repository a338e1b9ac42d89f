"""What AWS IoT asks of certificates and principals before it takes them in."""

from __future__ import annotations

import re
from typing import Final

from jitpbroker.control.messages import Refused, invalid
from jitpbroker.registry.errors import not_found
from jitpbroker.registry.store import Registry
from jitpbroker.x509 import Certificate, NotIssuedBy

#: Evidence: document - developer guide, x509-client-certs (RSASSAPSS on its older pages).
_SIGNATURES: Final = frozenset(
    {
        "SHA256WITHRSA",
        "SHA384WITHRSA",
        "SHA512WITHRSA",
        "RSASSAPSS",
        "DSA-WITH-SHA256",
        "ECDSA-WITH-SHA256",
        "ECDSA-WITH-SHA384",
        "ECDSA-WITH-SHA512",
    }
)

#: Object identifiers inside a SubjectPublicKeyInfo, with their DER header (RFC 3279, RFC 5480).
_RSA: Final = bytes.fromhex("06092a864886f70d010101")
_EC: Final = bytes.fromhex("06072a8648ce3d0201")
_CURVES: Final = (
    bytes.fromhex("06082a8648ce3d030107"),
    bytes.fromhex("06052b81040022"),
    bytes.fromhex("06052b81040023"),
)
#: A BIT STRING without unused bits that holds a SEQUENCE.
_RSA_HEADER: Final = re.compile(
    rb"\x03(?:[\x00-\x7f]|\x81.|\x82..)\x00\x30(?:[\x00-\x7f]|\x81.|\x82..)", re.DOTALL
)
_LEAST_RSA_BITS: Final = 2048
_INTEGER: Final = 0x02
_BAD_KEY: Final = "The key in the certificate is not valid"

_CERT_ARN: Final = re.compile(r"arn:[^:]+:iot:([a-z0-9-]+):([0-9]{12}):cert/([a-fA-F0-9]{64})")


def certificate_from(pem: str, what: str) -> Certificate:
    """The one certificate in a PEM text.

    Raises:
        Refused: there is none, several, or a bad one.
    """
    try:
        return Certificate.from_pem(pem)
    except ValueError as error:
        raise Refused("CertificateValidationException", f"The {what} cannot be read: {error}") from None


def check_key(key: bytes) -> None:
    """Refuse keys AWS IoT does not take: RSA under 2048 bits, curves other than P-256, P-384 and P-521.

    Args:
        key: DER SubjectPublicKeyInfo.

    Evidence: document - developer guide, x509-client-certs; the sentence is one users pasted at re:Post.

    Raises:
        Refused: the key is such a one, or cannot be read.
    """
    if _RSA in key[:32]:
        if rsa_bits(key) < _LEAST_RSA_BITS:
            raise Refused("CertificateValidationException", _BAD_KEY)
    elif _EC not in key[:32] or not any(curve in key[:32] for curve in _CURVES):
        raise Refused("CertificateValidationException", _BAD_KEY)


def rsa_bits(public_key: bytes) -> int:
    """Bits of an RSA SubjectPublicKeyInfo's modulus; 0 when there is none (RFC 3279 section 2.3.1)."""
    start = public_key.find(_RSA) + len(_RSA) + 2  # past the parameters, NULL
    header = _RSA_HEADER.match(public_key, start)
    if header is None:
        return 0
    rest = public_key[header.end() :]
    if len(rest) < 4 or rest[0] != _INTEGER:
        return 0
    octets = rest[1] & 0x7F if rest[1] & 0x80 else 0
    length = int.from_bytes(rest[2 : 2 + octets]) if octets else rest[1]
    return int.from_bytes(rest[2 + octets : 2 + octets + length]).bit_length()


def check_ca_constraints(certificate: Certificate) -> None:
    """A CA certificate says CA:TRUE, is signed by an algorithm AWS lists, and has a key AWS takes.

    Evidence: assumed - the algorithms are documented; which exception answers, and that basicConstraints are
    enforced at all, is not.

    Raises:
        Refused: it is not so.
    """
    if not certificate.is_ca:
        raise Refused(
            "CertificateValidationException",
            f"{certificate.label} is no CA certificate: its basicConstraints do not say CA:TRUE.",
        )
    if certificate.signature_algorithm not in _SIGNATURES:
        raise Refused(
            "CertificateValidationException",
            f"Signature algorithm {certificate.signature_algorithm} is not supported; use SHA-256 or better.",
        )
    check_key(certificate.public_key)


def check_signed_by(certificate: Certificate, ca: Certificate) -> None:
    """Evidence: assumed - the sentences are those of MiniStack's source.

    Raises:
        Refused: the issuer's name or the signature does not fit.
    """
    if certificate.issuer != ca.subject:
        raise Refused(
            "CertificateValidationException",
            "The issuer of the certificate did not match the subject of the provided CA certificate.",
        )
    try:
        certificate.check_issued_by(ca)
    except NotIssuedBy:
        raise Refused(
            "CertificateValidationException",
            "The signature of the certificate failed verification against the provided CA certificate.",
        ) from None


def certificate_of_arn(registry: Registry, arn: str) -> str:
    """The id in a device certificate's ARN.

    Raises:
        Refused: it is the ARN of something else, or of another account or Region.
        RegistryError: this account has no such certificate.
    """
    found = _CERT_ARN.fullmatch(arn)
    if found is None or found.group(1, 2) != (registry.arns.region, registry.arns.account):
        raise invalid(f"{arn} is no certificate's ARN in this account and Region.")
    certificate_id = found.group(3).lower()
    if registry.certificates.get(certificate_id) is None:
        raise not_found(f"Certificate {certificate_id} does not exist.")
    return certificate_id
