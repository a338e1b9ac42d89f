"""A certificate that is rebuilt otherwise than it was issued."""

from __future__ import annotations

from dataclasses import replace

from jitplab import anatomy
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="presented_ca_is_registered",
    checked_against="vendor-library",
    source=(
        "cryptoauthlib issues 34, 77 and 142; measured with cryptoauthlib 20260505 and these definitions"
    ),
    twin="right-slot",
    like=("wrong-slot-root-key",),
)
def signer_dates_are_not_stored(lab: Lab) -> Outcome:
    """The signer's dates are taken from its compressed form, which cannot hold them.

    A lifetime of fifty years does not fit into five bits, and minutes do not fit at all. The signer of the
    case keeps its dates in slot 14.

    Cause. The definition has no elements for the dates.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. notBefore and notAfter of the rebuilt signer differ; in the case they do not.
    Cure. Store both dates, notAfter as GeneralizedTime: 2070 is past UTCTime.
    """
    device = lab.device()
    forgotten = replace(device.signer_definition, elements=())  # the one fault
    chain = lab.rebuild_chain(device, signer_definition=forgotten)

    lab.connect(device, chain)

    lab.foretell(
        "signer differs in", ["notBefore", "notAfter"], anatomy.names_that_differ(chain.signer, device.signer)
    )
    return lab.outcome()
