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
    stopped_by="registration CertificateValidationException",
    checked_against="document",
    source="AWS's service model, CertificateValidationException; the sentence is MiniStack's",
    twin="a-ca-that-is-taken",
    part=Part.NONE,
    needs=(Need.CONTROL_PLANE,),
)
def verification_by_another_key(lab: Lab) -> Outcome:
    """The verification certificate was signed by another key than the CA's.

    Its names are right, its signature is not.

    Cause. The script signed it with the root's key, or with that of last year's CA.
    Symptom. `aws iot register-ca-certificate` answers CertificateValidationException.
    Tell-tale. `openssl verify -partial_chain -CAfile signer.pem verification.pem` fails.
    Cure. Sign the verification certificate with the key of the certificate that is being registered.
    """
    owner = Owner(lab.account(registered=False))
    code = str(owner.ask("GetRegistrationCode")["registrationCode"])

    try:
        owner.ask(  # the one fault: another key
            "RegisterCACertificate",
            caCertificate=pki.pem(lab.signer.certificate).decode(),
            verificationCertificate=pki.pem(lab.prove(lab.other_ca, code, name_of=lab.signer)).decode(),
        )
    except RegistrationRefused as refusal:
        return lab.outcome(refusal=refusal)
    return lab.outcome()
