"""A slot that is not read in clear."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="chip EXECUTION_ERROR",
    checked_against="vendor-library",
    source="measured with cryptoauthlib 20260505 and these definitions",
    twin="right-slot",
    like=("configuration-of-another-product",),
)
def secret_slot_read_in_clear(lab: Lab) -> Outcome:
    """The firmware reads the root's key from slot 9, which is read encrypted only.

    Slots may ask for encryption on the bus. A clear read is refused, loudly: one of the few wrong slots
    that are.

    Cause. The slot number is off, or the configuration was changed later.
    Symptom. The call returns an error: EXECUTION_ERROR. No connection is tried.
    Tell-tale. `jitplab chip map DUMP --slot 9`: EncryptRead.
    Cure. Read slot 15.
    """
    device = lab.device()
    try:
        lab.rebuild_chain(device, root_key_slot=9)  # the one fault
    except LibraryError as error:
        return lab.outcome(refusal=error)
    return lab.outcome()
