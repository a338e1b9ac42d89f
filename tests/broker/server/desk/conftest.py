"""A whole account behind the broker: the real desk, a PKI, a clock to turn and a log to read.

``dial``, ``issue`` and ``device`` come from the folder above; what is here adds a registry to them.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from jitpbroker import mqtt
from jitpbroker.admission.desk import FrontDesk, Job, at_once
from jitpbroker.admission.profiles import Profile, profile_named
from jitpbroker.admission.rate import AccountQuotas
from jitpbroker.credentials import ServerCredentials
from jitpbroker.engine import Engine
from jitpbroker.engine.local import LocalEngine
from jitpbroker.logs import Log, LogLevel, LogOptions
from jitpbroker.registry import (
    AutoRegistration,
    CaStatus,
    CertificateMode,
    CertificateStatus,
    RegistrationConfig,
    Registry,
    counting_ids,
)
from jitpbroker.registry.jsontext import Json
from jitpbroker.server import Server, Settings
from jitpbroker.thread import BrokerThread
from jitpbroker.trace import Authorization, Decision, Disconnect, Provisioning, Record, Trace
from jitpbroker.x509 import Certificate

if TYPE_CHECKING:
    from tests.broker.server.conftest import Dial, Identity, Issue, RawClient

T = TypeVar("T")

TEMPLATES = Path(__file__).parents[3] / "vectors" / "provisioning-templates"
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/JITPRole"
OTHER_ENDPOINT = "other-account.iot.example"


def certificate_of(identity: Identity) -> Certificate:
    return Certificate.from_der(identity.chain[0].public_bytes(Encoding.DER))


@dataclass
class Account:
    """A running broker with its desk; what reads or changes the registry runs in the broker's thread."""

    thread: BrokerThread
    server: Server
    desk: FrontDesk
    trace: Trace
    registry: Registry
    cloudwatch: io.StringIO
    jobs: list[Job]
    time: list[datetime] = field(default_factory=lambda: [NOW])

    @property
    def port(self) -> int:
        return self.thread.port

    def call(self, function: Callable[[], T]) -> T:
        return self.thread.call(function)

    def later(self, **units: float) -> None:
        """Turn the clock on, between two events of the broker: what has begun ends in the old time."""

        def turn() -> None:
            self.time[0] += timedelta(**units)

        self.call(turn)

    def register_ca(
        self,
        signer: Identity,
        template: str | None = "01",
        *,
        status: CaStatus = CaStatus.ACTIVE,
        auto_registration: AutoRegistration = AutoRegistration.ENABLE,
        mode: CertificateMode = CertificateMode.DEFAULT,
    ) -> None:
        """``template``: the beginning of a vector's file name, or a body, or none for JITR."""
        body = template
        if template is not None and "{" not in template:
            (path,) = (p for p in TEMPLATES.glob(f"{template}*") if "registration-config" not in p.name)
            body = path.read_text()
        self.call(
            lambda: self.registry.cas.register(
                certificate_of(signer),
                at=NOW,
                status=status,
                auto_registration=auto_registration,
                certificate_mode=mode,
                registration_config=None if body is None else RegistrationConfig(body, ROLE),
            )
        )

    def register(
        self,
        identity: Identity,
        *statements: Mapping[str, Json],
        status: CertificateStatus = CertificateStatus.ACTIVE,
        mode: CertificateMode = CertificateMode.DEFAULT,
    ) -> None:
        """A device certificate registered by hand, with a policy of these statements if there are any."""
        self.call(
            lambda: self.registry.certificates.register(
                certificate_of(identity), at=NOW, status=status, certificate_mode=mode
            )
        )
        if statements:
            self.grant(identity, *statements)

    def grant(self, identity: Identity, *statements: Mapping[str, Json]) -> None:
        """Attach a policy to a registered certificate."""
        text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

        def attach() -> None:
            name = f"by-hand-{len(tuple(self.registry.policies))}"
            self.registry.policies.create(name, text, at=NOW)
            self.registry.policies.attach(name, self.registry.arns.cert(certificate_of(identity).id))

        self.call(attach)

    def activate(self, identity: Identity) -> None:
        certificate_id = certificate_of(identity).id
        self.call(
            lambda: self.registry.certificates.set_status(certificate_id, CertificateStatus.ACTIVE, at=NOW)
        )

    def status(self, identity: Identity) -> str | None:
        """The certificate's status, ``None`` when nobody registered it."""
        found = self.call(lambda: self.registry.certificates.get(certificate_of(identity).id))
        return None if found is None else found.status.value

    def things(self) -> list[str]:
        return self.call(lambda: [thing.name for thing in self.registry.things])

    def run_jobs(self) -> None:
        """What was put off happens now."""

        def run() -> None:
            waiting, self.jobs[:] = tuple(self.jobs), ()
            for job in waiting:
                job(self.time[0])

        self.call(run)

    def records(self, kind: type[Record]) -> list[Record]:
        return self.call(lambda: [record for record in self.trace if isinstance(record, kind)])

    def rule(self) -> str | None:
        """The rule that refused the latest CONNECT."""
        decision = self.records(Decision)[-1]
        assert isinstance(decision, Decision)
        return decision.rule

    def refused(self) -> Authorization:
        """The latest thing that policies did not allow."""
        record = [r for r in self.records(Authorization) if isinstance(r, Authorization) and not r.allowed][
            -1
        ]
        assert record.why
        return record

    def provisioning(self) -> Provisioning:
        record = self.records(Provisioning)[-1]
        assert isinstance(record, Provisioning)
        return record

    def last_end(self) -> Disconnect:
        record = self.records(Disconnect)[-1]
        assert isinstance(record, Disconnect)
        return record

    def logged(self, event_type: str) -> list[dict[str, Json]]:
        text = self.call(self.cloudwatch.getvalue)
        entries: list[dict[str, Json]] = [json.loads(line) for line in text.splitlines()]
        return [entry for entry in entries if entry["eventType"] == event_type]


EVERYTHING: dict[str, Json] = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}

OpenAccount: TypeAlias = Callable[..., Account]
Enter: TypeAlias = Callable[..., "RawClient"]
Knock: TypeAlias = Callable[..., str]


@pytest.fixture
def open_account(credentials: ServerCredentials) -> Iterator[OpenAccount]:
    """``open_account(profile=, delayed=, roles=, quotas=, engine=, loop=, **settings)``: one that runs."""
    with ExitStack() as running:

        def start(
            *,
            profile: str | Profile = "aws-2026",
            delayed: bool = False,
            roles: Mapping[str, frozenset[str]] | None = None,
            quotas: AccountQuotas | None = None,
            engine: Engine | None = None,
            loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
            **settings: object,
        ) -> Account:
            registry, trace, text = Registry(other_endpoints=[OTHER_ENDPOINT]), Trace(), io.StringIO()
            time, jobs = [NOW], list[Job]()
            options = LogOptions("123456789012", event_levels={"Connection.AuthNError": LogLevel.ERROR})
            desk = FrontDesk(
                registry,
                trace,
                profile=profile_named(profile) if isinstance(profile, str) else profile,
                log=Log(text, options, counting_ids()),
                schedule=(lambda job, _at: jobs.append(job)) if delayed else at_once,
                roles=roles,
                quotas=quotas,
            )
            chosen = replace(Settings(), **settings)  # type: ignore[arg-type]
            server = Server(
                desk, engine or LocalEngine(), trace, credentials, now=lambda: time[0], settings=chosen
            )
            thread = running.enter_context(BrokerThread(server, loop))
            return Account(thread, server, desk, trace, registry, text, jobs, time)

        yield start


@pytest.fixture
def account(open_account: OpenAccount) -> Account:
    return open_account()


@pytest.fixture
def signer(issue: Issue) -> Identity:
    """The CA certificate that issues the devices; no account knows it yet."""
    return issue("signer")


@pytest.fixture
def device(issue: Issue, signer: Identity) -> Identity:
    """A device below the signer; it sends both certificates."""
    return issue("device", signer)


@pytest.fixture
def enter(dial: Dial) -> Enter:
    """``enter(account, identity, client_id, sni=, **connect)``: a client that was answered by CONNACK 0."""

    def enter_one(
        account: Account,
        identity: Identity,
        client_id: str = "device",
        *,
        sni: bytes | None = b"localhost",
        **connect: object,
    ) -> RawClient:
        client = dial(account, identity, sni=sni)
        client.send(mqtt.Connect(client_id, **connect))  # type: ignore[arg-type]
        answer = client.packet()
        assert isinstance(answer, mqtt.ConnAck)
        assert answer.return_code == 0
        return client

    return enter_one


@pytest.fixture
def knock(dial: Dial) -> Knock:
    """``knock(account, identity, client_id, sni=, **connect)``: how a CONNECT without CONNACK ended."""

    def knock_once(
        account: Account,
        identity: Identity | None,
        client_id: str = "device",
        *,
        sni: bytes | None = b"localhost",
        **connect: object,
    ) -> str:
        client = dial(account, identity, sni=sni)
        client.send(mqtt.Connect(client_id, **connect))  # type: ignore[arg-type]
        return client.end()

    return knock_once


@pytest.fixture
def watcher(account: Account, enter: Enter, issue: Issue) -> RawClient:
    """Somebody who hears of every registration."""
    identity = issue("watcher")
    account.register(identity, EVERYTHING)
    client = enter(account, identity, "watcher")
    client.subscribe("$aws/events/certificates/registered/+")
    return client
