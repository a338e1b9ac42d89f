"""The account's owner at the control plane: requests by botocore's own serializer, refusals as they are told.

botocore is an optional extra; a scenario that needs this declares `Need.CONTROL_PLANE`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from jitpbroker.registry.ids import counting_ids
from jitplab.stop import RegistrationRefused

if TYPE_CHECKING:
    from jitpbroker.trace import JsonValue
    from jitplab.account import Account


@dataclass(frozen=True, slots=True)
class Serialized:
    """An operation of AWS IoT as HTTP has it; ``query`` without its question mark."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def serialized(operation: str, parameters: Mapping[str, object]) -> Serialized:
    """A call as botocore's own serializer writes it.

    Args:
        operation: its name in AWS's service model.
        parameters: by their names there.

    Raises:
        ImportError: botocore is not installed.
    """
    from botocore.serialize import create_serializer  # noqa: PLC0415 - optional

    from jitpbroker.control.model import IOT, service  # noqa: PLC0415 - optional

    model = service(IOT).operations[operation]
    built = create_serializer("rest-json").serialize_to_request(parameters, model)
    query, body = built.get("query_string") or {}, built["body"]
    return Serialized(
        str(built["method"]),
        str(built["url_path"]),
        urlencode(query, doseq=True) if isinstance(query, dict) else "",
        {str(name): str(value) for name, value in dict(built["headers"]).items()},
        body if isinstance(body, bytes) else str(body).encode(),
    )


class _Nobody:
    """No connection is ended by the scenarios' owner."""

    def end(self, _certificate_id: str, _why: str) -> int:
        return 0


class Owner:
    """Somebody with credentials for an account."""

    def __init__(self, account: Account) -> None:
        from jitpbroker.control.call import Addresses, Surroundings  # noqa: PLC0415 - optional
        from jitpbroker.control.issuer import DeskIssuer  # noqa: PLC0415 - optional
        from jitpbroker.control.logstore import LogStore  # noqa: PLC0415 - optional
        from jitpbroker.control.plane import AccountBook, ControlPlane  # noqa: PLC0415 - optional

        self._account = account
        ids = counting_ids()
        around = Surroundings(
            accounts=AccountBook(account.registry, ids).accounts(),
            sessions=_Nobody(),
            log=LogStore(),
            issuer=DeskIssuer(secrets.token_bytes),
            new_id=ids,
            draw=secrets.token_bytes,
            addresses=lambda: Addresses("localhost:8883"),
        )
        self._plane = ControlPlane(around, now=account.now)

    def ask(
        self, operation: str, *, access_key: str = "test", **parameters: object
    ) -> Mapping[str, JsonValue]:
        """Call an operation of AWS IoT; the answer's body.

        Args:
            operation: its name in AWS's service model.
            access_key: twelve digits speak for another account.
            parameters: by their names there.

        Raises:
            RegistrationRefused: the control plane says no.
        """
        from jitpbroker.control.messages import Request  # noqa: PLC0415 - optional

        asked = serialized(operation, parameters)
        scope = f"{access_key}/20260131/us-east-1/iot/aws4_request"
        request = Request(
            asked.method,
            asked.path,
            asked.query,
            {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"},
            asked.body,
        )
        response = self._account.call(lambda _registry: self._plane.handle(request))
        answer: dict[str, JsonValue] = json.loads(response.body or b"{}")
        if response.status >= 300:
            headers = {name.lower(): value for name, value in response.headers.items()}
            raise RegistrationRefused(headers["x-amzn-errortype"], str(answer.get("message")))
        return answer
