"""What is fed with changed inputs, and what has to hold for each of them.

A target returns a word for what it met (the fuzzer keeps inputs that lead to a new one), and raises
``Finding`` where a promise is broken; any other exception is a finding as well.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from tests.fuzz.requests import feed_request, seeds
from tests.fuzz.seeds import ARN, DEVICE, JSON_WORDS, NOW, POLICIES, SIGNER, TEMPLATES, packets

from jitpbroker import mqtt
from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.decide import Provision, Refuse, decide
from jitpbroker.admission.profiles import AWS_2026
from jitpbroker.admission.provision import provision
from jitpbroker.admission.template import ProvisioningFailed, parse_template
from jitpbroker.policy import Context, NamedPolicy, PolicyInvalid, evaluate, parse_policy
from jitpbroker.policy.variables import available_keys
from jitpbroker.registry import (
    AutoRegistration,
    CaStatus,
    CertificateStatus,
    RegistrationConfig,
    Registry,
    Thing,
)
from jitpbroker.x509 import Certificate

ROLE: Final = "arn:aws:iam::123456789012:role/JITPRole"


class Finding(Exception):  # noqa: N818 - what a fuzzer is for
    """A promise that an input broke."""


@dataclass(frozen=True)
class Target:
    """One thing to feed."""

    name: str
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]
    feed: Callable[[bytes, random.Random], str]


# -- packets -------------------------------------------------------------------------------------------


def _events(data: bytes, chunks: list[int]) -> list[object]:
    """What a connection makes of ``data`` cut at these places; every sound CONNECT is admitted."""
    connection = mqtt.Connection(mqtt.Limits(), 0.0)
    out: list[object] = []
    for start, end in zip([0, *chunks], [*chunks, len(data)], strict=True):
        piece = data[start:end]
        while True:
            before = len(out)
            for event in connection.receive_data(piece, 0.0):
                out.append(event)
                if isinstance(event, mqtt.ConnectArrived) and event.objection is None:
                    connection.send(mqtt.ConnAck(), 0.0)
            if len(out) == before:
                break
            piece = b""
    return out


def feed_packet(data: bytes, rng: random.Random) -> str:
    """However a stream is cut, it means the same; what was read can be written and read again."""
    whole = _events(data, [])
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(6)))
    if _events(data, cuts) != whole:
        raise Finding(f"cut at {cuts} it means something else")
    for event in whole:
        if isinstance(event, mqtt.Publish | mqtt.Subscribe | mqtt.Unsubscribe | mqtt.PubAck):
            again = mqtt.Decoder()
            again.receive_data(mqtt.encode(event))
            if again.next_packet() != event:
                raise Finding(f"{event} is read differently once it was written")
    if sum(isinstance(event, mqtt.Violation) for event in whole) > 1:
        raise Finding("more than one violation")
    last = whole[-1] if whole else None
    why = last.why if isinstance(last, mqtt.Violation) else ""
    return f"{'-'.join(type(event).__name__ for event in whole[:6])} {why.rpartition('[')[2][:24]}"


# -- certificates ----------------------------------------------------------------------------------------


_SIGNED: Final = x509.load_der_x509_certificate(DEVICE).tbs_certificate_bytes


def _registry() -> Registry:
    registry = Registry()
    registry.cas.register(
        Certificate.from_der(SIGNER),
        at=NOW,
        status=CaStatus.ACTIVE,
        auto_registration=AutoRegistration.ENABLE,
    )
    return registry


_ONE_CA: Final = _registry()


def feed_certificate(data: bytes, rng: random.Random) -> str:
    """Bytes are a certificate or a sentence; only what the CA signed is ever registered."""
    chain = rng.choice(((data,), (data, SIGNER), (DEVICE, data), (data, data, SIGNER)))
    verdict = decide(Attempt(chain, "localhost", None, "device", NOW), _ONE_CA, AWS_2026)
    if isinstance(verdict, Provision):
        signed = x509.load_der_x509_certificate(verdict.certificate.der).tbs_certificate_bytes
        if signed != _SIGNED and verdict.certificate.der != SIGNER:
            raise Finding("a certificate that nobody signed would be registered")
    try:
        certificate = Certificate.from_der(data)
    except ValueError as error:
        return f"no certificate: {str(error).partition(': ')[2][:40]}"
    keys = list(available_keys(certificate))
    context = Context("device", "192.0.2.7", certificate)
    for key in keys:
        context.values(key)
    rule = verdict.rule.name if isinstance(verdict, Refuse) else "provision"
    return f"{rule} {len(keys)} {certificate.extensions_problem}"[:80]


# -- templates and policies ------------------------------------------------------------------------------


def feed_template(data: bytes, rng: random.Random) -> str:
    """A body is a template or a sentence; running it ends in an outcome, whatever the role may do."""
    text = data.decode("utf-8", "replace")
    try:
        parse_template(text)
        parsed = "template"
    except ProvisioningFailed as error:
        parsed = str(error)[28:60]
    registry = _registry()
    device = registry.certificates.register(
        Certificate.from_der(DEVICE), at=NOW, status=CertificateStatus.PENDING_ACTIVATION
    )
    patience = rng.randrange(12)
    calls: list[str] = []

    def role_check(_role: str, action: str) -> str | None:
        calls.append(action)
        return None if len(calls) <= patience else "enough"

    outcome = provision(RegistrationConfig(text, ROLE), device, registry, role_check=role_check, at=NOW)
    found = registry.certificates.get(device.id)
    if found is None or found.status is not (outcome.status if outcome.why is None else device.status):
        raise Finding(f"{outcome} leaves {found}")
    if parsed != "template" and outcome.why is None:
        raise Finding("what is no template has run")
    return f"{parsed} {len(calls)} {(outcome.why or '')[:16]}"


def feed_policy(data: bytes, _rng: random.Random) -> str:
    """A document is a policy or a sentence; what is malformed allows nothing, and Deny always wins."""
    text = data.decode("utf-8", "replace")
    try:
        parse_policy(text)
        parsed = "policy"
    except PolicyInvalid as error:
        parsed = str(error)[:32]
    words = []
    for action, resource in _QUESTIONS:
        answer = evaluate([NamedPolicy("p", text)], action, resource, _CONTEXT)
        if answer.allowed and parsed != "policy":
            raise Finding("a malformed policy allows")
        if evaluate([NamedPolicy("p", text), _NOTHING], action, resource, _CONTEXT).allowed:
            raise Finding("a Deny of everything does not deny")
        words.append(f"{answer.allowed:d}{answer.why.count(';')}")
    return f"{parsed} {' '.join(words)}"


_QUESTIONS: Final = (
    ("iot:Connect", f"{ARN}client/device"),
    ("iot:Publish", f"{ARN}topic/a/b"),
    ("iot:Subscribe", f"{ARN}topicfilter/a/#"),
)
_THING: Final = Thing("device", f"{ARN}thing/device", "id", NOW, {"plant": "north", "n": "12"})
_CONTEXT: Final = Context("device", "192.0.2.7", Certificate.from_der(DEVICE), _THING, True, ("LastWill",))
_NOTHING: Final = NamedPolicy(
    "nothing",
    json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}),
)

_IN_REQUESTS: Final = (
    *(b"%2F", b"%00", b"%ff", b"/../", b"//", b"?nextToken=", b"&maxResults=-1", b"&pageSize=1e9", b"\n\n"),
    *(b"GET ", b"DELETE ", b"x-amz-target: Logs_20140328.", b"content-type: text/html", b"origin: null"),
    *(b"aws4_request", b"Credential=", b"us-gov-west-1", b"-----BEGIN CERTIFICATE-----", b"arn:aws:iot:"),
)

TARGETS: Final = (
    Target(
        "packet",
        packets(),
        (b"MQTT\x04", b"\x00\x00", b"\xff\xff", b"\x80\x80\x80\x01", b"#", b"+", b"$aws/"),
        feed_packet,
    ),
    Target(
        "template",
        TEMPLATES,
        JSON_WORDS,
        feed_template,
    ),
    Target("policy", POLICIES, JSON_WORDS, feed_policy),
    Target(
        "certificate",
        (DEVICE, SIGNER),
        (
            b"\x30\x80",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x02\x01\x00",
            b"\x06\x03\x55\x1d\x11",
            b"\xa3\x00",
            b"\x04\x00",
        ),
        feed_certificate,
    ),
    Target("request", seeds(), (*JSON_WORDS, *_IN_REQUESTS), feed_request),
)
