"""The healthy twin of what the control plane refuses."""

from __future__ import annotations

from jitplab import pki
from jitplab.account import ROLE_ARN, case_template
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.owner import Owner
from jitplab.scenario import Part, scenario


@scenario(
    admitted=True,
    checked_against="document",
    source="AWS IoT developer guide, register-CA-cert",
    twin="verification-names-another-code",
    part=Part.NONE,
    needs=(Need.CONTROL_PLANE,),
)
def a_ca_that_is_taken(lab: Lab) -> Outcome:
    """The owner registers the signer with proof of its key, and a device onboards.

    The way by the real control plane, as the aws command line would go it.

    Cause. None.
    Symptom. None: the first connection registers the device, the second is let in.
    Tell-tale. `aws iot describe-ca-certificate` shows ACTIVE, ENABLE and the template.
    Cure. None needed.
    """
    owner = Owner(lab.account(registered=False))
    code = str(owner.ask("GetRegistrationCode")["registrationCode"])

    answer = owner.ask(
        "RegisterCACertificate",
        caCertificate=pki.pem(lab.signer.certificate).decode(),
        verificationCertificate=pki.pem(lab.prove(lab.signer, code)).decode(),
        setAsActive=True,
        allowAutoRegistration=True,
        registrationConfig={"templateBody": case_template(), "roleArn": ROLE_ARN},
    )
    key = lab.key("taken")
    serial = lab.serial("taken").to_bytes(16)
    leaf = pki.make_device_certificate(lab.signer, key.public_key, common_name="taken", serial=serial)

    first = lab.connect_with_key(leaf, key)
    lab.connect_with_key(leaf, key)

    lab.foretell("the CA certificate has an id", True, len(str(answer["certificateId"])) == 64)
    lab.foretell("status after the first", "ACTIVE", first.status_after)
    return lab.outcome()
