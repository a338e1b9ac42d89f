"""The wrong root in the trust store."""

from __future__ import annotations

from dataclasses import replace

from jitplab import pki
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="tls handshake",
    checked_against="document",
    source=(
        "aws-iot-device-sdk-embedded-C and esp-aws-iot threads on mbedTLS -0x2700 (esp-aws-iot issue 48)"
    ),
    twin="right-slot",
    like=("device-clock-is-unset",),
)
def own_root_as_server_trust(lab: Lab) -> Outcome:
    """The firmware trusts the root of its own devices when it verifies the server.

    Two roots are in play and have nothing to do with each other: Amazon's, which certifies the server, and
    the owner's, which certifies the devices.

    Cause. The owner's root was compiled in as `root_ca`.
    Symptom. The handshake fails on the device's own side: mbedTLS returns -0x2700
    (X509_CERT_VERIFY_FAILED). No CONNECT is written.
    Tell-tale. The device's log has the error, the broker's trace a handshake that the client broke off.
    With an unset clock, which fails at the same place, the verify flags say FUTURE instead of NOT_TRUSTED.
    Cure. Trust Amazon Root CA 1 to 4 (here: the root that `jitplab broker` prints).
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    mine = pki.pem(lab.root.certificate)

    call = lab.connect(
        device, chain, reach=lambda endpoint: replace(endpoint, root_pem=mine)
    )  # the one fault

    lab.foretell("handshake", "failed", call.visit.handshake)
    why = call.visit.why or ""  # the ssl module's words, or those of tlslite and OpenSSL
    untrusted = "certificate verify failed" in why or "unable to get local issuer certificate" in why
    lab.foretell("the device does not trust the server's issuer", True, untrusted)
    lab.foretell("CONNECT was written", False, call.visit.connect_packet is not None)
    return lab.outcome()
