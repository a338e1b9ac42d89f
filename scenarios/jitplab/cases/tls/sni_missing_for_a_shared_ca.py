"""A server name that was needed, earlier."""

from __future__ import annotations

from jitpbroker.registry.entities import CertificateMode
from jitplab.account import case_template
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="sni_is_sent_where_the_ca_needs_it",
    checked_against="document",
    source=(
        "CertificateDescription.certificateMode in AWS's service model: device certificates take "
        "the mode of their CA"
    ),
    twin="right-slot",
    like=("sni-missing-for-a-shared-certificate", "sni-missing-where-it-is-required"),
)
def sni_missing_for_a_shared_ca(lab: Lab) -> Outcome:
    """The CA is registered in SNI_ONLY mode, and the new device sends no server name.

    Registering just in time needs an account, and for a shared CA only the name says which.

    Cause. As for sni-missing-for-a-shared-certificate.
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify. No CONNACK, nothing in the
    registry.
    Tell-tale. `aws iot describe-ca-certificate` says SNI_ONLY; the certificate never appears in the
    registry, which tells this from a shared certificate.
    Cure. Send the endpoint's name as SNI.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(registered=False)
    account.register_ca(lab.signer.certificate, case_template(), mode=CertificateMode.SNI_ONLY)

    call = lab.connect(device, chain, account, sni=False)  # the one fault

    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
