"""Certificates that AWS itself issues.

Evidence: document - AWS's service model, CreateKeysAndCertificate and CreateCertificateFromCsr.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from jitpbroker.control.call import Call, Handler
from jitpbroker.control.checks import check_key
from jitpbroker.control.messages import Answer, Refused, invalid
from jitpbroker.registry.entities import CertificateStatus
from jitpbroker.x509 import Certificate, requested_key


def create_keys_and_certificate(call: Call) -> Answer:
    """A key pair and a certificate for it; the private key is in this answer and nowhere else."""
    key = call.around.issuer.new_key()
    pem = call.around.issuer.for_key(key.public_pem, at=call.at)
    return {
        **_register(call, pem),
        "keyPair": {"PublicKey": key.public_pem, "PrivateKey": key.private_pem},
    }


def create_certificate_from_csr(call: Call) -> Answer:
    """A certificate for the key of a signing request.

    Evidence: assumed - that the request's subject is not taken over, and the sentences of refusals.

    Raises:
        Refused: the request cannot be read, is not signed by its key, or its key is one AWS does not take.
    """
    try:
        key = requested_key(call.asked.text("certificateSigningRequest"))
    except ValueError as error:
        raise invalid(f"The certificate signing request cannot be used: {error}.") from None
    try:
        check_key(key)
    except Refused:
        raise invalid("The key in the certificate signing request is not valid") from None
    body = base64.encodebytes(key).decode()
    public_pem = f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n"
    return _register(call, call.around.issuer.for_key(public_pem, at=call.at))


def _register(call: Call, pem: str) -> Answer:
    """Register what was just issued: INACTIVE unless asked otherwise, known to no registered CA."""
    status = CertificateStatus.ACTIVE if call.asked.flag("setAsActive") else CertificateStatus.INACTIVE
    device = call.registry.certificates.register(Certificate.from_pem(pem), at=call.at, status=status)
    return {"certificateArn": device.arn, "certificateId": device.id, "certificatePem": pem}


OPERATIONS: Final[Mapping[str, Handler]] = {
    "CreateCertificateFromCsr": create_certificate_from_csr,
    "CreateKeysAndCertificate": create_keys_and_certificate,
}
