"""A name that is not the template's."""

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
    source="TPDS rules for custom certificates: name and extensions have to be those of the definition",
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("extensions-in-another-order",),
)
def organization_is_spelt_otherwise(lab: Lab) -> Outcome:
    """The CA writes `Companyname`, the definition's template has `CompanyName`.

    Of a device's subject the chip supplies the digits of its serial number and nothing else. The rest
    comes from the template, letter by letter.

    Cause. The CA's profile was typed anew.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. `openssl x509 -noout -subject` of the factory's copy and of what the device sends. In
    extensions-in-another-order the subjects are the same.
    Cure. Make the definition from a certificate that this CA has issued.
    """

    def issue(request: Request) -> bytes:
        common_name = case_chain.device_common_name(request.serial_number)
        return pki.make_device_certificate(
            request.signer,
            request.public_key,
            common_name=common_name,
            serial=device_serial(request.public_key),
            otherwise=Otherwise(
                subject=(("Organization", "Companyname"), ("CommonName", common_name))  # the one fault
            ),
        )

    device = lab.provision_device(Making(issue=issue))
    expected = issued_as_in_the_case(
        Request(device.public_key, lab.bench.library.read_serial_number(), lab.signer)
    )
    chain = lab.rebuild_chain(device, device_definition=case_chain.device_definition(expected))

    lab.connect(device, chain)

    differ = anatomy.names_that_differ(chain.device, device.certificate)
    lab.foretell("device differs in", ["subject"], differ)
    return lab.outcome()
