"""AWS's own description of its services, as botocore ships it.

The only module of this package that loads botocore; what it hands out is botocore's typed model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape, StringShape

IOT: Final = "iot"
LOGS: Final = "logs"

#: Java's classes that Python's ``re`` does not know, in the few forms AWS's patterns use; each stands in
#: square brackets there. Letters are widened to ``\w``, since the patterns that have them allow digits and _.
_JAVA_CLASSES: Final = {
    r"\p{Graph}": r"!-~",
    r"\p{Upper}": r"A-Z",
    r"\p{Digit}": r"0-9",
    r"\p{Cntrl}": r"\x00-\x1f\x7f",
    r"\p{C}": r"\x00-\x1f\x7f-\x9f",
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\d",
    r"\w-_": r"\w_-",
}


@dataclass(frozen=True, slots=True)
class Service:
    """A service by its model.

    Attributes:
        name: botocore's, and the signing name in a credential scope.
        operations: by name.
        json_target: the prefix of ``X-Amz-Target``, ``None`` for REST.
    """

    name: str
    operations: dict[str, OperationModel]
    json_target: str | None


@cache
def service(name: str) -> Service:
    """Load a service's model, once; a quarter of a second for AWS IoT."""
    model = ServiceModel(Loader().load_service_model(name, "service-2"), name)
    operations = {each: model.operation_model(each) for each in model.operation_names}
    target = model.metadata.get("targetPrefix")
    return Service(name, operations, str(target) if target is not None else None)


#: Codes of AWS's front door, which stand in no service's model.
#: Evidence: assumed - common errors of AWS's API references; the size limit's is S3's.
_COMMON: Final = {
    "AccessDeniedException": 403,
    "RequestEntityTooLargeException": 413,
    "RequestTimeoutException": 408,
}


@cache
def http_status(service_name: str, code: str) -> int:
    """The HTTP status of an exception: its shape's, else 400 as in the JSON protocol.

    Evidence: assumed - 503 for CloudWatch Logs' ServiceUnavailableException, whose shape has no status: it is
    what AWS's common errors give, and SDKs try again.
    """
    for operation in service(service_name).operations.values():
        for shape in operation.error_shapes:
            if shape.name == code:
                usual = 503 if code == "ServiceUnavailableException" else 400
                status = shape.metadata.get("error", {}).get("httpStatusCode", usual)
                return int(status)
    return _COMMON.get(code, 400)


def pattern_of(shape: Shape) -> str | None:
    """The regular expression a string must match as a whole, as the model writes it."""
    pattern = shape.metadata.get("pattern")
    return None if pattern is None else str(pattern)


def enum_of(shape: Shape) -> list[str]:
    """The values a string may have; empty when it may have any."""
    return list(shape.enum) if isinstance(shape, StringShape) else []


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    r"""AWS's (Java's) regular expression for Python; Java's ``\w`` is ASCII, its ``\p{L}`` is not."""
    flags = re.NOFLAG if r"\p{L}" in pattern else re.ASCII
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern, flags)
