"""The other key that can be read from the wrong slot."""

from __future__ import annotations

from dataclasses import replace

from jitplab import anatomy
from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.certificate import DeviceLocation, DeviceZone


@scenario(
    refused_by="presented_ca_is_registered",
    checked_against="vendor-library",
    source=(
        "measured with cryptoauthlib 20260505 and these definitions: 64 bytes of key and 20 of "
        "SKI in the signer, 20 of AKI in the device"
    ),
    twin="right-slot",
    like=("wrong-slot-root-key", "identifier-of-72-bytes"),
)
def signer_key_from_the_wrong_slot(lab: Lab) -> Outcome:
    """The firmware reads the signer's public key from slot 15, where the root's lies.

    The signer's key goes into three places: the signer's own subjectPublicKey and subjectKeyIdentifier, and
    the device certificate's authorityKeyIdentifier. So both certificates are wrong, and no call says so.

    Cause. `public_key_dev_loc` of the signer's definition names the root's slot.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. `jitplab explain`: the signer differs in its public key, where the case differs in nothing
    but the authority key identifier.
    Cure. Read slot 11.
    """
    device = lab.device()
    wrong = replace(
        device.signer_definition, public_key=DeviceLocation(DeviceZone.DATA, Slot.ROOT_PUBLIC_KEY, 0, 72)
    )
    chain = lab.rebuild_chain(
        device, signer_definition=wrong, signer_key_slot=Slot.ROOT_PUBLIC_KEY
    )  # the one fault

    lab.connect(device, chain)

    lab.foretell(
        "signer differs in",
        ["subjectPublicKey", "subjectKeyIdentifier"],
        anatomy.names_that_differ(chain.signer, device.signer),
    )
    lab.foretell(
        "device differs in",
        ["authorityKeyIdentifier"],
        anatomy.names_that_differ(chain.device, device.certificate),
    )
    return lab.outcome()
