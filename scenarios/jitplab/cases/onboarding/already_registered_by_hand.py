"""The detour that hid the cause."""

from __future__ import annotations

from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario
from jitplab.visit import Message


@scenario(
    admitted=True,
    checked_against="document",
    source="StackOverflow 65735301: with the certificate uploaded and a policy attached the device connected",
    twin="wrong-slot-root-key",
)
def already_registered_by_hand(lab: Lab) -> Outcome:
    """The wrong signer is sent, but the device certificate has been registered by hand: it connects.

    Once a certificate is known and ACTIVE, nobody looks at the rest of the chain; the wrong signer is sent
    as before and harms no more.

    Cause. As in wrong-slot-root-key; the signer is still wrong.
    Symptom. None: CONNACK 0 at the first connection.
    Tell-tale. A device that connects only after its certificate was uploaded has a registration problem,
    not a TLS problem.
    Cure. This is one, for one device. For a fleet, mend the slot.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device, root_key_slot=Slot.OTHER_CA_PUBLIC_KEY)  # the same fault as in the case
    account = lab.account()
    account.register_by_hand(chain.device)  # and the user's way around it

    call = lab.connect(device, chain, account, message=Message())

    lab.foretell("signer as issued", False, chain.signer == lab.signer.certificate)
    lab.foretell("status before", "ACTIVE", call.status_before)
    lab.foretell("puback", True, call.visit.puback)
    return lab.outcome()
