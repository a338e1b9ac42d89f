"""A certificate that is not the chip's."""

from __future__ import annotations

from dataclasses import replace

from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    stopped_by="tls handshake",
    checked_against="document",
    source=(
        "aws-iot-device-sdk-embedded-C issue 1766 and aws-crt-python issue 141 (read as excerpts); "
        "OpenSSL's SSL_CTX_check_private_key"
    ),
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("chain-in-reverse", "pkcs11-names-another-slot"),
)
def key_and_certificate_differ(lab: Lab) -> Outcome:
    """The firmware sends a certificate from its flash, and the chip has another key by now.

    The copy in flash is the certificate as issued, down to the last byte. It belongs to a key that slot 0
    no longer holds.

    Cause. The chip was replaced, or its key made anew, and the copy was not.
    Symptom. No connection comes about: the client's own TLS library refuses key and certificate as no pair.
    Tell-tale. `openssl x509 -in device.pem -noout -pubkey` beside what GenKey computes of slot 0. In
    chain-in-reverse the first certificate is a CA's; in pkcs11-names-another-slot the pair is right.
    Cure. Issue a certificate for the key that is there, and rebuild it from the chip instead of keeping it.
    """
    device = lab.provision_device()
    kept = lab.rebuild_chain(device)
    anew = replace(device, public_key=lab.bench.library.genkey(Slot.DEVICE_PRIVATE_KEY))  # the one fault

    call = lab.connect(anew, kept)

    lab.foretell("the certificate sent is as issued", True, kept.device == device.certificate)
    lab.foretell("the key is the one it was issued for", False, anew.public_key == device.public_key)
    lab.foretell("handshake", "failed", call.visit.handshake)
    lab.foretell("CONNECT was written", False, call.visit.connect_packet is not None)
    return lab.outcome()
