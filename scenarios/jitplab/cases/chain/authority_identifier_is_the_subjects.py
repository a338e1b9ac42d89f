"""The right function with the wrong key."""

from __future__ import annotations

from jitplab import anatomy
from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="presented_ca_is_registered",
    checked_against="vendor-library",
    source=(
        "cryptoauthlib issue 370; measured with cryptoauthlib 20260505 and these definitions: a "
        "CA key read from slot 11"
    ),
    twin="right-slot",
    like=("wrong-slot-root-key",),
)
def authority_identifier_is_the_subjects(lab: Lab) -> Outcome:
    """The signer's authority key identifier is filled with its own subject key identifier.

    That is what a self-signed certificate looks like, and the signer is none.

    Cause. The signer's own key is handed over as its CA's, or a definition points both identifiers at one
    key.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. The two identifiers of the rebuilt signer are the same 20 bytes; in the case they differ.
    Cure. Hand over the root's key.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device, root_key_slot=Slot.SIGNER_PUBLIC_KEY)  # the one fault
    signer = chain.signer or b""

    lab.connect(device, chain)

    own = anatomy.field_bytes(signer, "subjectKeyIdentifier")
    lab.foretell(
        "the identifiers are the same", True, own == anatomy.field_bytes(signer, "authorityKeyIdentifier")
    )
    return lab.outcome()
