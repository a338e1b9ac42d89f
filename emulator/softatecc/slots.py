"""Who may do what with a slot: SlotConfig, KeyConfig, the zone locks and SlotLocked, asked as questions.

Rules of this file:
1. Each question answers None, no objection, or one sentence that names the slot, the bit and its state.
2. Nothing here acts, and nothing here answers the wire: a handler obeys an objection or does not.
3. A private slot is never read and never written by Write, whatever else its bits and the locks say.
"""

from dataclasses import dataclass

from softatecc.config import Configuration
from softatecc.fields import KeyConfig, KeyType, SlotConfig, WriteRule
from softatecc.zones import BLOCK, SLOT_SIZES, Location

#: Validity mark of a stored public key, high nibble of byte 0 (PubInfo=1).
VALIDATED, INVALID = 0x5, 0xA


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot as its rules describe it; its contents are not here.

    Attributes:
        number: 0 to 15.
        config: SlotConfig.
        key: KeyConfig.
        locked: its SlotLocked bit says locked.
    """

    number: int
    config: SlotConfig
    key: KeyConfig
    locked: bool

    @classmethod
    def of(cls, configuration: Configuration, number: int) -> "Slot":
        """The slot as a configuration describes it."""
        return cls(
            number,
            configuration.slot_config[number],
            configuration.key_config[number],
            configuration.slot_locked(number),
        )

    @property
    def size(self) -> int:
        """Bytes it holds."""
        return SLOT_SIZES[self.number]

    @property
    def is_public_p256(self) -> bool:
        """It holds a P-256 public key: 72 bytes or more, not private, KeyType 4."""
        return self.number >= 8 and not self.key.private and self.key.key_type == KeyType.P256

    def __str__(self) -> str:
        return f"slot {self.number}"


def config_is_unlocked(configuration: Configuration) -> str | None:
    """Most commands work only once the configuration can no longer change.

    Evidence: silicon - logs of a 608A show 0F for GenKey and Sign until then.
    """
    if not configuration.config_locked:
        return "the configuration zone is not locked (LockConfig, byte 87, is 55)"
    return None


def data_is_unlocked(configuration: Configuration) -> str | None:
    """Data and OTP cannot be read before they are locked.

    Evidence: silicon - logs of a 608A show 0F for Read until then.
    """
    if not configuration.data_locked:
        return "the data and OTP zones are not locked (LockValue, byte 86, is 55)"
    return None


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


def is_slot_locked(slot: Slot) -> str | None:
    """A slot locked by itself keeps its contents for good, before the data lock too.

    Evidence: assumed - the data sheets say so for the time after the data lock only.
    """
    if slot.locked:
        return f"{slot} is locked: its SlotLocked bit (bytes 88-89, bit {slot.number}) is 0"
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


def forbids_read(slot: Slot, configuration: Configuration, size: int) -> str | None:
    """Clear or encrypted by SlotConfig; a private slot never, in any lock state.

    Evidence: document - 508A data sheet (SlotConfig) and public 608 Trust data sheets.
    """
    if slot.key.private:
        return f"{slot} holds a private key: KeyConfig.Private (bit 0) is 1, so no lock state lets it be read"
    objection = config_is_unlocked(configuration) or data_is_unlocked(configuration)
    if objection is not None:
        return objection
    if slot.config.is_secret and not slot.config.encrypt_read:
        return f"{slot} is never read: SlotConfig.IsSecret (bit 7) is 1 and EncryptRead (bit 6) is 0"
    if slot.config.encrypt_read and not slot.config.is_secret:
        return f"{slot} is never read: SlotConfig.EncryptRead (bit 6) is 1 without IsSecret (bit 7)"
    if slot.config.encrypt_read and size != BLOCK:
        return f"{slot} is read 32 bytes at a time: SlotConfig.EncryptRead (bit 6) is 1"
    return None


def forbids_write(
    slot: Slot, configuration: Configuration, location: Location, first_byte: int
) -> str | None:
    """By 32-byte blocks until the data lock, whatever WriteConfig says; by WriteConfig afterwards.

    Asked of every Write into a slot, clear or encrypted; whether it must be encrypted is asked by
    `demands_encrypted_write`.

    Evidence: vendor-library - cryptoauthlib atca_tests_write.c (write_boundary_conditions and others).
    """
    if slot.key.private:
        return f"{slot} holds a private key: KeyConfig.Private (bit 0) is 1, Write never reaches it"
    objection = config_is_unlocked(configuration) or is_slot_locked(slot)
    if objection is not None:
        return objection
    if not configuration.data_locked:
        if location.size != BLOCK:
            return "before the data zone is locked it is written 32 bytes at a time"
        return None
    if slot.config.is_secret and location.size != BLOCK:
        return f"{slot} is written 32 bytes at a time: SlotConfig.IsSecret (bit 7) is 1"
    match slot.config.write_rule:
        case WriteRule.NEVER:
            value = slot.config.write_config
            return f"{slot} is never written: SlotConfig.WriteConfig (bits 15:12) is {value:X}"
        case WriteRule.PUB_INVALID if slot.key.pub_info and first_byte >> 4 == VALIDATED:
            return f"{slot} holds a validated public key and SlotConfig.WriteConfig is 1 (PubInvalid)"
        case _:
            return None


def demands_encrypted_write(slot: Slot, configuration: Configuration) -> str | None:
    """WriteConfig x1xx: after the data lock only encrypted, authenticated writes.

    Evidence: document - 508A data sheet (SlotConfig) and public 608 Trust data sheets.
    """
    if configuration.data_locked and slot.config.write_rule is WriteRule.ENCRYPT:
        return (
            f"{slot} is written only encrypted: SlotConfig.WriteConfig (bits 15:12) is "
            f"{slot.config.write_config:X}, the key is in slot {slot.config.write_key}"
        )
    return None
