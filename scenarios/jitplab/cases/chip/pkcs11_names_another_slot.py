"""A key that is asked for where it is not."""

from __future__ import annotations

from jitplab.lab import Lab
from jitplab.outcome import Outcome
from jitplab.scenario import scenario


@scenario(
    stopped_by="tls handshake",
    checked_against="document",
    source="cryptoauthlib issues 161, 208, 328 and 396 (read as excerpts); 608 data sheet, Sign",
    twin="right-slot",
    like=("chain-in-reverse", "key-and-certificate-differ"),
)
def pkcs11_names_another_slot(lab: Lab) -> Outcome:
    """The store file of the PKCS#11 library says `object = private,device,2`, and the key lies in slot 0.

    The certificate is right and is found by its label. Only when TLS asks for a signature does somebody
    look into slot 2, where no key was ever made.

    Cause. The number in `0.conf` is another part's: Trust&GO has its device key in slot 0, kits elsewhere.
    Symptom. No connection comes about: the client cannot sign, and the broker sees a handshake that ends.
    Tell-tale. `jitplab chip trace`: Sign is refused in slot 2. In key-and-certificate-differ and in
    chain-in-reverse nobody asks the chip to sign.
    Cure. Write the slot of the private key, `object = private,device,0`.
    """
    device = lab.device()
    chain = lab.rebuild_chain(device)

    call = lab.connect(device, chain, key_slot=2)  # the one fault

    lab.foretell("handshake", "failed", call.visit.handshake)
    lab.foretell("refused by the chip", ["Sign, slot 2: EXECUTION_ERROR"], lab.bench.refused_commands())
    lab.foretell("device certificate as issued", True, chain.device == device.certificate)
    return lab.outcome()
