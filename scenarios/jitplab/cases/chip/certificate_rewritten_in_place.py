"""The healthy twin: a slot that may be written again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from jitplab import chain as case_chain
from jitplab import maker
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    admitted=True,
    checked_against="document",
    source="608 data sheet, SlotConfig.WriteConfig; mbedtls-examples, source/configure.c, slot 10",
    twin="certificate-slot-cannot-be-rewritten",
    part=Part.PROVISIONS,
)
def certificate_rewritten_in_place(lab: Lab) -> Outcome:
    """The device certificate is renewed in the field, in its own slot, for the same key.

    The configuration of the case lets anybody write slot 10: what lies there is public, and a wrong
    certificate helps nobody.

    Cause. None.
    Symptom. First connection closed without CONNACK, second one accepted, with the renewed certificate.
    Tell-tale. `jitplab chip map DUMP --slot 10` says that it may always be written.
    Cure. None needed.
    """
    device = lab.provision_device()
    library = lab.bench.library
    renewed = maker.issue(
        maker.Request(device.public_key, library.read_serial_number(), lab.signer),
        not_before=datetime(2022, 3, 1, 10, tzinfo=UTC),
    )
    definition = case_chain.device_definition(renewed)
    library.write_cert(definition, renewed)
    renewed_device = replace(device, certificate=renewed, device_definition=definition)
    chain = lab.rebuild_chain(renewed_device)

    first = lab.connect(renewed_device, chain)
    lab.connect(renewed_device, chain)

    lab.foretell("the renewed certificate is rebuilt as issued", True, chain.device == renewed)
    lab.foretell("status after the first", "ACTIVE", first.status_after)
    return lab.outcome()
