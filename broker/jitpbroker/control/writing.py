"""Answers and refusals as HTTP, by the model's output shapes and error codes.

Evidence: document - the service models that AWS publishes with botocore 1.44.5; times are seconds since 1970,
as rest-json and json 1.1 write them.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TypeAlias

from botocore.model import ListShape, MapShape, Shape, StructureShape

from jitpbroker.control.messages import Answer, Refused, Response, Value
from jitpbroker.control.model import IOT, http_status
from jitpbroker.control.route import Target

_Written: TypeAlias = "str | int | float | bool | list[_Written] | dict[str, _Written] | None"


def answered(target: Target, answer: Answer, request_id: str) -> Response:
    """The response to an operation that succeeded.

    A member the output shape does not have is a fault of ours and fails an assertion.
    """
    shape = target.operation.output_shape
    headers = _headers(target.service.name, request_id)
    if shape is None:
        assert not answer, f"{target.operation.name} answers nothing"
        return Response(200, headers, b"" if target.service.name == IOT else b"{}")
    assert isinstance(shape, StructureShape), "an operation's output is a structure"
    return Response(200, headers, _json(_write(shape, answer)))


def refused(service_name: str, refusal: Refused, request_id: str) -> Response:
    """The response to an operation that was refused."""
    headers = {**_headers(service_name, request_id), "x-amzn-errortype": refusal.code}
    kind = {} if service_name == IOT else {"__type": refusal.code}
    body: dict[str, _Written] = {**kind, "message": refusal.message, **refusal.members}
    return Response(http_status(service_name, refusal.code), headers, _json(body), refusal.note)


def _headers(service_name: str, request_id: str) -> dict[str, str]:
    content_type = "application/json" if service_name == IOT else "application/x-amz-json-1.1"
    return {"content-type": content_type, "x-amzn-requestid": request_id}


def _json(value: _Written) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace")


def _write(shape: Shape, value: Value) -> _Written:
    match shape, value:
        case StructureShape(), dict():
            unknown = set(value) - set(shape.members)
            assert not unknown, f"{shape.name} has no member {unknown}"
            return {
                member.serialization.get("name", name): _write(member, value[name])
                for name, member in shape.members.items()
                if value.get(name) is not None
            }
        case ListShape(), list():
            return [_write(shape.member, each) for each in value]
        case MapShape(), dict():
            return {key: _write(shape.value, each) for key, each in value.items()}
        case _, datetime():
            return round(value.timestamp(), 3)
        case _, str():
            return str(value)  # a StrEnum's plain text
        case _:
            assert not isinstance(value, list | dict), f"{shape.name} is a {shape.type_name}"
            return value
