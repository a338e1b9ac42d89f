"""A key that is not there."""

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
    like=("library-inverts-is-genkey",),
)
def key_computed_where_there_is_none(lab: Lab) -> Outcome:
    """The firmware has the chip compute the public key of slot 3, where no private key was ever made.

    GenKey in its public mode needs a key. An empty private slot has none.

    Cause. `is_genkey` with the wrong slot.
    Symptom. The call returns an error: EXECUTION_ERROR. No connection is tried.
    Tell-tale. -12 (0xF4) from GenKey; `jitplab chip trace` says that the slot holds no key. The device
    certificate was rebuilt before; with library-inverts-is-genkey that fails already.
    Cure. Read slot 15 instead of computing.
    """
    device = lab.device()
    try:
        lab.rebuild_chain(device, root_key_slot=3, is_genkey=True)  # the one fault
    except LibraryError as error:
        lab.foretell("refused by the chip", ["GenKey, slot 3: EXECUTION_ERROR"], lab.bench.refused_commands())
        return lab.outcome(refusal=error)
    return lab.outcome()
