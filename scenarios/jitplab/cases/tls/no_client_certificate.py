"""A client that is nobody."""

from __future__ import annotations

from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="client_certificate_was_presented",
    checked_against="assumed",
    source="old reports speak of an alert (aws-iot-device-sdk-python issue 265), no document does",
    twin="hand-made-v1-certificate",
    part=Part.NONE,
)
def no_client_certificate(lab: Lab) -> Outcome:
    """The client sends no certificate at all.

    Whether AWS turns such a client away in the handshake or at CONNECT is not documented; the laboratory's
    broker does it in the handshake unless told otherwise. Here it waits for CONNECT, so that the rule can
    be seen.

    Cause. `mbedtls_ssl_conf_own_cert` was never called, or mosquitto_pub was started without `--cert`.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. A packet capture shows a Certificate message of length 0; AWS's log has nothing.
    Cure. Configure certificate and key.
    """
    key = lab.key("nobody")

    account = lab.account(certificate_required=False)

    call = lab.connect_with_key(b"", key, account, chain=Chain(b"", None))  # the one fault: no chain

    lab.foretell("certificates presented", 0, len(lab.presented))
    lab.foretell("tls", True, call.visit.tls is not None)
    return lab.outcome()
