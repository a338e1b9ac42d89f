"""A certificate that is not in date."""

from __future__ import annotations

from datetime import timedelta

from jitplab import pki
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.pki import Otherwise
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="leaf_is_in_date",
    checked_against="assumed",
    source=(
        "not documented for AWS IoT; an expired certificate is held to be unauthenticated (switch dates)"
    ),
    twin="hand-made-v1-certificate",
    part=Part.NONE,
    like=("device-certificate-is-from-the-future",),
)
def device_certificate_has_expired(lab: Lab) -> Outcome:
    """The device certificate's notAfter has passed.

    Chain, signer, template and account are as they should be; only the dates are not.

    Cause. The certificate was issued for a year, and the device lay in a warehouse for longer.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `openssl x509 -noout -dates -in device.pem` beside `date -u`: which of the two dates is on
    the wrong side tells the one from the other.
    Cure. Issue certificates for as long as a device lives: the case's end on 3000-12-31.
    """
    key = lab.key("out of date")
    leaf = pki.make_device_certificate(
        lab.signer,
        key.public_key,
        common_name="out-of-date",
        serial=lab.serial("out of date").to_bytes(16),
        otherwise=Otherwise(
            not_before=lab.now() - timedelta(days=400), not_after=lab.now() - timedelta(days=1)
        ),  # the one fault
    )

    call = lab.connect_with_key(leaf, key, lab.account())

    lab.foretell(
        "signed by the registered key", True, pki.signature_verifies(leaf, lab.signer.key.public_key)
    )
    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
