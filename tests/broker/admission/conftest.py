"""Certificates with fixed keys, and a front desk to show them to.

Fixtures hand out plain types and factories, since test modules cannot import from each other.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.desk import FrontDesk
from jitpbroker.admission.profiles import Profile, profile_named
from jitpbroker.gate import Admitted, HangUp
from jitpbroker.logs import Log, LogLevel, LogOptions
from jitpbroker.registry import (
    AutoRegistration,
    CaCertificate,
    CaStatus,
    CertificateMode,
    RegistrationConfig,
    Registry,
    counting_ids,
)
from jitpbroker.trace import Trace
from jitpbroker.x509 import Certificate

TEMPLATES = Path(__file__).parents[2] / "vectors" / "provisioning-templates"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/JITPRole"

SIGNER = "O=CompanyName,CN=signer FFFF"
OIDS = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "C": NameOID.COUNTRY_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
}


def _key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(0x1000_0000 + number, ec.SECP256R1())


def _name(text: str) -> x509.Name:
    pairs = [part.split("=", 1) for part in text.split(",")]
    return x509.Name([x509.NameAttribute(OIDS[kind], value) for kind, value in pairs])


def _issue(
    subject: str,
    *,
    key: int,
    issuer: str,
    issuer_key: int,
    ca: bool = False,
    not_before: datetime = datetime(2021, 1, 14, 21, tzinfo=UTC),
    not_after: datetime = datetime(3000, 12, 31, 23, 59, 59, tzinfo=UTC),
) -> Certificate:
    signer = _key(issuer_key)
    own = _key(key).public_key()
    built = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(own)
        .serial_number(0x40F7D946 + key)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return Certificate.from_der(built.public_bytes(serialization.Encoding.DER))


@pytest.fixture
def issue() -> Callable[..., Certificate]:
    """``issue(subject, key=, issuer=, issuer_key=)``: a certificate; equal arguments give equal bytes."""
    return _issue


@pytest.fixture(scope="session")
def pki() -> Mapping[str, Certificate]:
    """root (key 1) > signer (key 2) > device (key 10), and the wrong signer of the case.

    The wrong signer has another authority key identifier and nothing else, so its signature is broken.
    """
    signer = _issue(SIGNER, key=2, issuer="O=CompanyName,CN=root FFFF", issuer_key=1, ca=True)
    aki = signer.authority_key_identifier
    assert aki is not None
    wrong = signer.der.replace(aki, bytes.fromhex("a4d2642aa3f7") + bytes(14))
    return {
        "root": _issue(
            "O=CompanyName,CN=root FFFF", key=1, issuer="O=CompanyName,CN=root FFFF", issuer_key=1, ca=True
        ),
        "signer": signer,
        "wrong signer": Certificate.from_der(wrong),
        "device": _issue("O=CompanyName,CN=pu0223528E47B3461DEE", key=10, issuer=SIGNER, issuer_key=2),
    }


@pytest.fixture
def template() -> Callable[[str], str]:
    """The text of a template vector, by the beginning of its file name."""

    def read(stem: str) -> str:
        (path,) = (each for each in TEMPLATES.glob(f"{stem}*") if "registration-config" not in each.name)
        return path.read_text()

    return read


@pytest.fixture
def registry() -> Registry:
    return Registry(other_endpoints=["other.iot.example"])


@pytest.fixture
def register_ca(registry: Registry, template: Callable[[str], str]) -> Callable[..., CaCertificate]:
    """Register a CA certificate that provisions by the case's template, unless told otherwise."""

    def register(
        certificate: Certificate,
        *,
        body: str | None = template("01"),
        status: CaStatus = CaStatus.ACTIVE,
        auto_registration: AutoRegistration = AutoRegistration.ENABLE,
        mode: CertificateMode = CertificateMode.DEFAULT,
    ) -> CaCertificate:
        return registry.cas.register(
            certificate,
            at=NOW,
            status=status,
            auto_registration=auto_registration,
            certificate_mode=mode,
            registration_config=None if body is None else RegistrationConfig(body, ROLE),
        )

    return register


@pytest.fixture
def trace() -> Trace:
    return Trace()


@pytest.fixture(params=["aws-2021", "aws-2026"])
def profile(request: pytest.FixtureRequest) -> Profile:
    """Both profiles, one after the other; tests about one of them ask for it by name."""
    return profile_named(str(request.param))


@pytest.fixture
def cloudwatch() -> io.StringIO:
    """Where log lines end up; Connection.AuthNError is switched on."""
    return io.StringIO()


@pytest.fixture
def desk(registry: Registry, trace: Trace, profile: Profile, cloudwatch: io.StringIO) -> FrontDesk:
    options = LogOptions("123456789012", event_levels={"Connection.AuthNError": LogLevel.ERROR})
    log = Log(cloudwatch, options, counting_ids())
    return FrontDesk(registry, trace, profile=profile, log=log)


def _attempt(
    *chain: Certificate | bytes,
    sni: str | None = "broker.local",
    client_id: str = "testclient",
    at: datetime = NOW,
    clean_session: bool = True,
    will_topic: str | None = None,
    will_retain: bool = False,
) -> Attempt:
    ders = tuple(each.der if isinstance(each, Certificate) else each for each in chain)
    return Attempt(ders, sni, None, client_id, at, clean_session, will_topic, will_retain, "127.0.0.1", 50000)


@pytest.fixture
def attempt() -> Callable[..., Attempt]:
    """``attempt(leaf, signer, …, sni=)``: the facts of a CONNECT."""
    return _attempt


@pytest.fixture
def connect(desk: FrontDesk) -> Callable[..., Admitted | HangUp]:
    """``connect(leaf, signer, …, sni=)``: show a chain to the desk."""
    return lambda *chain, **facts: desk.connect(_attempt(*chain, **facts))
