"""A certificate for a key that is gone."""

from __future__ import annotations

from dataclasses import replace

from jitplab import anatomy
from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="every_link_is_signed",
    checked_against="document",
    source="atcacert: the device's public key is computed by GenKey at each rebuild",
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("end-date-is-rendered", "minutes-are-lost", "serial-number-is-not-the-hash"),
)
def key_made_anew_after_issuing(lab: Lab) -> Outcome:
    """Somebody runs GenKey on slot 0 after the certificate was issued.

    The certificate is rebuilt with the key that is there now. It fits the chip, so that the handshake
    completes; the signature in it was made over the old one.

    Cause. A production test makes a key once more, or firmware does at its first boot.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. `openssl verify` fails at the leaf; its public key is not the one in the factory's records.
    With a wrong date the key would be.
    Cure. Issue a certificate for the new key, and lock the slot.
    """
    device = lab.provision_device()
    anew = replace(device, public_key=lab.bench.library.genkey(Slot.DEVICE_PRIVATE_KEY))  # the one fault
    chain = lab.rebuild_chain(anew)

    lab.connect(anew, chain)

    differ = anatomy.names_that_differ(chain.device, device.certificate)
    lab.foretell("device differs in", ["serialNumber", "subjectPublicKey", "subjectKeyIdentifier"], differ)
    lab.foretell("signer as issued", True, chain.signer == device.signer)
    return lab.outcome()
