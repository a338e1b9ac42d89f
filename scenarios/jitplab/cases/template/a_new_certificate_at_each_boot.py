"""A device that is new every morning."""

from __future__ import annotations

from jitplab import pki
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    stopped_by="disconnect JITP_REGISTERED",
    checked_against="document",
    source="aws-iot-device-sdk-embedded-C issue 635",
    twin="hand-made-v1-certificate",
    part=Part.NONE,
)
def a_new_certificate_at_each_boot(lab: Lab) -> Outcome:
    """The device makes a new key and certificate at each boot, and is never let in.

    Each boot is a first connection: registered, and closed on. The registry fills with certificates that
    are used once.

    Cause. Key generation runs at each start, or the certificate lies in memory that does not last.
    Symptom. Closed without CONNACK at every boot; a retry within one boot would be let in.
    Tell-tale. `aws iot list-certificates` grows by one for each boot.
    Cure. Keep key and certificate; a chip keeps the key for you.
    """
    account = lab.account()
    for boot in range(3):
        key = lab.key(f"boot {boot}")  # the one fault: another key
        serial = lab.serial(f"boot {boot}").to_bytes(16)
        leaf = pki.make_device_certificate(lab.signer, key.public_key, common_name="device", serial=serial)
        call = lab.connect_with_key(leaf, key, account)
        lab.foretell(f"status before boot {boot}", None, call.status_before)
        lab.foretell(f"connack at boot {boot}", None, call.visit.connack)

    lab.foretell("certificates", 3, account.call(lambda registry: len(tuple(registry.certificates))))
    return lab.outcome()
