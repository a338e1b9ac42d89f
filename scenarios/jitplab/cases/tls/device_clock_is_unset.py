"""A device that believes it is 1970."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="tls handshake",
    checked_against="document",
    source="aws-iot-device-sdk-embedded-C issue 1587; mbedTLS's MBEDTLS_X509_BADCERT_FUTURE",
    twin="right-slot",
    like=("own-root-as-server-trust",),
)
def device_clock_is_unset(lab: Lab) -> Outcome:
    """The device has no time yet and judges the server's certificate by 1970-01-01.

    Certificates have a beginning. A device that boots without a clock meets the server before it is valid.

    Cause. TLS is started before SNTP has answered.
    Symptom. The handshake fails on the device's own side with -0x2700, verify flags 0x200 (BADCERT_FUTURE);
    it succeeds minutes later.
    Tell-tale. The device's log shows 1970. With a wrong trust anchor, which fails at the same place, time
    does not heal it.
    Cure. Set the clock first, or have mbedTLS ignore time (MBEDTLS_HAVE_TIME_DATE off) knowing what that
    gives up.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    unset = datetime(1970, 1, 1, tzinfo=UTC)

    call = lab.connect(device, chain, reach=lambda endpoint: replace(endpoint, clock=unset))  # the one fault

    lab.foretell("handshake", "failed", call.visit.handshake)
    lab.foretell("the device's reason names its clock", True, "1970-01-01" in (call.visit.why or ""))
    lab.foretell("CONNECT was written", False, call.visit.connect_packet is not None)
    return lab.outcome()
