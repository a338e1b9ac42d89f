"""A registry and two certificates to put into it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jitpbroker.registry import Registry
from jitpbroker.x509 import Certificate


def _certificate(common_name: str, key: int = 1) -> Certificate:
    private = ec.derive_private_key(0x3000_0000 + key, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(key)
        .not_valid_before(datetime(2021, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2050, 1, 1, tzinfo=UTC))
        .sign(private, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return Certificate.from_der(built.public_bytes(serialization.Encoding.DER))


@pytest.fixture
def certificate() -> Callable[..., Certificate]:
    """``certificate(common_name, key)``."""
    return _certificate


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def later() -> datetime:
    return datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
