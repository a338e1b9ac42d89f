"""Certificate variables: alternative names, lists, indexes, escapes, and what a stranger's bytes can do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.policy import Context, NamedPolicy, evaluate
from jitpbroker.policy.alternative import alternative_names
from jitpbroker.registry.jsontext import Json
from jitpbroker.x509 import Certificate

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = ec.derive_private_key(0x4000_0002, ec.SECP256R1())

DIRECTORY = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "IoT, Inc."),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "SmartHome"),
        x509.NameAttribute(NameOID.USER_ID, "7"),
        x509.NameAttribute(NameOID.COMMON_NAME, "LightBulbCert"),
    ]
)
#: The names of the developer guide's example, two of them twice.
NAMES = [
    x509.DNSName("example.com"),
    x509.DNSName("example.org"),
    x509.IPAddress(ip_address("1.2.3.4")),
    x509.UniformResourceIdentifier("ResourceIdentifier001"),
    x509.RFC822Name("device1@example.com"),
    x509.DirectoryName(DIRECTORY),
    x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
]
SUBJECT_NAME = ExtensionOID.SUBJECT_ALTERNATIVE_NAME


def issue(*extensions: x509.ExtensionType, common_names: tuple[str, ...] = ("pu02",)) -> Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")]))
        .public_key(KEY.public_key())
        .serial_number(0x92_12_85_CB_B7_A5_E0_86)
        .not_valid_before(NOW)
        .not_valid_after(datetime(2050, 1, 1, tzinfo=UTC))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    built = builder.sign(KEY, hashes.SHA256(), ecdsa_deterministic=True)
    return Certificate.from_der(built.public_bytes(serialization.Encoding.DER))


def allows(context: Context, resource: str, asked: str, condition: Json = None) -> bool:
    statement: dict[str, Json] = {"Effect": "Allow", "Action": "*", "Resource": resource}
    if condition is not None:
        statement["Condition"] = condition
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    return evaluate([NamedPolicy("p", text)], "iot:Connect", asked, context).allowed


@pytest.fixture
def owner(somebody: Callable[..., Context]) -> Callable[..., Context]:
    """Somebody who shows a certificate with these extensions."""
    return lambda *extensions, **facts: somebody(certificate=issue(*extensions, **facts))


@pytest.mark.parametrize("side", ["Subject", "Issuer"])
@pytest.mark.parametrize(
    "variable, value",
    [
        ("DNSName", "example.com"),
        ("DNSName.1", "example.org"),
        ("IPAddress", "1.2.3.4"),
        ("UniformResourceIdentifier", "ResourceIdentifier001"),
        ("RFC822Name", "device1@example.com"),
        (
            "DirectoryName",
            "cn=LightBulbCert,0992268993f22c640101=7,ou=SmartHome,o=IoT\\, Inc.,c=US",
        ),
        ("directoryname", "cn=LightBulbCert,0992268993f22c640101=7,ou=SmartHome,o=IoT\\, Inc.,c=US"),
    ],
)
def test_an_alternative_name_is_put_in_as_the_developer_guide_writes_it(
    owner: Callable[..., Context], side: str, variable: str, value: str
) -> None:
    kind = x509.SubjectAlternativeName if side == "Subject" else x509.IssuerAlternativeName
    context = owner(x509.BasicConstraints(ca=False, path_length=None), kind(NAMES))

    assert allows(context, f"x/${{iot:Certificate.{side}.AlternativeName.{variable}}}", f"x/{value}")
    other = "Issuer" if side == "Subject" else "Subject"
    assert not allows(context, f"x/${{iot:Certificate.{other}.AlternativeName.{variable}}}", f"x/{value}")


def test_the_serial_number_is_written_in_decimal(owner: Callable[..., Context]) -> None:
    """The developer guide's own example number."""
    assert allows(owner(), "client/${iot:Certificate.SerialNumber}", "client/10525622389124227206")


def test_a_list_holds_every_value_up_to_the_fifth(owner: Callable[..., Context]) -> None:
    key = "iot:Certificate.Subject.CommonName.List"
    context = owner(common_names=("1", "2", "3", "4", "5", "6"))

    assert context.values(key) == ("1", "2", "3", "4", "5")
    assert allows(context, "*", "x", {"ForAnyValue:StringEquals": {key: "5"}})
    assert not allows(context, "*", "x", {"ForAnyValue:StringEquals": {key: "6"}})
    assert not allows(context, "*", "x", {"ForAllValues:StringEquals": {key: ["1", "2"]}})
    assert not allows(context, "*", "x", {"StringEquals": {"iot:Certificate.Subject.CommonName": "2"}})


@pytest.mark.parametrize("variable", ["Subject.CommonName.List", "AvailableKeys", "AvailableKeys.List"])
def test_a_list_puts_nothing_into_a_resource(owner: Callable[..., Context], variable: str) -> None:
    answer = evaluate(
        [
            NamedPolicy(
                "p",
                json.dumps(
                    {
                        "Version": "2012-10-17",
                        "Statement": {
                            "Effect": "Allow",
                            "Action": "*",
                            "Resource": f"${{iot:Certificate.{variable}}}",
                        },
                    }
                ),
            )
        ],
        "iot:Connect",
        "pu02",
        owner(),
    )

    assert not answer.allowed
    assert "is a list, which is a condition key and no text" in answer.why


def test_available_keys_names_what_has_a_value(owner: Callable[..., Context]) -> None:
    key = "iot:Certificate.AvailableKeys"
    context = owner(x509.SubjectAlternativeName(NAMES[:1]))

    assert context.values(key) == (
        "iot:Certificate.Issuer.CommonName",
        "iot:Certificate.Subject.CommonName",
        "iot:Certificate.Subject.AlternativeName.DNSName",
        "iot:Certificate.SerialNumber",
    )
    has_name: Json = {"ForAnyValue:StringEquals": {key: "iot:Certificate.Subject.AlternativeName.DNSName"}}
    assert allows(context, "*", "x", has_name)
    assert not allows(owner(), "*", "x", has_name)


def test_a_list_leaves_out_what_aws_would_not_put_in(owner: Callable[..., Context]) -> None:
    context = owner(common_names=("a*b", "plain"))

    assert context.values("iot:Certificate.Subject.CommonName.List") == ("plain",)
    assert context.values("iot:Certificate.Subject.CommonName") == ()


@pytest.mark.parametrize("special", list(',"\\+=<>;'))
def test_special_characters_are_escaped_by_a_backslash(owner: Callable[..., Context], special: str) -> None:
    context = owner(common_names=(f"a{special}b",))
    escaped = f"a\\{special}b"
    variable = "${iot:Certificate.Subject.CommonName}"

    assert allows(context, variable, escaped) is (special != "+")  # + is a wildcard to AWS, too
    assert not allows(context, variable, f"a{special}b")


def test_a_deny_whose_variable_has_no_value_denies_nothing(owner: Callable[..., Context]) -> None:
    """The developer guide's warning: a missing attribute leads to unexpected behaviour."""
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "topic/${iot:Certificate.Subject.Country}/*"},
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    answer = evaluate([NamedPolicy("p", text)], "iot:Publish", "topic/NO/x", owner())

    assert answer.allowed


def test_a_version_1_certificate_has_no_alternative_names(context: Context) -> None:
    assert alternative_names(context.certificate, "Subject") == {}


def tlv(tag: int, *content: bytes) -> bytes:
    whole = b"".join(content)
    return bytes([tag, len(whole)]) + whole


def directory(pair: bytes, rdn: int = 0x31) -> bytes:
    """GeneralNames with one directory name of one attribute."""
    return tlv(0x30, tlv(0xA4, tlv(0x30, tlv(rdn, pair))))


COMMON_NAME = tlv(0x06, bytes.fromhex("550403"))
UNREADABLE = {
    "a length behind the end": bytes.fromhex("3003820561"),
    "no length": bytes.fromhex("300182"),
    "no sequence": tlv(0x31, tlv(0x82, b"a")),
    "two sequences": tlv(0x30) + tlv(0x30),
    "nothing": b"",
    "an address of three octets": tlv(0x30, tlv(0x87, b"\1\2\3")),
    "a host name that is not ASCII": tlv(0x30, tlv(0x82, b"\xe9")),
    "an attribute without a value": directory(tlv(0x30, COMMON_NAME)),
    "an attribute without a type": directory(tlv(0x30, tlv(0x0C, b"a"), tlv(0x0C, b"b"))),
    "a sequence for a set": directory(tlv(0x30, COMMON_NAME, tlv(0x0C, b"a")), rdn=0x30),
    "text that is not UTF-8": directory(tlv(0x30, COMMON_NAME, tlv(0x0C, b"\xff"))),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_names_that_cannot_be_read_are_no_names(owner: Callable[..., Context], content: bytes) -> None:
    context = owner(x509.UnrecognizedExtension(SUBJECT_NAME, content))

    assert alternative_names(context.certificate, "Subject") == {}
    assert context.values("iot:Certificate.Subject.AlternativeName.DNSName") == ()


def test_a_directory_name_made_by_hand_can_be_read(owner: Callable[..., Context]) -> None:
    """The healthy twin of the unreadable ones."""
    content = directory(tlv(0x30, COMMON_NAME, tlv(0x0C, b"a")))
    context = owner(x509.UnrecognizedExtension(SUBJECT_NAME, content))

    assert alternative_names(context.certificate, "Subject") == {"DirectoryName": ("cn=a",)}


@given(content=st.binary(max_size=64))
def test_arbitrary_bytes_for_names_raise_nothing(content: bytes) -> None:
    certificate = issue(x509.UnrecognizedExtension(SUBJECT_NAME, content))

    names = alternative_names(certificate, "Subject")

    assert all(isinstance(each, str) for values in names.values() for each in values)
