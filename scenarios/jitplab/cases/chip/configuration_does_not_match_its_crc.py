"""A lock that refuses to close."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import NeedUnmet, Part, scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="chip EXECUTION_ERROR",
    checked_against="document",
    source="508A data sheet, Lock; cryptoauthlib's own test program",
    twin="right-slot",
    part=Part.PROVISIONS,
)
def configuration_does_not_match_its_crc(lab: Lab) -> Outcome:
    """The configuration is locked with the CRC of what should be in it, and something else is.

    Lock takes a checksum so that a configuration that went wrong is not locked for good. This is the last
    chance to notice.

    Cause. A write to the configuration was lost, or the expected image has another serial number in it.
    Symptom. The call returns an error: EXECUTION_ERROR. No connection is tried.
    Tell-tale. Lock answers 0F, LockConfig stays 55, and the part can still be mended.
    Cure. Read the zone back, find the difference, write again.
    """
    library = lab.bench.library
    if library.is_locked(0):
        raise NeedUnmet("the chip's configuration is locked already; this scenario needs a blank part")
    try:
        library.lock_config_zone_crc(0x0000)  # the one fault
    except LibraryError as error:
        lab.foretell("configuration locked", False, library.is_locked(0))
        return lab.outcome(refusal=error)
    return lab.outcome()
