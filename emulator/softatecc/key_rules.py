"""Who may use the key in a slot, and for what: asked as questions, as in `softatecc.slots`.

Rules of this file:
1. Each question answers None, no objection, or one sentence that names the slot, the bit and its state.
2. Nothing here acts, and nothing here answers the wire: a handler obeys an objection or does not.
3. A private key is never taken for a symmetric one: no digest, MAC or derivation ever covers it.
"""

from softatecc.config import Configuration
from softatecc.fields import KeyType, WriteRule
from softatecc.slots import VALIDATED, Slot, is_slot_locked


def is_no_private_p256(slot: Slot) -> str | None:
    """Keys are made, used and published only in slots declared for them.

    Evidence: silicon - logs of a 608A show 0F for GenKey on a slot of KeyType 7.
    """
    if not slot.key.private:
        return f"{slot} is no P-256 private key slot: KeyConfig.Private (bit 0) is 0"
    if slot.key.key_type != KeyType.P256:
        return (
            f"{slot} is no P-256 private key slot: KeyConfig.KeyType (bits 4:2) is {slot.key.key_type}, not 4"
        )
    return None


def is_no_public_p256(slot: Slot) -> str | None:
    """A stored public key needs 72 bytes and KeyType 4.

    Evidence: document - public 608 Trust data sheets, KeyConfig.
    """
    if slot.number < 8:
        return f"{slot} holds {slot.size} bytes; a public key needs 72, slots 8 to 15"
    if not slot.is_public_p256:
        return (
            f"{slot} is no P-256 public key slot: KeyConfig.Private (bit 0) is {slot.key.private:d}, "
            f"KeyType (bits 4:2) is {slot.key.key_type}, and they must be 0 and 4"
        )
    return None


def forbids_create(slot: Slot, configuration: Configuration) -> str | None:
    """After the data lock, SlotConfig.WriteConfig must allow GenKey.

    Evidence: document - 508A data sheet (SlotConfig) and public 608 Trust data sheets.
    """
    if configuration.data_locked and not slot.config.genkey_allowed:
        return f"{slot} keeps its key: SlotConfig.WriteConfig bit 1 (bit 13) is 0 and the data zone is locked"
    return is_slot_locked(slot)


def forbids_public(slot: Slot) -> str | None:
    """The public key of a private slot is computed only where KeyConfig allows it.

    Evidence: document - public 608 Trust data sheets, KeyConfig.
    """
    if not slot.key.pub_info:
        return f"{slot} keeps its public key to itself: KeyConfig.PubInfo (bit 1) is 0"
    return None


def forbids_sign(slot: Slot, *, external: bool) -> str | None:
    """SlotConfig.ReadKey of a private slot says what its key may sign.

    Evidence: document - 508A data sheet (SlotConfig) and public 608 Trust data sheets.
    """
    if external and not slot.config.external_sign:
        return f"{slot} signs no message of the host: SlotConfig.ReadKey bit 0 is 0"
    if not external and not slot.config.internal_sign:
        return f"{slot} signs no message of GenDig or GenKey: SlotConfig.ReadKey bit 1 is 0"
    return None


def forbids_key_use(slot: Slot, auth_key: int | None, *, latch: bool) -> str | None:
    """A key may demand that another was proven before, or that the persistent latch is set.

    Evidence: vendor-library - cryptoauthlib tests of PersistentDisable; ReqAuth by the data sheets.
    """
    if slot.key.req_auth and auth_key != slot.key.auth_key:
        return (
            f"{slot} needs authorization: KeyConfig.ReqAuth (bit 7) is 1 and CheckMac has not proven "
            f"slot {slot.key.auth_key}"
        )
    if slot.key.persistent_disable and not latch:
        return (
            f"{slot} is disabled: KeyConfig.PersistentDisable (bit 12) is 1 and the persistent latch is clear"
        )
    return None


def is_not_validated(slot: Slot, first_byte: int) -> str | None:
    """A public key with PubInfo=1 must have been validated since it was written.

    Evidence: vendor-library - cryptoauthlib atca_tests_verify.c.
    """
    if slot.key.pub_info and first_byte >> 4 != VALIDATED:
        return (
            f"{slot} holds a public key nobody validated: KeyConfig.PubInfo (bit 1) is 1 and the high nibble "
            f"of byte 0 is {first_byte >> 4:X}, not 5"
        )
    return None


def forbids_ecdh(slot: Slot, *, output: bool) -> str | None:
    """SlotConfig.ReadKey of a private slot says whether ECDH may use it, and whether the result may leave.

    Evidence: document - 508A data sheet (SlotConfig) and public 608 Trust data sheets.
    """
    if not slot.config.ecdh:
        return f"{slot} agrees on no secrets: SlotConfig.ReadKey bit 2 is 0"
    if output and slot.config.ecdh_to_slot:
        return (
            f"{slot} gives its shared secrets to slot {slot.number | 1} alone: SlotConfig.ReadKey bit 3 is 1"
        )
    return None


def is_private(slot: Slot) -> str | None:
    """A symmetric operation wants a secret, not a private key.

    Evidence: assumed - no source shows a private slot in such a place.
    """
    if slot.key.private:
        return f"{slot} holds a private key: KeyConfig.Private (bit 0) is 1, and a secret is wanted"
    return None


def forbids_mac(slot: Slot) -> str | None:
    """NoMac keeps a key from answering challenges; it may still check answers.

    Evidence: document - 508A data sheet, SlotConfig.
    """
    if slot.config.no_mac:
        return f"{slot} answers no challenge: SlotConfig.NoMac (bit 4) is 1"
    return None


def forbids_aes(slot: Slot) -> str | None:
    """AES wants a key declared for it.

    Evidence: silicon - log of a 608B shows 0F for AES on a slot of another KeyType.
    """
    if slot.key.private or slot.key.key_type != KeyType.AES:
        return f"{slot} is no AES key slot: KeyConfig.KeyType (bits 4:2) is {slot.key.key_type}, not 6"
    return None


def wants_random_nonce(slot: Slot, *, random: bool) -> str | None:
    """ReqRandom: the nonce must be of the chip's own making.

    Evidence: document - public 608 Trust data sheets, KeyConfig.
    """
    if slot.key.req_random and not random:
        return f"{slot} wants a random nonce: KeyConfig.ReqRandom (bit 6) is 1, the nonce is not the chip's"
    return None


def forbids_derive(slot: Slot, *, with_mac: bool) -> str | None:
    """WriteConfig says whether DeriveKey may write a slot, and whether it must be authorized.

    Evidence: document - 508A data sheet, SlotConfig.WriteConfig for DeriveKey.
    """
    value = slot.config.write_config
    if slot.key.private:
        return f"{slot} holds a private key: KeyConfig.Private (bit 0) is 1, DeriveKey never writes it"
    if not slot.config.derive_allowed:
        return f"{slot} is not derived: SlotConfig.WriteConfig (bits 15:12) is {value:X}, bit 1 is 0"
    if slot.config.derive_wants_mac != with_mac:
        # Evidence: assumed - a MAC that nobody asked for is refused too.
        wanted = "wants an authorizing MAC" if slot.config.derive_wants_mac else "wants no MAC"
        return f"{slot} {wanted}: SlotConfig.WriteConfig (bits 15:12) is {value:X}, bit 3 decides"
    return is_slot_locked(slot)


def forbids_priv_write(slot: Slot, configuration: Configuration, *, encrypted: bool) -> str | None:
    """Clear until the data lock; encrypted where WriteConfig says so.

    Evidence: vendor-library - cryptoauthlib atca_tests_privwrite.c; WriteConfig by the 508A data sheet.
    """
    if encrypted and not slot.config.priv_write_allowed:
        value = slot.config.write_config
        return (
            f"{slot} takes no key from outside: SlotConfig.WriteConfig (bits 15:12) is {value:X}, bit 2 is 0"
        )
    if not encrypted and configuration.data_locked:
        return f"{slot} takes a key in clear only until the data zone is locked (LockValue, byte 86)"
    return is_slot_locked(slot)


def forbids_result(slot: Slot, first_byte: int, *, never_too: bool) -> str | None:
    """ECDH and KDF leave their results in data slots that may still change.

    Evidence: assumed - no source says which WriteConfig they need.
    """
    if slot.key.private:
        return f"{slot} holds a private key: KeyConfig.Private (bit 0) is 1, no result is put there"
    if slot.config.write_rule is WriteRule.NEVER and not never_too:
        value = slot.config.write_config
        return f"{slot} takes no result: SlotConfig.WriteConfig (bits 15:12) is {value:X}, which means never"
    if (
        slot.config.write_rule is WriteRule.PUB_INVALID
        and slot.wants_validation
        and first_byte >> 4 == VALIDATED
    ):
        return f"{slot} holds a validated public key and SlotConfig.WriteConfig is 1 (PubInvalid)"
    return is_slot_locked(slot)


def forbids_kdf_result(slot: Slot) -> str | None:
    """KDF writes only slots that say so by PubInfo.

    Evidence: document - public data sheet of the Trust&Go part for LoRa, slot configuration summary.
    """
    if not slot.key.private and not slot.key.pub_info:
        return f"{slot} takes no result of KDF: KeyConfig.PubInfo (bit 1) is 0"
    return None


def forbids_validation(slot: Slot) -> str | None:
    """Only a public key that must be validated is, and only while its slot may still change.

    Evidence: document - public 608 Trust data sheets, KeyConfig.PubInfo of a public key.
    """
    if not slot.wants_validation:
        return f"{slot} holds no public key to validate: KeyConfig.PubInfo (bit 1) is {slot.key.pub_info:d}"
    # Evidence: assumed - that a locked slot keeps its mark too.
    return is_slot_locked(slot)
