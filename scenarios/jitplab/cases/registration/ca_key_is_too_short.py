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
    source="re:Post, where users pasted the sentence; AWS IoT developer guide, x509-client-certs",
    twin="a-ca-that-is-taken",
    part=Part.NONE,
    needs=(Need.CONTROL_PLANE,),
)
def ca_key_is_too_short(lab: Lab) -> Outcome:
    """The CA certificate's RSA key has 1024 bits.

    AWS takes RSA from 2048 bits on, and P-256, P-384 and P-521.

    Cause. An old test CA, or an example from before 2015.
    Symptom. `aws iot register-ca-certificate` answers CertificateValidationException.
    Tell-tale. `openssl x509 -noout -text -in ca.pem` says `Public-Key: (1024 bit)`.
    Cure. Make a new CA, on P-256 for a chip.
    """
    weak = pki.make_rsa_ca(1024)  # the one fault

    owner = Owner(lab.account(registered=False))
    code = str(owner.ask("GetRegistrationCode")["registrationCode"])

    try:
        owner.ask(
            "RegisterCACertificate",
            caCertificate=pki.pem(weak).decode(),
            verificationCertificate=pki.pem(lab.prove(lab.signer, code)).decode(),
        )
    except RegistrationRefused as refusal:
        lab.foretell("the sentence", "The key in the certificate is not valid", str(refusal))
        return lab.outcome(refusal=refusal)
    return lab.outcome()
