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
    stopped_by="registration ResourceAlreadyExistsException",
    checked_against="assumed",
    source="AWS IoT developer guide, manage-your-CA-certs; which exception answers is inferred",
    twin="a-ca-that-is-taken",
    part=Part.NONE,
    needs=(Need.CONTROL_PLANE,),
)
def ca_belongs_to_another_account(lab: Lab) -> Outcome:
    """Another account of the Region has the CA certificate in DEFAULT mode.

    One account per Region may have a CA certificate in DEFAULT mode; in SNI_ONLY mode many may, since the
    server name says which is meant.

    Cause. The certificate is still registered in the company's test account.
    Symptom. `aws iot register-ca-certificate` answers ResourceAlreadyExistsException.
    Tell-tale. The id is in no list of this account, and the answer says it exists.
    Cure. Delete it in the other account, or register it with `--certificate-mode SNI_ONLY` in both.
    """
    owner = Owner(lab.account(registered=False))
    code = str(owner.ask("GetRegistrationCode")["registrationCode"])

    pem = pki.pem(lab.signer.certificate).decode()
    theirs = str(owner.ask("GetRegistrationCode", access_key="210987654321")["registrationCode"])
    owner.ask(
        "RegisterCACertificate",
        access_key="210987654321",
        caCertificate=pem,
        verificationCertificate=pki.pem(lab.prove(lab.signer, theirs)).decode(),
    )
    proof = pki.pem(lab.prove(lab.signer, code)).decode()
    try:
        owner.ask("RegisterCACertificate", caCertificate=pem, verificationCertificate=proof)  # the one fault
    except RegistrationRefused as refusal:
        return lab.outcome(refusal=refusal)
    return lab.outcome()
