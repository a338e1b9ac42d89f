"""A broker for programs that others wrote, with a gate that registers first and admits second."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jitpbroker.admission.attempt import Attempt
from jitpbroker.credentials import in_memory
from jitpbroker.engine import Engine
from jitpbroker.engine.amqtt import AmqttEngine
from jitpbroker.engine.local import LocalEngine
from jitpbroker.gate import Admitted, Event, HangUp, Principal
from jitpbroker.server import Server
from jitpbroker.thread import BrokerThread
from jitpbroker.trace import Trace

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@dataclass
class FirstRegisterThenAdmit:
    """The gate of just-in-time registration at its simplest: the second CONNECT is admitted."""

    known: set[str] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    asked: list[tuple[str, str, bool, datetime]] = field(default_factory=list)
    denies_by_suback: bool = False

    def connect(self, attempt: Attempt) -> Admitted | HangUp:
        self.attempts.append(attempt)
        certificate_id = hashlib.sha256(attempt.chain[0]).hexdigest()
        if certificate_id in self.known:
            return Admitted(Principal(certificate_id, attempt.client_id))
        self.known.add(certificate_id)
        return HangUp("PENDING_ACTIVATION", "the certificate has just been registered")

    def may_publish(self, principal: Principal, topic: str, *, retain: bool, at: datetime) -> str | None:
        self.asked.append((principal.client_id, topic, retain, at))
        return None

    def may_subscribe(self, principal: Principal, topic_filter: str, *, at: datetime) -> str | None:
        self.asked.append((principal.client_id, topic_filter, False, at))
        return None

    def may_receive(self, principal: Principal, topic: str, *, at: datetime) -> str | None:
        self.asked.append((principal.client_id, topic, False, at))
        return None

    def disconnected(
        self, principal: Principal, *, client_initiated: bool, reason: str, at: datetime
    ) -> tuple[Event, ...]:
        self.asked.append((principal.client_id, reason, client_initiated, at))
        return ()

    def discarded(self, principal: Principal, topic: str, *, inbound: bool, why: str, at: datetime) -> None:
        raise AssertionError((principal, topic, inbound, why, at))

    def subscribed(
        self, principal: Principal, topic_filters: tuple[str, ...], *, at: datetime
    ) -> tuple[Event, ...]:
        self.asked.append((principal.client_id, topic_filters[0], False, at))
        return ()

    def unsubscribed(
        self, principal: Principal, topic_filters: tuple[str, ...], *, at: datetime
    ) -> tuple[Event, ...]:
        self.asked.append((principal.client_id, topic_filters[0], False, at))
        return ()


@dataclass(frozen=True)
class Lab:
    """A running broker and the files a client program wants."""

    thread: BrokerThread
    gate: FirstRegisterThenAdmit
    trace: Trace
    root: Path
    certificate: Path  # leaf, then signer
    key: Path

    @property
    def port(self) -> int:
        return self.thread.port


Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]


def write_identity(directory: Path) -> tuple[Path, Path]:
    """A device below a signer, as the case's client sends it: leaf, then signer, in one file."""
    signer_key, device_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    signer, device = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("signer", "device")
    )
    chain = b""
    for subject, public_key in ((device, device_key.public_key()), (signer, signer_key.public_key())):
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=3650))
            .not_valid_after(NOW + timedelta(days=3650))
            .sign(signer_key, hashes.SHA256())
        )
        chain += certificate.public_bytes(serialization.Encoding.PEM)
    certificate_file, key_file = directory / "device.crt", directory / "device.key"
    certificate_file.write_bytes(chain)
    key_file.write_bytes(
        device_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_file, key_file


@pytest.fixture(params=[LocalEngine, AmqttEngine], ids=["local", "amqtt"])
def engine(request: pytest.FixtureRequest) -> Engine:
    make: Callable[[], Engine] = request.param
    return make()


@pytest.fixture
def lab(engine: Engine, tmp_path: Path) -> Iterator[Lab]:
    gate, trace, credentials = FirstRegisterThenAdmit(), Trace(), in_memory()
    root = tmp_path / "root.crt"
    root.write_bytes(credentials.root_pem)
    certificate, key = write_identity(tmp_path)
    with BrokerThread(Server(gate, engine, trace, credentials, now=lambda: NOW)) as thread:
        yield Lab(thread, gate, trace, root, certificate, key)


@pytest.fixture
def run() -> Run:
    def run_one(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(arguments, input=stdin, capture_output=True, text=True, timeout=30, check=False)

    return run_one
