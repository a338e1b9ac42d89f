"""A cure that hands over no key."""

from __future__ import annotations

from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    admitted=True,
    checked_against="vendor-library",
    source=(
        "measured with cryptoauthlib 20260505 and these definitions: with NULL as CA key the "
        "template's identifier stays"
    ),
    twin="wrong-slot-root-key",
)
def template_identifier_kept(lab: Lab) -> Outcome:
    """The firmware hands over no CA key at all, and the template's identifier stays.

    A definition made from the issued signer has the right identifier in its template. Not replacing it
    cannot replace it wrongly.

    Cause. None.
    Symptom. None: both certificates are as issued.
    Tell-tale. The firmware reads one slot less.
    Cure. None needed; this is one for wrong-slot-root-key.
    """
    device = lab.device()
    library = lab.bench.library
    leaf = lab.rebuild_chain(device).device
    chain = Chain(leaf, library.read_cert(device.signer_definition, None))

    first = lab.connect(device, chain)
    lab.connect(device, chain)

    lab.foretell("signer as issued", True, chain.signer == device.signer)
    lab.foretell("status after the first", "ACTIVE", first.status_after)
    return lab.outcome()
