"""One certificate too high."""

from __future__ import annotations

from jitplab import anatomy
from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="presented_ca_is_registered",
    checked_against="assumed",
    source=(
        "StackOverflow question 65735301 shows the refusal of a presented CA certificate that is "
        "not the registered one; that a wrong level is treated alike is inferred"
    ),
    twin="right-slot",
    like=("wrong-slot-root-key",),
)
def root_sent_instead_of_the_signer(lab: Lab) -> Outcome:
    """The firmware sends its leaf and the root, and leaves the signer out.

    What comes after the leaf is taken for its issuer. The root is not, and its name says so.

    Cause. The chain in flash is leaf and root, as a browser's server would never need it.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. The second certificate's subject is not the leaf's issuer. In the case the names fit and 20
    bytes do not.
    Cure. Send the signer after the leaf, or nothing after it and SNI.
    """
    device = lab.device()
    chain = Chain(lab.rebuild_chain(device).device, lab.root.certificate)  # the one fault

    lab.connect(device, chain)

    subject = anatomy.field_bytes(lab.root.certificate, "subject")
    lab.foretell("the second one's name fits", False, subject == anatomy.field_bytes(chain.device, "issuer"))
    return lab.outcome()
