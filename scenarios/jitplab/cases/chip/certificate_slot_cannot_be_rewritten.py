"""A slot that can be written once."""

from __future__ import annotations

from datetime import UTC, datetime

from jitplab import chain as case_chain
from jitplab import maker
from jitplab.lab import Lab, Making
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="chip EXECUTION_ERROR",
    checked_against="document",
    source=(
        "608 data sheet, SlotConfig.WriteConfig; the TNGTLS configuration as published by Microchip; "
        "cryptoauthlib issues 25 and 280 (read as excerpts)"
    ),
    twin="certificate-rewritten-in-place",
    part=Part.PROVISIONS,
)
def certificate_slot_cannot_be_rewritten(lab: Lab) -> Outcome:
    """The device certificate is renewed in the field, and its slot was made to be written once.

    As long as the data zone is open everything can be written. After it is locked a slot obeys its
    WriteConfig, and in a Trust&GO configuration that of slot 10 says never.

    Cause. WriteConfig of the slot of the compressed certificate is "never".
    Symptom. The call returns an error: EXECUTION_ERROR. No connection is tried, the old certificate stays.
    Tell-tale. `jitplab chip map DUMP --slot 10` says who may write; the refused command is a Write.
    Cure. Leave the slot writable when the part is configured, or keep the renewed certificate elsewhere.
    """
    device = lab.provision_device(Making(configuration="tngtls"))  # the one fault
    library = lab.bench.library
    renewed = maker.issue(
        maker.Request(device.public_key, library.read_serial_number(), lab.signer),
        not_before=datetime(2022, 3, 1, 10, tzinfo=UTC),
    )
    try:
        library.write_cert(case_chain.device_definition(renewed), renewed)
    except LibraryError as error:
        lab.foretell("refused by the chip", ["Write, slot 10: EXECUTION_ERROR"], lab.bench.refused_commands())
        held = library.read_cert(device.device_definition, lab.signer.key.public_key)
        lab.foretell("the old certificate is still there", True, held == device.certificate)
        return lab.outcome(refusal=error)
    return lab.outcome()
