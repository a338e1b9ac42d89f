"""Good inputs to begin with, and fragments that mean something; keys and dates are fixed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jitpbroker import mqtt

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ARN: Final = "arn:aws:iot:us-east-1:123456789012:"

_TEMPLATES: Final = Path(__file__).parents[1] / "vectors" / "provisioning-templates"

TEMPLATES: Final = tuple(
    path.read_bytes() for path in sorted(_TEMPLATES.glob("[0b]*")) if "config" not in path.name
)


def packets() -> tuple[bytes, ...]:
    """A CONNECT, and one of each packet behind a CONNECT."""
    connect = mqtt.encode(mqtt.Connect("device", 60, clean_session=False, will=mqtt.Will("w", b"x", 1)))
    rest: tuple[mqtt.Packet, ...] = (
        mqtt.Publish("a/b", b"payload", qos=1, packet_id=7),
        mqtt.Subscribe(1, (mqtt.Subscription("a/+"), mqtt.Subscription("b/#", 1))),
        mqtt.Unsubscribe(2, ("a/+",)),
        mqtt.PubAck(3),
        mqtt.PingReq(),
        mqtt.Disconnect(),
    )
    return (connect, *(connect + mqtt.encode(packet) for packet in rest), connect + mqtt.encode(rest[0]) * 3)


def _issue(subject: str, key: int, issuer: str, issuer_key: int) -> bytes:
    def private(number: int) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(0x5000_0000 + number, ec.SECP256R1())

    def named(text: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "NO"),
                x509.NameAttribute(NameOID.COMMON_NAME, text),
            ]
        )

    names = [
        x509.DNSName("example.com"),
        x509.IPAddress(ip_address("192.0.2.1")),
        x509.RFC822Name("device@example.com"),
        x509.DirectoryName(named("directory")),
    ]
    built = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(private(key).public_key())
        .serial_number(0x1234_5678)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private(key).public_key()), critical=False)
        .sign(private(issuer_key), hashes.SHA256(), ecdsa_deterministic=True)
    )
    return built.public_bytes(serialization.Encoding.DER)


SIGNER: Final = _issue("signer", 1, "signer", 1)
DEVICE: Final = _issue("device", 2, "signer", 1)
POLICIES: Final = tuple(
    json.dumps({"Version": "2012-10-17", "Statement": statements}).encode()
    for statements in (
        [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}],
        [
            {
                "Effect": "Allow",
                "Action": ["iot:Connect", "iot:Pub*"],
                "Resource": [
                    f"{ARN}client/${{iot:ClientId}}",
                    f"{ARN}topic/${{iot:Certificate.Subject.CommonName}}",
                ],
                "Condition": {
                    "Bool": {"iot:Connection.Thing.IsAttached": ["true"]},
                    "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
                    "NumericLessThan": {"iot:Connection.Thing.Attributes[n]": "13"},
                    "ForAnyValue:StringLike": {"iot:Certificate.AvailableKeys": "*DNSName"},
                },
            },
            {"Effect": "Deny", "NotAction": "iot:Connect", "NotResource": f"{ARN}topic/a/?"},
        ],
        [
            {
                "Effect": "Allow",
                "Action": "*",
                "Resource": "arn:*",
                "Condition": {
                    "DateGreaterThan": {"iot:ClientId": "2026-01-01T00:00:00Z"},
                    "ArnLikeIfExists": {"iot:ClientId": "arn:aws:iot:*:*:thing/*"},
                    "Null": {"iot:Certificate.Subject.Title": "true"},
                },
            }
        ],
    )
)

JSON_WORDS: Final = (
    *(
        b'"' + word + b'"'
        for word in (b"Ref", b"Fn::Join", b"Fn::Sub", b"Fn::Select", b"Fn::Split", b"Default")
    ),
    *(b"null", b"true", b"{}", b"[]", b'""', b"0", b"-1", b"1e999", b"[[[[", b"}", b",", b'{"Ref":"x"}'),
    *(b"${", b"}", b"*", b"?", b"${*}", b"\\ud800", b"\\u0000", b"iot:", b".List", b".1", b"ForAllValues:"),
    *(b"StringNotLike", b"NotResource", b"Condition", b"ACTIVE", b"AWS::IoT::Certificate::Id", b"MERGE"),
)
