"""The case itself."""

from __future__ import annotations

from jitplab import anatomy
from jitplab.chain import Slot
from jitplab.lab import Lab
from jitplab.outcome import JsonValue, Outcome
from jitplab.scenario import ScenarioError, scenario
from softatecc.library import LibraryError

#: Where the library does not keep silent: it reads no key from the private slots, and the chip none in the
#: clear from slot 9.
_LOUD = {**dict.fromkeys(range(8), "library ATCA_BAD_PARAM"), 9: "chip EXECUTION_ERROR"}


@scenario(
    refused_by="presented_ca_is_registered",
    checked_against="vendor-library",
    source="StackOverflow 65735301 and mbedtls-examples issue 9; rebuilt with cryptoauthlib 20260505",
    twin="right-slot",
    question=1,
    like=(
        "authority-identifier-is-the-subjects",
        "identifier-of-72-bytes",
        "root-key-computed-from-the-devices",
        "root-key-from-a-zeroed-slot",
        "root-key-from-an-erased-slot",
        "root-sent-instead-of-the-signer",
        "signer-dates-are-not-stored",
        "signer-key-from-the-wrong-slot",
    ),
)
def wrong_slot_root_key(lab: Lab, *, slot: int = Slot.OTHER_CA_PUBLIC_KEY) -> Outcome:
    """The firmware reads the root CA's public key from slot 13; it lies in slot 15.

    The key is needed for one thing only, the authority key identifier of the signer certificate that the
    firmware rebuilds. Any readable slot gives one, nothing verifies it, and no call returns an error.

    Cause. `public_key_dev_loc` of the root's definition names another slot than the provisioning used.
    Symptom. The handshake completes, CONNECT is written, the peer answers close_notify; no CONNACK, and the
    certificate never appears in the registry.
    Tell-tale. `jitplab explain chain.pem --registered signer.pem`: the rebuilt signer differs from the
    registered one within the 20 bytes of the authority key identifier and nowhere else.
    Cure. Read slot 15, or pass no key at all and keep the template's identifier.
    """
    if slot == Slot.ROOT_PUBLIC_KEY:
        raise ScenarioError("slot 15 is where the root's key lies; for that, run right-slot")
    if not 0 <= slot <= 15:
        raise ScenarioError(f"an ATECC608A has slots 0 to 15, not {slot}")

    device = lab.device()
    try:
        chain = lab.rebuild_chain(device, root_key_slot=slot)  # the one fault
    except LibraryError as error:
        return lab.outcome(refusal=error, stopped_by=_LOUD.get(slot))

    lab.foretell("the library's objection", _LOUD.get(slot), None)
    lab.foretell("device certificate as issued", True, chain.device == device.certificate)
    assert chain.signer is not None
    differing: list[JsonValue] = [
        each.field.name for each in anatomy.differences(chain.signer, lab.signer.certificate)
    ]
    lab.foretell("fields that differ", ["authorityKeyIdentifier"], differing)

    call = lab.connect(device, chain)

    lab.foretell("status after", None, call.status_after)
    return lab.outcome()
