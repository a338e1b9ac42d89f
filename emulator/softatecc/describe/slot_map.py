"""What each slot may do, in words, and why.

Rules of this file:
1. Verdicts hold for one state of the locks; `locked_as` gives the configuration in another.
2. What depends on the moment (TempKey, authorization, the latch, counters) is a condition, not a verdict.

Evidence: document - 508A data sheet (SlotConfig) and public 608 Trust data sheets, KeyConfig.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from softatecc.config import LOCK_CONFIG, LOCK_VALUE, UNLOCKED, Configuration
from softatecc.describe.permission import Permission, Verdict, bits, key_bits
from softatecc.describe.slot_uses import private, secret
from softatecc.fields import KeyType
from softatecc.slots import Slot
from softatecc.zones import SLOT_COUNT


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
    about = private(slot, configuration) if slot.key.private else secret(slot, configuration)
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


# --- conditions -----------------------------------------------------------------------------------


def _conditions(slot: Slot) -> Iterator[Permission]:
    """What any use must satisfy, beside the verdicts."""
    key = slot.key
    for applies, action, words, why in (
        (key.req_auth, "authorization", f"CheckMac of slot {key.auth_key} first", key_bits(slot, "ReqAuth")),
        (key.req_random, "random nonce", "random nonces only", key_bits(slot, "ReqRandom")),
        (
            key.persistent_disable,
            "latch",
            "only while the persistent latch is set",
            key_bits(slot, "PersistentDisable"),
        ),
        (slot.config.limited_use, "limited use", "each use counts on Counter[0]", bits(slot, "LimitedUse")),
        (slot.locked, "locked", "locked by itself, for good", f"SlotLocked bit {slot.number} is 0"),
    ):
        if applies:
            yield Permission(action, Verdict.CONDITION, words, why)


def page_lines(page: Page) -> Iterator[str]:
    """A page for a person; each line ends with the bits that say so."""
    yield f"slot {page.number}: {page.kind}, {page.size} bytes"
    for each in (*page.permissions, *page.conditions):
        yield f"  {each.words} ({each.why})"
