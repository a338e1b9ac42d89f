"""A stray certificate above the signer."""

from __future__ import annotations

from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="links_above_are_signed",
    checked_against="assumed",
    source=(
        "nothing says that AWS looks above the leaf's issuer; the switch chain-above=judged is "
        "for firmware that has to be strict"
    ),
    twin="right-slot",
)
def chain_above_the_signer_is_broken(lab: Lab) -> Outcome:
    """The firmware sends a root that did not sign its signer, and the account is held to look that far up.

    By default what lies above the leaf's issuer is written down and not judged. A server that builds chains
    would refuse it, and so does the laboratory when chain-above=judged.

    Cause. The firmware appends the wrong root to its chain, such as the one whose key lies in slot 13.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `openssl verify -CAfile sent-root.pem signer.pem` fails.
    Cure. Send leaf and signer only; a root is never needed.
    """
    device = lab.device()
    good = lab.rebuild_chain(device)
    chain = Chain(good.device, good.signer, (lab.other_ca.certificate,))  # the one fault

    call = lab.connect(device, chain, lab.account(switches={"chain-above": "judged"}))

    lab.foretell("signer as issued", True, chain.signer == lab.signer.certificate)
    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
