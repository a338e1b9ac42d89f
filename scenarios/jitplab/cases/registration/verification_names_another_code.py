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
    stopped_by="registration RegistrationCodeValidationException",
    checked_against="document",
    source="AWS IoT developer guide, register-CA-cert; the sentence is MiniStack's",
    twin="a-ca-that-is-taken",
    part=Part.NONE,
    needs=(Need.CONTROL_PLANE,),
)
def verification_names_another_code(lab: Lab) -> Outcome:
    """The verification certificate's common name is not the account's registration code.

    The code proves that whoever registers a CA certificate holds its key *now*; it belongs to one account
    and Region.

    Cause. The code was fetched in another Region or account, or pasted with a space.
    Symptom. `aws iot register-ca-certificate` answers RegistrationCodeValidationException.
    Tell-tale. `aws iot get-registration-code` in the same Region, beside `openssl x509 -noout -subject -in
    verification.pem`.
    Cure. Make the verification certificate anew with the code that this account and Region give.
    """
    owner = Owner(lab.account(registered=False))
    code = str(owner.ask("GetRegistrationCode")["registrationCode"])

    try:
        owner.ask(  # the one fault: another code
            "RegisterCACertificate",
            caCertificate=pki.pem(lab.signer.certificate).decode(),
            verificationCertificate=pki.pem(lab.prove(lab.signer, code[::-1])).decode(),
        )
    except RegistrationRefused as refusal:
        return lab.outcome(refusal=refusal)
    return lab.outcome()
