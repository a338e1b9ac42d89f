"""A slot that is no place for a public key."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCA_BAD_PARAM",
    checked_against="vendor-library",
    source="measured with cryptoauthlib 20260505 and these definitions",
    twin="right-slot",
)
def private_slot_read(lab: Lab) -> Outcome:
    """The firmware reads the root's key from slot 2, a private one.

    cryptoauthlib reads stored public keys from slots 8 to 15 only and does not even ask the chip.

    Cause. The slot number is off.
    Symptom. The call returns an error: ATCA_BAD_PARAM. No connection is tried.
    Tell-tale. -30 (0xE2), and no command on the bus.
    Cure. Read slot 15.
    """
    device = lab.device()
    try:
        lab.rebuild_chain(device, root_key_slot=2)  # the one fault
    except LibraryError as error:
        return lab.outcome(refusal=error)
    return lab.outcome()
