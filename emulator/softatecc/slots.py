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

    @property
    def wants_validation(self) -> bool:
        """It holds a public key that Verify uses only once it was validated (PubInfo=1)."""
        return self.is_public_p256 and self.key.pub_info

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


def is_slot_locked(slot: Slot) -> str | None:
    """A slot locked by itself keeps its contents for good, before the data lock too.

    Evidence: assumed - the data sheets say so for the time after the data lock only.
    """
    if slot.locked:
        return f"{slot} is locked: its SlotLocked bit (bytes 88-89, bit {slot.number}) is 0"
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
