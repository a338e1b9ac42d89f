"""A serial number of another length than the definition's."""

from __future__ import annotations

from jitplab import anatomy, pki
from jitplab import chain as case_chain
from jitplab.lab import Lab, Making
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario
from softatecc.certificate import CertificateDefinition
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCACERT_E_DECODING_ERROR",
    checked_against="vendor-library",
    source="the zero-touch kit's issues 3 and 21 (by their summary); measured with cryptoauthlib 20260505",
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("serial-number-with-a-leading-zero",),
)
def serial_number_of_21_bytes(lab: Lab) -> Outcome:
    """The signer's serial number has twenty bytes and its first bit set, which makes twenty-one in DER.

    An INTEGER with its first bit set would be negative, so DER puts 00 in front. The definition has sixteen
    bytes for the number, and everything behind it lies five bytes later.

    Cause. A CA that draws twenty bytes and does not clear the first bit; RFC 5280 allows twenty in DER.
    Symptom. The call returns an error: ATCACERT_E_DECODING_ERROR, since no date stands where one should. No
    connection is tried.
    Tell-tale. `openssl asn1parse -in signer.pem`: the length of the INTEGER is 21. In
    serial-number-with-a-leading-zero it is 15.
    Cure. Have the CA give numbers of one length, first byte 40 to 7F, as the rules for computed ones do.
    """
    number = bytes([0xFF]) + bytes(range(19))  # the one fault
    odd = pki.with_serial(lab.signer, lab.root, number)

    def of_another_signer(_issued: bytes) -> CertificateDefinition:
        return case_chain.signer_definition(lab.signer.certificate)

    try:
        lab.provision_device(Making(signer=odd, signer_definition=of_another_signer))
    except LibraryError as error:
        in_der = anatomy.field_bytes(odd.certificate, "serialNumber") or b""
        lab.foretell("bytes of the number in DER", 21, len(in_der))
        lab.foretell("refused by the chip", [], lab.bench.refused_commands())
        return lab.outcome(refusal=error)
    return lab.outcome()
