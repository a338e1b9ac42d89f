"""One thing a slot may or may not do, in words; reading, writing and locking, which every slot knows.

Rules of this file:
1. Where a rule of `softatecc.slots` or `softatecc.key_rules` decides, that rule is asked and its own
   sentence is the reason; the words for what is allowed are made here, from the bits the rule read.

Evidence: document - 508A data sheet (SlotConfig) and public 608 Trust data sheets, KeyConfig.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from softatecc.config import Configuration
from softatecc.slots import (
    Slot,
    config_is_unlocked,
    demands_encrypted_write,
    forbids_read,
    forbids_write,
    is_slot_locked,
)
from softatecc.zones import BLOCK, WORD, Location, Zone

_MARKED_VALID, _MARKED_INVALID = 0x50, 0xA0


class Verdict(StrEnum):
    """Whether a slot may."""

    YES = "yes"
    ENCRYPTED = "encrypted"
    CONDITION = "condition"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing a slot may or may not do.

    Attributes:
        action: ``read``, ``write``, ``create``, ``public key``, ...
        verdict: whether it may.
        words: the same in words.
        why: the bits that say so.
    """

    action: str
    verdict: Verdict
    words: str
    why: str


def bits(slot: Slot, *names: str) -> str:
    """The bits of SlotConfig that say so."""
    return f"SlotConfig {slot.config.value:04X}: {', '.join(names)}"


def key_bits(slot: Slot, *names: str) -> str:
    """The bits of KeyConfig that say so."""
    return f"KeyConfig {slot.key.value:04X}: {', '.join(names)}"


def bare(slot: Slot, objection: str) -> str:
    """An objection without the slot's name before it, which the page has already given."""
    return objection.removeprefix(f"{slot} ").removeprefix("is ")


def judged(action: str, slot: Slot, objection: str | None, words: str, no: str, why: str) -> Permission:
    """A permission that a rule decides."""
    if objection is None:
        return Permission(action, Verdict.YES, words, why)
    return Permission(action, Verdict.NO, no, bare(slot, objection))


def read(slot: Slot, configuration: Configuration) -> Permission:
    """Read, under any key."""
    objection = forbids_read(slot, configuration, BLOCK)
    if objection is not None:
        return Permission("read", Verdict.NO, "not readable", bare(slot, objection))
    key = slot.config.read_key
    if slot.config.encrypt_read:
        words = f"readable only encrypted with the key in slot {key}, 32 bytes at a time"
        why = bits(slot, "IsSecret", "EncryptRead", f"ReadKey {key}")
        return Permission("read", Verdict.ENCRYPTED, words, why)
    return Permission("read", Verdict.YES, "readable in the clear", bits(slot, "IsSecret 0", "EncryptRead 0"))


def write(slot: Slot, configuration: Configuration) -> Permission:
    """Write, clear or encrypted."""

    def asked(size: int, first_byte: int) -> str | None:
        return forbids_write(slot, configuration, Location(Zone.DATA, slot.number, 0, size, size), first_byte)

    objection = asked(BLOCK, _MARKED_INVALID)
    if objection is not None:
        return Permission("write", Verdict.NO, "not writable", bare(slot, objection))
    value = f"WriteConfig {slot.config.write_config:X}"
    if demands_encrypted_write(slot, configuration) is not None:
        key = slot.config.write_key
        words = f"writable only encrypted with the key in slot {key}, 32 bytes at a time"
        return Permission("write", Verdict.ENCRYPTED, words, bits(slot, value, f"WriteKey {key}"))
    if not configuration.data_locked:
        why = "before the data lock WriteConfig does not count"
        return Permission("write", Verdict.YES, "writable in the clear, 32 bytes at a time", why)
    if asked(BLOCK, _MARKED_VALID) is not None:
        words = "writable in the clear only while the public key in it is not validated"
        return Permission("write", Verdict.CONDITION, words, bits(slot, f"{value} (PubInvalid)"))
    width = "4 or 32 bytes at a time" if asked(WORD, _MARKED_INVALID) is None else "32 bytes at a time"
    return Permission("write", Verdict.YES, f"writable in the clear, {width}", bits(slot, value))


def lock(slot: Slot, configuration: Configuration) -> Permission:
    """Lock, of the slot alone."""
    objection = is_slot_locked(slot) or config_is_unlocked(configuration)
    if not slot.key.lockable:
        objection = objection or "KeyConfig.Lockable (bit 5) is 0"
    return judged(
        "lock", slot, objection, "lockable by itself", "not lockable by itself", key_bits(slot, "Lockable")
    )
