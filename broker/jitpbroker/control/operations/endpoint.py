"""DescribeEndpoint: where things connect on this desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler
from jitpbroker.control.messages import Answer, invalid

_DATA: Final = ("iot:Data-ATS", "iot:Data", "iot:Data-Beta")


def describe_endpoint(call: Call) -> Answer:
    """The address of the MQTT port, with the port: the host name AWS would give leads to AWS.

    Evidence: document - AWS's service model, DescribeEndpoint; that iot:Jobs is retired, MiniStack measured.
    """
    kind = call.asked.maybe_text("endpointType") or "iot:Data"
    if kind not in _DATA:
        raise invalid(f"Endpoint type {kind} is not served on this desk; iot:Data-ATS is.")
    return {"endpointAddress": call.around.addresses().mqtt}


OPERATIONS: Final[Mapping[str, Handler]] = {"DescribeEndpoint": describe_endpoint}
