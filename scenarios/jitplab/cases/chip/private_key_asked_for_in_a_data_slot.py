"""A slot that is not what it is taken for."""

from __future__ import annotations

from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="chip EXECUTION_ERROR",
    checked_against="vendor-library",
    source=(
        "cryptoauthlib issues 25, 229 and 280; measured with cryptoauthlib 20260505 and these definitions"
    ),
    twin="right-slot",
    like=("data-zone-left-unlocked",),
)
def private_key_asked_for_in_a_data_slot(lab: Lab) -> Outcome:
    """The firmware has the chip make a key in slot 8, which is a data slot.

    Whether a slot may hold a private key is in its KeyConfig. The chip answers 0F, and the library -12.

    Cause. The slot of another part's configuration was taken over.
    Symptom. The call returns an error: EXECUTION_ERROR. No connection is tried.
    Tell-tale. `jitplab chip map` says of slot 8 what it may do. With an unlocked data zone, which answers
    the same byte, reads fail, too.
    Cure. Use slot 0, 2, 3 or 7.
    """
    lab.device()
    try:
        lab.bench.library.genkey(8)  # the one fault
    except LibraryError as error:
        readable = len(lab.bench.library.read_bytes_zone(2, Slot.ROOT_PUBLIC_KEY, 0, 32))
        lab.foretell("bytes that can be read", 32, readable)
        return lab.outcome(refusal=error)
    return lab.outcome()
