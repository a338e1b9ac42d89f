"""Certificates that AWS itself issues.

CreateCertificateFromCsr is missing: a request's own signature can be checked behind `jitpbroker.x509` only.

Evidence: document - AWS's service model, CreateKeysAndCertificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler
from jitpbroker.control.messages import Answer
from jitpbroker.registry.entities import CertificateStatus
from jitpbroker.x509 import Certificate


def create_keys_and_certificate(call: Call) -> Answer:
    """A key pair and a certificate for it; the private key is in this answer and nowhere else."""
    key = call.around.issuer.new_key()
    pem = call.around.issuer.for_key(key.public_pem, at=call.at)
    return {
        **_register(call, pem),
        "keyPair": {"PublicKey": key.public_pem, "PrivateKey": key.private_pem},
    }


def _register(call: Call, pem: str) -> Answer:
    """Register what was just issued: INACTIVE unless asked otherwise, known to no registered CA."""
    status = CertificateStatus.ACTIVE if call.asked.flag("setAsActive") else CertificateStatus.INACTIVE
    device = call.registry.certificates.register(Certificate.from_pem(pem), at=call.at, status=status)
    return {"certificateArn": device.arn, "certificateId": device.id, "certificatePem": pem}


OPERATIONS: Final[Mapping[str, Handler]] = {
    "CreateKeysAndCertificate": create_keys_and_certificate,
}
