"""X.509 as AWS IoT looks at it: names, dates, the key, one signature.

The broker's only door to ``cryptography``.

Rules of this file:
1. Everything is read when a certificate is taken in; nothing a later reader asks for can raise.
2. Hostile DER raises ``ValueError`` with one sentence, never anything else.
3. What admission does not need may be unreadable: a key that is no curve point, a broken extension or an
   unknown algorithm leaves a certificate that can still be named, compared and refused.
4. Verification raises, it never returns ``False``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import warnings
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from jitpbroker.tbs import tbs_fields

#: AWS's parameter name (developer guide, "Just-in-time provisioning") to the attribute type of X.520.
#: ``SerialNumber`` is the subject's attribute, not the certificate's number.
#: Evidence: document - AWS IoT developer guide, jit-provisioning and cert-policy-variables.
ATTRIBUTES: Final[dict[str, str]] = {
    "CommonName": "2.5.4.3",
    "Surname": "2.5.4.4",
    "SerialNumber": "2.5.4.5",
    "Country": "2.5.4.6",
    "StateName": "2.5.4.8",
    "State": "2.5.4.8",
    "Organization": "2.5.4.10",
    "OrganizationalUnit": "2.5.4.11",
    "Title": "2.5.4.12",
    "GivenName": "2.5.4.42",
    "Initials": "2.5.4.43",
    "GenerationQualifier": "2.5.4.44",
    "DistinguishedNameQualifier": "2.5.4.46",
    "Pseudonym": "2.5.4.65",
}

_SIGNATURE_NAMES: Final = {
    "1.2.840.113549.1.1.4": "MD5WITHRSA",
    "1.2.840.113549.1.1.5": "SHA1WITHRSA",
    "1.2.840.113549.1.1.10": "RSASSAPSS",
    "1.2.840.113549.1.1.11": "SHA256WITHRSA",
    "1.2.840.113549.1.1.12": "SHA384WITHRSA",
    "1.2.840.113549.1.1.13": "SHA512WITHRSA",
    "1.2.840.10040.4.3": "DSA-WITH-SHA1",
    "2.16.840.1.101.3.4.3.2": "DSA-WITH-SHA256",
    "1.2.840.10045.4.1": "ECDSA-WITH-SHA1",
    "1.2.840.10045.4.3.2": "ECDSA-WITH-SHA256",
    "1.2.840.10045.4.3.3": "ECDSA-WITH-SHA384",
    "1.2.840.10045.4.3.4": "ECDSA-WITH-SHA512",
    "1.3.101.112": "ED25519",
}

#: SubjectPublicKeyInfo of every uncompressed P-256 key starts so (RFC 5480 section 2); X and Y follow.
_P256_SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")

_PEM_BLOCK: Final = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_PEM_BEGIN: Final = "-----BEGIN CERTIFICATE-----"

_BAD_DER: Final = re.compile(r"ParseError \{ kind: (\w+)")
_PLACE: Final = re.compile(r'"([^"]+)"')

_HOSTILE = (ValueError, TypeError, OverflowError, x509.InvalidVersion, UnsupportedAlgorithm)


@lru_cache(maxsize=256)
def certificate_id(der: bytes) -> str:
    """AWS's certificateId: the SHA-256 of the DER in lower-case hex."""
    return hashlib.sha256(der).hexdigest()


class NotIssuedBy(ValueError):  # noqa: N818 - reads as the sentence it is
    """One certificate was not issued by another; the message says what does not fit."""


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name: its DER decides equality, the rest is for people.

    Evidence: assumed - nothing says how AWS compares names; two encodings of one text differ here.

    Attributes:
        der: the encoding as it stands in the certificate.
        text: RFC 4514, most specific attribute first.
        attributes: (dotted attribute type, value) in encoded order.
    """

    der: bytes
    text: str = field(compare=False)
    attributes: tuple[tuple[str, str], ...] = field(compare=False, repr=False)

    def values(self, parameter: str) -> tuple[str, ...]:
        """All values of an attribute by AWS's parameter name, such as ``CommonName``; empty when absent."""
        oid = ATTRIBUTES.get(parameter)
        return tuple(value for kind, value in self.attributes if kind == oid)

    def first(self, parameter: str) -> str | None:
        """The first value of an attribute by AWS's parameter name.

        Evidence: assumed - which value AWS takes from a repeated attribute is not documented.
        """
        values = self.values(parameter)
        return values[0] if values else None


@dataclass(frozen=True, slots=True)
class Certificate:
    """An X.509 certificate, version 1 or 3, equal to another when the DER is.

    Attributes:
        der: the certificate, byte for byte.
        id: AWS's certificateId, the SHA-256 of the DER in lower-case hex (document: moto#3321 reports it
            confirmed by an AWS support ticket; no AWS page says it).
        version: 1 or 3.
        serial_number: may be zero or negative in certificates that break RFC 5280.
        not_before: aware UTC.
        not_after: aware UTC.
        public_key: DER SubjectPublicKeyInfo, unchecked: the point may lie on no curve.
        signature_algorithm: AWS's spelling, or the dotted object identifier when AWS has none.
        subject_key_identifier: the extension's bytes, ``None`` without it.
        authority_key_identifier: the extension's keyIdentifier, ``None`` without it.
        is_ca: basicConstraints says CA:TRUE.
        extensions_problem: why no extension could be read, ``None`` when all could.
    """

    der: bytes
    id: str = field(compare=False)
    subject: Name = field(compare=False)
    issuer: Name = field(compare=False)
    version: int = field(compare=False)
    serial_number: int = field(compare=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)
    public_key: bytes = field(compare=False, repr=False)
    signature_algorithm: str = field(compare=False)
    subject_key_identifier: bytes | None = field(compare=False)
    authority_key_identifier: bytes | None = field(compare=False)
    is_ca: bool = field(compare=False)
    extensions_problem: str | None = field(compare=False)

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read one certificate.

        Raises:
            ValueError: ``der`` is not exactly one certificate that can be read.
        """
        try:
            with warnings.catch_warnings():
                # A negative serial number or a three-letter country is the client's business, not ours.
                warnings.simplefilter("ignore")
                return cls._read(bytes(der))
        except _HOSTILE as error:
            raise ValueError(f"{len(der)} bytes are no readable certificate: {_first_line(error)}") from error

    @classmethod
    def _read(cls, der: bytes) -> Self:
        parsed = x509.load_der_x509_certificate(der)
        fields = tbs_fields(parsed.tbs_certificate_bytes)
        extensions = _Extensions.read(parsed)
        return cls(
            der=der,
            id=certificate_id(der),
            subject=_name(fields.subject, parsed.subject),
            issuer=_name(fields.issuer, parsed.issuer),
            version=3 if parsed.version is x509.Version.v3 else 1,
            serial_number=fields.serial_number,
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            public_key=fields.public_key,
            signature_algorithm=_signature_name(parsed.signature_algorithm_oid.dotted_string),
            subject_key_identifier=extensions.subject_key_identifier,
            authority_key_identifier=extensions.authority_key_identifier,
            is_ca=extensions.is_ca,
            extensions_problem=extensions.problem,
        )

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Self:
        """Read the only certificate in a text.

        Raises:
            ValueError: the text holds none, several, or a bad one.
        """
        found = cls.chain_from_pem(pem)
        if len(found) != 1:
            raise ValueError(f"The text holds {len(found)} certificates, expected one; keep only that one.")
        return found[0]

    @classmethod
    def chain_from_pem(cls, pem: str | bytes) -> tuple[Self, ...]:
        """Read every certificate in a text, in order; whatever stands between the blocks is skipped.

        Raises:
            ValueError: the text holds no block, an unfinished one, or a bad one; the sentence says which.
        """
        text = pem.decode("ascii", errors="replace") if isinstance(pem, bytes) else pem
        blocks = list(_PEM_BLOCK.finditer(text))
        if text.count(_PEM_BEGIN) != len(blocks):
            raise ValueError("A certificate block has BEGIN but no END line; the file may be cut short.")
        if not blocks:
            raise ValueError(f"The text holds no {_PEM_BEGIN} line; expected PEM, not DER.")
        return tuple(cls._from_block(text, number, block) for number, block in enumerate(blocks, start=1))

    @classmethod
    def _from_block(cls, text: str, number: int, block: re.Match[str]) -> Self:
        try:
            return cls.from_der(base64.b64decode("".join(block.group(1).split()), validate=True))
        except (ValueError, binascii.Error) as error:
            line = text.count("\n", 0, block.start()) + 1
            raise ValueError(
                f"Certificate block {number} (line {line}) is bad: {_first_line(error)}"
            ) from error

    @property
    def pem(self) -> str:
        """The certificate as PEM, 64 columns, newline at the end."""
        body = base64.b64encode(self.der).decode()
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        return "\n".join((_PEM_BEGIN, *lines, "-----END CERTIFICATE-----", ""))

    @property
    def common_name(self) -> str | None:
        """The subject's first common name."""
        return self.subject.first("CommonName")

    @property
    def label(self) -> str:
        """How sentences call this certificate: its subject, or its id when the subject is empty."""
        return self.subject.text or f"certificate {self.id[:8]}"

    @property
    def p256_point(self) -> bytes | None:
        """X | Y, 64 bytes, of an uncompressed P-256 key; ``None`` for any other kind of key."""
        whole = len(_P256_SPKI) + 64
        is_p256 = len(self.public_key) == whole and self.public_key.startswith(_P256_SPKI)
        return self.public_key[len(_P256_SPKI) :] if is_p256 else None

    def check_issued_by(self, issuer: Certificate) -> None:
        """Check the name and the signature, nothing else: no date, no extension.

        Raises:
            NotIssuedBy: the names differ, the signature does not verify, or the algorithm is unknown.
        """
        if self.issuer != issuer.subject:
            raise NotIssuedBy(
                f"{self.label} names {self.issuer.text!r} as its issuer, not {issuer.subject.text!r}"
                + (" in another encoding" if self.issuer.text == issuer.subject.text else "")
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                child = x509.load_der_x509_certificate(self.der)
                child.verify_directly_issued_by(x509.load_der_x509_certificate(issuer.der))
        except InvalidSignature as error:
            raise NotIssuedBy(
                f"{self.label}: its signature does not verify under the public key of {issuer.label}"
            ) from error
        except _HOSTILE as error:
            raise NotIssuedBy(
                f"{self.label}: its signature cannot be checked: {_first_line(error)}"
            ) from error


def requested_key(pem: str) -> bytes:
    """The public key (DER SubjectPublicKeyInfo) of a PEM certificate signing request that its key has signed.

    Raises:
        ValueError: it is no request, or not signed by the key in it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            request = x509.load_pem_x509_csr(pem.encode())
            signed = request.is_signature_valid
            key = request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except _HOSTILE as error:
        raise ValueError(f"it is no readable signing request: {_first_line(error)}") from None
    if not signed:
        raise ValueError("its signature is not that of the key in it")
    return key


def _name(der: bytes, parsed: x509.Name) -> Name:
    attributes = tuple(
        (one.oid.dotted_string, one.value if isinstance(one.value, str) else one.value.hex())
        for one in parsed
    )
    return Name(der, parsed.rfc4514_string(), attributes)


def _signature_name(oid: str) -> str:
    return _SIGNATURE_NAMES.get(oid, oid)


@dataclass(frozen=True, slots=True)
class _Extensions:
    """The three extensions anybody here looks at.

    They never decide admission, so one that cannot be read must not make the certificate unreadable.
    """

    subject_key_identifier: bytes | None = None
    authority_key_identifier: bytes | None = None
    is_ca: bool = False
    problem: str | None = None

    @classmethod
    def read(cls, parsed: x509.Certificate) -> Self:
        ski: bytes | None = None
        aki: bytes | None = None
        is_ca = False
        try:
            for extension in parsed.extensions:
                match extension.value:
                    case x509.SubjectKeyIdentifier() as found:
                        ski = found.digest
                    case x509.AuthorityKeyIdentifier() as found:
                        aki = found.key_identifier
                    case x509.BasicConstraints() as found:
                        is_ca = found.ca
                    case _:
                        pass
        except (*_HOSTILE, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
            return cls(problem=_first_line(error))
        return cls(ski, aki, is_ca)


def _first_line(error: BaseException) -> str:
    """The library's own words without their second paragraph, and without its notation for bad DER."""
    text = (str(error) or type(error).__name__).splitlines()[0]
    kind = _BAD_DER.search(text)
    place = "/".join(_PLACE.findall(text)) or "the beginning"
    return f"bad DER, {kind.group(1)} at {place}" if kind else text
