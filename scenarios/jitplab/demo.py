"""The case, told on one page and proven while it is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from jitplab import pki
from jitplab.account import Account
from jitplab.aiomqtt_client import visit_with_aiomqtt
from jitplab.chain import HELD, Slot
from jitplab.channel import Closed
from jitplab.identifiers import match
from jitplab.lab import Chain, Device, Lab
from jitplab.lent_key import why_not
from jitplab.outcome import Call, Fact, JsonValue, SignerDifference, signer_differences
from jitplab.terminal import Style, octets
from jitplab.visit import Message

#: In the order of the page: left and right column in turn.
_SLOTS = (
    *(Slot.DEVICE_PRIVATE_KEY, Slot.SIGNER_COMPRESSED, Slot.DEVICE_COMPRESSED, Slot.OTHER_CA_PUBLIC_KEY),
    *(Slot.SIGNER_PUBLIC_KEY, Slot.ROOT_PUBLIC_KEY),
)


class Demo:
    """Tells the story line by line; afterwards ``facts`` says whether it was a true one."""

    def __init__(self, lab: Lab, style: Style) -> None:
        self._lab = lab
        self._style = style
        self.facts: list[Fact] = []

    @property
    def came_true(self) -> bool:
        """Whether everything the story says was seen."""
        return all(fact.agrees for fact in self.facts)

    def _expect(self, what: str, foretold: JsonValue, seen: JsonValue) -> None:
        self.facts.append(Fact(what, foretold, seen))

    def tell(self) -> Iterator[str]:
        """The page."""
        lab, bold = self._lab, self._style.bold
        yield bold("An ATECC608A, AWS IoT just-in-time provisioning, and one wrong slot")
        yield f"  chip    {lab.bench.description}"
        yield f"          {lab.bench.library.description}"
        yield f"  client  {lab.tls_description}"
        yield f"  broker  rules {lab.settings.profile}; root and signer registered, template of the case"

        yield bold("1. Provisioned over its bus, as at the factory")
        device = lab.provision_device()
        account = lab.account()
        for left, right in zip(_SLOTS[::2], _SLOTS[1::2], strict=True):
            yield f"     slot {left:2}  {HELD[left]:31} slot {right:2}  {HELD[right]}"

        yield bold("2. The firmware reads the root's public key from slot 13 and rebuilds its chain")
        chain = lab.rebuild_chain(device, root_key_slot=Slot.OTHER_CA_PUBLIC_KEY)
        yield from self._refused(device, chain, account)
        yield bold("3. Why: the wire says nothing, the broker's trace does")
        yield from self._why(chain, account)
        yield bold("4. The right slot, 15")
        yield from self._cured(device, account)
        yield bold("5. And the certificate made by hand: version 1, no extensions, its key in a file")
        yield from self._hand_made(account)

    def _refused(self, device: Device, chain: Chain, account: Account) -> Iterator[str]:
        leaf, signer = chain.device == device.certificate, chain.signer == self._lab.signer.certificate
        self._expect("device certificate and signer as issued", [True, False], [leaf, signer])
        yield "     every call of the library returned success"
        yield f"     device certificate  {_as_issued(leaf)}"
        yield f"     signer certificate  {_as_issued(signer)}"
        call = self._lab.connect(device, chain, account)
        visit = call.visit
        self._expect("handshake", "completed", visit.handshake)
        self._expect("closed_by", "close_notify", str(visit.closed_by))
        self._expect("connack", None, visit.connack)
        self._expect("status", None, call.status_after)
        packet = visit.connect_packet or b""
        yield f"     {visit.tls} handshake   {visit.handshake}"
        yield f"     CONNECT             {len(packet)} bytes written: {octets(packet, 12)}"
        ending = _or_none(visit.closed_by)
        yield f"     CONNACK             {_or_none(visit.connack)}; the peer answered {ending}"
        yield f"     registry            {call.status_after or 'empty: the certificate was not registered'}"

    def _why(self, chain: Chain, account: Account) -> Iterator[str]:
        lab = self._lab
        refusal = lab.last_refusal(account)
        self._expect("rule", "presented_ca_is_registered", refusal.rule)
        assert chain.signer is not None
        found = signer_differences(chain.signer, lab.signer.certificate, lab.keys_at_hand())
        fields = ", ".join(each.difference.field.name for each in found)
        self._expect("fields", "authorityKeyIdentifier", fields)
        yield f"     rule {refusal.rule} objects:"
        yield f"     {self._style.dim(refusal.question)}"
        for each in found:
            yield from self._side_by_side(each)

    def _side_by_side(self, each: SignerDifference) -> Iterator[str]:
        lab, field = self._lab, each.difference.field
        self._expect("matches slot", Slot.OTHER_CA_PUBLIC_KEY, each.match.slot if each.match else None)
        right = match(each.difference.theirs, lab.keys_at_hand())
        yield f"     signer rebuilt     {field.offset}: {octets(each.difference.ours)}"
        yield f"     signer registered  {field.offset}: {octets(each.difference.theirs)}"
        yield (
            f"     all {len(each.difference.at)} differing bytes lie in {field.name} "
            f"(offset {field.offset}, {field.length} bytes)"
        )
        if each.match is not None:
            yield f"     the rebuilt one: {each.match.sentence()}"
        if right is not None:
            yield f"     the right one:   {right.sentence()}"

    def _cured(self, device: Device, account: Account) -> Iterator[str]:
        lab = self._lab
        chain = lab.rebuild_chain(device)
        first = lab.connect(device, chain, account)
        self._expect("first closed_by", "close_notify", str(first.visit.closed_by))
        self._expect("registered", "ACTIVE", first.status_after)
        yield f"     first connect   {first.status_after}, {self._things(account)}; {_ending(first)}"
        message = Message()
        second, by = self._publish(device, chain, account, message)
        self._expect("second connack", 0, second.visit.connack)
        self._expect("puback", "acknowledged", _acknowledged(second))
        yield f"     second connect  CONNACK {second.visit.connack}, by {by}"
        published = f"{message.payload.decode()} to {message.topic} at QoS 1"
        yield f"     published       {published}: {_acknowledged(second)}"

    def _publish(self, device: Device, chain: Chain, account: Account, message: Message) -> tuple[Call, str]:
        lab = self._lab
        if lab.settings.tls_by == "tlslite" or why_not() is not None:  # aiomqtt needs ssl to take the key
            return lab.connect(device, chain, account, message=message), "the firmware"
        identity = lab.identity(device, chain)
        call = lab.call(
            chain,
            account,
            lambda endpoint: visit_with_aiomqtt(endpoint, identity, message),
            by="aiomqtt",
        )
        return call, "aiomqtt, signed by the chip"

    @staticmethod
    def _things(account: Account) -> str:
        return f"thing {', '.join(account.thing_names())} with its policy"

    def _hand_made(self, account: Account) -> Iterator[str]:
        lab = self._lab
        key = lab.key("hand-made")
        certificate = pki.make_v1_certificate(
            lab.signer,
            key.public_key,
            serial=lab.serial("hand-made"),
            not_before=lab.now(),
            not_after=lab.now() + timedelta(days=357_335),
        )
        self._expect("version", 1, pki.certificate_version(certificate))
        first = lab.connect_with_key(certificate, key, account)
        second = lab.connect_with_key(certificate, key, account)
        self._expect("by hand, first", "close_notify", str(first.visit.closed_by))
        self._expect("by hand, second", 0, second.visit.connack)
        yield f"     first connect   {first.status_after}; {_ending(first)}"
        yield f"     second connect  CONNACK {second.visit.connack}, published: {_acknowledged(second)}"


def _as_issued(same: bool) -> str:  # noqa: FBT001 - a word for a truth value
    return "as issued" if same else "not as issued"


def _or_none(value: object) -> str:
    return "none" if value is None else str(value)


def _ending(call: Call) -> str:
    if call.visit.connack is None and call.visit.closed_by is Closed.CLOSE_NOTIFY:
        return "hung up on without CONNACK"
    return f"CONNACK {_or_none(call.visit.connack)}, {_or_none(call.visit.closed_by)}"


def _acknowledged(call: Call) -> str:
    return "acknowledged" if call.visit.puback else "NOT acknowledged"
