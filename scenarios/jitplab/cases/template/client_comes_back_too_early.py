"""A firmware without patience."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="disconnect JITP_REGISTERED",
    checked_against="document",
    source=(
        "AWS IoT developer guide, jit-provisioning: provisioning is asynchronous; the IoT Atlas "
        "says one to three seconds"
    ),
    twin="right-slot",
)
def client_comes_back_too_early(lab: Lab) -> Outcome:
    """The firmware connects again at once, before the template has run.

    Until then the certificate is PENDING_ACTIVATION, and each CONNECT is closed on like the first. A
    firmware that tries three times in a second uses all three up.

    Cause. Retries without a delay, and few of them.
    Symptom. Several connections closed without CONNACK; a minute later the device would be let in.
    Tell-tale. PENDING_ACTIVATION at first and ACTIVE seconds later; a stuck device stays
    PENDING_ACTIVATION.
    Cure. Wait between attempts, longer each time.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)
    account = lab.account(provisioning_delay=3600.0)
    lab.connect(device, chain, account)

    again = lab.connect(device, chain, account)  # the one fault: an hour too early

    lab.foretell("connack", None, again.visit.connack)
    lab.foretell("status before", "PENDING_ACTIVATION", again.status_before)
    lab.foretell("status after", "PENDING_ACTIVATION", again.status_after)
    return lab.outcome()
