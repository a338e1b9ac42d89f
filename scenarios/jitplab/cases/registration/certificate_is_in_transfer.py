"""A certificate that was offered to another account."""

from __future__ import annotations

from jitpbroker.registry.entities import CertificateStatus
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="certificate_is_not_in_transfer",
    checked_against="assumed",
    source=(
        "AWS IoT developer guide, transfer-cert; that it does not connect meanwhile is held to be"
        " as for INACTIVE"
    ),
    twin="already-registered-by-hand",
    like=("certificate-was-deactivated",),
)
def certificate_is_in_transfer(lab: Lab) -> Outcome:
    """The device's certificate is registered, and somebody has offered it to another account.

    Only ACTIVE connects. The chain plays no part: a certificate that is known is never registered anew,
    however good its CA is.

    Cause. The certificate's status is PENDING_TRANSFER.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. The certificate *is* in the
    registry.
    Tell-tale. `aws iot describe-certificate --certificate-id ID` says `"status": "PENDING_TRANSFER"`; that
    it answers at all tells this apart from everything that was never registered, and the status from the
    other statuses.
    Cure. `aws iot update-certificate --certificate-id ID --new-status ACTIVE`, once the transfer is over or
    cancelled.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device, status=CertificateStatus.PENDING_TRANSFER)  # the one fault

    call = lab.connect(device, chain, account)

    lab.foretell("status after", "PENDING_TRANSFER", call.status_after)
    return lab.outcome()
