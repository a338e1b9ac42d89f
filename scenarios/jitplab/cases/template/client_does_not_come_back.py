"""A firmware that gives up."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="disconnect JITP_REGISTERED",
    checked_against="document",
    source=(
        "AWS IoT developer guide, jit-provisioning; aws-iot-device-sdk-python-v2 issue 102, "
        "aws-iot-jitp-sample-scripts issue 5"
    ),
    twin="right-slot",
)
def client_does_not_come_back(lab: Lab) -> Outcome:
    """Everything is right; the firmware takes the first close for a failure and does not try again.

    The first CONNECT of an unknown certificate registers it and is closed without CONNACK, always. The
    second is let in.

    Cause. The firmware counts a close after CONNECT as a configuration error and halts.
    Symptom. One connection, closed without CONNACK: exactly what a refusal looks like.
    Tell-tale. The certificate *is* in the registry, ACTIVE, with thing and policy. No refusal leaves that
    behind.
    Cure. Retry with a growing delay, starting at about five seconds.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)

    call = lab.connect(device, chain)  # the one fault: it does not come back

    lab.foretell("connack", None, call.visit.connack)
    lab.foretell("closed_by", "close_notify", str(call.visit.closed_by))
    lab.foretell("status after", "ACTIVE", call.status_after)
    return lab.outcome()
