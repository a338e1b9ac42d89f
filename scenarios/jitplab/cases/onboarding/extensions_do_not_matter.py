"""The user's second question, answered by two certificates that differ in nothing else."""

from __future__ import annotations

from datetime import timedelta

from jitplab import pki
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    admitted=True,
    checked_against="document",
    source="StackOverflow 65735301 (v1 and v3 were both accepted); AWS IoT developer guide, jit-provisioning",
    twin="wrong-slot-root-key",
    question=2,
    part=Part.NONE,
)
def extensions_do_not_matter(lab: Lab) -> Outcome:
    """With extensions or without, version 3 or version 1: both certificates onboard.

    The same signer issues two certificates for two keys, one with all four extensions of the case and one
    with none. Each is dropped once and accepted then.

    Cause. None. Admission asks for the issuer's name, its signature and the registered CA.
    Symptom. First connection closed without CONNACK, second one accepted, for either certificate.
    Tell-tale. A wrong *value* in an extension of the signer does stop it: see wrong-slot-root-key, where
    nothing but an authority key identifier differs.
    Cure. None needed.
    """
    for version in (3, 1):
        key = lab.key(f"version {version}")
        if version == 3:
            certificate = pki.make_device_certificate(
                lab.signer,
                key.public_key,
                common_name="with-extensions",
                serial=lab.serial("with extensions").to_bytes(16),
            )
        else:
            certificate = pki.make_v1_certificate(
                lab.signer,
                key.public_key,
                common_name="without-extensions",
                serial=lab.serial("without extensions"),
                not_before=lab.now(),
                not_after=lab.now() + timedelta(days=3650),
            )
        first = lab.connect_with_key(certificate, key)
        second = lab.connect_with_key(certificate, key)
        lab.foretell(f"version of the certificate ({version})", version, pki.certificate_version(certificate))
        lab.foretell(f"first connack (version {version})", None, first.visit.connack)
        lab.foretell(f"status after the first (version {version})", "ACTIVE", first.status_after)
        lab.foretell(f"second connack (version {version})", 0, second.visit.connack)
    return lab.outcome()
