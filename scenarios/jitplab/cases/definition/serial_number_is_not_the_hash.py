"""A certificate that is rebuilt otherwise than it was issued."""

from __future__ import annotations

from jitplab import anatomy, pki
from jitplab import chain as case_chain
from jitplab.lab import Lab, Making
from jitplab.maker import Request
from jitplab.outcome import Outcome
from jitplab.pki import Otherwise
from jitplab.scenario import Part, scenario


@scenario(
    refused_by="every_link_is_signed",
    checked_against="vendor-library",
    source="kmwebnet/ECC608-Provision issue 6; mbedtls-examples issue 1",
    twin="right-slot",
    part=Part.PROVISIONS,
    like=("end-date-is-rendered", "minutes-are-lost", "key-made-anew-after-issuing"),
)
def serial_number_is_not_the_hash(lab: Lab) -> Outcome:
    """The certificate was issued with a random serial number, and the chip computes one.

    The definition says that the number is a hash over key and dates. Whoever issued the certificate did not
    know.

    Cause. A general-purpose CA issued it, which draws its numbers.
    Symptom. Every call of the library returns success. Handshake and CONNECT as ever; the peer answers
    close_notify. No CONNACK, nothing in the registry.
    Tell-tale. serialNumber differs and nothing else.
    Cure. Have the CA take the number that the rule gives, or store the number.
    """

    def issue(request: Request) -> bytes:
        return pki.make_device_certificate(
            request.signer,
            request.public_key,
            common_name=case_chain.device_common_name(request.serial_number),
            serial=lab.serial("a random one").to_bytes(16),
            otherwise=Otherwise(),
        )

    device = lab.provision_device(Making(issue=issue))
    chain = lab.rebuild_chain(device)
    # the one fault: a number that nobody computed

    lab.connect(device, chain)

    lab.foretell(
        "device differs in", ["serialNumber"], anatomy.names_that_differ(chain.device, device.certificate)
    )
    return lab.outcome()
