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
    like=("serial-number-of-21-bytes",),
)
def serial_number_with_a_leading_zero(lab: Lab) -> Outcome:
    """The signer's serial number begins with a zero byte, which DER leaves out.

    The definition was made from another signer, whose number has sixteen bytes. An INTEGER in DER is as
    short as it can be: this one has fifteen, and everything behind it lies one byte earlier.

    Cause. A CA that draws its numbers; one in 256 begins with 00.
    Symptom. The call returns an error: ATCACERT_E_DECODING_ERROR, since no date stands where one should. No
    connection is tried.
    Tell-tale. `openssl asn1parse -in signer.pem`: the length of the INTEGER is 15. In
    serial-number-of-21-bytes it is 21.
    Cure. Have the CA give numbers of one length, first byte 40 to 7F, as the rules for computed ones do.
    """
    number = bytes([0]) + bytes(range(1, 16))  # the one fault
    odd = pki.with_serial(lab.signer, lab.root, number)

    def of_another_signer(_issued: bytes) -> CertificateDefinition:
        return case_chain.signer_definition(lab.signer.certificate)

    try:
        lab.provision_device(Making(signer=odd, signer_definition=of_another_signer))
    except LibraryError as error:
        in_der = anatomy.field_bytes(odd.certificate, "serialNumber") or b""
        lab.foretell("bytes of the number in DER", 15, len(in_der))
        lab.foretell("refused by the chip", [], lab.bench.refused_commands())
        return lab.outcome(refusal=error)
    return lab.outcome()
