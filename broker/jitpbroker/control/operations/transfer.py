"""Certificates handed from one account to another, as far as both are on this desk.

Evidence: document - AWS's service model, TransferCertificate and its companions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from jitpbroker.control.call import Call, Handler, page
from jitpbroker.control.messages import Answer, Refused, Value, invalid
from jitpbroker.control.operations.certificates import require_certificate
from jitpbroker.registry.entities import CertificateStatus
from jitpbroker.registry.errors import not_found
from jitpbroker.registry.settings import Transfer
from jitpbroker.registry.store import Registry


def transfer_certificate(call: Call) -> Answer:
    """Offer an INACTIVE certificate without attachments to another account of the same Region."""
    device, registry = require_certificate(call), call.registry
    target = call.asked.text("targetAwsAccount")
    if device.status is CertificateStatus.PENDING_TRANSFER:
        raise Refused("TransferConflictException", f"Certificate {device.id} is being transferred already.")
    if device.status is not CertificateStatus.INACTIVE:
        raise Refused(
            "CertificateStateException",
            f"Certificate {device.id} is {device.status}; only an INACTIVE one can be transferred.",
        )
    if target == registry.arns.account:
        raise invalid("A certificate cannot be transferred to the account that owns it.")
    if registry.policies.of_target(device.arn) or registry.things.of_principal(device.arn):
        raise invalid(f"Certificate {device.id} has policies or things; detach them before the transfer.")
    other = call.around.accounts.find(target, registry.arns.region)
    if other.certificates.get(device.id) is not None:
        raise Refused("TransferConflictException", f"Account {target} has certificate {device.id} already.")
    message = call.asked.maybe_text("transferMessage")
    registry.transfers[device.id] = Transfer(device.id, target, message, call.at)
    registry.certificates.set_status(device.id, CertificateStatus.PENDING_TRANSFER, at=call.at)
    return {"transferredCertificateArn": device.arn}


def accept_certificate_transfer(call: Call) -> Answer:
    """Take a certificate that another account offers; INACTIVE unless asked otherwise."""
    certificate_id = call.asked.text("certificateId").lower()
    giver = _giver(call, certificate_id)
    device = giver.certificates.get(certificate_id)
    assert device is not None, "a transfer is of a registered certificate"
    status = CertificateStatus.ACTIVE if call.asked.flag("setAsActive") else CertificateStatus.INACTIVE
    taken = call.registry.certificates.register(
        device.certificate, at=call.at, status=status, certificate_mode=device.certificate_mode
    )
    call.registry.certificates.hand_over(taken.id, giver.arns.account)
    call.registry.transfers[taken.id] = replace(giver.transfers.pop(taken.id), accept_date=call.at)
    giver.certificates.delete(taken.id)
    return {}


def reject_certificate_transfer(call: Call) -> Answer:
    """Send a certificate back; its owner finds it INACTIVE, with the reason."""
    certificate_id = call.asked.text("certificateId").lower()
    giver = _giver(call, certificate_id)
    reason = call.asked.maybe_text("rejectReason")
    offered = giver.transfers[certificate_id]
    giver.transfers[certificate_id] = replace(offered, reject_reason=reason, reject_date=call.at)
    giver.certificates.set_status(certificate_id, CertificateStatus.INACTIVE, at=call.at)
    return {}


def cancel_certificate_transfer(call: Call) -> Answer:
    """Take an offer back."""
    device = require_certificate(call)
    if device.status is not CertificateStatus.PENDING_TRANSFER:
        raise _completed(device.id)
    del call.registry.transfers[device.id]
    call.registry.certificates.set_status(device.id, CertificateStatus.INACTIVE, at=call.at)
    return {}


def list_outgoing_certificates(call: Call) -> Answer:
    """Certificates that are offered and neither accepted nor rejected."""
    listed: list[Value] = [
        {
            "certificateArn": device.arn,
            "certificateId": device.id,
            "transferredTo": call.registry.transfers[device.id].target_account,
            "transferDate": call.registry.transfers[device.id].date,
            "transferMessage": call.registry.transfers[device.id].message,
            "creationDate": device.creation_date,
        }
        for device in call.registry.certificates
        if device.status is CertificateStatus.PENDING_TRANSFER
    ]
    return page(call, listed, size="pageSize", marker="marker", answer=("outgoingCertificates", "nextMarker"))


def _giver(call: Call, certificate_id: str) -> Registry:
    """The registry that offers a certificate to this account.

    Raises:
        RegistryError: nobody does.
        Refused: the offer was accepted before.
    """
    account = call.registry.arns.account
    for other in call.around.accounts.others(call.registry.arns.region):
        offer = other.transfers.get(certificate_id)
        device = other.certificates.get(certificate_id)
        pending = device is not None and device.status is CertificateStatus.PENDING_TRANSFER
        if offer is not None and pending and offer.target_account == account:
            return other
    if certificate_id in call.registry.transfers:
        raise _completed(certificate_id)
    raise not_found(f"No transfer of certificate {certificate_id} to this account waits.")


def _completed(certificate_id: str) -> Refused:
    return Refused(
        "TransferAlreadyCompletedException", f"The transfer of certificate {certificate_id} is completed."
    )


OPERATIONS: Final[Mapping[str, Handler]] = {
    "TransferCertificate": transfer_certificate,
    "AcceptCertificateTransfer": accept_certificate_transfer,
    "RejectCertificateTransfer": reject_certificate_transfer,
    "CancelCertificateTransfer": cancel_certificate_transfer,
    "ListOutgoingCertificates": list_outgoing_certificates,
}
