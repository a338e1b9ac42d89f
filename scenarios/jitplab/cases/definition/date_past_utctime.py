"""A definition that does not fit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from jitplab import chain as case_chain
from jitplab import pki
from jitplab.lab import Lab, Making
from jitplab.maker import Request, device_serial
from jitplab.outcome import Outcome
from jitplab.pki import Otherwise
from jitplab.scenario import Part, scenario
from softatecc.certificate import CertificateDefinition, CertificateLocation
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCACERT_E_DECODING_ERROR",
    checked_against="vendor-library",
    source=(
        "RFC 5280 section 4.1.2.5; mbedtls-examples; measured with cryptoauthlib 20260505 and "
        "these definitions"
    ),
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("later-format-and-an-older-library",),
)
def date_past_utctime(lab: Lab) -> Outcome:
    """The certificate begins in 2051, and the definition has thirteen bytes for the date.

    X.509 writes dates until 2049 as UTCTime, thirteen characters, and later ones as GeneralizedTime,
    fifteen. A definition has room for one of them.

    Cause. The definition was made from a certificate of another time. mbedtls-examples itself has thirteen
    bytes for an end in 2070.
    Symptom. The call returns an error: ATCACERT_E_DECODING_ERROR. No connection is tried.
    Tell-tale. The error comes while provisioning, not in the field.
    Cure. Give the date fifteen bytes and its format GeneralizedTime, as the signer of the case has it.
    """
    late = datetime(2051, 1, 14, 21, tzinfo=UTC)

    def issue(request: Request) -> bytes:
        return pki.make_device_certificate(
            request.signer,
            request.public_key,
            common_name=case_chain.device_common_name(request.serial_number),
            serial=device_serial(request.public_key),
            otherwise=Otherwise(not_before=late),  # the one fault
        )

    def narrow(issued: bytes) -> CertificateDefinition:
        made = case_chain.device_definition(issued)
        return replace(made, at_issue_date=CertificateLocation(made.at_issue_date.offset, 13))

    try:
        lab.provision_device(Making(issue=issue, device_definition=narrow))
    except LibraryError as error:
        return lab.outcome(refusal=error)
    return lab.outcome()
