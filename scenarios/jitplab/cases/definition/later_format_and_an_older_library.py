"""A compressed certificate that is newer than its reader."""

from __future__ import annotations

from dataclasses import replace

from jitplab import chain as case_chain
from jitplab.chain import Slot
from jitplab.firmware import refuse_later_formats
from jitplab.lab import Lab, Making
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario
from softatecc.certificate import CertificateDefinition
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCACERT_E_DECODING_ERROR",
    checked_against="vendor-library",
    source=(
        "what is written: cryptoauthlib 20260505; the refusal: atcacert_set_comp_cert of 3.3.3 (sdist "
        "20211006) compiled and called with format 1 on 2026-11-26, it returned 4"
    ),
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("date-past-utctime",),
)
def later_format_and_an_older_library(lab: Lab) -> Outcome:
    """The tool in the factory writes compressed format 1; the firmware in the field knows format 0 only.

    The signer's definition says fifty years. Five bits do not hold that, so a present cryptoauthlib takes
    the later format, without a word. The firmware was built with 3.3.3.

    Cause. `expire_years` of 50 in the definition, and two versions of the library.
    Symptom. The call returns an error: ATCACERT_E_DECODING_ERROR. No connection is tried.
    Tell-tale. The lower four bits of the compressed certificate's byte 70 are 1. In date-past-utctime the
    same error comes in the factory.
    Cure. `expire_years` of 0 and the date in a slot, as the case has it; or one version on both sides.
    """

    def fifty_years(issued: bytes) -> CertificateDefinition:
        return replace(case_chain.signer_definition(issued), expire_years=50)  # the one fault

    device = lab.provision_device(Making(signer_definition=fifty_years))
    library = lab.bench.library
    lab.foretell("a present library reads it", True, lab.rebuild_chain(device).signer == device.signer)
    stored = library.read_bytes_zone(2, Slot.SIGNER_COMPRESSED, 0, 72)
    lab.foretell("bytes 70 and 71", "0110", stored[70:].hex())
    try:
        refuse_later_formats(library, device.signer_definition)
    except LibraryError as error:
        return lab.outcome(refusal=error)
    return lab.outcome()
