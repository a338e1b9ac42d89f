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
    checked_against="assumed",
    source="AWS's walkthroughs set CA:TRUE; that and how it is enforced is assumed",
    twin="a-ca-that-is-taken",
    part=Part.NONE,
    needs=(Need.CONTROL_PLANE,),
)
def ca_does_not_say_ca_true(lab: Lab) -> Outcome:
    """The certificate that is to be registered does not say CA:TRUE.

    Every walkthrough sets it. That AWS enforces it, and by which exception, no page says.

    Cause. `openssl x509 -req` made the CA certificate without `-extfile`, so that basicConstraints are
    missing or false.
    Symptom. `aws iot register-ca-certificate` answers CertificateValidationException.
    Tell-tale. `openssl x509 -noout -ext basicConstraints -in ca.pem`.
    Cure. Issue the CA certificate with `basicConstraints=critical,CA:TRUE`.
    """
    no_ca = pki.make_root(pki.KeySource(lab.settings.seed), "no ca FFFF", ca=False)  # the one fault

    owner = Owner(lab.account(registered=False))
    code = str(owner.ask("GetRegistrationCode")["registrationCode"])

    try:
        owner.ask(
            "RegisterCACertificate",
            caCertificate=pki.pem(no_ca.certificate).decode(),
            verificationCertificate=pki.pem(lab.prove(no_ca, code)).decode(),
        )
    except RegistrationRefused as refusal:
        return lab.outcome(refusal=refusal)
    return lab.outcome()
