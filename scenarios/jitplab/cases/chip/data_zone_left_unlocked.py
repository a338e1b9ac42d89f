"""A chip that is not finished."""

from __future__ import annotations

from jitplab.lab import Lab, Making
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="chip EXECUTION_ERROR",
    checked_against="vendor-library",
    source="508A data sheet, section on the data zone; cryptoauthlib's own test program",
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("private-key-asked-for-in-a-data-slot",),
)
def data_zone_left_unlocked(lab: Lab) -> Outcome:
    """The data zone was never locked.

    Until then the chip gives no data slot away. Provisioning went well, every write succeeded; the first
    read in the field fails.

    Cause. The last step of provisioning, Lock of the data zone, was left out so that slots could still be
    changed.
    Symptom. The call returns an error: EXECUTION_ERROR. No connection is tried.
    Tell-tale. Byte 86 of the configuration, LockValue, is 55; `jitplab chip dump` says so.
    Cure. Lock the data zone.
    """
    try:
        device = lab.provision_device(Making(lock_data=False))  # the one fault
        lab.rebuild_chain(device)
    except LibraryError as error:
        return lab.outcome(refusal=error)
    return lab.outcome()
