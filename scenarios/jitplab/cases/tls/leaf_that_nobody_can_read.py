"""DER that is almost a certificate."""

from __future__ import annotations

from datetime import timedelta

from jitplab import pki
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="client_certificate_parses",
    checked_against="assumed",
    source="no AWS page says what happens to unreadable DER",
    twin="hand-made-v1-certificate",
    part=Part.NONE,
)
def leaf_that_nobody_can_read(lab: Lab) -> Outcome:
    """The leaf claims a version that X.509 does not have.

    TLS libraries read past it; whoever has to take the certificate apart does not.

    Cause. A home-made encoder wrote the version number instead of the version number minus one, and then
    some.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `openssl asn1parse -in device.pem` shows the version; `openssl x509 -text` prints it as
    unknown.
    Cure. Write 2 for version 3 (RFC 5280 section 4.1.2.1).
    """
    key = lab.key("unreadable")
    leaf = pki.make_v1_certificate(
        lab.signer,
        key.public_key,
        serial=lab.serial("unreadable"),
        not_before=lab.now(),
        not_after=lab.now() + timedelta(days=3650),
        claimed_version=7,  # the one fault
    )

    call = lab.connect_with_key(leaf, key, lab.account())

    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
