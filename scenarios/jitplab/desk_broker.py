"""The broker of ``jitplab broker``: registers a user's CA without further ceremony and serves.

Rules of this file:
1. One ready line on standard output, a JSON object; everything else goes to standard error.
2. Loopback unless told otherwise, and a sentence when told otherwise.
3. What is wrong with the arguments is said in one sentence before anything listens.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from jitpbroker import trace as broker_trace
from jitpbroker.admission.desk import FrontDesk, at_once
from jitpbroker.admission.profiles import Profile
from jitpbroker.admission.switches import QUOTAS_AWS
from jitpbroker.admission.template import ProvisioningFailed, parse_template
from jitpbroker.credentials import ROOT_CERTIFICATE_FILE, CredentialsError, c_array, load_or_create
from jitpbroker.engine import Engine
from jitpbroker.logs import LOG_GROUP, Log, LogLevel, LogOptions
from jitpbroker.mqtt import AWS_LIMITS, Limits
from jitpbroker.registry.entities import AutoRegistration, CaCertificate, CaStatus, RegistrationConfig
from jitpbroker.registry.errors import RegistryError
from jitpbroker.registry.store import Registry
from jitpbroker.registry_events import RegistryEvents
from jitpbroker.server import Server, Settings, after
from jitpbroker.store.errors import StateError
from jitpbroker.x509 import Certificate
from jitplab.account import ROLE_ARN, make_engine
from jitplab.desk_control import control_plane, log_store, steered_log
from jitplab.desk_state import Kept
from jitplab.scenario import NeedUnmet
from jitplab.terminal import Style, style_of

if TYPE_CHECKING:
    from jitpbroker.control.logstore import LogStore
    from jitpbroker.control.serving import ControlServer

_MISUSE: Final = 2
_NEED_UNMET: Final = 3


class CannotServe(Exception):  # noqa: N818 - the reader's sentence follows
    """The broker cannot be started as asked.

    Attributes:
        code: the exit code: 2 misuse, 3 a need is unmet.
    """

    def __init__(self, sentence: str, code: int = _MISUSE) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for on the command line."""

    cas: tuple[Path, ...]
    template: Path | None
    listen: str
    port: int
    server_names: tuple[str, ...]
    profile: Profile
    engine: str
    directory: Path
    c_array: Path | None
    log_authn_errors: bool
    provisioning_delay: float = 0.0  # seconds between a first CONNECT and its template
    control_port: int | None = None  # of the AWS control plane, None for none
    control_listen: str = "127.0.0.1"
    state: Path | None = None  # where registry, sessions and messages are kept, None for nowhere


def serve(plan: Plan) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        CannotServe: with the sentence for the user.
    """
    template = read_template(plan.template)
    certificates = [certificate for path in plan.cas for certificate in _certificates(path)]
    with ExitStack() as stack:
        kept = None if plan.state is None else _kept(plan.state, stack)
        registry = Registry(new_id=_uuid) if kept is None else kept.registry
        for certificate in certificates:
            _register(registry, certificate, template)
        _serve_registry(plan, registry, kept, stack)


def _serve_registry(plan: Plan, registry: Registry, kept: Kept | None, stack: ExitStack) -> None:
    names = list(dict.fromkeys(("localhost", "127.0.0.1", "::1", *_own_names(plan), *plan.server_names)))
    try:
        credentials = load_or_create(plan.directory, names)
        if plan.c_array is not None:
            plan.c_array.write_text(c_array(credentials.root_pem), encoding="ascii")
    except CredentialsError as error:
        raise CannotServe(str(error)) from None
    except (OSError, ValueError) as error:
        raise CannotServe(f"no server certificate for {', '.join(names)} can be made: {error}") from None
    engine = _engine(plan.engine, kept)
    store = None if plan.control_port is None else _log_store()
    log_file, trace_file = (
        stack.enter_context(_private_file(plan.directory / name))
        for name in (f"{LOG_GROUP}.jsonl", "trace.jsonl")
    )
    trace = broker_trace.Trace()
    trace.listen(lambda record: _keep(trace_file, record))
    trace.listen(lambda record: _tell(sys.stderr, record))
    desk = FrontDesk(
        registry,
        trace,
        profile=plan.profile,
        log=_log(plan, registry, log_file, store),
        new_id=_uuid,
        schedule=after(plan.provisioning_delay, _now) if plan.provisioning_delay else at_once,
    )
    commit = None if kept is None else kept.commit
    server = Server(desk, engine, trace, credentials, now=_now, settings=settings_of(plan, commit))
    RegistryEvents(registry, lambda event: server.publish((event,)), now=_now, new_id=_uuid)
    control = None if store is None else _control(server, registry, store, plan, kept)
    asyncio.run(_serve(server, control, plan, tuple(registry.cas)))


def settings_of(plan: Plan, commit: Callable[[], None] | None = None) -> Settings:
    """How the broker listens; the quotas of a connection hold where the profile's switch says so."""
    limits = AWS_LIMITS if plan.profile.chose(QUOTAS_AWS) else Limits()
    return Settings(host=plan.listen, port=plan.port, limits=limits, commit=commit)


def _kept(directory: Path, stack: ExitStack) -> Kept:
    """The state, until the stack unwinds."""

    def close() -> None:
        try:
            kept.close()
        except StateError as error:
            raise CannotServe(str(error), _NEED_UNMET) from None

    try:
        kept = Kept(directory, new_id=_uuid, tell=_complain)
    except (NeedUnmet, StateError) as error:
        raise CannotServe(str(error), _NEED_UNMET) from None
    stack.callback(close)
    return kept


async def _serve(
    server: Server, control: ControlServer | None, plan: Plan, cas: tuple[CaCertificate, ...]
) -> None:
    try:
        await server.start()
    except OSError as error:
        raise CannotServe(
            f"{plan.listen}:{plan.port} cannot be listened on: {error.strerror or error}; "
            "choose another --listen or --port (0 picks a free port)",
            _NEED_UNMET,
        ) from None
    try:
        if control is not None:
            await _start_control(control, plan)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        _say_ready(server.port, None if control is None else control.port, plan, cas)
        await stop.wait()
    finally:
        if control is not None:
            await control.close()
        await server.close()


async def _start_control(control: ControlServer, plan: Plan) -> None:
    try:
        await control.start()
    except OSError as error:
        raise CannotServe(
            f"{plan.control_listen}:{plan.control_port} cannot be listened on: {error.strerror or error}; "
            "choose another --control-listen or --control-port (0 picks a free port)",
            _NEED_UNMET,
        ) from None


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say_ready(port: int, control_port: int | None, plan: Plan, cas: tuple[CaCertificate, ...]) -> None:
    ready = {
        "ready": True,
        "mqtt": f"{_in_url(plan.listen)}:{port}",
        "root": str((plan.directory / ROOT_CERTIFICATE_FILE).resolve()),
        "profile": plan.profile.name,
        "engine": plan.engine,
        "ca_certificates": [ca.id for ca in cas],
        "log": str((plan.directory / f"{LOG_GROUP}.jsonl").resolve()),
        "trace": str((plan.directory / "trace.jsonl").resolve()),
    }
    if plan.state is not None:
        ready["state"] = str(plan.state.resolve())
    if control_port is not None:
        ready["control"] = f"http://{_in_url(plan.control_listen)}:{control_port}"
    style = style_of(sys.stderr)
    for ca in cas:
        sys.stderr.write(f"registered CA {ca.certificate.label} ({ca.id})\n")
    if not _is_loopback(plan.listen):
        sys.stderr.write(
            style.bad(f"listening on {plan.listen}: whoever reaches this machine reaches the broker, too\n")
        )
    if control_port is not None and not _is_loopback(plan.control_listen):
        sys.stderr.write(
            style.bad(f"the control plane listens on {plan.control_listen} and asks nobody who they are\n")
        )
    sys.stderr.flush()
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


# --- what a person sees while it runs --------------------------------------------------------------


def _keep(file: TextIO, record: broker_trace.Record) -> None:
    file.write(json.dumps(broker_trace.as_json(record)) + "\n")
    file.flush()


def _tell(stream: TextIO, record: broker_trace.Record) -> None:
    sentence = told(record, style_of(stream))
    if sentence is not None:
        stream.write(f"{record.at.strftime('%H:%M:%S')} {sentence}\n")
        stream.flush()


def told(record: broker_trace.Record, style: Style) -> str | None:
    """A trace record in one line for a person, ``None`` for those that say nothing new."""
    match record:
        case broker_trace.Handshake(completed=True):
            chain = f"{len(record.chain)} certificate{'s' * (len(record.chain) != 1)}"
            return style.dim(f"{record.peer} {record.version}, SNI {record.sni or 'none'}, {chain}")
        case broker_trace.Handshake():
            return style.bad(f"{record.peer} handshake failed: {record.why}")
        case broker_trace.Decision(rule=str()):
            return style.bad(f"{record.peer} {record.client_id!r} refused by {record.rule}: {record.why}")
        case broker_trace.Decision():
            return style.good(f"{record.peer} {record.client_id!r}: {record.verdict}")
        case broker_trace.Provisioning(succeeded=True):
            made = f"thing {record.thing_name}, policies {', '.join(record.policy_names) or 'none'}"
            return style.good(f"{record.certificate_id[:12]}… is {record.certificate_status}: {made}")
        case broker_trace.Provisioning():
            return style.bad(f"{record.certificate_id[:12]}… stays {record.certificate_status}: {record.why}")
        case broker_trace.Authorization(allowed=False):
            return style.bad(f"{record.client_id!r} may not {record.action} {record.resource}: {record.why}")
        case broker_trace.Disconnect():
            return style.dim(f"{record.peer} closed by the {record.by}: {record.reason}, {record.why}")
        case _:
            return None


# --- arguments ----------------------------------------------------------------------------------------


def read_template(path: Path | None) -> str | None:
    """The template body in a file: bare, or inside a registration-config as ``aws iot`` takes it.

    Raises:
        CannotServe: the file cannot be read or is no JSON object.
    """
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
        body = json.loads(text)
    except OSError as error:
        raise CannotServe(f"the template {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CannotServe(f"the template {path} is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise CannotServe(f"the template {path} is no JSON object with Parameters and Resources")
    inner = body.get("templateBody")
    if inner is None:
        inner = text
    if not isinstance(inner, str):
        raise CannotServe(f"templateBody in {path} is not a string; AWS wants the template escaped into one")
    try:
        parse_template(inner)
    except ProvisioningFailed as error:
        # AWS takes it and leaves every device stuck in PENDING_ACTIVATION; so do we, but not in silence.
        sys.stderr.write(f"warning: no device will be provisioned by the template {path}: {error}\n")
    return inner


def _certificates(path: Path) -> Iterable[Certificate]:
    try:
        return Certificate.chain_from_pem(path.read_bytes())
    except OSError as error:
        raise CannotServe(f"the CA certificate {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CannotServe(f"{path}: {error}") from None


def _register(registry: Registry, certificate: Certificate, template: str | None) -> None:
    if not certificate.is_ca:
        raise CannotServe(
            f"{certificate.label} is no CA certificate (basicConstraints does not say CA:TRUE); "
            "register the certificate that signs your devices"
        )
    config = RegistrationConfig(template, ROLE_ARN) if template is not None else None
    if (kept := registry.cas.get(certificate.id)) is not None:  # a template replaces the one that was kept
        if config not in (None, kept.registration_config):
            registry.cas.update(certificate.id, at=_now(), registration_config=config)
        return
    try:
        registry.cas.register(
            certificate,
            at=_now(),
            status=CaStatus.ACTIVE,
            auto_registration=AutoRegistration.ENABLE,
            registration_config=config,
        )
    except RegistryError as error:
        raise CannotServe(str(error)) from None


def _log_store() -> LogStore:
    try:
        return log_store()
    except NeedUnmet as error:
        raise CannotServe(str(error), _NEED_UNMET) from None


def _log(plan: Plan, registry: Registry, file: TextIO, store: LogStore | None) -> Log:
    if store is not None:
        asked = plan.log_authn_errors
        return steered_log(registry, file, store, now=_now, new_id=_uuid, log_authn_errors=asked)
    levels = {"Connection.AuthNError": LogLevel.ERROR} if plan.log_authn_errors else {}
    return Log(file, LogOptions(registry.arns.account, event_levels=levels), _uuid)


def _complain(sentence: str) -> None:
    sys.stderr.write(f"{style_of(sys.stderr).bad(sentence)}\n")
    sys.stderr.flush()


def _control(
    server: Server, registry: Registry, store: LogStore, plan: Plan, kept: Kept | None
) -> ControlServer:
    """The data endpoint gets a name, where there is one: an address does not make clients send SNI."""
    local = "localhost" if _is_loopback(plan.listen) else _in_url(plan.listen)
    return control_plane(
        server,
        registry,
        store,
        new_id=_uuid,
        host=plan.control_listen,
        port=plan.control_port or 0,
        data_host=next(iter(plan.server_names), local),
        kept=kept,
    )


def _engine(name: str, kept: Kept | None) -> Engine:
    if kept is not None and name == "local":
        return kept.engine(_now)
    if kept is not None:
        _complain(f"the engine {name} keeps no sessions and messages: --state keeps the registry alone")
    try:
        return make_engine(name)
    except NeedUnmet as error:
        raise CannotServe(str(error), _NEED_UNMET) from None


def _own_names(plan: Plan) -> tuple[str, ...]:
    """The listening address, where it names one."""
    try:
        address = ip_address(plan.listen)
    except ValueError:
        return (plan.listen,)
    return () if address.is_unspecified else (str(address),)


def _is_loopback(listen: str) -> bool:
    try:
        return ip_address(listen).is_loopback
    except ValueError:
        return listen == "localhost"


def _private_file(path: Path) -> TextIO:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotServe(f"{path} cannot be written: {error.strerror}") from None
    return os.fdopen(descriptor, "a", encoding="utf-8")


def _now() -> datetime:
    return datetime.now(UTC)


def _uuid() -> str:
    return str(uuid.uuid4())
