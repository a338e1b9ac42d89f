"""Signer first."""

from __future__ import annotations

from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="tls handshake",
    checked_against="document",
    source=(
        "RFC 8446 section 4.4.2: the sender's certificate comes first; "
        "aws-iot-device-sdk-embedded-C issue 1766 for a key that does not fit"
    ),
    twin="right-slot",
    like=(
        "key-and-certificate-differ",
        "pkcs11-names-another-slot",
        "stray-bytes-between-the-certificates",
    ),
)
def chain_in_reverse(lab: Lab) -> Outcome:
    """The firmware adds the signer first and its own certificate second.

    The first certificate is the one that the key has to fit. TLS libraries look before they send.

    Cause. The order of the two atca_mbedtls_cert_add calls was turned round.
    Symptom. No connection comes about: the client's own TLS library refuses key and certificate as no pair.
    Tell-tale. Nothing in the broker's trace but a connection that ends before it has begun.
    Cure. Device certificate first.
    """
    device = lab.device()
    good = lab.rebuild_chain(device)
    chain = Chain(device.signer, good.device)  # the one fault

    call = lab.connect(device, chain)

    lab.foretell("handshake", "failed", call.visit.handshake)
    lab.foretell("CONNECT was written", False, call.visit.connect_packet is not None)
    return lab.outcome()
