"""A part that was configured as another product."""

from __future__ import annotations

from jitplab.lab import Lab, Making
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="chip EXECUTION_ERROR",
    checked_against="document",
    source="the TNGTLS configuration as published by Microchip; cryptoauthlib issue 229 (read as an excerpt)",
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("secret-slot-read-in-clear",),
)
def configuration_of_another_product(lab: Lab) -> Outcome:
    """The part carries the configuration of a Trust&GO part, in which slot 15 is secret.

    Provisioning writes everything where it belongs and locks the part. Slots 13 to 15 are no places for
    public keys there: what was written can no longer be read in the clear.

    Cause. Parts were ordered pre-configured, or the script has another product's 128 bytes.
    Symptom. The call returns an error: EXECUTION_ERROR. No connection is tried.
    Tell-tale. `jitplab chip map DUMP --slot 15`: IsSecret. In secret-slot-read-in-clear the map is the case's
    and the slot number wrong; here the number is right, and slot 15 itself refuses.
    Cure. None for this part, its configuration is locked. Write the configuration that the slot map was
    made for into the next one.
    """
    device = lab.provision_device(Making(configuration="tngtls"))  # the one fault
    try:
        lab.rebuild_chain(device)
    except LibraryError as error:
        lab.foretell("refused by the chip", ["Read, slot 15: EXECUTION_ERROR"], lab.bench.refused_commands())
        return lab.outcome(refusal=error)
    return lab.outcome()
