"""Which operation a request is for: by credential scope and target, or by verb and path.

Rules of this file:
1. ``X-Amz-Target`` names an operation of a JSON service; the credential scope must not contradict it.
2. Everything else is AWS IoT by verb and path; a literal segment beats a parameter.
3. The account is the access key where that is twelve digits, else the account served here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import unquote

from botocore.model import OperationModel

from jitpbroker.control.messages import Refused, Request
from jitpbroker.control.model import IOT, LOGS, Service, service

_SCOPE: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/([0-9]{8})/([^/,\s]+)/([^/,\s]+)/aws4_request"
)
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_REGION: Final = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True)
class Scope:
    """A credential scope: whose request it is, and for which Region and service."""

    account: str | None
    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Target:
    """An operation and the parameters its path holds."""

    service: Service
    operation: OperationModel
    path_parameters: dict[str, str]


def scope_of(request: Request) -> Scope | None:
    """The credential scope of a signed request; ``None`` when it is not signed. The signature is not read.

    Evidence: document - AWS General Reference, elements of a Signature Version 4 request.
    """
    found = _SCOPE.match(request.headers.get("authorization", ""))
    if found is None or not _REGION.fullmatch(found.group(3)):
        return None
    account = found.group(1) if _ACCOUNT.fullmatch(found.group(1)) else None
    return Scope(account, found.group(3), found.group(4))


def target_of(request: Request, scope: Scope | None) -> Target:
    """Find the operation.

    Raises:
        Refused: there is none; no service here has such a path or target.
    """
    named = request.headers.get("x-amz-target")
    wanted = scope.service if scope is not None else LOGS if named else IOT
    if named is not None:
        return _by_target(named, wanted)
    if wanted != IOT:
        raise Refused(
            "UnknownOperationException", f"The service {wanted[:50]} is not on this desk; iot and logs are."
        )
    return _by_path(request)


def _by_target(named: str, wanted: str) -> Target:
    prefix, _, name = named.partition(".")
    logs = service(LOGS)
    if wanted != LOGS or prefix != logs.json_target or name not in logs.operations:
        raise Refused(
            "UnknownOperationException", f"There is no operation {named[:100]} of the service {wanted} here."
        )
    return Target(logs, logs.operations[name], {})


def _by_path(request: Request) -> Target:
    segments = request.path.split("/")
    for pattern, operation in _routes().get((request.method, len(segments)), ()):
        found = _fit(pattern, segments)
        if found is not None:
            return Target(service(IOT), operation, found)
    raise Refused(
        "InvalidRequestException", f"AWS IoT has no operation {request.method} {unquote(request.path)[:200]}."
    )


def _fit(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    """The values of a pattern's ``{labels}``, ``None`` when a literal differs or a value is empty."""
    out = {}
    for wanted, segment in zip(pattern, segments, strict=True):
        if wanted.startswith("{"):
            if not segment:
                return None
            out[wanted[1:-1]] = unquote(segment)
        elif wanted != segment:
            return None
    return out


@cache
def _routes() -> dict[tuple[str, int], tuple[tuple[tuple[str, ...], OperationModel], ...]]:
    """Every operation's path by verb and number of segments, the most literal first."""
    table: dict[tuple[str, int], list[tuple[tuple[str, ...], OperationModel]]] = {}
    for operation in service(IOT).operations.values():
        pattern = tuple(operation.http["requestUri"].split("/"))
        table.setdefault((operation.http["method"], len(pattern)), []).append((pattern, operation))
    return {
        key: tuple(sorted(found, key=lambda each: sum(part.startswith("{") for part in each[0])))
        for key, found in table.items()
    }
