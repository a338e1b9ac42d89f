"""The laboratory's keys, certification authorities and certificates.

The only package of this room that imports ``cryptography``. Keys come from a seed, so that a run can be
repeated; they are test keys and say so wherever they are written.
"""

from jitplab.pki.issue import (
    DEVICE_NOT_AFTER,
    DEVICE_NOT_BEFORE,
    HAND_MADE_COMMON_NAME,
    ORGANIZATION,
    OTHER_COMMON_NAME,
    ROOT_COMMON_NAME,
    SIGNER_COMMON_NAME,
    SIGNER_NOT_AFTER,
    SIGNER_NOT_BEFORE,
    SIGNER_SERIAL,
    SUBJECT,
    Authority,
    Otherwise,
    make_device_certificate,
    make_root,
    make_rsa_ca,
    make_signer,
    make_v1_certificate,
    with_serial,
)
from jitplab.pki.keys import (
    KeySource,
    SigningKey,
    key_identifier,
    public_key_from,
    public_key_pem,
    raw_public_key,
)
from jitplab.pki.read import (
    certificate_version,
    certificates_from_pem,
    date_objection,
    host_address,
    name_objection,
    pem,
    signature_verifies,
)

__all__ = [
    "DEVICE_NOT_AFTER",
    "DEVICE_NOT_BEFORE",
    "HAND_MADE_COMMON_NAME",
    "ORGANIZATION",
    "OTHER_COMMON_NAME",
    "ROOT_COMMON_NAME",
    "SIGNER_COMMON_NAME",
    "SIGNER_NOT_AFTER",
    "SIGNER_NOT_BEFORE",
    "SIGNER_SERIAL",
    "SUBJECT",
    "Authority",
    "KeySource",
    "Otherwise",
    "SigningKey",
    "certificate_version",
    "certificates_from_pem",
    "date_objection",
    "host_address",
    "key_identifier",
    "make_device_certificate",
    "make_root",
    "make_rsa_ca",
    "make_signer",
    "make_v1_certificate",
    "name_objection",
    "pem",
    "public_key_from",
    "public_key_pem",
    "raw_public_key",
    "signature_verifies",
    "with_serial",
]
