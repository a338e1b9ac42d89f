"""A year that five bits do not hold."""

from __future__ import annotations

from datetime import UTC, datetime

from jitplab import chain as case_chain
from jitplab import maker
from jitplab.firmware import refuse_later_dates
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCACERT_E_INVALID_DATE",
    checked_against="vendor-library",
    source=(
        "cryptoauthlib issue 416 and ArduinoECCX08 issue 41 (read as excerpts); "
        "atcacert_date_enc_compcert of 3.3.3 (sdist 20211006), compiled and called on 2026-11-26, returns 5 "
        "for 2032 and 0 for 2031"
    ),
    twin="right-slot",
)
def issue_year_past_2031(lab: Lab) -> Outcome:
    """The certificate is renewed in 2032, and the tool compresses dates as cryptoauthlib 3.3.3 does.

    Compressed format 0 counts years from 2000 in five bits and ends in 2031. Later versions have a format
    with two bits more; 3.3.3 refuses. A lifetime beyond 31 years is refused in the same way.

    Cause. An issue date beyond 2031, or `expire_years` above 31, and a library up to 3.5.1.
    Symptom. The call returns an error: ATCACERT_E_INVALID_DATE. Nothing is written.
    Tell-tale. 5 from `atcacert_write_cert`; the same certificate issued a year earlier is taken.
    Cure. A later library on both sides (see later-format-and-an-older-library), or dates kept in a slot.
    """
    device = lab.device()
    request = maker.Request(device.public_key, lab.bench.library.read_serial_number(), lab.signer)
    earlier = maker.issue(request, not_before=datetime(2031, 1, 14, 21, tzinfo=UTC))
    refuse_later_dates(case_chain.device_definition(earlier), earlier)  # it does not
    late = maker.issue(request, not_before=datetime(2032, 1, 14, 21, tzinfo=UTC))  # the one fault
    try:
        refuse_later_dates(case_chain.device_definition(late), late)
    except LibraryError as error:
        lab.foretell("refused by the chip", [], lab.bench.refused_commands())
        return lab.outcome(refusal=error)
    return lab.outcome()
