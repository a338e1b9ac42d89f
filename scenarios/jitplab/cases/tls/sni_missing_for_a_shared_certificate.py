"""A server name that was needed."""

from __future__ import annotations

from jitpbroker.registry.entities import CertificateMode
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    refused_by="sni_is_sent_where_the_certificate_needs_it",
    checked_against="document",
    source="CertificateDescription.certificateMode in AWS's service model",
    twin="already-registered-by-hand",
    like=("sni-missing-for-a-shared-ca", "sni-missing-where-it-is-required"),
)
def sni_missing_for_a_shared_certificate(lab: Lab) -> Outcome:
    """The certificate is registered in SNI_ONLY mode, and the client sends no server name.

    In SNI_ONLY mode several accounts may know a certificate; without a name nobody can tell which is meant.
    Connecting by IP address sends none.

    Cause. The client connects by address, or its TLS stack was never told the host name
    (`mbedtls_ssl_set_hostname`).
    Symptom. Handshake and CONNECT as ever; the peer answers close_notify, and the refusal is not even
    logged: nobody knows in whose log.
    Tell-tale. `aws iot describe-certificate` says `"certificateMode": "SNI_ONLY"`; the ClientHello has no
    server_name. With an SNI_ONLY *CA* the certificate would not be in the registry at all.
    Cure. Send the endpoint's name as SNI.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account()
    account.register_by_hand(chain.device, mode=CertificateMode.SNI_ONLY)

    call = lab.connect(device, chain, account, sni=False)  # the one fault

    lab.foretell("status after", "ACTIVE", call.status_after)
    return lab.outcome()
