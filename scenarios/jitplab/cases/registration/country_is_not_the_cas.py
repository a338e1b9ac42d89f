"""A subject that names another country."""

from __future__ import annotations

from jitplab import pki
from jitplab.account import case_template
from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.pki import Otherwise
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="country_is_the_cas",
    checked_against="document",
    source=("aws/iot-atlas pull request 107 (2026), supported by no other source; a switch, off by default"),
    twin="hand-made-v1-certificate",
    part=Part.NONE,
)
def country_is_not_the_cas(lab: Lab) -> Outcome:
    """The device's subject names a country that is not its CA's, and the account is held to mind.

    One source says that the two have to agree, no other does. The laboratory keeps it as a switch,
    country=as-the-ca's.

    Cause. Devices are issued with the country of their market, the CA with that of its maker.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `openssl x509 -noout -subject` of both: C differs.
    Cure. Leave the country out of device certificates, or give it the CA's.
    """
    signer = pki.make_signer(pki.KeySource(lab.settings.seed), lab.root, country="NO")
    key = lab.key("abroad")
    subject = (("Country", "SE"), ("CommonName", "abroad"))  # the one fault
    leaf = pki.make_device_certificate(
        signer,
        key.public_key,
        common_name="abroad",
        serial=lab.serial("abroad").to_bytes(16),
        otherwise=Otherwise(subject=subject),
    )
    account = lab.account(switches={"country": "as-the-ca's"}, registered=False)
    account.register_ca(signer.certificate, case_template())

    call = lab.connect_with_key(leaf, key, account, chain=Chain(leaf, signer.certificate))

    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
