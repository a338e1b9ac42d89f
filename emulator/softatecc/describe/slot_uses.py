"""What a slot may do beside reading, writing and locking: with a private key, with a secret, with data.

Evidence: document - 508A data sheet (SlotConfig) and public 608 Trust data sheets, KeyConfig.
"""

from __future__ import annotations

from collections.abc import Iterator

from softatecc.config import Configuration
from softatecc.describe.permission import Permission, Verdict, bare, bits, judged, key_bits, lock, read, write
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
from softatecc.slots import Slot, config_is_unlocked


def private(slot: Slot, configuration: Configuration) -> Iterator[Permission]:
    """A private slot."""
    no_key = config_is_unlocked(configuration) or is_no_private_p256(slot)
    write_config = f"WriteConfig {slot.config.write_config:X}"
    yield judged(
        "create",
        slot,
        no_key or forbids_create(slot, configuration),
        "GenKey may make a new key",
        "GenKey makes no new key",
        bits(slot, f"{write_config}, bit 13") if configuration.data_locked else "the data zone is not locked",
    )
    yield judged(
        "public key",
        slot,
        no_key or forbids_public(slot),
        "its public key can be computed",
        "its public key is kept",
        key_bits(slot, "PubInfo"),
    )
    for action, external, what, bit in (
        ("sign external", True, "the host's digests", 0),
        ("sign internal", False, "what GenDig and GenKey made", 1),
    ):
        yield judged(
            action,
            slot,
            no_key or forbids_sign(slot, external=external),
            f"signs {what}",
            f"does not sign {what}",
            bits(slot, f"ReadKey bit {bit}"),
        )
    yield _ecdh(slot, no_key)
    yield _priv_write(slot, configuration, no_key)
    yield read(slot, configuration)
    yield write(slot, configuration)
    yield lock(slot, configuration)


def _ecdh(slot: Slot, objection: str | None) -> Permission:
    to_slot = slot.config.ecdh_to_slot
    target = f"its secret goes to slot {slot.number | 1}" if to_slot else "its secret is answered"
    return judged(
        "ecdh",
        slot,
        objection or forbids_ecdh(slot, output=False),
        f"ECDH allowed, {target}",
        "no ECDH",
        bits(slot, f"ReadKey bit 2, bit 3 is {to_slot:d}"),
    )


def _priv_write(slot: Slot, configuration: Configuration, no_key: str | None) -> Permission:
    if no_key is None and forbids_priv_write(slot, configuration, encrypted=False) is None:
        words = "PrivWrite may write a key in the clear"
        return Permission("priv write", Verdict.YES, words, "the data zone is not locked")
    objection = no_key or forbids_priv_write(slot, configuration, encrypted=True)
    if objection is not None:
        return Permission("priv write", Verdict.NO, "PrivWrite writes no key", bare(slot, objection))
    key = slot.config.write_key
    why = bits(slot, f"WriteConfig {slot.config.write_config:X}", f"WriteKey {key}")
    words = f"PrivWrite may write a key encrypted with the key in slot {key}"
    return Permission("priv write", Verdict.ENCRYPTED, words, why)


def secret(slot: Slot, configuration: Configuration) -> Iterator[Permission]:
    """Any other slot."""
    yield read(slot, configuration)
    yield write(slot, configuration)
    if slot.is_public_p256:
        yield _verify(slot, configuration)
    else:
        yield _mac(slot, configuration)
        yield _derive(slot, configuration)
    if slot.key.key_type == KeyType.AES:
        yield _aes(slot, configuration)
    yield lock(slot, configuration)


def _verify(slot: Slot, configuration: Configuration) -> Permission:
    objection = config_is_unlocked(configuration) or is_no_public_p256(slot)
    if objection is None and slot.key.pub_info:
        words = f"Verify uses it once the key in slot {slot.config.read_key} has validated it"
        why = key_bits(slot, "PubInfo") + f", ReadKey {slot.config.read_key}"
        return Permission("verify", Verdict.CONDITION, words, why)
    return judged(
        "verify", slot, objection, "Verify may use it", "Verify may not use it", key_bits(slot, "PubInfo 0")
    )


def _mac(slot: Slot, configuration: Configuration) -> Permission:
    return judged(
        "mac",
        slot,
        config_is_unlocked(configuration) or forbids_mac(slot),
        "MAC and HMAC may use it",
        "MAC and HMAC may not use it",
        bits(slot, "NoMac 0"),
    )


def _derive(slot: Slot, configuration: Configuration) -> Permission:
    value, with_mac = slot.config.write_config, slot.config.derive_wants_mac
    parent = f"slot {slot.config.write_key}" if value & 0b0001 else "itself"
    return judged(
        "derive",
        slot,
        config_is_unlocked(configuration) or forbids_derive(slot, with_mac=with_mac),
        f"DeriveKey may replace it, from {parent}{', with a MAC' if with_mac else ''}",
        "DeriveKey does not reach it",
        bits(slot, f"WriteConfig {value:X}"),
    )


def _aes(slot: Slot, configuration: Configuration) -> Permission:
    objection = config_is_unlocked(configuration) or forbids_aes(slot)
    if objection is None and not configuration.aes_enable:
        objection = "AES_Enable (byte 13 bit 0) is 0"
    return judged(
        "aes", slot, objection, "AES may use it", "AES may not use it", key_bits(slot, "KeyType 6 (AES)")
    )
