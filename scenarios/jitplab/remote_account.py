"""An account of a broker that runs already: asked by AWS's own API, its reasons read from its trace.

Rules of this file:
1. What is registered here, and what its visitors leave behind, is deleted when the account is closed;
   whatever was there before stays. Nobody else should use the broker meanwhile.
2. What AWS's API cannot do (switches, roles, another profile, the registry itself) is a need that is unmet.
3. Why something was refused stands in the broker's trace file alone: without it nothing can be judged.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, NoReturn, Self, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

from jitpbroker import trace as broker_trace
from jitpbroker.admission.profiles import PROFILES, profile_named
from jitpbroker.registry.entities import AutoRegistration, CaStatus, CertificateMode, CertificateStatus
from jitplab import pki
from jitplab.account import ROLE_ARN
from jitplab.channel import Endpoint
from jitplab.documents import allow, policy_document
from jitplab.owner import serialized
from jitplab.scenario import NeedUnmet
from jitplab.stop import RegistrationRefused

if TYPE_CHECKING:
    from jitpbroker.registry.jsontext import Json

JsonValue: TypeAlias = broker_trace.JsonValue
#: Signs a registration code as the owner of a CA (DER) does; the verification certificate, DER.
Prove: TypeAlias = Callable[[bytes, str], bytes]

_PATIENCE_SECONDS: Final = 10.0
#: How long a trace is waited for; nothing is derived from it but that there is no more.
_TRACE_SECONDS: Final = 3.0
_KINDS: Final = {
    kind.kind: kind
    for kind in (
        broker_trace.Handshake,
        broker_trace.Connect,
        broker_trace.Decision,
        broker_trace.Provisioning,
        broker_trace.Authorization,
        broker_trace.Disconnect,
    )
}
_REGISTRABLE: Final = frozenset(
    (CertificateStatus.ACTIVE, CertificateStatus.INACTIVE, CertificateStatus.REVOKED)
)
_EXAMPLE: Final = (
    "mqtts://localhost:8883?control=http://127.0.0.1:9000&cafile=jitplab-broker/root.pem"
    "&trace=jitplab-broker/trace.jsonl"
)


@dataclass(frozen=True, slots=True)
class RemoteBroker:
    """Where a broker is and how it is asked.

    Attributes:
        host: its name, which its certificate is good for.
        port: of MQTT over TLS.
        control: URL of its control plane.
        root_pem: whom its certificate comes from.
        trace: its trace file.
        profile: which AWS it imitates.
    """

    host: str
    port: int
    control: str
    root_pem: bytes
    trace: Path
    profile: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``mqtts://HOST:PORT?control=URL&cafile=FILE&trace=FILE[&profile=NAME]``.

        Raises:
            ValueError: it is no such URL, or a file cannot be read.
        """
        parts = urlsplit(url)
        given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        missing = [name for name in ("control", "cafile", "trace") if name not in given]
        if parts.scheme != "mqtts" or not parts.hostname or missing:
            lacks = f"lacks {', '.join(missing)}" if missing else "is no URL of a broker"
            raise ValueError(f"--broker {url!r} {lacks}; write it as {_EXAMPLE!r}")
        if not given["control"].startswith(("http://", "https://")):
            raise ValueError(f"control={given['control']!r} is no HTTP URL, such as http://127.0.0.1:9000")
        profile = given.get("profile", "aws-2026")
        if profile not in PROFILES:
            raise ValueError(f"profile={profile!r} is none; choose {' or '.join(sorted(PROFILES))}")
        try:
            root = Path(given["cafile"]).read_bytes()
            ssl.create_default_context(cadata=root.decode("ascii"))
            with Path(given["trace"]).open("rb"):
                pass
        except (OSError, ValueError) as error:
            what = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
            raise ValueError(f"--broker {url!r} names a file that cannot be used: {what}") from None
        port = parts.port or 8883
        return cls(parts.hostname, port, given["control"], root, Path(given["trace"]), profile)


class RemoteAccount:
    """The account of a running broker; a context manager that leaves it as it was.

    Args:
        broker: where it is.
        now: the lab's clock.
        prove: proves that the owner of a CA has its key.

    Raises:
        NeedUnmet: nobody answers there, or botocore is not installed.
    """

    def __init__(self, broker: RemoteBroker, *, now: Callable[[], datetime], prove: Prove) -> None:
        self.profile = profile_named(broker.profile)
        self._broker = broker
        self._now = now
        self._prove = prove
        self._start = broker.trace.stat().st_size
        self._opened = int(time.time() * 1000)
        self._visits = 0
        self._cas: list[str] = []
        self._certificates: list[str] = []
        self._policies_before = frozenset(self._names("ListPolicies", "policies", "policyName"))
        self._things_before = frozenset(self._names("ListThings", "things", "thingName"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave_as_it_was()

    def __getattr__(self, name: str) -> NoReturn:
        """Whatever else a lab's own account has.

        Raises:
            NeedUnmet: for every public name.
        """
        if name.startswith("_"):
            raise AttributeError(name)
        raise NeedUnmet(
            f"it uses {name} of its account, which AWS's API does not offer to a broker that runs already; "
            "leave --broker out"
        )

    def endpoint(self, *, sni: bool = True, tls: str | None = None) -> Endpoint:
        """Where devices connect; with ``sni`` false they send no server name."""
        self._visits += 1
        broker = self._broker
        return Endpoint(broker.host, broker.port, broker.root_pem, broker.host if sni else None, tls=tls)

    def now(self) -> datetime:
        """The lab's time."""
        return self._now()

    # --- what the owner does ---------------------------------------------------------------------

    def register_ca(
        self,
        certificate: bytes,
        template: str | None = None,
        *,
        status: CaStatus = CaStatus.ACTIVE,
        auto_registration: AutoRegistration | None = None,
        mode: CertificateMode = CertificateMode.DEFAULT,
    ) -> str:
        """Register a CA certificate (DER); returns its id. See ``Account.register_ca``.

        Raises:
            RegistrationRefused: the control plane refuses.
            NeedUnmet: the CA's key is not at hand, or it is registered already.
        """
        automatic = AutoRegistration.ENABLE if template is not None else AutoRegistration.DISABLE
        asked: dict[str, object] = {
            "caCertificate": pki.pem(certificate).decode(),
            "setAsActive": status is CaStatus.ACTIVE,
            "allowAutoRegistration": (auto_registration or automatic) is AutoRegistration.ENABLE,
        }
        if mode is CertificateMode.DEFAULT:
            code = str(self.ask("GetRegistrationCode")["registrationCode"])
            asked["verificationCertificate"] = pki.pem(self._prove(certificate, code)).decode()
        else:
            asked["certificateMode"] = mode.value
        if template is not None:
            asked["registrationConfig"] = {"templateBody": template, "roleArn": ROLE_ARN}
        try:
            registered = str(self.ask("RegisterCACertificate", **asked)["certificateId"])
        except RegistrationRefused as refusal:
            if refusal.code == "ResourceAlreadyExistsException" and not self._cas:
                raise NeedUnmet(
                    "the broker's account has this lab's CA already; leave --seed out, or start it anew"
                ) from None
            raise
        self._cas.append(registered)
        return registered

    def register_by_hand(
        self,
        certificate: bytes,
        *statements: Json,
        status: CertificateStatus = CertificateStatus.ACTIVE,
        mode: CertificateMode = CertificateMode.DEFAULT,
        policy: bool = True,
    ) -> str:
        """Register a device certificate (DER) as its owner would; returns its id.

        Raises:
            RegistrationRefused: the control plane refuses.
            NeedUnmet: nothing can be registered with that status.
        """
        if status not in _REGISTRABLE:
            raise NeedUnmet(f"AWS's API registers no certificate as {status.value}; leave --broker out")
        without_ca = mode is CertificateMode.SNI_ONLY
        answer = self.ask(
            "RegisterCertificateWithoutCA" if without_ca else "RegisterCertificate",
            certificatePem=pki.pem(certificate).decode(),
            status=status.value,
        )
        registered = str(answer["certificateId"])
        self._certificates.append(registered)
        if policy:
            name = f"by-hand-{registered[:12]}"
            document = policy_document(*(statements or (allow("iot:*"),)))
            self.ask("CreatePolicy", policyName=name, policyDocument=document)
            self.ask("AttachPolicy", policyName=name, target=str(answer["certificateArn"]))
        return registered

    def make_thing(self, name: str, certificate: bytes) -> None:
        """Create a thing and attach a registered device certificate (DER) to it."""
        self.ask("CreateThing", thingName=name)
        self.ask("AttachThingPrincipal", thingName=name, principal=self._arn(_id(certificate)))

    # --- what can be seen ------------------------------------------------------------------------

    def status_of(self, certificate: bytes) -> str | None:
        """The status of a device certificate (DER), ``None`` when it is not registered."""
        try:
            described = self.ask("DescribeCertificate", certificateId=_id(certificate))
        except RegistrationRefused as refusal:
            if refusal.code == "ResourceNotFoundException":
                return None
            raise
        return str(cast("Mapping[str, JsonValue]", described["certificateDescription"])["status"])

    def snapshot(self) -> dict[str, JsonValue]:
        """What the account lists, with the keys of ``Account.snapshot``."""
        return {
            "caCertificates": self.ask("ListCACertificates").get("certificates", []),
            "certificates": self.ask("ListCertificates").get("certificates", []),
            "things": self.ask("ListThings").get("things", []),
            "policies": self.ask("ListPolicies").get("policies", []),
        }

    def settle(self) -> None:
        """Wait until the trace tells the end of every connection so far."""
        patience = time.monotonic() + _TRACE_SECONDS
        while time.monotonic() < patience:
            records = self.records()
            told = [record for record in records if isinstance(record, broker_trace.Handshake)]
            ended = {record.peer for record in records if isinstance(record, broker_trace.Disconnect)}
            if len(told) >= self._visits and all(r.peer in ended for r in told if r.completed):
                return
            time.sleep(0.01)  # the trace is a file of another process: it cannot call

    def thing_names(self) -> tuple[str, ...]:
        """The things that were not there before, by name."""
        names = self._names("ListThings", "things", "thingName")
        return tuple(name for name in names if name not in self._things_before)

    def records(self) -> tuple[broker_trace.Record, ...]:
        """The trace since the account was opened."""
        with self._broker.trace.open("rb") as file:
            file.seek(self._start)
            lines = file.read().split(b"\n")[:-1]  # what is behind the last newline is being written
        return tuple(record_from(json.loads(line)) for line in lines)

    def log_entries(self) -> list[JsonValue]:
        """What CloudWatch shows since the account was opened."""
        answer = self._post(
            "/",
            json.dumps({"logGroupName": "AWSIotLogsV2", "startTime": self._opened}).encode(),
            {"x-amz-target": "Logs_20140328.FilterLogEvents", "content-type": "application/x-amz-json-1.1"},
        )
        events = cast("list[Mapping[str, JsonValue]]", answer.get("events", []))
        return [json.loads(str(event["message"])) for event in events]

    # --- the wire --------------------------------------------------------------------------------

    def ask(self, operation: str, **parameters: object) -> Mapping[str, JsonValue]:
        """Call an operation of AWS IoT; the answer's body.

        Raises:
            RegistrationRefused: the control plane says no.
            NeedUnmet: nobody answers, or botocore is not installed.
        """
        try:
            asked = serialized(operation, parameters)
        except ImportError:
            raise NeedUnmet("--broker needs botocore; run pip install 'jitplab[control]'") from None
        path = f"{asked.path}?{asked.query}" if asked.query else asked.path
        return self._post(path, asked.body, asked.headers, asked.method)

    def _post(
        self, path: str, body: bytes, headers: Mapping[str, str], method: str = "POST"
    ) -> Mapping[str, JsonValue]:
        request = urllib.request.Request(  # noqa: S310 - `RemoteBroker.parse` lets HTTP through alone
            self._broker.control.rstrip("/") + path,
            body or None,
            dict(headers),  # unsigned, it is for the account that devices connect to
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as response:  # noqa: S310 - likewise
                answer: Mapping[str, JsonValue] = json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as refusal:
            with refusal:
                told = json.loads(refusal.read() or b"{}")
                name = str(refusal.headers.get("x-amzn-errortype", refusal.code))
            raise RegistrationRefused(name, str(told.get("message"))) from None
        except (OSError, ValueError) as error:
            raise NeedUnmet(f"no control plane answers at {self._broker.control}: {error}") from None
        return answer

    def _names(self, operation: str, list_of: str, key: str, **parameters: object) -> list[str]:
        entries = cast("list[Mapping[str, JsonValue]]", self.ask(operation, **parameters).get(list_of, []))
        return [str(entry[key]) for entry in entries]

    @staticmethod
    def _arn(certificate_id: str) -> str:
        return f"arn:aws:iot:us-east-1:123456789012:cert/{certificate_id}"

    # --- leaving ---------------------------------------------------------------------------------

    def _leave_as_it_was(self) -> None:
        """Delete what came in by us and by our visitors."""
        for ca in self._cas:
            with suppress(RegistrationRefused):
                self._certificates += self._names(
                    "ListCertificatesByCA", "certificates", "certificateId", caCertificateId=ca
                )
        for certificate in dict.fromkeys(self._certificates):
            with suppress(RegistrationRefused):
                self._delete_certificate(certificate)
        for thing in self.thing_names():  # also what a template made before it failed
            with suppress(RegistrationRefused):
                if not self.ask("ListThingPrincipals", thingName=thing).get("principals"):
                    self.ask("DeleteThing", thingName=thing)
        for ca in self._cas:
            with suppress(RegistrationRefused):
                self.ask("UpdateCACertificate", certificateId=ca, newStatus="INACTIVE")
                self.ask("DeleteCACertificate", certificateId=ca)

    def _delete_certificate(self, certificate: str) -> None:
        arn = self._arn(certificate)
        for thing in cast("list[str]", self.ask("ListPrincipalThings", principal=arn).get("things", [])):
            self.ask("DetachThingPrincipal", thingName=thing, principal=arn)
        for policy in self._names("ListAttachedPolicies", "policies", "policyName", target=arn):
            self.ask("DetachPolicy", policyName=policy, target=arn)
            if policy not in self._policies_before:
                with suppress(
                    RegistrationRefused
                ):  # another certificate of ours has it, too, and comes later
                    self.ask("DeletePolicy", policyName=policy)
        with suppress(RegistrationRefused):  # what is revoked stays so, and can be deleted as it is
            self.ask("UpdateCertificate", certificateId=certificate, newStatus="INACTIVE")
        self.ask("DeleteCertificate", certificateId=certificate)


def _id(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()


def record_from(tree: Mapping[str, JsonValue]) -> broker_trace.Record:
    """A record of a trace file.

    Raises:
        KeyError: it is none.
    """
    kind = _KINDS[str(tree["kind"])]
    values = {each.name: _value(str(each.type), tree[each.name]) for each in fields(kind)}
    return cast("broker_trace.Record", cast("Callable[..., object]", kind)(**values))


def _value(type_name: str, value: JsonValue) -> object:
    """The value that ``trace.as_json`` wrote so."""
    match type_name:
        case "datetime":
            return datetime.fromisoformat(str(value))
        case "bytes":
            return bytes.fromhex(str(value))
        case "tuple[str, ...]":
            return tuple(cast("list[str]", value))
        case _:
            return value
