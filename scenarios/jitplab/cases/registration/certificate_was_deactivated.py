"""A certificate that was deactivated."""

from __future__ import annotations

from jitpbroker.registry.entities import CertificateStatus
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="certificate_is_not_inactive",
    checked_against="document",
    source="AWS IoT developer guide, manage-device-certs",
    twin="already-registered-by-hand",
    like=("certificate-was-revoked", "certificate-is-in-transfer", "quarantine"),
)
def certificate_was_deactivated(lab: Lab) -> Outcome:
    """The device's certificate is registered, and somebody has deactivated it.

    Only ACTIVE connects. The chain plays no part: a certificate that is known is never registered anew,
    however good its CA is.

    Cause. The certificate's status is INACTIVE.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. The certificate *is* in the
    registry.
    Tell-tale. `aws iot describe-certificate --certificate-id ID` says `"status": "INACTIVE"`; that it
    answers at all tells this apart from everything that was never registered, and the status from the other
    statuses.
    Cure. `aws iot update-certificate --certificate-id ID --new-status ACTIVE`.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device, status=CertificateStatus.INACTIVE)  # the one fault

    call = lab.connect(device, chain, account)

    lab.foretell("status after", "INACTIVE", call.status_after)
    return lab.outcome()
