"""What each slot may do, in words, and why.

Rules of this file:
1. Where a rule of `softatecc.slots` decides, that rule is asked and its own sentence is the reason; the
   words for what is allowed are made here, from the bits the rule read.
2. Verdicts hold for one state of the locks; `locked_as` gives the configuration in another.
3. What depends on the moment (TempKey, authorization, the latch, counters) is a condition, not a verdict.

Evidence: document - 508A data sheet (SlotConfig) and public 608 Trust data sheets, KeyConfig.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from softatecc.config import LOCK_CONFIG, LOCK_VALUE, UNLOCKED, Configuration
from softatecc.fields import KeyType
from softatecc.key_rules import (
    forbids_aes,
    forbids_create,
    forbids_derive,
    forbids_ecdh,
    forbids_mac,
    forbids_priv_write,
    forbids_public,
    forbids_sign,
    is_no_private_p256,
    is_no_public_p256,
)
from softatecc.slots import (
    Slot,
    config_is_unlocked,
    demands_encrypted_write,
    forbids_read,
    forbids_write,
    is_slot_locked,
)
from softatecc.trace import JsonValue
from softatecc.zones import BLOCK, SLOT_COUNT, WORD, Location, Zone

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

    def as_json(self) -> dict[str, JsonValue]:
        """The permission in JSON's types."""
        return {
            "action": self.action,
            "verdict": str(self.verdict),
            "words": self.words,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """All that can be said of a slot from its configuration.

    Attributes:
        number: 0 to 15.
        size: bytes it holds.
        kind: what it holds.
        permissions: what it may and may not do.
        conditions: what any use must satisfy.
    """

    number: int
    size: int
    kind: str
    permissions: tuple[Permission, ...]
    conditions: tuple[Permission, ...]

    def permission(self, action: str) -> Permission:
        """The permission of an action.

        Raises:
            LookupError: the kind of slot has no such action.
        """
        for each in (*self.permissions, *self.conditions):
            if each.action == action:
                return each
        raise LookupError(f"slot {self.number}, {self.kind}, has no action {action!r}")

    def as_json(self) -> dict[str, JsonValue | list[JsonValue]]:
        """The page in JSON's types."""
        return {
            "slot": self.number,
            "size": self.size,
            "kind": self.kind,
            "permissions": [each.as_json() for each in self.permissions],
            "conditions": [each.as_json() for each in self.conditions],
        }


class Locks(StrEnum):
    """States of the two zone locks."""

    NONE = "none"
    CONFIG = "config"
    DATA = "data"


def locked_as(configuration: Configuration, locks: Locks) -> Configuration:
    """The same settings in another state of the locks."""
    data = 0 if locks is Locks.DATA else UNLOCKED
    config = UNLOCKED if locks is Locks.NONE else 0
    return configuration.replaced(LOCK_VALUE, bytes((data,))).replaced(LOCK_CONFIG, bytes((config,)))


def slot_map(configuration: Configuration) -> tuple[Page, ...]:
    """A page for each of the sixteen slots, as the locks are now."""
    return tuple(_page(Slot.of(configuration, number), configuration) for number in range(SLOT_COUNT))


def _page(slot: Slot, configuration: Configuration) -> Page:
    about = _private(slot, configuration) if slot.key.private else _secret(slot, configuration)
    return Page(slot.number, slot.size, _kind(slot), tuple(about), tuple(_conditions(slot)))


def _kind(slot: Slot) -> str:
    if slot.key.private:
        return "P-256 private key" if slot.key.key_type == KeyType.P256 else "private key of a reserved type"
    if slot.is_public_p256:
        return "P-256 public key"
    names = {
        int(KeyType.P256): "P-256 data",
        int(KeyType.AES): "AES key",
        int(KeyType.DATA): "data or SHA key",
    }
    return names.get(slot.key.key_type, f"data of reserved key type {slot.key.key_type}")


def _bits(slot: Slot, *names: str) -> str:
    return f"SlotConfig {slot.config.value:04X}: {', '.join(names)}"


def _key_bits(slot: Slot, *names: str) -> str:
    return f"KeyConfig {slot.key.value:04X}: {', '.join(names)}"


def _bare(slot: Slot, objection: str) -> str:
    """An objection without the slot's name before it, which the page has already given."""
    return objection.removeprefix(f"{slot} ").removeprefix("is ")


def _judged(action: str, slot: Slot, objection: str | None, words: str, no: str, why: str) -> Permission:
    """A permission that a rule decides."""
    if objection is None:
        return Permission(action, Verdict.YES, words, why)
    return Permission(action, Verdict.NO, no, _bare(slot, objection))


# --- any slot -------------------------------------------------------------------------------------


def _read(slot: Slot, configuration: Configuration) -> Permission:
    objection = forbids_read(slot, configuration, BLOCK)
    if objection is not None:
        return Permission("read", Verdict.NO, "not readable", _bare(slot, objection))
    key = slot.config.read_key
    if slot.config.encrypt_read:
        words = f"readable only encrypted with the key in slot {key}, 32 bytes at a time"
        why = _bits(slot, "IsSecret", "EncryptRead", f"ReadKey {key}")
        return Permission("read", Verdict.ENCRYPTED, words, why)
    return Permission(
        "read", Verdict.YES, "readable in the clear", _bits(slot, "IsSecret 0", "EncryptRead 0")
    )


def _write(slot: Slot, configuration: Configuration) -> Permission:
    def asked(size: int, first_byte: int) -> str | None:
        return forbids_write(slot, configuration, Location(Zone.DATA, slot.number, 0, size, size), first_byte)

    objection = asked(BLOCK, _MARKED_INVALID)
    if objection is not None:
        return Permission("write", Verdict.NO, "not writable", _bare(slot, objection))
    value = f"WriteConfig {slot.config.write_config:X}"
    if demands_encrypted_write(slot, configuration) is not None:
        key = slot.config.write_key
        words = f"writable only encrypted with the key in slot {key}, 32 bytes at a time"
        return Permission("write", Verdict.ENCRYPTED, words, _bits(slot, value, f"WriteKey {key}"))
    if not configuration.data_locked:
        why = "before the data lock WriteConfig does not count"
        return Permission("write", Verdict.YES, "writable in the clear, 32 bytes at a time", why)
    if asked(BLOCK, _MARKED_VALID) is not None:
        words = "writable in the clear only while the public key in it is not validated"
        return Permission("write", Verdict.CONDITION, words, _bits(slot, f"{value} (PubInvalid)"))
    width = "4 or 32 bytes at a time" if asked(WORD, _MARKED_INVALID) is None else "32 bytes at a time"
    return Permission("write", Verdict.YES, f"writable in the clear, {width}", _bits(slot, value))


def _lock(slot: Slot, configuration: Configuration) -> Permission:
    objection = is_slot_locked(slot) or config_is_unlocked(configuration)
    if not slot.key.lockable:
        objection = objection or "KeyConfig.Lockable (bit 5) is 0"
    return _judged(
        "lock", slot, objection, "lockable by itself", "not lockable by itself", _key_bits(slot, "Lockable")
    )


# --- private keys ---------------------------------------------------------------------------------


def _private(slot: Slot, configuration: Configuration) -> Iterator[Permission]:
    no_key = config_is_unlocked(configuration) or is_no_private_p256(slot)
    write_config = f"WriteConfig {slot.config.write_config:X}"
    yield _judged(
        "create",
        slot,
        no_key or forbids_create(slot, configuration),
        "GenKey may make a new key",
        "GenKey makes no new key",
        _bits(slot, f"{write_config}, bit 13")
        if configuration.data_locked
        else "the data zone is not locked",
    )
    yield _judged(
        "public key",
        slot,
        no_key or forbids_public(slot),
        "its public key can be computed",
        "its public key is kept",
        _key_bits(slot, "PubInfo"),
    )
    for action, external, what, bit in (
        ("sign external", True, "the host's digests", 0),
        ("sign internal", False, "what GenDig and GenKey made", 1),
    ):
        yield _judged(
            action,
            slot,
            no_key or forbids_sign(slot, external=external),
            f"signs {what}",
            f"does not sign {what}",
            _bits(slot, f"ReadKey bit {bit}"),
        )
    yield _ecdh(slot, no_key)
    yield _priv_write(slot, configuration, no_key)
    yield _read(slot, configuration)
    yield _write(slot, configuration)
    yield _lock(slot, configuration)


def _ecdh(slot: Slot, objection: str | None) -> Permission:
    to_slot = slot.config.ecdh_to_slot
    target = f"its secret goes to slot {slot.number | 1}" if to_slot else "its secret is answered"
    return _judged(
        "ecdh",
        slot,
        objection or forbids_ecdh(slot, output=False),
        f"ECDH allowed, {target}",
        "no ECDH",
        _bits(slot, f"ReadKey bit 2, bit 3 is {to_slot:d}"),
    )


def _priv_write(slot: Slot, configuration: Configuration, no_key: str | None) -> Permission:
    if no_key is None and forbids_priv_write(slot, configuration, encrypted=False) is None:
        words = "PrivWrite may write a key in the clear"
        return Permission("priv write", Verdict.YES, words, "the data zone is not locked")
    objection = no_key or forbids_priv_write(slot, configuration, encrypted=True)
    if objection is not None:
        return Permission("priv write", Verdict.NO, "PrivWrite writes no key", _bare(slot, objection))
    key = slot.config.write_key
    why = _bits(slot, f"WriteConfig {slot.config.write_config:X}", f"WriteKey {key}")
    words = f"PrivWrite may write a key encrypted with the key in slot {key}"
    return Permission("priv write", Verdict.ENCRYPTED, words, why)


# --- data, secrets and public keys ----------------------------------------------------------------


def _secret(slot: Slot, configuration: Configuration) -> Iterator[Permission]:
    yield _read(slot, configuration)
    yield _write(slot, configuration)
    if slot.is_public_p256:
        yield _verify(slot, configuration)
    else:
        yield _mac(slot, configuration)
        yield _derive(slot, configuration)
    if slot.key.key_type == KeyType.AES:
        yield _aes(slot, configuration)
    yield _lock(slot, configuration)


def _verify(slot: Slot, configuration: Configuration) -> Permission:
    objection = config_is_unlocked(configuration) or is_no_public_p256(slot)
    if objection is None and slot.key.pub_info:
        words = f"Verify uses it once the key in slot {slot.config.read_key} has validated it"
        why = _key_bits(slot, "PubInfo") + f", ReadKey {slot.config.read_key}"
        return Permission("verify", Verdict.CONDITION, words, why)
    return _judged(
        "verify", slot, objection, "Verify may use it", "Verify may not use it", _key_bits(slot, "PubInfo 0")
    )


def _mac(slot: Slot, configuration: Configuration) -> Permission:
    return _judged(
        "mac",
        slot,
        config_is_unlocked(configuration) or forbids_mac(slot),
        "MAC and HMAC may use it",
        "MAC and HMAC may not use it",
        _bits(slot, "NoMac 0"),
    )


def _derive(slot: Slot, configuration: Configuration) -> Permission:
    value, with_mac = slot.config.write_config, slot.config.derive_wants_mac
    parent = f"slot {slot.config.write_key}" if value & 0b0001 else "itself"
    return _judged(
        "derive",
        slot,
        config_is_unlocked(configuration) or forbids_derive(slot, with_mac=with_mac),
        f"DeriveKey may replace it, from {parent}{', with a MAC' if with_mac else ''}",
        "DeriveKey does not reach it",
        _bits(slot, f"WriteConfig {value:X}"),
    )


def _aes(slot: Slot, configuration: Configuration) -> Permission:
    objection = config_is_unlocked(configuration) or forbids_aes(slot)
    if objection is None and not configuration.aes_enable:
        objection = "AES_Enable (byte 13 bit 0) is 0"
    return _judged(
        "aes", slot, objection, "AES may use it", "AES may not use it", _key_bits(slot, "KeyType 6 (AES)")
    )


# --- conditions -----------------------------------------------------------------------------------


def _conditions(slot: Slot) -> Iterator[Permission]:
    """What any use must satisfy, beside the verdicts."""
    key = slot.key
    for applies, action, words, why in (
        (key.req_auth, "authorization", f"CheckMac of slot {key.auth_key} first", _key_bits(slot, "ReqAuth")),
        (key.req_random, "random nonce", "random nonces only", _key_bits(slot, "ReqRandom")),
        (
            key.persistent_disable,
            "latch",
            "only while the persistent latch is set",
            _key_bits(slot, "PersistentDisable"),
        ),
        (slot.config.limited_use, "limited use", "each use counts on Counter[0]", _bits(slot, "LimitedUse")),
        (slot.locked, "locked", "locked by itself, for good", f"SlotLocked bit {slot.number} is 0"),
    ):
        if applies:
            yield Permission(action, Verdict.CONDITION, words, why)


def page_lines(page: Page) -> Iterator[str]:
    """A page for a person; each line ends with the bits that say so."""
    yield f"slot {page.number}: {page.kind}, {page.size} bytes"
    for each in (*page.permissions, *page.conditions):
        yield f"  {each.words} ({each.why})"
