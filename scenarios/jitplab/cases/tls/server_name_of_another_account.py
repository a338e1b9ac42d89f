"""The wrong endpoint in the firmware."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="sni_selects_this_account",
    checked_against="document",
    source=(
        "AWS What's New 2026-06-03 (SNI_MISUSED); AWS IoT developer guide, x509-client-certs, "
        "multi-account registration"
    ),
    twin="right-slot",
)
def server_name_of_another_account(lab: Lab) -> Outcome:
    """The firmware sends the server name of another account.

    All accounts of a Region share one address; the server name chooses. The device is unknown in the
    account that it asked for.

    Cause. The endpoint of the test account was compiled in.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `aws iot describe-endpoint --endpoint-type iot:Data-ATS` beside the name in the ClientHello.
    Cure. Use the endpoint of the account that has the CA.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.call(lambda registry: registry.know_other_endpoint("localhost"))  # the one fault: it is theirs

    call = lab.connect(device, chain, account)

    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
