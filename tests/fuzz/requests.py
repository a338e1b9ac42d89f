"""HTTP requests to the control plane as bytes that can be changed: start line, headers, empty line, body."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime
from itertools import count
from typing import Final

from botocore.serialize import create_serializer
from tests.fuzz.seeds import DEVICE, POLICIES, SIGNER, TEMPLATES

from jitpbroker.control.call import Addresses, NewKey, Surroundings
from jitpbroker.control.issuer import DeskIssuer
from jitpbroker.control.logstore import LogStore
from jitpbroker.control.messages import Request, Response
from jitpbroker.control.model import service
from jitpbroker.control.plane import AccountBook, ControlPlane
from jitpbroker.registry import Registry, counting_ids
from jitpbroker.x509 import Certificate

NOW: Final = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
#: A plane is made anew after so many requests: what piles up must not slow the search.
LIFETIME: Final = 400
_ROLE: Final = "arn:aws:iam::123456789012:role/JITPRole"
_CERT: Final = "arn:aws:iot:us-east-1:123456789012:cert/" + "0" * 64


class Broken(Exception):  # noqa: N818 - what a fuzzer is for
    """A promise that a request broke."""


def _pem(der: bytes) -> str:
    return Certificate.from_der(der).pem


def _calls() -> tuple[tuple[str, dict[str, object]], ...]:
    policy, template = POLICIES[0].decode(), TEMPLATES[0].decode()
    ca = {
        "caCertificate": _pem(SIGNER),
        "setAsActive": True,
        "allowAutoRegistration": True,
        "certificateMode": "SNI_ONLY",
        "registrationConfig": {"templateBody": template, "roleArn": _ROLE},
        "tags": [{"Key": "a", "Value": "b"}],
    }
    return (
        ("RegisterCACertificate", ca),
        ("ListCACertificates", {"pageSize": 10, "ascendingOrder": True}),
        ("RegisterCertificateWithoutCA", {"certificatePem": _pem(DEVICE), "status": "ACTIVE"}),
        ("DescribeCertificate", {"certificateId": "0" * 64}),
        ("UpdateCertificate", {"certificateId": "0" * 64, "newStatus": "REVOKED"}),
        ("CreateThing", {"thingName": "t", "attributePayload": {"attributes": {"a": "b"}, "merge": True}}),
        ("ListThings", {"maxResults": 5, "attributeName": "a", "attributeValue": "b"}),
        ("UpdateThing", {"thingName": "t", "expectedVersion": 1, "removeThingType": True}),
        ("AttachThingPrincipal", {"thingName": "t", "principal": _CERT}),
        ("CreatePolicy", {"policyName": "p", "policyDocument": policy}),
        ("CreatePolicyVersion", {"policyName": "p", "policyDocument": policy, "setAsDefault": True}),
        ("AttachPolicy", {"policyName": "p", "target": _CERT}),
        ("CreateThingGroup", {"thingGroupName": "g", "parentGroupName": "h"}),
        (
            "CreateProvisioningTemplate",
            {
                "templateName": "n",
                "templateBody": template,
                "type": "JITP",
                "provisioningRoleArn": _ROLE,
                "enabled": True,
            },
        ),
        ("RegisterThing", {"templateBody": template, "parameters": {"a": "b"}}),
        (
            "TestAuthorization",
            {
                "principal": _CERT,
                "clientId": "c",
                "authInfos": [{"actionType": "CONNECT", "resources": [_CERT]}],
            },
        ),
        ("GetEffectivePolicies", {"principal": _CERT, "thingName": "t"}),
        (
            "SetV2LoggingOptions",
            {
                "roleArn": _ROLE,
                "defaultLogLevel": "INFO",
                "eventConfigurations": [{"eventType": "Connection.AuthNError", "logLevel": "ERROR"}],
            },
        ),
        ("UpdateEventConfigurations", {"eventConfigurations": {"THING": {"Enabled": True}}}),
        ("CreateKeysAndCertificate", {"setAsActive": True}),
        ("TagResource", {"resourceArn": _CERT, "tags": [{"Key": "k"}]}),
        ("DescribeEndpoint", {"endpointType": "iot:Data-ATS"}),
    )


_LOG_CALLS: Final[tuple[tuple[str, dict[str, object]], ...]] = (
    ("DescribeLogGroups", {"logGroupNamePrefix": "AWS"}),
    (
        "FilterLogEvents",
        {
            "logGroupName": "AWSIotLogsV2",
            "filterPattern": '{ $.status = "Failure" }',
            "startTime": 0,
            "limit": 10,
        },
    ),
)


def seeds() -> tuple[bytes, ...]:
    """A request for each operation above, as botocore writes it."""
    found = [_written("iot", "rest-json", name, asked) for name, asked in _calls()]
    found += [_written("logs", "json", name, asked) for name, asked in _LOG_CALLS]
    return tuple(found)


def _written(service_name: str, protocol: str, name: str, asked: dict[str, object]) -> bytes:
    model = service(service_name).operations[name]
    built = create_serializer(protocol).serialize_to_request(asked, model)
    query = built.get("query_string") or {}
    assert isinstance(query, dict)
    path = built["url_path"] + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
    headers = {"host": "localhost", **{key.lower(): str(value) for key, value in built["headers"].items()}}
    scope = f"test/20261126/us-east-1/{service_name}/aws4_request"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    body = built["body"]
    head = "\n".join((f"{built['method']} {path}", *(f"{k}: {v}" for k, v in headers.items())))
    return head.encode() + b"\n\n" + (body if isinstance(body, bytes) else str(body).encode())


def request_of(data: bytes) -> Request:
    """What a server's parser would hand on of these bytes; whatever cannot be one is left out."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    method, _, target = first.partition(" ")
    path, _, query = target.partition("?")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return Request(method, path, query, headers, body)


class QuickIssuer:
    """One key for everybody: RSA keys take long."""

    def __init__(self) -> None:
        numbers = count(1)
        self._real = DeskIssuer(lambda size: hashlib.sha256(str(next(numbers)).encode()).digest()[:size])
        self._key = self._real.new_key()

    def new_key(self) -> NewKey:
        return self._key

    def for_key(self, public_pem: str, *, at: datetime, until: datetime | None = None) -> str:
        return self._real.for_key(public_pem, at=at, until=until)


class NoSessions:
    """Nobody is connected."""

    def end(self, _certificate_id: str, _why: str) -> int:
        return 0


_ISSUER: Final = QuickIssuer()


class Plane:
    """The control plane under test, made anew now and then."""

    def __init__(self) -> None:
        self._served = LIFETIME
        self._plane = self._anew()

    def _anew(self) -> ControlPlane:
        self._registry, ids = Registry(new_id=counting_ids()), counting_ids()
        around = Surroundings(
            accounts=AccountBook(self._registry, ids).accounts(),
            sessions=NoSessions(),
            log=LogStore(),
            issuer=_ISSUER,
            new_id=ids,
            draw=bytes,
            addresses=lambda: Addresses("localhost:8883"),
        )
        return ControlPlane(around, now=lambda: NOW)

    def ask(self, request: Request) -> Response:
        """One answer."""
        self._served -= 1
        if not self._served:
            self._served, self._plane = LIFETIME, self._anew()
        return self._plane.handle(request)

    def snapshot(self) -> object:
        """The registry as JSON."""
        return self._registry.snapshot()


_PLANE: Final = Plane()
_OTHER: Final = request_of(_written("iot", "rest-json", "ListThings", {}))


def feed_request(data: bytes, rng: random.Random) -> str:
    """Whatever is asked is answered in AWS's form, never as the desk's own fault; the next is served."""
    request = request_of(data)
    response = _PLANE.ask(request)
    if response.note is not None and "fault" in response.note:
        raise Broken(response.note)
    if not 200 <= response.status < 500 and response.status != 503:
        raise Broken(f"status {response.status}")
    if response.body and not isinstance(json.loads(response.body), dict):
        raise Broken("the answer is no JSON object")
    if b"<html" in response.body.lower():
        raise Broken("the answer is HTML")
    if rng.randrange(16) == 0:
        if _PLANE.ask(_OTHER).status != 200:
            raise Broken("the next client is not served")
        json.dumps(_PLANE.snapshot())
    told = json.loads(response.body or b"{}")
    message = str(told.get("message", told.get("Message", " ".join(sorted(told)))))
    word = min(len(message.split()), 40)  # its words would hold the input's own
    return f"{response.status} {response.headers.get('x-amzn-ErrorType', '')} {word}"
