"""A certificate that is rebuilt otherwise than it was issued."""

from __future__ import annotations

from dataclasses import replace

from jitplab import anatomy
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.certificate import CertificateLocation


@scenario(
    refused_by="every_link_is_signed",
    checked_against="vendor-library",
    source="the case's certificates; measured with cryptoauthlib 20260505 and these definitions",
    twin="right-slot",
    like=("minutes-are-lost", "serial-number-is-not-the-hash", "key-made-anew-after-issuing"),
)
def end_date_is_rendered(lab: Lab) -> Outcome:
    """The definition names the place of the end date, and the library renders it as 9999-12-31.

    The certificate was issued until 3000-12-31, as the provisioning script had it. "No expiry" is written
    as zero years in the compressed form, and read back as the year 9999.

    Cause. `expire_date` of the definition has a place; mbedtls-examples leaves it out.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. `openssl x509 -noout -enddate` says 9999 where the factory's copy says 3000. Nothing but
    notAfter differs.
    Cure. Give the element no place, so that the template's date stays.
    """
    device = lab.device()
    at = anatomy.field_named(device.certificate, "notAfter")
    assert at is not None
    rendered = replace(device.device_definition, at_expire_date=CertificateLocation(at.offset, at.length))
    chain = lab.rebuild_chain(device, device_definition=rendered)  # the one fault

    lab.connect(device, chain)

    lab.foretell(
        "device differs in", ["notAfter"], anatomy.names_that_differ(chain.device, device.certificate)
    )
    return lab.outcome()
