"""Somebody who asks, with a certificate that has a rich subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jitpbroker.policy import Context
from jitpbroker.registry import Thing
from jitpbroker.x509 import Certificate

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def _certificate() -> Certificate:
    key = ec.derive_private_key(0x4000_0001, ec.SECP256R1())
    subject = [
        (NameOID.COMMON_NAME, "pu02"),
        *((NameOID.ORGANIZATIONAL_UNIT_NAME, each) for each in ("one", "two", "3", "4", "5", "6")),
        (NameOID.ORGANIZATION_NAME, "Company, Inc."),
        (NameOID.STATE_OR_PROVINCE_NAME, "a*b"),
        (NameOID.SERIAL_NUMBER, "0123"),
    ]
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in subject]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(0x40F7D946)
        .not_valid_before(NOW)
        .not_valid_after(datetime(2050, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return Certificate.from_der(built.public_bytes(serialization.Encoding.DER))


@pytest.fixture(scope="session")
def context() -> Context:
    """Client id pu02 at 192.0.2.7, attached to a thing of the same name and of a type."""
    thing = Thing(
        "pu02",
        "arn:aws:iot:us-east-1:123456789012:thing/pu02",
        "id",
        NOW,
        {
            "plant": "north",
            "firmware": "12",
            "built": "2026-11-24T12:00:00Z",
            "owner": "arn:aws:iot:us-east-1:123456789012:thing/owner",
        },
        thing_type="meter",
    )
    return Context("pu02", "192.0.2.7", _certificate(), thing, attached=True)


@pytest.fixture(scope="session")
def somebody(context: Context) -> Callable[..., Context]:
    """The same, with some facts changed."""
    return lambda **facts: replace(context, **facts)
