"""A certificate that was revoked."""

from __future__ import annotations

from jitpbroker.registry.entities import CertificateStatus
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="certificate_is_not_revoked",
    checked_against="document",
    source="AWS IoT developer guide, manage-device-certs",
    twin="already-registered-by-hand",
    like=("certificate-was-deactivated",),
)
def certificate_was_revoked(lab: Lab) -> Outcome:
    """The device's certificate is registered, and somebody has revoked it.

    Only ACTIVE connects. The chain plays no part: a certificate that is known is never registered anew,
    however good its CA is.

    Cause. The certificate's status is REVOKED.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. The certificate *is* in the
    registry.
    Tell-tale. `aws iot describe-certificate --certificate-id ID` says `"status": "REVOKED"`; that it
    answers at all tells this apart from everything that was never registered, and the status from the other
    statuses.
    Cure. A new certificate: AWS's console says that a revoked one cannot be activated again (what
    `update-certificate` answers then is not documented). To lock a device out for a while use INACTIVE.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device, status=CertificateStatus.REVOKED)  # the one fault

    call = lab.connect(device, chain, account)

    lab.foretell("status after", "REVOKED", call.status_after)
    return lab.outcome()
