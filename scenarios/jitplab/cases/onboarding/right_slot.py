"""The healthy twin of the case."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from jitplab.visit import Message


@scenario(
    admitted=True,
    checked_against="document",
    source="AWS IoT developer guide, jit-provisioning; StackOverflow 65735301, closing comment",
    twin="wrong-slot-root-key",
)
def right_slot(lab: Lab) -> Outcome:
    """The firmware reads the root CA's public key from slot 15, where it lies.

    Cause. None: both certificates are rebuilt byte for byte as they were issued.
    Symptom. The first connection registers the certificate and is closed without CONNACK, as every first
    connection is; the second one gets CONNACK 0.
    Tell-tale. The certificate appears in the registry, ACTIVE, with a thing and a policy.
    Cure. None needed; a firmware that does not try again after the first close would need one.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)

    first = lab.connect(device, chain)
    second = lab.connect(device, chain, message=Message())

    lab.foretell("signer as issued", True, chain.signer == lab.signer.certificate)
    lab.foretell("device certificate as issued", True, chain.device == device.certificate)
    lab.foretell("first connack", None, first.visit.connack)
    lab.foretell("first closed_by", "close_notify", str(first.visit.closed_by))
    lab.foretell("status after the first", "ACTIVE", first.status_after)
    lab.foretell("puback", True, second.visit.puback)
    return lab.outcome()
