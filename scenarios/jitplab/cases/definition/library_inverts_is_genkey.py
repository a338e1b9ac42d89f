"""A definition that does not fit."""

from __future__ import annotations

from jitplab.firmware import ca_key_of_3_7_8
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="chip EXECUTION_ERROR",
    checked_against="vendor-library",
    source=(
        "measured with 3.7.5, 3.7.6 and 3.7.8: -12 for both certificates; on 2026-11-26 the body of "
        "atca_mbedtls_cert_add of 3.7.8 (sdist 20250530), compiled onto 20260505: GenKey to slots 11 and 15"
    ),
    twin="right-slot",
    like=("key-computed-where-there-is-none",),
)
def library_inverts_is_genkey(lab: Lab) -> Outcome:
    """The library takes a stored key for one to be computed.

    Between 3.7.1 and 3.7.8 cryptoauthlib read `is_genkey` the wrong way round: a CA key that lies in a slot
    makes it issue GenKey there, which a data slot refuses.

    Cause. cryptoauthlib 3.7.1 to 3.7.8 with a definition that is right.
    Symptom. The call returns an error: EXECUTION_ERROR. No connection is tried.
    Tell-tale. atca_mbedtls_cert_add returns -12 (0xF4), and does so for the device certificate already:
    `jitplab chip trace` shows GenKey on slot 11, which holds a public key and is to be read. In
    key-computed-where-there-is-none the device certificate comes out, and the definition asks for GenKey.
    Cure. Upgrade past 3.7.8 (and then mind identifier-of-72-bytes), or stay at 3.3.3.
    """
    device = lab.device()
    try:
        lab.rebuild_chain(device, get_ca_key=ca_key_of_3_7_8)  # the one fault
    except LibraryError as error:
        refused = lab.bench.refused_commands()
        lab.foretell("refused by the chip", ["GenKey, slot 11: EXECUTION_ERROR"], refused)
        return lab.outcome(refusal=error)
    return lab.outcome()
