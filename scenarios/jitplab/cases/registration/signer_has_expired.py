"""A CA that outlived its certificate."""

from __future__ import annotations

from datetime import timedelta

from jitplab import pki
from jitplab.account import case_template
from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="ca_is_in_date",
    checked_against="assumed",
    source=(
        "nothing attests that a CA certificate's dates count; the switch ca-dates=judged is the "
        "strict reading"
    ),
    twin="hand-made-v1-certificate",
    part=Part.NONE,
)
def signer_has_expired(lab: Lab) -> Outcome:
    """The registered CA certificate has expired, and the account is held to judge that.

    By default the laboratory ignores a CA certificate's dates, since nothing shows that AWS looks at them.
    This scenario turns the switch, to show what a strict account would do to a fleet.

    Cause. The CA certificate was made for a few years.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `aws iot describe-ca-certificate` shows its validity; Device Defender warns 30 days ahead.
    Cure. Register a renewed certificate of the same key before the old one ends.
    """
    keys = pki.KeySource(lab.settings.seed)
    expired = pki.make_signer(keys, lab.root, not_after=lab.now() - timedelta(days=1))  # the one fault
    key = lab.key("device of an expired signer")
    serial = lab.serial("device of an expired signer").to_bytes(16)
    leaf = pki.make_device_certificate(expired, key.public_key, common_name="late", serial=serial)
    account = lab.account(switches={"ca-dates": "judged"}, registered=False)
    account.register_ca(expired.certificate, case_template())

    call = lab.connect_with_key(leaf, key, account, chain=Chain(leaf, expired.certificate))

    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
