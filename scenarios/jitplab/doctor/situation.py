"""A device and its account as the evidence has them, and what would become of a CONNECT.

Rules of this file:
1. Nothing here has a socket: the chain is rebuilt from the dump by `softatecc.certificate.rebuild`, judged by
   `decide`, provisioned by `provision` and let in by `evaluate`, all on copies.
2. What the evidence does not have is not invented silently: a stand-in is named in `Situation.stand_ins`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from jitpbroker.admission.attempt import Attempt
from jitpbroker.admission.decide import Known, Provision, Refuse, decide
from jitpbroker.admission.profiles import Profile
from jitpbroker.admission.provision import provision
from jitpbroker.policy import Context, NamedPolicy, evaluate
from jitpbroker.registry.entities import (
    AutoRegistration,
    CaCertificate,
    CaStatus,
    CertificateStatus,
    RegistrationConfig,
)
from jitpbroker.registry.ids import counting_ids
from jitpbroker.registry.store import Registry
from jitpbroker.x509 import Certificate
from jitplab.account import SERVER_NAME
from jitplab.doctor.chip_dump import ChipDump
from jitplab.stop import By, Stop
from softatecc.certificate import CertificateDefinition, CertificateError, rebuild


@dataclass(frozen=True, slots=True)
class Firmware:
    """What the firmware does; each is a knob.

    Attributes:
        root_key_slot: where it reads the root's public key; ``None`` hands over no key.
        is_genkey: whether it has GenKey compute that key instead of reading it.
        signer_key_slot: where it reads the signer's.
        key_tail: bytes that the library hashes behind the 64 of a CA's key.
        sends_signer: whether the signer is sent after the leaf.
        server_name: whether SNI is sent.
        client_id: of CONNECT.
    """

    root_key_slot: int | None
    signer_key_slot: int
    key_tail: bytes = b""
    sends_signer: bool = True
    server_name: bool = True
    client_id: str = "device"
    is_genkey: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """What the account has registered; each is a knob."""

    status: CaStatus
    auto_registration: AutoRegistration
    config: RegistrationConfig | None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that decides what becomes of a CONNECT.

    Attributes:
        dump: what the chip holds.
        signer_definition: rebuilds the signer.
        device_definition: rebuilds the leaf, ``None`` where ``leaf`` is presented as it is.
        leaf: the leaf as it is, DER.
        ca: the registered CA certificate.
        firmware: what the device does.
        owner: what the account has.
        profile: which AWS.
        at: the account's time.
        stand_ins: sentences about what is not the user's own.
        sent: the chain as it was sent, DER, where no way of reading the chip gives it.
    """

    dump: ChipDump
    signer_definition: CertificateDefinition
    device_definition: CertificateDefinition | None
    leaf: bytes
    ca: Certificate
    firmware: Firmware
    owner: Owner
    profile: Profile
    at: datetime
    stand_ins: tuple[str, ...] = ()
    sent: tuple[bytes, ...] | None = None

    def with_firmware(self, change: Callable[[Firmware], Firmware]) -> Situation:
        """Another firmware."""
        return replace(self, firmware=change(self.firmware))

    def with_owner(self, change: Callable[[Owner], Owner]) -> Situation:
        """Another account."""
        return replace(self, owner=change(self.owner))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of it.

    Attributes:
        admitted: whether the device is let in, at its second connection where the first registers it.
        stop: what stopped it.
        why: in a sentence.
        chain: what was presented, DER, leaf first; empty where it could not be rebuilt.
    """

    admitted: bool
    stop: Stop | None
    why: str
    chain: tuple[bytes, ...]


def connect(situation: Situation) -> Result:
    """Rebuild, present, register, come back."""
    try:
        chain = presented(situation)
    except (CertificateError, LookupError, ValueError) as error:
        return _no(Stop(By.LIBRARY, type(error).__name__), str(error), ())
    registry = _registry(situation)
    attempt = Attempt(
        chain,
        SERVER_NAME if situation.firmware.server_name else None,
        None,
        situation.firmware.client_id,
        situation.at,
    )
    verdict = decide(attempt, registry, situation.profile)
    if isinstance(verdict, Refuse):
        return _no(Stop(By.RULE, verdict.rule.name), verdict.why, chain)
    if isinstance(verdict, Provision):
        failed = _provision(verdict, registry, situation)
        if failed is not None:
            return _no(*failed, chain)
        verdict = decide(attempt, registry, situation.profile)
    if isinstance(verdict, Refuse):
        return _no(Stop(By.RULE, verdict.rule.name), verdict.why, chain)
    assert isinstance(verdict, Known), "what is ACTIVE is known"
    return _policy(verdict, registry, situation, chain)


def presented(situation: Situation) -> tuple[bytes, ...]:
    """The chain that this firmware sends.

    Raises:
        CertificateError: a definition does not fit what the chip holds.
        LookupError: the dump lacks something.
    """
    firmware, dump = situation.firmware, situation.dump
    if situation.sent is not None:
        return situation.sent if firmware.sends_signer else situation.sent[:1]
    leaf = situation.leaf
    if situation.device_definition is not None:
        signer_key = _key(dump, firmware.signer_key_slot)
        leaf = rebuild(situation.device_definition, dump.read, signer_key + firmware.key_tail)
    if not firmware.sends_signer:
        return (leaf,)
    root = None
    if firmware.root_key_slot is not None:
        slot = firmware.root_key_slot
        read = dump.keys.get(slot) if firmware.is_genkey else _key(dump, slot)
        if read is None:
            raise LookupError(f"the dump has no line `key {slot}`, the public key of that slot")
        root = read + firmware.key_tail
    location = replace(situation.signer_definition.public_key, slot=firmware.signer_key_slot)
    definition = replace(situation.signer_definition, public_key=location)
    return (leaf, rebuild(definition, dump.read, root))


def _key(dump: ChipDump, slot: int) -> bytes:
    key = dump.stored_key(slot)
    if key is None:
        raise LookupError(f"slot {slot} holds no public key that can be read")
    return key


def _registry(situation: Situation) -> Registry:
    registry = Registry(new_id=counting_ids())
    registry.cas.register(
        situation.ca,
        at=situation.at,
        status=situation.owner.status,
        auto_registration=situation.owner.auto_registration,
        registration_config=situation.owner.config,
    )
    return registry


def _provision(verdict: Provision, registry: Registry, situation: Situation) -> tuple[Stop, str] | None:
    """Register and run the template; what failed, if something did."""
    ca: CaCertificate = verdict.ca
    device = registry.certificates.register(
        verdict.certificate,
        at=situation.at,
        status=CertificateStatus.PENDING_ACTIVATION,
        ca_certificate_id=ca.id,
        certificate_mode=ca.certificate_mode,
    )
    if ca.registration_config is None:
        why = "registered, and nobody activates it: the CA certificate has no template"
        return Stop(By.DISCONNECT, "JITR_REGISTERED"), why
    outcome = provision(
        ca.registration_config, device, registry, role_check=lambda _role, _action: None, at=situation.at
    )
    if outcome.failure is not None:
        return Stop(By.TEMPLATE, outcome.failure), outcome.why or ""
    return None


def _policy(verdict: Known, registry: Registry, situation: Situation, chain: tuple[bytes, ...]) -> Result:
    device, client_id = verdict.device, situation.firmware.client_id
    thing = registry.things.get(client_id)
    attached = thing is not None and client_id in registry.things.of_principal(device.arn)
    context = Context(client_id, "127.0.0.1", device.certificate, thing, attached, ())
    policies = [NamedPolicy(each.name, each.document) for each in registry.policies.of_target(device.arn)]
    answer = evaluate(policies, "iot:Connect", registry.arns.client(client_id), context)
    if not answer.allowed:
        return _no(Stop(By.POLICY, "iot:Connect"), answer.why, chain)
    return Result(admitted=True, stop=None, why="let in at the second connection", chain=chain)


def _no(stop: Stop, why: str, chain: tuple[bytes, ...]) -> Result:
    return Result(admitted=False, stop=stop, why=why, chain=chain)
