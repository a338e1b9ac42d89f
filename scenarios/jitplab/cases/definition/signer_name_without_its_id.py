"""A name that does not end as the definition needs it."""

from __future__ import annotations

from jitplab import pki
from jitplab.lab import Lab, Making
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCACERT_E_DECODING_ERROR",
    checked_against="vendor-library",
    source="cryptoauthlib issue 137 (read as an excerpt); measured with cryptoauthlib 20260505",
    twin="right-slot",
    part=Part.PROVISIONS,
)
def signer_name_without_its_id(lab: Lab) -> Outcome:
    """The signer's common name ends in words, and the definition takes its last four characters for an id.

    A compressed certificate has two bytes for the signer's number. They are written into the name as four
    hexadecimal digits, and read out of it when the certificate is stored.

    Cause. The signer was named by hand. Microchip's tools end each name in `FFFF`, a placeholder.
    Symptom. The call returns an error: ATCACERT_E_DECODING_ERROR. No connection is tried.
    Tell-tale. `openssl x509 -in signer.pem -noout -subject`: the last four characters are no hexadecimal
    digits.
    Cure. Name the signer so that its name ends in four digits, or give STDCERT_SIGNER_ID no place.
    """
    named = pki.make_signer(
        pki.KeySource(lab.settings.seed),
        lab.root,
        common_name="signer.companyname.com Unit",  # the one fault
    )
    try:
        lab.provision_device(Making(signer=named))
    except LibraryError as error:
        lab.foretell("refused by the chip", [], lab.bench.refused_commands())
        return lab.outcome(refusal=error)
    return lab.outcome()
