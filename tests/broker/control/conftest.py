"""A control plane without sockets, spoken to through botocore's own serializers and parsers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias, cast
from urllib.parse import urlencode

import pytest
from botocore.model import Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from jitpbroker.control.call import Accounts, Addresses, NewKey, Surroundings
from jitpbroker.control.issuer import DeskIssuer
from jitpbroker.control.logstore import LogStore
from jitpbroker.control.messages import Request, Response
from jitpbroker.control.model import service
from jitpbroker.control.plane import AccountBook, ControlPlane
from jitpbroker.registry import Registry, counting_ids

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TEMPLATES = Path(__file__).parents[2] / "vectors" / "provisioning-templates"
ACCOUNT, OTHER_ACCOUNT = "123456789012", "210987654321"

Answer: TypeAlias = dict[str, Any]


class AwsError(Exception):
    """A refusal as a client sees it."""

    def __init__(self, status: int, code: str, message: str, body: Answer) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.body = body


@dataclass
class HungUp:
    """The live sessions: notes whose are ended."""

    ended: list[tuple[str, str]] = field(default_factory=list)

    def end(self, certificate_id: str, why: str) -> int:
        self.ended.append((certificate_id, why))
        return 1


@dataclass(frozen=True)
class QuickIssuer:
    """The real issuer, with one key for everybody: RSA keys take long."""

    real: DeskIssuer
    key: NewKey

    def new_key(self) -> NewKey:
        return self.key

    def for_key(self, public_pem: str, *, at: datetime, until: datetime | None = None) -> str:
        return self.real.for_key(public_pem, at=at, until=until)


@dataclass
class Desk:
    """A plane, what lies around it, and a client."""

    plane: ControlPlane
    registry: Registry
    accounts: Accounts
    sessions: HungUp
    log: LogStore
    clock: list[datetime]
    account: str | None = None
    region: str = "us-east-1"

    def handle(self, request: Request) -> Response:
        return self.plane.handle(request)

    def signed(self, name: str) -> dict[str, str]:
        key = self.account or "test"
        scope = f"{key}/20261124/{self.region}/{name}/aws4_request"
        return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"}

    def iot(self, operation: str, **parameters: object) -> Answer:
        """Call an operation of AWS IoT; raises `AwsError`."""
        return self._call("iot", "rest-json", operation, parameters)

    def logs(self, operation: str, **parameters: object) -> Answer:
        """Call an operation of CloudWatch Logs; raises `AwsError`."""
        return self._call("logs", "json", operation, parameters)

    def refused(self, operation: str, **parameters: object) -> AwsError:
        """The refusal of an operation of AWS IoT, its code one that the model foresees."""
        with pytest.raises(AwsError) as caught:
            self.iot(operation, **parameters)
        modelled = {each.name for each in service("iot").operations[operation].error_shapes}
        assert caught.value.code in modelled, f"{operation} does not answer {caught.value.code}"
        return caught.value

    def _call(self, name: str, protocol: str, operation: str, parameters: Mapping[str, object]) -> Answer:
        model = service(name).operations[operation]
        built = create_serializer(protocol).serialize_to_request(dict(parameters), model)
        headers = {key.lower(): str(value) for key, value in dict(built["headers"]).items()}
        query = built.get("query_string") or {}
        body = built["body"]
        request = Request(
            built["method"],
            built["url_path"],
            urlencode(query, doseq=True) if isinstance(query, dict) else "",
            {**headers, **self.signed(name)},
            body if isinstance(body, bytes) else str(body).encode(),
        )
        response = self.handle(request)
        parsed: Answer = create_parser(protocol).parse(
            {"status_code": response.status, "headers": dict(response.headers), "body": response.body},
            cast("Shape", model.output_shape),  # None is fine, only the stubs say otherwise
        )
        if response.status >= 300:
            error = parsed["Error"]
            raise AwsError(response.status, error["Code"], error["Message"], json.loads(response.body))
        parsed.pop("ResponseMetadata")
        return parsed


@pytest.fixture(scope="session")
def issuer() -> QuickIssuer:
    numbers = count(1)  # serial numbers, so that two certificates for the one key differ
    real = DeskIssuer(lambda octets: hashlib.sha256(str(next(numbers)).encode()).digest()[:octets])
    return QuickIssuer(real, real.new_key())


@pytest.fixture
def clock() -> list[datetime]:
    """The time, as a list of one: tests may set it."""
    return [NOW]


@pytest.fixture
def make_desk(issuer: QuickIssuer, clock: list[datetime]) -> Callable[..., Desk]:
    """``make_desk(**parts)``: a plane of its own, some of its surroundings replaced."""

    def make(**parts: Any) -> Desk:
        registry, ids = Registry(), counting_ids()
        accounts = AccountBook(registry, ids).accounts()
        sessions, log = HungUp(), LogStore()
        numbers = count(1)
        around = {
            "accounts": accounts,
            "sessions": sessions,
            "log": log,
            "issuer": issuer,
            "new_id": ids,
            "draw": lambda octets: hashlib.sha256(str(next(numbers)).encode()).digest()[:octets],
            "addresses": lambda: Addresses("localhost:8883"),
            **parts,
        }
        plane = ControlPlane(Surroundings(**around), now=lambda: clock[0], hosts=frozenset({"desk.local"}))
        return Desk(plane, registry, accounts, sessions, log, clock)

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


@pytest.fixture
def elsewhere(desk: Desk) -> Desk:
    """The same plane, used by another account."""
    return Desk(
        desk.plane,
        desk.accounts.find(OTHER_ACCOUNT, "us-east-1"),
        desk.accounts,
        desk.sessions,
        desk.log,
        desk.clock,
        account=OTHER_ACCOUNT,
    )


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def id(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def _issue(
    subject: str | tuple[str, ...],
    issuer: Identity | None = None,
    *,
    key: int | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = 1,
    ca: bool | None = False,
    algorithm: hashes.SHA256 | hashes.SHA3_256 | None = None,
) -> Identity:
    """A certificate; ``subject`` is one common name or several, ``ca=None`` leaves basicConstraints out."""
    own = ec.derive_private_key(0x2000_0000 + key, ec.SECP256R1()) if isinstance(key, int) else key
    names = (subject,) if isinstance(subject, str) else subject
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each) for each in names])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.certificate.subject)
        .public_key(own.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=365))
        .not_valid_after(NOW + timedelta(days=3650))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return Identity(builder.sign(own if issuer is None else issuer.key, algorithm or hashes.SHA256()), own)


@pytest.fixture
def issue() -> Callable[..., Identity]:
    return _issue


@pytest.fixture
def signer() -> Identity:
    return _issue("signer FFFF", key=2, ca=True)


@pytest.fixture
def device(signer: Identity) -> Identity:
    return _issue("pu0102", signer, key=3)


@pytest.fixture
def register_ca(signer: Identity) -> Callable[..., str]:
    """``register_ca(desk, identity, **parameters)``: with the proof AWS asks for; returns the id."""

    def register(desk: Desk, ca: Identity | None = None, **parameters: object) -> str:
        chosen = ca or signer
        code = desk.iot("GetRegistrationCode")["registrationCode"]
        proof = _issue(code, chosen, key=4)
        asked = {"setAsActive": True, "verificationCertificate": proof.pem, **parameters}
        answer: str = desk.iot("RegisterCACertificate", caCertificate=chosen.pem, **asked)["certificateId"]
        return answer

    return register


@pytest.fixture
def template() -> Callable[[str], str]:
    """The text of a template vector, by the beginning of its file name."""

    def read(stem: str) -> str:
        (path,) = (each for each in TEMPLATES.glob(f"{stem}*") if "registration-config" not in each.name)
        return path.read_text()

    return read
