"""A certificate that is rebuilt otherwise than it was issued."""

from __future__ import annotations

from datetime import UTC, datetime

from jitplab import anatomy, pki
from jitplab import chain as case_chain
from jitplab.lab import Lab, Making
from jitplab.maker import Request, device_serial
from jitplab.outcome import Outcome
from jitplab.pki import Otherwise
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="every_link_is_signed",
    checked_against="vendor-library",
    source="Atmel-8974 application note: dates are kept to the hour",
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("end-date-is-rendered", "serial-number-is-not-the-hash", "key-made-anew-after-issuing"),
)
def minutes_are_lost(lab: Lab) -> Outcome:
    """The certificate was issued at 21:17:42, and only the hour is kept.

    The compressed form holds year, month, day and hour. What is rebuilt begins at 21:00:00.

    Cause. The issuing script did not round the date down.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. Minutes and seconds of notBefore are zero in what is rebuilt and not in the factory's copy.
    Cure. Issue on the full hour, or store the date as an element of its own.
    """

    def issue(request: Request) -> bytes:
        return pki.make_device_certificate(
            request.signer,
            request.public_key,
            common_name=case_chain.device_common_name(request.serial_number),
            serial=device_serial(request.public_key),
            otherwise=Otherwise(not_before=datetime(2021, 1, 14, 21, 17, 42, tzinfo=UTC)),
        )

    device = lab.provision_device(Making(issue=issue))
    chain = lab.rebuild_chain(device)
    # the one fault: a date that does not fit into hours

    lab.connect(device, chain)

    lab.foretell(
        "device differs in", ["notBefore"], anatomy.names_that_differ(chain.device, device.certificate)
    )
    return lab.outcome()
