"""The search's first change, proven over TLS: a device of the same make before and after.

What cannot be had stands in: new keys of root, signer and device, at the places where the user's lie.
Slots that hold any other key hold the user's own bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from jitpbroker import mqtt
from jitplab.chain import Slot
from jitplab.doctor.knobs import Change
from jitplab.doctor.patient import right_root_slot
from jitplab.doctor.situation import Situation, connect
from jitplab.firmware import ca_key
from jitplab.lab import Chain, Device, Lab, Making, Settings
from jitplab.outcome import Call, JsonValue
from jitplab.stop import By, Stop
from softatecc.certificate import DeviceLocation, DeviceZone
from softatecc.library import LibraryError

#: How the first connection of every device ends that is registered by it, a healthy one's, too.
_FIRST_CONNECTION: Final = Stop(By.DISCONNECT, "JITP_REGISTERED")


@dataclass(frozen=True, slots=True)
class Proof:
    """What a run over TLS showed.

    Attributes:
        before: what stopped the device as it is.
        foretold: what the search says stops it.
        after: the second connection's return code with the change, ``None`` when no CONNACK came.
        why_not: why there was no run, ``None`` when there was.
    """

    before: str | None
    after: int | None
    foretold: str | None = None
    why_not: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the device was stopped by what the search says, and the change made the difference."""
        return self.before is not None and self.before == self.foretold and self.after == 0

    def as_json(self) -> dict[str, JsonValue]:
        """The object of ``jitplab doctor --json``."""
        return {
            "before": self.before,
            "foretold": self.foretold,
            "after_connack": self.after,
            "holds": self.holds,
            "why_not": self.why_not,
        }


def prove(situation: Situation, change: Change) -> Proof:
    """Run the device as it is and with the change, against a local broker."""
    if situation.sent is not None:
        return Proof(None, None, why_not="the chain as it was sent cannot be made with keys that stand in")
    right = right_root_slot(situation.dump, situation.ca)
    if right != Slot.ROOT_PUBLIC_KEY or situation.firmware.signer_key_slot not in situation.dump.slots:
        why = "the keys do not lie where the case's do, which the stand-in device is made like"
        return Proof(None, None, why_not=why)
    own = {Slot.ROOT_PUBLIC_KEY, Slot.SIGNER_PUBLIC_KEY, Slot.DEVICE_COMPRESSED, Slot.SIGNER_COMPRESSED}
    slots = {
        slot: key
        for slot in situation.dump.slots
        if slot not in own
        and situation.dump.holds_a_key(slot)
        and (key := situation.dump.stored_key(slot)) is not None
    }
    try:
        with Lab(Settings(library="own", now=situation.at, profile=situation.profile.name)) as lab:
            device = lab.provision_device(Making(slots=slots))
            before = _visit(lab, device, situation)
            if before.stop == _FIRST_CONNECTION:
                before = _visit(lab, device, situation, same_account=True)
            _visit(lab, device, change.situation)
            after = _visit(lab, device, change.situation, same_account=True)
    except LibraryError as error:
        return Proof(None, None, why_not=f"the stand-in device could not be made: {error}")
    stop = connect(situation).stop
    return Proof(str(before.stop) if before.stop else None, after.visit.connack, str(stop) if stop else None)


def _visit(lab: Lab, device: Device, situation: Situation, *, same_account: bool = False) -> Call:
    firmware, owner = situation.firmware, situation.owner
    account = lab.latest_account if same_account else None
    if account is None:
        account = lab.account(registered=False)
        body = owner.config.template_body if owner.config is not None else None
        account.register_ca(
            lab.signer.certificate, body, status=owner.status, auto_registration=owner.auto_registration
        )
    chain = _chain(lab, device, situation)
    return lab.connect(
        device,
        chain,
        account,
        sni=firmware.server_name,
        connect=mqtt.Connect(firmware.client_id, 60),
    )


def _chain(lab: Lab, device: Device, situation: Situation) -> Chain:
    firmware = situation.firmware
    location = DeviceLocation(DeviceZone.DATA, firmware.signer_key_slot, 0, 72)
    signer = replace(device.signer_definition, public_key=location)
    root = firmware.root_key_slot
    chain = lab.rebuild_chain(
        device,
        root_key_slot=Slot.ROOT_PUBLIC_KEY if root is None else root,
        is_genkey=firmware.is_genkey,
        signer_key_slot=firmware.signer_key_slot,
        signer_definition=signer,
        get_ca_key=lambda library, where: ca_key(library, where) + firmware.key_tail,
    )
    if root is None:
        chain = Chain(chain.device, lab.bench.library.read_cert(signer, None))
    return chain if firmware.sends_signer else Chain(chain.device, None)
