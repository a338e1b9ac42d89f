"""A certificate that is rebuilt otherwise than it was issued."""

from __future__ import annotations

from jitplab import anatomy, pki
from jitplab import chain as case_chain
from jitplab.lab import Lab, Making
from jitplab.maker import Request, device_serial
from jitplab.maker import issue as issued_as_in_the_case
from jitplab.outcome import Outcome
from jitplab.pki import Otherwise
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="every_link_is_signed",
    checked_against="document",
    source=("TPDS rules for custom certificates: name and extensions have to be those of the definition"),
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("organization-is-spelt-otherwise",),
)
def extensions_in_another_order(lab: Lab) -> Outcome:
    """The CA writes the extensions in another order than the definition's template has them.

    A definition is a template with holes. What is not a hole comes from the template, byte for byte, order
    included.

    Cause. The CA's software was updated, or another CA took over.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. The sets of extensions are the same and their order is not: `openssl x509 -text` of both.
    Cure. Make the definition from a certificate that this CA has issued.
    """

    def issue(request: Request) -> bytes:
        return pki.make_device_certificate(
            request.signer,
            request.public_key,
            common_name=case_chain.device_common_name(request.serial_number),
            serial=device_serial(request.public_key),
            otherwise=Otherwise(key_identifiers_first=True),  # the one fault
        )

    device = lab.provision_device(Making(issue=issue))
    expected = issued_as_in_the_case(
        Request(device.public_key, lab.bench.library.read_serial_number(), lab.signer)
    )
    chain = lab.rebuild_chain(device, device_definition=case_chain.device_definition(expected))

    lab.connect(device, chain)

    lab.foretell(
        "device differs in", ["encoding"], anatomy.names_that_differ(chain.device, device.certificate)
    )
    return lab.outcome()
