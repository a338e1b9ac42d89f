"""A CA certificate that the control plane does not take."""

from __future__ import annotations

from jitplab import pki
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.owner import Owner
from jitplab.scenario import Part, scenario
from jitplab.stop import RegistrationRefused


@scenario(
    stopped_by="registration InvalidRequestException",
    checked_against="document",
    source="AWS IoT developer guide, register-CA-cert; the sentence is MiniStack's",
    twin="a-ca-that-is-taken",
    part=Part.NONE,
    needs=(Need.CONTROL_PLANE,),
)
def verification_is_missing(lab: Lab) -> Outcome:
    """No verification certificate is handed in for a CA certificate in DEFAULT mode.

    DEFAULT mode ties a CA certificate to one account per Region and asks for proof of its key; SNI_ONLY
    asks for none and shares.

    Cause. The command of a tutorial for SNI_ONLY was used without `--certificate-mode SNI_ONLY`.
    Symptom. `aws iot register-ca-certificate` answers InvalidRequestException.
    Tell-tale. The answer names it: Need to provide verification certificate.
    Cure. Hand one in, or register with `--certificate-mode SNI_ONLY` and have devices send SNI.
    """
    owner = Owner(lab.account(registered=False))

    try:
        owner.ask(  # the one fault: no proof
            "RegisterCACertificate", caCertificate=pki.pem(lab.signer.certificate).decode(), setAsActive=True
        )
    except RegistrationRefused as refusal:
        return lab.outcome(refusal=refusal)
    return lab.outcome()
