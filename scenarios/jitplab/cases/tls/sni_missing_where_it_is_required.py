"""AWS as its 2022 pages had it."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="sni_is_sent",
    checked_against="document",
    source=(
        "AWS IoT developer guide, protocols and mqtt (2022): clients without SNI are refused; "
        "newer pages say otherwise, hence a switch"
    ),
    twin="right-slot",
    like=("sni-missing-for-a-shared-certificate", "sni-missing-for-a-shared-ca"),
)
def sni_missing_where_it_is_required(lab: Lab) -> Outcome:
    """The client sends no server name, and the account is held to require one.

    The developer guide of 2022 requires SNI of everybody, that of today recommends it. The laboratory
    follows today's and keeps the other as a switch, sni=required.

    Cause. The client connects by address, or its TLS stack was never told the host name.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. The ClientHello has no server_name; CA and certificate are in DEFAULT mode, which tells this
    from the other two.
    Cure. Send the endpoint's name as SNI; it costs nothing and is needed for everything newer.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(switches={"sni": "required"})

    call = lab.connect(device, chain, account, sni=False)  # the one fault

    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
