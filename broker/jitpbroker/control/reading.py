"""A request's parameters from the four places the model puts them: path, query, headers, body.

Rules of this file:
1. Members are collected by the model's location names; what the model does not know is passed over.
2. What is collected is held against the model's constraints before an operation sees it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from jitpbroker.control.constraints import WrongType, objections, sentence
from jitpbroker.control.messages import Refused, Request
from jitpbroker.control.model import IOT, Service
from jitpbroker.control.params import Params
from jitpbroker.control.route import Target
from jitpbroker.registry.jsontext import Json, parse_json

_TRUTH: Final = {"true": True, "false": False}

#: Digits of an integer in a query; every integer of the model fits.
_MOST_DIGITS: Final = 19


def read(request: Request, target: Target) -> Params:
    """The parameters of ``target``'s operation.

    Raises:
        Refused: the body is no JSON object, or the model objects.
    """
    shape = target.operation.input_shape
    assert isinstance(shape, StructureShape), "every input is a structure, if need be an empty one"
    try:
        values = _collect(request, target, shape)
        found = objections(shape, values)
    except ValueError as error:
        raise Refused(_malformed(target.service), str(error)) from None
    if found:
        raise Refused(_invalid(target.service), sentence(found))
    return Params(values)


def _collect(request: Request, target: Target, shape: StructureShape) -> dict[str, Json]:
    body = _body(request, target.operation)
    # The last of several counts: no list of the model stands in a query.
    query = dict(parse_qsl(request.query, keep_blank_values=True, max_num_fields=100))
    out: dict[str, Json] = {}
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        value: Json
        match member.serialization.get("location"):
            case "uri":
                value = _from_text(member, target.path_parameters[wire], name)
            case "querystring":
                value = _from_text(member, query.get(wire), name)
            case "header":
                value = _from_text(member, request.headers.get(wire.lower()), name)
            case _:
                value = _members(member, body.get(wire))
        if value is not None:
            out[name] = value
    return out


def _body(request: Request, operation: OperationModel) -> dict[str, Json]:
    """The body's JSON object; empty where the operation puts nothing into a body."""
    if not request.body.strip() or request.method == "GET":
        return {}
    try:
        document = parse_json(request.body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"The body is not UTF-8 at byte {error.start}; send JSON in UTF-8.") from None
    except ValueError as error:
        raise ValueError(f"The body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise WrongType(f"The body of {operation.name} must be a JSON object.")
    return document


def _members(shape: Shape, value: Json) -> Json:
    """JSON as the model's values: every structure's members under their own names."""
    match value:
        case dict() if isinstance(shape, StructureShape):
            named = {
                name: value[wire]
                for name, member in shape.members.items()
                if (wire := member.serialization.get("name", name)) in value
            }
            return {name: _members(shape.members[name], each) for name, each in named.items()}
        case list() if isinstance(shape, ListShape):
            return [_members(shape.member, each) for each in value]
        case _:
            return value  # a map, a scalar, or something the constraints will object to


def _from_text(shape: Shape, text: str | None, name: str) -> Json:
    """A path's, query's or header's text as the model's type."""
    if text is None:
        return None
    if shape.type_name == "boolean":
        if text.lower() not in _TRUTH:
            raise WrongType(f"{name} must be true or false, not {text[:100]!r}.")
        return _TRUTH[text.lower()]
    if shape.type_name in ("integer", "long"):
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
            raise WrongType(f"{name} must be an integer, not {text[:100]!r}.")
        return int(text)
    return text


def _malformed(service: Service) -> str:
    return "InvalidRequestException" if service.name == IOT else "SerializationException"


def _invalid(service: Service) -> str:
    return "InvalidRequestException" if service.name == IOT else "InvalidParameterException"
