"""The device's own key as the root's."""

from __future__ import annotations

from jitplab import anatomy, pki
from jitplab.chain import Slot
from jitplab.identifiers import match
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="presented_ca_is_registered",
    checked_against="vendor-library",
    source="measured with cryptoauthlib 20260505 and these definitions",
    twin="right-slot",
    like=("wrong-slot-root-key", "root-key-from-an-erased-slot", "root-key-from-a-zeroed-slot"),
)
def root_key_computed_from_the_devices(lab: Lab) -> Outcome:
    """The root's location says slot 0 and `is_genkey`, so the chip computes the device's own public key.

    Of the slots 0 to 7 this is the one that keeps silent: it holds a private key, and GenKey tells the
    public half to anybody who asks.

    Cause. The root's location was copied from the device's definition.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. The signer's authority key identifier is the device certificate's subject key identifier. In
    root-key-from-an-erased-slot and root-key-from-a-zeroed-slot it is the same on every chip.
    Cure. Read slot 15, `is_genkey` 0.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device, root_key_slot=Slot.DEVICE_PRIVATE_KEY, is_genkey=True)  # the one fault

    lab.connect(device, chain)

    identifier = anatomy.field_bytes(chain.signer or b"", "authorityKeyIdentifier") or b""
    found = match(identifier, lab.keys_at_hand())
    differ = anatomy.names_that_differ(chain.signer, device.signer)
    lab.foretell("signer differs in", ["authorityKeyIdentifier"], differ)
    lab.foretell(
        "the identifier begins with", pki.key_identifier(device.public_key)[:6].hex(), identifier[:6].hex()
    )
    lab.foretell("it is of the key in slot", 0, found.slot if found else None)
    return lab.outcome()
