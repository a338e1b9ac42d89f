"""A definition that does not fit."""

from __future__ import annotations

from dataclasses import replace

from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.certificate import DeviceLocation, DeviceZone, SerialSource
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCACERT_E_WRONG_CERT_DEF",
    checked_against="vendor-library",
    source="measured with cryptoauthlib 20260505 and these definitions",
    twin="right-slot",
    like=("chain-id-is-another",),
)
def serial_source_is_another(lab: Lab) -> Outcome:
    """The definition says that the serial number is stored; the certificate was made with a hashed one.

    Where a certificate's number comes from is written into its compressed form, too.

    Cause. The definition was written by hand after a data sheet's example.
    Symptom. The call returns an error: ATCACERT_E_WRONG_CERT_DEF. No connection is tried.
    Tell-tale. The compressed certificate's byte 70, upper four bits: 0 stored, 10 hash of the public key.
    Cure. Use the source that the certificate was made with.
    """
    device = lab.device()
    stored = replace(
        device.device_definition,
        serial_source=SerialSource.STORED,
        serial_location=DeviceLocation(DeviceZone.DATA, Slot.SIGNER_SERIAL_AND_DATES, 4, 16),
    )  # the one fault
    try:
        lab.rebuild_chain(device, device_definition=stored)
    except LibraryError as error:
        return lab.outcome(refusal=error)
    return lab.outcome()
