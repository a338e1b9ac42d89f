"""The user's first question, in its purest form."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    checked_against="document",
    source="MiniStack pull request 1755 (measured on AWS in 2026: a handshake alone registers nothing)",
    twin="right-slot",
    question=1,
)
def handshake_only(lab: Lab) -> Outcome:
    """A completed handshake registers nothing; only CONNECT does.

    TLS proves that the client holds the key of the certificate it shows. Whether that certificate, or any
    other of the chain, is worth anything is asked when CONNECT arrives, and not before. So a completed
    handshake says nothing about the chain.

    Cause. The client closes the connection after the handshake, as `openssl s_client` does.
    Symptom. The handshake completes; the registry stays empty.
    Tell-tale. No record of a decision in the broker's trace.
    Cure. Send CONNECT.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()

    only_tls = lab.connect(device, chain, account, send_connect=False)  # the one fault
    decisions = [record for record in account.records() if record.kind == "decision"]

    lab.foretell("handshake", "completed", only_tls.visit.handshake)
    lab.foretell("CONNECT was written", False, only_tls.visit.connect_packet is not None)
    lab.foretell("status after", None, only_tls.status_after)
    lab.foretell("decisions", 0, len(decisions))
    return lab.outcome()
