"""An AWS account on the desk: registry, rules and broker, ready to be visited."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from importlib import resources
from types import TracebackType
from typing import Final, Self, TypeAlias, TypeVar

from jitpbroker import trace as broker_trace
from jitpbroker.admission.desk import FrontDesk, at_once
from jitpbroker.admission.profiles import Profile, profile_named
from jitpbroker.credentials import ServerCredentials, in_memory
from jitpbroker.engine import Engine
from jitpbroker.engine.local import LocalEngine
from jitpbroker.logs import Log, LogLevel, LogOptions
from jitpbroker.registry.entities import (
    AutoRegistration,
    CaStatus,
    CertificateMode,
    CertificateStatus,
    RegistrationConfig,
)
from jitpbroker.registry.ids import counting_ids
from jitpbroker.registry.jsontext import Json
from jitpbroker.registry.store import Registry
from jitpbroker.registry.templates import TemplateType
from jitpbroker.server import Server, after
from jitpbroker.server import Settings as ServerSettings
from jitpbroker.thread import BrokerThread
from jitpbroker.tls import TlsSettings
from jitpbroker.x509 import Certificate
from jitplab.channel import Endpoint
from jitplab.documents import allow, policy_document
from jitplab.scenario import NeedUnmet

JsonValue: TypeAlias = broker_trace.JsonValue
T = TypeVar("T")

#: The role of the case's template; nobody assumes it here, AWS wants its name.
ROLE_ARN: Final = "arn:aws:iam::123456789012:role/JITPRole"
SERVER_NAME: Final = "localhost"


def case_template() -> str:
    """The provisioning template of the case, as its user registered it."""
    return (resources.files("jitplab") / "data" / "stackoverflow-jitp.json").read_text(encoding="utf-8")


def make_engine(name: str) -> Engine:
    """The message engine called ``local`` or ``amqtt``.

    Raises:
        ValueError: there is no such engine.
        NeedUnmet: what it needs is not installed.
    """
    if name == "local":
        return LocalEngine()
    if name == "amqtt":
        if importlib.util.find_spec("amqtt") is None:
            raise NeedUnmet(
                "the engine amqtt is not installed; run pip install 'jitplab[amqtt]' or choose --engine local"
            )
        from jitpbroker.engine.amqtt import AmqttEngine  # noqa: PLC0415 - optional, and heavy to load

        return AmqttEngine()
    raise ValueError(f"{name!r} is no engine; choose local or amqtt")


class Account:
    """Registry and broker of one account; a context manager while the broker runs.

    Args:
        now: the account's clock.
        profile: ``aws-2021`` or ``aws-2026``.
        engine: ``local`` or ``amqtt``.
        credentials: of the server; made when not given.
        log_authn_errors: whether the owner has switched on ``Connection.AuthNError``.
        roles: what each role may do, by ARN, as IAM actions; ``None`` trusts every role with everything.
        provisioning_delay: seconds between a first CONNECT and its template.
        certificate_required: whether TLS itself turns away clients without a certificate.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        profile: Profile | str,
        engine: str = "local",
        credentials: ServerCredentials | None = None,
        log_authn_errors: bool = False,
        roles: Mapping[str, frozenset[str]] | None = None,
        provisioning_delay: float = 0.0,
        certificate_required: bool = True,
    ) -> None:
        self.profile = profile_named(profile) if isinstance(profile, str) else profile
        self.registry = Registry(new_id=counting_ids())
        self.trace = broker_trace.Trace()
        self._now = now
        self._credentials = credentials or in_memory()
        self._log_text = io.StringIO()
        levels = {"Connection.AuthNError": LogLevel.ERROR} if log_authn_errors else {}
        options = LogOptions(self.registry.arns.account, event_levels=levels)
        desk = FrontDesk(
            self.registry,
            self.trace,
            profile=self.profile,
            log=Log(self._log_text, options, counting_ids()),
            schedule=after(provisioning_delay, now) if provisioning_delay else at_once,
            roles=roles,
        )
        settings = ServerSettings(tls=TlsSettings(require_client_certificate=certificate_required))
        self._server = Server(
            desk, make_engine(engine), self.trace, self._credentials, now=now, settings=settings
        )
        self._thread = BrokerThread(self._server)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def endpoint(self, *, sni: bool = True, tls: str | None = None) -> Endpoint:
        """Where devices connect; with ``sni`` false they send no server name."""
        return Endpoint(
            host="127.0.0.1",
            port=self._thread.port,
            root_pem=self._credentials.root_pem,
            server_name=SERVER_NAME if sni else None,
            tls=tls,
        )

    def now(self) -> datetime:
        """The account's time."""
        return self._now()

    def call(self, change: Callable[[Registry], T]) -> T:
        """Do something with the registry between two events of the broker, and return what came of it.

        Raises:
            RegistryError: the registry refused.
        """
        return self._thread.call(lambda: change(self.registry))

    def register_ca(
        self,
        certificate: bytes,
        template: str | None = None,
        *,
        status: CaStatus = CaStatus.ACTIVE,
        auto_registration: AutoRegistration | None = None,
        mode: CertificateMode = CertificateMode.DEFAULT,
    ) -> str:
        """Register a CA certificate (DER); returns its id.

        Args:
            certificate: DER.
            template: provisioning template; ``None`` registers the CA without one.
            status: ACTIVE unless told otherwise.
            auto_registration: enabled where there is a template, unless told otherwise.
            mode: DEFAULT or SNI_ONLY.

        Raises:
            RegistryError: the registry refuses.
        """
        config = RegistrationConfig(template, ROLE_ARN) if template is not None else None
        automatic = AutoRegistration.ENABLE if config else AutoRegistration.DISABLE
        registered = self.call(
            lambda registry: registry.cas.register(
                Certificate.from_der(certificate),
                at=self._now(),
                status=status,
                auto_registration=auto_registration or automatic,
                registration_config=config,
                certificate_mode=mode,
            )
        )
        return registered.id

    def register_ca_by_template_name(self, certificate: bytes, body: str, *, enabled: bool = True) -> None:
        """Create a template of type JITP and register a CA certificate (DER) that provisions by its name."""

        def register(registry: Registry) -> None:
            at = self._now()
            registry.templates.create(
                "by-name", body, role_arn=ROLE_ARN, at=at, type=TemplateType.JITP, enabled=enabled
            )
            registry.cas.register(
                Certificate.from_der(certificate),
                at=at,
                status=CaStatus.ACTIVE,
                auto_registration=AutoRegistration.ENABLE,
                registration_config=RegistrationConfig(body, ROLE_ARN, "by-name"),
            )

        self.call(register)

    def register_by_hand(
        self,
        certificate: bytes,
        *statements: Json,
        status: CertificateStatus = CertificateStatus.ACTIVE,
        mode: CertificateMode = CertificateMode.DEFAULT,
        policy: bool = True,
    ) -> str:
        """Register a device certificate (DER) as its owner would; returns its id.

        Args:
            certificate: DER.
            statements: of its policy; everything is allowed where none is given.
            status: ACTIVE unless told otherwise.
            mode: DEFAULT or SNI_ONLY.
            policy: whether one is attached at all.
        """
        document = policy_document(*(statements or (allow("iot:*"),)))

        def register(registry: Registry) -> str:
            device = registry.certificates.register(
                Certificate.from_der(certificate), at=self._now(), status=status, certificate_mode=mode
            )
            if policy:
                registry.policies.create("by-hand", document, at=self._now())
                registry.policies.attach("by-hand", device.arn)
            return device.id

        return self.call(register)

    def make_thing(self, name: str, certificate: bytes) -> None:
        """Create a thing and attach a registered device certificate (DER) to it."""

        def make(registry: Registry) -> None:
            registry.things.create(name, at=self._now())
            registry.things.attach(name, registry.arns.cert(Certificate.from_der(certificate).id))

        self.call(make)

    def status_of(self, certificate: bytes) -> str | None:
        """The status of a device certificate (DER), ``None`` when it is not registered."""
        wanted = hashlib.sha256(certificate).hexdigest()  # also of bytes that are no certificate

        def look() -> str | None:
            known = self.registry.certificates.get(wanted)
            return known.status.value if known is not None else None

        return self._thread.call(look)

    def snapshot(self) -> dict[str, JsonValue]:
        """The registry as JSON."""
        return self._thread.call(self.registry.snapshot)

    def settle(self) -> None:
        """Wait until every connection so far is gone and the trace tells all of it."""
        self._thread.settle()

    def thing_names(self) -> tuple[str, ...]:
        """The things there are, by name."""
        return self._thread.call(lambda: tuple(thing.name for thing in self.registry.things))

    def records(self) -> tuple[broker_trace.Record, ...]:
        """The trace so far."""
        return self._thread.call(lambda: tuple(self.trace))

    def log_entries(self) -> list[JsonValue]:
        """What CloudWatch would show so far."""
        text = self._thread.call(self._log_text.getvalue)
        return [json.loads(line) for line in text.splitlines()]
