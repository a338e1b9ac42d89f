"""A definition that does not fit."""

from __future__ import annotations

from dataclasses import replace

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCACERT_E_WRONG_CERT_DEF",
    checked_against="vendor-library",
    source=("iot-middleware pull request 173; measured with cryptoauthlib 20260505 and these definitions"),
    twin="right-slot",
    like=("chain-id-is-another",),
)
def definition_of_another_product(lab: Lab) -> Outcome:
    """The firmware's definition has another template id than the one the certificate was stored by.

    TrustFLEX and Trust&Go parts, and each customer's own, differ in their ids. The library compares them
    and refuses.

    Cause. Definitions of another product family were linked.
    Symptom. The call returns an error: ATCACERT_E_WRONG_CERT_DEF. No connection is tried.
    Tell-tale. The compressed certificate's byte 69 beside the definition's template_id and chain_id.
    Cure. Link the definitions that the part was provisioned with.
    """
    device = lab.device()
    other = replace(device.device_definition, template_id=3)  # the one fault
    try:
        lab.rebuild_chain(device, device_definition=other)
    except LibraryError as error:
        return lab.outcome(refusal=error)
    return lab.outcome()
