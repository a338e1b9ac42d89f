"""Sending the device certificate alone."""

from __future__ import annotations

from jitplab.lab import Chain, Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario

#: (profile, a server name is sent) -> the rule that objects; None where the certificate is registered.
_FORETOLD = {
    ("aws-2021", True): "chain_carries_a_registered_ca",
    ("aws-2021", False): "chain_carries_a_registered_ca",
    ("aws-2026", True): None,
    ("aws-2026", False): "chain_or_sni_is_sent",
}


@scenario(
    checked_against="document",
    source="AWS IoT developer guide, jit-provisioning (2022 and later); StackOverflow 65735301 (2021)",
    twin="right-slot",
    like=("signer-key-from-an-empty-slot",),
)
def signer_left_out(lab: Lab) -> Outcome:
    """The device sends its own certificate without the signer's.

    Until 2022 that alone stopped just-in-time provisioning. Since then AWS finds the CA by the issuer's
    name, provided the client sends a server name (SNI) that leads to the account. The scenario tries all
    four combinations, each in a fresh account.

    Cause. The firmware adds one certificate to its chain where the broker expects two.
    Symptom. The handshake completes just as well; after CONNECT the peer answers close_notify.
    Tell-tale. The very same close as with a wrong signer: the wire does not tell the two apart. The chain
    in a packet capture does, it holds one certificate.
    Cure. Send device certificate and signer, or send SNI and no signer; with a wrong signer, leaving it out
    and sending SNI is a cure too.
    """
    device = lab.device()
    alone = Chain(lab.rebuild_chain(device).device, signer=None)  # the one fault

    for profile in lab.profiles():
        for sni in (True, False):
            call = lab.connect(device, alone, lab.account(profile), sni=sni)
            where = f"{profile}, {'with' if sni else 'without'} SNI"
            lab.foretell(f"handshake ({where})", "completed", call.visit.handshake)
            lab.foretell(f"rule ({where})", _FORETOLD[profile, sni], call.rule)
            lab.foretell(f"connack ({where})", None, call.visit.connack)
            lab.foretell(f"closed_by ({where})", "close_notify", str(call.visit.closed_by))
            registered = "ACTIVE" if _FORETOLD[profile, sni] is None else None
            lab.foretell(f"status ({where})", registered, call.status_after)
    return lab.outcome()
