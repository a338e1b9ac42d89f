"""A chain that was put together badly."""

from __future__ import annotations

from dataclasses import replace

from jitplab.channel import Endpoint
from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


def _by_tls_1_2(endpoint: Endpoint) -> Endpoint:
    """As the firmware of the case: in TLS 1.3 a client has long said its part when the peer objects."""
    return replace(endpoint, tls="1.2")


@scenario(
    stopped_by="tls handshake",
    checked_against="document",
    source=(
        "cryptoauthlib issue 137 and mbedtls-examples issue 5 (read as excerpts): -0x7780; "
        "RFC 5246 section 7.4.2: each certificate with its own length"
    ),
    twin="right-slot",
    like=("chain-in-reverse",),
)
def stray_bytes_between_the_certificates(lab: Lab) -> Outcome:
    """Two bytes that belong to no certificate stand between the device's and the signer's.

    The two certificates themselves are as issued. Whoever has to take the chain apart finds no SEQUENCE
    where the second one should begin.

    Cause. The certificates were joined with a line's end, or by the sizes of their buffers.
    Symptom. No connection comes about. A TLS library that parses what it sends refuses by itself; one that
    does not gets an alert (mbedTLS -0x7780) from the peer, which cannot decode the chain.
    Tell-tale. `openssl asn1parse -inform der` of the second certificate fails at its first byte. In
    chain-in-reverse both certificates can be read.
    Cure. Join the certificates by the lengths that the library returned.
    """
    device = lab.device()
    good = lab.rebuild_chain(device)
    chain = Chain(good.device, None, (b"\r\n" + device.signer,))  # the one fault

    call = lab.connect(device, chain, reach=_by_tls_1_2)

    lab.foretell("handshake", "failed", call.visit.handshake)
    lab.foretell("CONNECT was written", False, call.visit.connect_packet is not None)
    lab.foretell("certificates as issued", True, good.presented == (device.certificate, device.signer))
    return lab.outcome()
