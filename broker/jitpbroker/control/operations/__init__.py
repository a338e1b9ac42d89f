"""The operations there are, by service and name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from jitpbroker.control.call import Handler
from jitpbroker.control.model import IOT, LOGS
from jitpbroker.control.operations import (
    authorization,
    ca,
    certificates,
    cloudwatch,
    endpoint,
    groups,
    issuing,
    logging_options,
    policies,
    principals,
    register_thing,
    tags,
    template_versions,
    templates,
    thing_types,
    things,
    transfer,
)

_IOT: Final = (
    authorization,
    ca,
    certificates,
    endpoint,
    groups,
    issuing,
    logging_options,
    policies,
    principals,
    register_thing,
    tags,
    template_versions,
    templates,
    thing_types,
    things,
    transfer,
)

#: What is implemented: by service, then by the operation's name in botocore's model.
OPERATIONS: Final = MappingProxyType(
    {
        IOT: MappingProxyType[str, Handler](
            {name: each for module in _IOT for name, each in module.OPERATIONS.items()}
        ),
        LOGS: MappingProxyType[str, Handler](dict(cloudwatch.OPERATIONS)),
    }
)
