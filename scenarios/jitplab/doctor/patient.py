"""The lab rebuilt from the evidence: which chip, which chain, which account; and what was inferred.

Rules of this file:
1. Whatever the evidence leaves open is taken from the case, and said.
2. Which slots the firmware reads is told by the chain it sent, byte for byte; without one, another public
   key that lies in the chip is the likeliest slip, and is said to be assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from jitpbroker.admission.profiles import Profile
from jitpbroker.registry.entities import AutoRegistration, CaStatus, RegistrationConfig
from jitpbroker.registry.jsontext import Json
from jitpbroker.store.described import Kind
from jitpbroker.x509 import Certificate
from jitplab import anatomy, pki
from jitplab import chain as case_chain
from jitplab.account import ROLE_ARN, case_template
from jitplab.chain import Slot
from jitplab.definitions.c_source import NoDefinition, read_definitions
from jitplab.doctor.chip_dump import ChipDump
from jitplab.doctor.evidence import Evidence
from jitplab.doctor.reading import firmware_that_sends
from jitplab.doctor.registered import Sent, registered, sent
from jitplab.doctor.situation import Firmware, Owner, Situation
from jitplab.identifiers import Key
from jitplab.maker import device_serial
from softatecc.certificate import CertificateDefinition, CertificateError, DeviceZone, rebuild

_CASE_CLIENT_ID = "testclient"


class NotEnough(Exception):  # noqa: N818 - the evidence's lack, told in a sentence
    """What is missing to try it."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says beside the evidence.

    Attributes:
        profile: which AWS.
        at: the time.
        root_key_slot: where the firmware reads the root's key, if that is known.
        client_id: of CONNECT.
        server_name: whether SNI is sent.
    """

    profile: Profile
    at: datetime
    root_key_slot: int | None = None
    client_id: str = _CASE_CLIENT_ID
    server_name: bool = True


def keys_of(dump: ChipDump, ca: Certificate | None) -> tuple[Key, ...]:
    """Every public key at hand, named by where it lies; those that look like keys first."""
    right = right_root_slot(dump, ca) if ca is not None else None
    own = ca.p256_point if ca is not None else None
    found = []
    for slot in sorted(dump.slots, key=lambda slot: (not dump.holds_a_key(slot), slot)):
        key = dump.stored_key(slot)
        if key is not None:
            name = "another CA" if dump.holds_a_key(slot) else "nobody (no key lies there)"
            found.append(
                Key("the signer" if key == own else "the root" if slot == right else name, key, slot)
            )
    found += [Key("the device itself", key, slot) for slot, key in sorted(dump.keys.items())]
    if own is not None:
        found.append(Key("the registered signer", own))
    return tuple(found)


def situation_of(evidence: Evidence, wishes: Wishes) -> Situation:
    """The situation that the evidence tells of.

    Raises:
        NotEnough: a chip dump or a CA certificate is missing, or is of another kind than the case's.
    """
    dump = evidence.dump
    if dump is None:
        raise NotEnough("a chip dump: jitplab doctor --dump-chip URL > chip.txt")
    ca, owner, said = _owner(evidence)
    try:
        signer_definition = case_chain.signer_definition(ca.der)
    except ValueError as error:
        raise NotEnough(f"a signer of the case's kind: {error}") from None
    firmware, more = _firmware(evidence, dump, ca, wishes)
    device_definition, leaf, profile, still_more = _leaf(evidence, dump, ca, wishes)
    situation = Situation(
        dump,
        signer_definition,
        device_definition,
        leaf,
        ca,
        firmware,
        owner,
        profile,
        wishes.at,
        (*said, *more, *still_more),
    )
    asserted = wishes.root_key_slot is not None or bool(evidence.sources)
    kept = (*said, *(more if asserted else ()), *still_more)
    return _as_sent(situation, sent(evidence, ca), kept, asserted=asserted)


def _as_sent(situation: Situation, told: Sent, said: tuple[str, ...], *, asserted: bool) -> Situation:
    """With the firmware that sends what was sent; what was only assumed about it is then known.

    Args:
        situation: with the firmware as it was assumed or said.
        told: what was sent.
        said: what stands in, but for what was assumed of the firmware.
        asserted: whether somebody said where the root's key is read.
    """
    if told.whole is None and told.signer is None and told.leaf is None:
        return situation
    meant = situation.firmware
    found = firmware_that_sends(situation, told)
    if found is None:
        chain = told.whole or tuple(der for der in (told.leaf or situation.leaf, told.signer) if der)
        sentence = (
            "no way of reading these slots gives the chain that was sent: it is judged as it was sent, and "
            "other ways to rebuild it were not tried"
        )
        return replace(situation, sent=chain, stand_ins=(*said, sentence))
    if told.signer is None:
        return replace(situation, firmware=found)  # the leaf does not tell where the root's key is read
    if found.root_key_slot != meant.root_key_slot and asserted:
        sentence = (
            f"slot {meant.root_key_slot} was said to be read for the root's key, but what was sent is made "
            f"with {'no key' if found.root_key_slot is None else f'slot {found.root_key_slot}'}; what was "
            "sent counts"
        )
        said = (*said, sentence)
    return replace(situation, firmware=found, stand_ins=said)


def _owner(evidence: Evidence) -> tuple[Certificate, Owner, tuple[str, ...]]:
    """The registered CA certificate and what is set about it."""
    found = registered(evidence)
    if found is None:
        raise NotEnough("the registered CA certificate: aws iot describe-ca-certificate --certificate-id ID")
    ca, described = found
    bodies = [body for _, body in evidence.templates]
    if described is None:
        template = bodies[0] if bodies else case_template()
        owner = Owner(CaStatus.ACTIVE, AutoRegistration.ENABLE, RegistrationConfig(template, ROLE_ARN))
        said = "the account is not in the evidence: the CA certificate is taken to be ACTIVE, with a template"
        return ca, owner, (said,)
    inner = described.certificate_description
    body = _body(evidence, described.answer.get("registrationConfig"), bodies)
    owner = Owner(
        CaStatus(str(inner["status"])),
        AutoRegistration(str(inner.get("autoRegistrationStatus", "DISABLE"))),
        RegistrationConfig(body, ROLE_ARN) if body is not None else None,
    )
    return ca, owner, ()


def _body(evidence: Evidence, config: Json, bodies: list[str]) -> str | None:
    """The template's text: inline, by its name, or as a file of its own."""
    if isinstance(config, dict):
        if "templateBody" in config:
            return str(config["templateBody"])
        name = config.get("templateName")
        for each in evidence.of_kind(Kind.TEMPLATE):
            if each.answer["templateName"] == name:
                return str(each.answer["templateBody"])
        if name is not None and not bodies:
            raise NotEnough(
                f"the template {name}: aws iot describe-provisioning-template --template-name {name}"
            )
    return bodies[0] if bodies else None


def root_slot_of_sources(evidence: Evidence) -> tuple[int, str] | None:
    """Where the C source has the firmware read the root's key, and where it says so.

    The root's definition is the one that another names as its CA's and that names none itself.

    Raises:
        NotEnough: the source cannot be read.
    """
    if not evidence.sources:
        return None
    try:
        found = read_definitions(evidence.sources)
    except NoDefinition as error:
        raise NotEnough(f"definitions that can be read: {error}") from None
    for named in found.values():
        root = found.get(named.ca) if named.ca is not None else None
        if root is not None and root.ca is None and root.definition.public_key.zone is DeviceZone.DATA:
            where = root.definition.public_key
            return where.slot, f"{root.name} ({root.where}) has public_key_dev_loc in slot {where.slot}"
    return None


def right_root_slot(dump: ChipDump, ca: Certificate) -> int | None:
    """The slot whose key the registered signer's authority key identifier is of."""
    wanted = ca.authority_key_identifier
    keys = (Key("", key, slot) for slot in dump.slots if (key := dump.stored_key(slot)) is not None)
    return next((key.slot for key in keys if key.identifier == wanted), None)


def other_key_slots(dump: ChipDump, ca: Certificate) -> list[int]:
    """Slots that hold a public key which is neither the registered signer's nor that of its issuer."""
    right = right_root_slot(dump, ca)
    return [
        slot
        for slot in dump.slots
        if slot != right and dump.holds_a_key(slot) and dump.stored_key(slot) != ca.p256_point
    ]


def _firmware(
    evidence: Evidence, dump: ChipDump, ca: Certificate, wishes: Wishes
) -> tuple[Firmware, tuple[str, ...]]:
    plain = Firmware(
        wishes.root_key_slot,
        Slot.SIGNER_PUBLIC_KEY,
        server_name=wishes.server_name,
        client_id=wishes.client_id,
    )
    if wishes.root_key_slot is not None:
        return plain, ()
    written = root_slot_of_sources(evidence)
    if written is not None:
        return replace(plain, root_key_slot=written[0]), (written[1],)
    right = right_root_slot(dump, ca)
    others = other_key_slots(dump, ca)
    if others:
        said = (
            f"which slot the firmware reads the root's key from is not in the evidence: slot {others[0]} is "
            "assumed, the other public key in the chip (--root-key-slot N says it)"
        )
        return replace(plain, root_key_slot=others[0]), (said,)
    return replace(plain, root_key_slot=right), ()


def _makes(definition: CertificateDefinition, dump: ChipDump, ca: Certificate, leaf: bytes) -> bool:
    """Whether a definition rebuilds what was sent, but for the identifier that the firmware puts in."""
    try:
        made = rebuild(definition, dump.read, ca.p256_point)
        differ = anatomy.names_that_differ(leaf, made)
    except (CertificateError, LookupError, ValueError):
        return False
    return set(differ) <= {"authorityKeyIdentifier"}


def _leaf(
    evidence: Evidence, dump: ChipDump, ca: Certificate, wishes: Wishes
) -> tuple[CertificateDefinition | None, bytes, Profile, tuple[str, ...]]:
    """The leaf's definition, the leaf, the rules to judge it by, and what stands in."""
    leaf_sent = sent(evidence, ca).leaf
    serial_number = dump.serial_number or b"\x01\x23" + bytes(6) + b"\xee"
    nobody = pki.Authority(pki.KeySource(None).key("stand-in"), ca.der)
    public_key = dump.keys.get(Slot.DEVICE_PRIVATE_KEY)
    key = public_key or pki.KeySource(None).key("stand-in for slot 0").public_key
    leaf = pki.make_device_certificate(
        nobody,
        key,
        common_name=case_chain.device_common_name(serial_number),
        serial=device_serial(key),
    )
    if public_key is not None and Slot.DEVICE_COMPRESSED in dump.slots:
        definition = case_chain.device_definition(leaf)
        if leaf_sent is None or _makes(definition, dump, ca, leaf_sent):
            said = "the device certificate's shape is the case's; its key, dates and signature are the chip's"
            return definition, leaf, wishes.profile, (said,)
    if leaf_sent is not None:
        return None, leaf_sent, wishes.profile, ("the device certificate is judged as it was sent",)
    unasked = replace(
        wishes.profile,
        onboarding=tuple(rule for rule in wishes.profile.onboarding if rule.name != "every_link_is_signed"),
    )
    said = (
        "the device's own key cannot be dumped and its public key is not in the evidence: a fresh key stands "
        "in, so whether the leaf's signature is right was not asked"
    )
    return None, leaf, unasked, (said,)
