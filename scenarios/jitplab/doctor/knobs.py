"""What can be changed about a device and its account: the search turns these, and nothing else.

Rules of this file:
1. A knob names its alternatives by looking at the situation: every readable slot, not a slot from a table.
2. Layers are in the order of their price: firmware before the account, the account before new certificates.
3. What leaves something out of the chain costs more than what keeps it.
4. How a chain is rebuilt is turned only where it is known how it was: where the dump gives what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import Final

from jitpbroker.registry.entities import AutoRegistration, CaStatus, RegistrationConfig
from jitpbroker.x509 import Certificate
from jitplab.account import ROLE_ARN
from jitplab.doctor.situation import Situation
from jitplab.documents import template


class Layer(IntEnum):
    """Where a change is made, the cheapest first."""

    FIRMWARE = 0
    ACCOUNT = 1
    CERTIFICATE = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One turn of one knob.

    Attributes:
        knob: its name.
        layer: where it is made.
        words: the change as an instruction.
        price: within its layer; 0 keeps everything that is sent.
        situation: what it leads to.
    """

    knob: str
    layer: Layer
    words: str
    price: int
    situation: Situation


@dataclass(frozen=True, slots=True)
class Knob:
    """Something that can be turned.

    Attributes:
        name: what reports call it.
        layer: where.
        question: what it decides.
        turn: every alternative in a situation.
    """

    name: str
    layer: Layer
    question: str
    turn: Callable[[Situation], Iterator[tuple[str, int, Situation]]]


def _root_key_slot(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    for slot in range(8, 16):
        if now.sent is None and slot != now.firmware.root_key_slot and now.dump.stored_key(slot) is not None:
            yield (
                f"read the root's public key from slot {slot}",
                0 if now.dump.holds_a_key(slot) else 1,
                now.with_firmware(partial(replace, root_key_slot=slot, is_genkey=False)),
            )


def _no_root_key(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    if now.sent is None and now.firmware.root_key_slot is not None:
        words = "hand over no CA key: the template's authority key identifier stays"
        yield words, 2, now.with_firmware(lambda firmware: replace(firmware, root_key_slot=None))


def _signer_key_slot(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    for slot in range(8, 16):
        if now.sent is None and slot != now.firmware.signer_key_slot and now.dump.holds_a_key(slot):
            yield (
                f"read the signer's public key from slot {slot}",
                0,
                now.with_firmware(partial(replace, signer_key_slot=slot)),
            )


def _key_tail(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    if now.sent is None and now.firmware.key_tail:
        words = "have 64 bytes of a CA's key hashed: count 64 in its location, or an older cryptoauthlib"
        yield words, 0, now.with_firmware(lambda firmware: replace(firmware, key_tail=b""))


def _sends_signer(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    if now.firmware.sends_signer:
        words = "leave the signer out of the chain and send a server name"
        yield (
            words,
            4,
            now.with_firmware(lambda firmware: replace(firmware, sends_signer=False, server_name=True)),
        )
    else:
        words = "send the signer after the leaf"
        yield words, 1, now.with_firmware(lambda firmware: replace(firmware, sends_signer=True))


def _server_name(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    if not now.firmware.server_name:
        yield (
            "send the endpoint's name as SNI",
            1,
            now.with_firmware(lambda firmware: replace(firmware, server_name=True)),
        )


def _client_id(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    try:
        name = Certificate.from_der(now.leaf).common_name
    except ValueError:
        return
    if name and name != now.firmware.client_id:
        yield (
            f"use {name}, the name of the thing, as client id",
            1,
            now.with_firmware(lambda firmware: replace(firmware, client_id=name)),
        )


def _ca_status(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    if now.owner.status is not CaStatus.ACTIVE:
        words = "set the CA certificate ACTIVE: aws iot update-ca-certificate --new-status ACTIVE"
        yield words, 0, now.with_owner(lambda owner: replace(owner, status=CaStatus.ACTIVE))


def _auto_registration(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    if now.owner.auto_registration is not AutoRegistration.ENABLE:
        words = (
            "enable auto-registration: aws iot update-ca-certificate --new-auto-registration-status ENABLE"
        )
        yield words, 0, now.with_owner(lambda o: replace(o, auto_registration=AutoRegistration.ENABLE))


def _template(now: Situation) -> Iterator[tuple[str, int, Situation]]:
    plain = RegistrationConfig(template(), ROLE_ARN)
    if now.owner.config != plain:
        words = (
            "replace the template by the plainest one: certificate ACTIVE, one policy, no parameters but Id"
        )
        yield words, 1, now.with_owner(lambda owner: replace(owner, config=plain))


KNOBS: Final = (
    Knob("root-key-slot", Layer.FIRMWARE, "Where is the root's public key read?", _root_key_slot),
    Knob("no-root-key", Layer.FIRMWARE, "Is a CA key handed over at all?", _no_root_key),
    Knob("signer-key-slot", Layer.FIRMWARE, "Where is the signer's public key read?", _signer_key_slot),
    Knob("key-length", Layer.FIRMWARE, "How many bytes of a CA's key are hashed?", _key_tail),
    Knob("sends-signer", Layer.FIRMWARE, "Is the signer sent after the leaf?", _sends_signer),
    Knob("server-name", Layer.FIRMWARE, "Is a server name sent?", _server_name),
    Knob("client-id", Layer.FIRMWARE, "Under which client id?", _client_id),
    Knob("ca-status", Layer.ACCOUNT, "Is the CA certificate ACTIVE?", _ca_status),
    Knob("auto-registration", Layer.ACCOUNT, "May it register just in time?", _auto_registration),
    Knob("template", Layer.ACCOUNT, "Which template runs?", _template),
)


def changes(now: Situation) -> Iterator[Change]:
    """Every single turn of every knob."""
    for knob in KNOBS:
        for words, price, situation in knob.turn(now):
            yield Change(knob.name, knob.layer, words, price, situation)
