"""A definition that does not fit."""

from __future__ import annotations

from dataclasses import replace

from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.certificate import DeviceLocation, DeviceZone
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCACERT_E_WRONG_CERT_DEF",
    checked_against="vendor-library",
    source="measured with cryptoauthlib 20260505 and these definitions",
    twin="right-slot",
    like=("chain-id-is-another",),
)
def compressed_slots_swapped(lab: Lab) -> Outcome:
    """The firmware reads the device's compressed certificate from slot 12, which holds the signer's.

    A compressed certificate says which template and chain it belongs to. Reading the other one's is one of
    the few slips that the library notices.

    Cause. The two slots were exchanged in the definitions.
    Symptom. The call returns an error: ATCACERT_E_WRONG_CERT_DEF. No connection is tried.
    Tell-tale. The compressed certificate's byte 69 holds template and chain id.
    Cure. Read slot 10 for the device and slot 12 for the signer.
    """
    device = lab.device()
    swapped = replace(
        device.device_definition, compressed=DeviceLocation(DeviceZone.DATA, Slot.SIGNER_COMPRESSED, 0, 72)
    )
    try:
        lab.rebuild_chain(device, device_definition=swapped)  # the one fault
    except LibraryError as error:
        return lab.outcome(refusal=error)
    return lab.outcome()
