"""A definition without a place for the authority key identifier."""

from __future__ import annotations

from dataclasses import replace

from jitplab import anatomy, pki
from jitplab import chain as case_chain
from jitplab.lab import Lab
from jitplab.maker import Request, issue
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from softatecc.certificate import CertificateLocation


@scenario(
    refused_by="every_link_is_signed",
    checked_against="vendor-library",
    source=(
        "cryptoauthlib issue 108 (read as an excerpt): a generated definition kept its own; "
        "rebuilt with cryptoauthlib 20260505 and these definitions"
    ),
    twin="right-slot",
    like=("device-identifier-is-its-own",),
)
def template_identifier_is_not_replaced(lab: Lab) -> Outcome:
    """The definition was made from a certificate of last year's signer and leaves its identifier standing.

    A template has the bytes of the certificate it was made from. What no location of the definition
    replaces stays: here the authority key identifier of a signer that has been replaced since.

    Cause. The element STDCERT_AUTH_KEY_ID is `{0, 0}` in the definition that a tool has generated.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. The rebuilt device certificate differs in its authority key identifier, and that is no key's
    of this chain; in device-identifier-is-its-own it is the certificate's own subject key identifier.
    Cure. Give the element its place, or make the template from a certificate of the signer in use.
    """
    device = lab.device()
    old = pki.make_signer(pki.KeySource(lab.settings.seed), lab.root, key_name="last year's signer")
    sample = issue(Request(device.public_key, lab.bench.library.read_serial_number(), old))
    kept = replace(case_chain.device_definition(sample), at_authority_key_id=CertificateLocation())
    chain = lab.rebuild_chain(device, device_definition=kept)  # the one fault

    lab.connect(device, chain)

    differ = anatomy.names_that_differ(chain.device, device.certificate)
    identifier = anatomy.field_bytes(chain.device, "authorityKeyIdentifier")
    lab.foretell("device differs in", ["authorityKeyIdentifier"], differ)
    lab.foretell("it is the old signer's", True, identifier == pki.key_identifier(old.key.public_key))
    return lab.outcome()
