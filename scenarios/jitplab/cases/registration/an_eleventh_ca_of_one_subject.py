"""A CA certificate that the control plane does not take."""

from __future__ import annotations

from jitpbroker.registry.errors import RegistryError
from jitplab import pki
from jitplab.lab import Lab
from jitplab.needs import Need
from jitplab.outcome import Outcome
from jitplab.scenario import Part, scenario


@scenario(
    stopped_by="registration LimitExceededException",
    checked_against="document",
    source="AWS General Reference, IoT Core quotas: 10 CA certificates with the same subject field",
    twin="a-ca-that-is-taken",
    part=Part.NONE,
    needs=(Need.CONTROL_PLANE,),
)
def an_eleventh_ca_of_one_subject(lab: Lab) -> Outcome:
    """Ten CA certificates of one subject are registered already.

    The limit is per subject, not per account; renewing a CA every year under one name meets it in the
    eleventh.

    Cause. Old CA certificates were never deleted.
    Symptom. `aws iot register-ca-certificate` answers LimitExceededException.
    Tell-tale. `aws iot list-ca-certificates` lists ids alone; the subject is in the PEM of
    `aws iot describe-ca-certificate --certificate-id ID`, for `openssl x509 -noout -subject`.
    Cure. Delete those that no device needs any more (set them INACTIVE first).
    """
    keys = pki.KeySource(lab.settings.seed)
    account = lab.account(registered=False)
    for number in range(10):
        account.register_ca(pki.make_root(keys, "yearly FFFF", key_name=f"year {number}").certificate)
    eleventh = pki.make_root(keys, "yearly FFFF", key_name="year 10")
    try:
        account.register_ca(eleventh.certificate)  # the one fault: it is one too many
    except RegistryError as refusal:
        return lab.outcome(refusal=refusal)
    return lab.outcome()
