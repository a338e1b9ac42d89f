"""The healthy twin of a rendered end date."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from jitplab import anatomy, pki
from jitplab import chain as case_chain
from jitplab.lab import Lab, Making
from jitplab.maker import Request, device_serial
from jitplab.outcome import Outcome
from jitplab.pki import Otherwise
from jitplab.scenario import Part, scenario
from softatecc.certificate import CertificateDefinition, CertificateLocation


@scenario(
    admitted=True,
    checked_against="vendor-library",
    source="RFC 5280 section 4.1.2.5; rebuilt with cryptoauthlib 20260505",
    twin="end-date-is-rendered",
    part=Part.PROVISIONS,
)
def expiry_of_9999_as_issued(lab: Lab) -> Outcome:
    """The certificate was issued until 9999-12-31, and the library renders just that.

    RFC 5280 has this date for "no expiry", and a lifetime of zero years in the compressed form is rendered
    so. Where issuer and library agree it may stand in the definition.

    Cause. None.
    Symptom. First connection closed without CONNACK, second one accepted.
    Tell-tale. `openssl x509 -noout -enddate` says 9999 in the factory's copy, too.
    Cure. None needed here. Clients that read dates into 32 bits, or refuse years beyond 9998, may mind.
    """

    def issue(request: Request) -> bytes:
        return pki.make_device_certificate(
            request.signer,
            request.public_key,
            common_name=case_chain.device_common_name(request.serial_number),
            serial=device_serial(request.public_key),
            otherwise=Otherwise(not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        )

    def rendered(issued: bytes) -> CertificateDefinition:
        at = anatomy.field_named(issued, "notAfter")
        assert at is not None
        place = CertificateLocation(at.offset, at.length)
        return replace(case_chain.device_definition(issued), at_expire_date=place)

    device = lab.provision_device(Making(issue=issue, device_definition=rendered))
    chain = lab.rebuild_chain(device)

    first = lab.connect(device, chain)
    lab.connect(device, chain)

    lab.foretell("device certificate as issued", True, chain.device == device.certificate)
    lab.foretell("status after the first", "ACTIVE", first.status_after)
    return lab.outcome()
