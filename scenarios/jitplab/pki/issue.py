"""The certification authorities and certificates of the case: its names, dates and extensions, our keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from jitplab import anatomy
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


def _name(common_name: str, country: str | None = None) -> x509.Name:
    return x509.Name(
        [
            *([x509.NameAttribute(NameOID.COUNTRY_NAME, country)] if country else []),
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


def make_root(
    keys: KeySource,
    common_name: str = ROOT_COMMON_NAME,
    *,
    key_name: str | None = None,
    ca: bool = True,
    not_after: datetime = SIGNER_NOT_AFTER,
) -> Authority:
    """A self-signed root of the case's company (or of another one).

    Args:
        keys: where its key comes from.
        common_name: of subject and issuer.
        key_name: another key's name, for a second root of one name.
        ca: what its basicConstraints say.
        not_after: its end.
    """
    key = keys.key(key_name or common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(_name(common_name))
        .public_key(public_point(key.public_key))
        .serial_number(keys.serial(key_name or common_name))
        .not_valid_before(SIGNER_NOT_BEFORE)
        .not_valid_after(not_after)
        .add_extension(_ski(key.public_key), critical=False)
        .add_extension(_aki(key.public_key), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
    )
    return Authority(key, key.sign_certificate(builder))


def make_signer(
    keys: KeySource,
    root: Authority,
    *,
    common_name: str = SIGNER_COMMON_NAME,
    serial: bytes = SIGNER_SERIAL,
    key_name: str | None = None,
    not_after: datetime = SIGNER_NOT_AFTER,
    country: str | None = None,
) -> Authority:
    """The signer of the case: its names, serial number, dates and extensions, our keys.

    Args:
        keys: where its key comes from.
        root: who signs it.
        common_name: of its subject.
        serial: bytes of its serial number.
        key_name: another key's name, for a second signer of one name.
        not_after: its end.
        country: put before its names where given.
    """
    key = keys.key(key_name or common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name, country))
        .issuer_name(x509.load_der_x509_certificate(root.certificate).subject)
        .public_key(public_point(key.public_key))
        .serial_number(int.from_bytes(serial))
        .not_valid_before(SIGNER_NOT_BEFORE)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .add_extension(_key_usage(authority=True), critical=False)
        .add_extension(_ski(key.public_key), critical=False)
        .add_extension(_aki(root.key.public_key), critical=False)
    )
    return Authority(key, root.key.sign_certificate(builder))


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What a device certificate has otherwise than the case's.

    Attributes:
        subject: attributes of the subject in order, as (name, value); names are those of `SUBJECT`.
        not_before: first moment.
        not_after: last moment.
        authority_key_identifier: 20 bytes instead of the issuer's key's identifier.
        issuer_name: DER of the name it claims as its issuer's.
        key_identifiers_first: whether the two key identifiers come before the other extensions.
    """

    subject: tuple[tuple[str, str], ...] | None = None
    not_before: datetime = DEVICE_NOT_BEFORE
    not_after: datetime = DEVICE_NOT_AFTER
    authority_key_identifier: bytes | None = None
    issuer_name: bytes | None = None
    key_identifiers_first: bool = False


#: Attributes of a subject by AWS's names for them.
SUBJECT = {
    "Country": NameOID.COUNTRY_NAME,
    "Organization": NameOID.ORGANIZATION_NAME,
    "OrganizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "StateName": NameOID.STATE_OR_PROVINCE_NAME,
    "CommonName": NameOID.COMMON_NAME,
    "SerialNumber": NameOID.SERIAL_NUMBER,
}
_AS_IN_THE_CASE = Otherwise()


def make_device_certificate(
    signer: Authority,
    public_key: bytes,
    *,
    common_name: str,
    serial: bytes,
    otherwise: Otherwise = _AS_IN_THE_CASE,
) -> bytes:
    """The device certificate of the case for a key that lives in a chip. Returns DER.

    Args:
        signer: who signs it.
        public_key: ``X || Y``.
        common_name: of the subject, where ``otherwise`` gives no subject.
        serial: bytes of the serial number.
        otherwise: what is not as in the case.
    """
    issuer = x509.load_der_x509_certificate(signer.certificate).subject
    if otherwise.issuer_name is not None:
        issuer = x509.load_der_x509_certificate(otherwise.issuer_name).subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(common_name, otherwise))
        .issuer_name(issuer)
        .public_key(public_point(public_key))
        .serial_number(int.from_bytes(serial))
        .not_valid_before(otherwise.not_before)
        .not_valid_after(otherwise.not_after)
    )
    aki = otherwise.authority_key_identifier
    identifiers: list[tuple[x509.ExtensionType, bool]] = [
        (_ski(public_key), False),
        (x509.AuthorityKeyIdentifier(aki, None, None) if aki else _aki(signer.key.public_key), False),
    ]
    usage: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(key_agreement=True), True),
    ]
    first, then = (identifiers, usage) if otherwise.key_identifiers_first else (usage, identifiers)
    for extension, critical in (*first, *then):
        builder = builder.add_extension(extension, critical=critical)
    return signer.key.sign_certificate(builder)


def _subject(common_name: str, otherwise: Otherwise) -> x509.Name:
    if otherwise.subject is None:
        return _name(common_name)
    return x509.Name([x509.NameAttribute(SUBJECT[name], value) for name, value in otherwise.subject])


def make_rsa_ca(bits: int) -> bytes:
    """A self-signed CA certificate (DER) on a new RSA key that is thrown away."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name("rsa FFFF"))
        .issuer_name(_name("rsa FFFF"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(SIGNER_NOT_BEFORE)
        .not_valid_after(SIGNER_NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def make_v1_certificate(
    signer: Authority,
    public_key: bytes,
    *,
    common_name: str = HAND_MADE_COMMON_NAME,
    serial: int,
    not_before: datetime,
    not_after: datetime,
    claimed_version: int | None = None,
) -> bytes:
    """A version 1 certificate, as ``openssl x509 -req`` of OpenSSL 3.1 and earlier makes it. Returns DER.

    ``cryptography`` builds version 3 only, and later OpenSSL adds key identifiers on its own, so the
    to-be-signed part is put together here: RFC 5280 section 4.1.2.1, no version field, no extensions.
    ``claimed_version`` puts a version field in all the same, for certificates that no reader should take.
    """
    claim = b"" if claimed_version is None else _der(0xA0, _der(0x02, bytes([claimed_version - 1])))
    algorithm = _der(0x30, bytes.fromhex("06082a8648ce3d040302"))  # ecdsa-with-SHA256
    issuer = x509.load_der_x509_certificate(signer.certificate).subject.public_bytes()
    spki = public_point(public_key).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    tbs = _der(
        0x30,
        claim
        + _der(0x02, serial.to_bytes(serial.bit_length() // 8 + 1))
        + algorithm
        + issuer
        + _der(0x30, _time(not_before) + _time(not_after))
        + _name(common_name).public_bytes()
        + spki,
    )
    signature = signer.key.sign(tbs)
    return _der(0x30, tbs + algorithm + _der(0x03, b"\0" + signature))


def with_serial(of: Authority, signed_by: Authority, number: bytes) -> Authority:
    """An authority's certificate signed anew with a serial number that no careful library would give.

    Args:
        of: whose certificate; everything else stays.
        signed_by: its issuer.
        number: unsigned, big-endian, of any length; DER makes of it what it must.
    """
    outer = anatomy.read_tlv(of.certificate, 0, len(of.certificate))
    tbs, algorithm, _signature = anatomy.children(of.certificate, outer)
    version, old, *_rest = anatomy.children(of.certificate, tbs)
    value = int.from_bytes(number)
    serial = _der(0x02, value.to_bytes(value.bit_length() // 8 + 1))
    head = of.certificate[version.start : version.end]
    renewed = _der(0x30, head + serial + of.certificate[old.end : tbs.end])
    signature = _der(0x03, b"\0" + signed_by.key.sign(renewed))
    named = of.certificate[algorithm.start : algorithm.end]
    return Authority(of.key, _der(0x30, renewed + named + signature))


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
