"""A definition of another chain."""

from __future__ import annotations

from dataclasses import replace

from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.library import LibraryError


@scenario(
    stopped_by="library ATCACERT_E_WRONG_CERT_DEF",
    checked_against="vendor-library",
    source="aws/amazon-freertos issue 3033 (read as an excerpt); measured with cryptoauthlib 20260505",
    twin="right-slot",
    like=("definition-of-another-product", "compressed-slots-swapped", "serial-source-is-another"),
)
def chain_id_is_another(lab: Lab) -> Outcome:
    """The definition is for the second chain of the product, the part was provisioned with the first.

    Template and chain have four bits each. A product that has two chains, say for production and for
    tests, tells them apart by the second.

    Cause. Definitions of the test chain were linked into production firmware.
    Symptom. The call returns an error: ATCACERT_E_WRONG_CERT_DEF. No connection is tried.
    Tell-tale. Byte 69 of the compressed certificate: the upper four bits, template 2, are the definition's,
    the lower, chain 0, are not. In definition-of-another-product it is the upper ones, in
    compressed-slots-swapped they are the signer's, in serial-source-is-another byte 69 fits and 70 does not.
    Cure. Link the definitions that the part was provisioned with.
    """
    device = lab.device()
    other = replace(device.device_definition, chain_id=1)  # the one fault
    try:
        lab.rebuild_chain(device, device_definition=other)
    except LibraryError as error:
        stored = lab.bench.library.read_bytes_zone(2, Slot.DEVICE_COMPRESSED, 0, 72)
        lab.foretell("template and chain that are stored", "20", stored[69:70].hex())
        return lab.outcome(refusal=error)
    return lab.outcome()
