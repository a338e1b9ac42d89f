"""A definition that does not fit."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="chip EXECUTION_ERROR",
    checked_against="vendor-library",
    source="measured with 3.7.5, 3.7.6 and 3.7.8; the flag's effect with 20260505",
    twin="right-slot",
)
def library_inverts_is_genkey(lab: Lab) -> Outcome:
    """The library takes a stored key for one to be computed.

    Between 3.7.1 and 3.7.8 cryptoauthlib read `is_genkey` the wrong way round: a CA key that lies in a slot
    makes it issue GenKey there, which a data slot refuses.

    Cause. cryptoauthlib 3.7.1 to 3.7.8 with a definition that is right.
    Symptom. The call returns an error: EXECUTION_ERROR. No connection is tried.
    Tell-tale. atca_mbedtls_cert_add returns -12 (0xF4). `jitplab chip trace` shows GenKey on slot 15, which
    holds a public key.
    Cure. Upgrade past 3.7.8 (and then mind identifier-of-72-bytes), or stay at 3.3.3.
    """
    device = lab.device()
    try:
        lab.rebuild_chain(device, is_genkey=True)  # the one fault
    except LibraryError as error:
        return lab.outcome(refusal=error)
    return lab.outcome()
