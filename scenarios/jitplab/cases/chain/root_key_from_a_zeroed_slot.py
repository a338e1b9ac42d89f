"""A cleared slot's fingerprint."""

from __future__ import annotations

from jitplab import anatomy
from jitplab.identifiers import match
from jitplab.lab import Lab, Making
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="presented_ca_is_registered",
    checked_against="vendor-library",
    source="measured with cryptoauthlib 20260505 and these definitions",
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("wrong-slot-root-key", "root-key-from-an-erased-slot", "root-key-computed-from-the-devices"),
)
def root_key_from_a_zeroed_slot(lab: Lab) -> Outcome:
    """The firmware reads the root's public key from slot 8, which was cleared with zeros.

    Some provisioning tools fill what they do not use. Zeros have a hash, too, the same on every chip.

    Cause. The slot was kept for a key that was never written.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. The signer's authority key identifier begins a4d2642aa3f7; in root-key-from-an-erased-slot
    94a7d5818ab9, and in wrong-slot-root-key something that is a key's.
    Cure. Provision the key, or read slot 15.
    """
    device = lab.provision_device(Making(slots={8: bytes(64)}))
    chain = lab.rebuild_chain(device, root_key_slot=8)  # the one fault

    lab.connect(device, chain)

    identifier = anatomy.field_bytes(chain.signer or b"", "authorityKeyIdentifier") or b""
    found = match(identifier, lab.keys_at_hand())
    differ = anatomy.names_that_differ(chain.signer, device.signer)
    lab.foretell("signer differs in", ["authorityKeyIdentifier"], differ)
    lab.foretell("the identifier begins with", "a4d2642aa3f7", identifier[:6].hex())
    lab.foretell("it is of the key in slot", 8, found.slot if found else None)
    return lab.outcome()
