"""SlotConfig, KeyConfig and ChipMode, bit by bit; the optional features are in `softatecc.options`.

Rules of this file:
1. A field is frozen and holds the raw value; names are computed from it, nothing is stored twice.
2. Nothing is judged: reserved values are values too.

Evidence: document - public 608 Trust data sheets (configuration zone) and cryptoauthlib
atca_device.h; the meaning of SlotConfig bits also in the complete 508A data sheet.
"""

from dataclasses import dataclass
from enum import IntEnum


class KeyType(IntEnum):
    """Bits 4:2 of KeyConfig; the other values are reserved."""

    P256 = 4
    AES = 6
    DATA = 7


class WriteRule(IntEnum):
    """What WriteConfig means to the Write command."""

    ALWAYS = 0
    PUB_INVALID = 1
    NEVER = 2
    ENCRYPT = 3


@dataclass(frozen=True, slots=True)
class SlotConfig:
    """SlotConfig of one slot, 16 bits."""

    value: int

    @property
    def read_key(self) -> int:
        """Bits 3:0: the key that opens encrypted reads, or the parent of a validated public key."""
        return self.value & 0xF

    @property
    def external_sign(self) -> bool:
        """Bit 0 of a private slot: Sign may sign what the host supplies."""
        return bool(self.value & 0x0001)

    @property
    def internal_sign(self) -> bool:
        """Bit 1 of a private slot: Sign may sign what GenDig or GenKey made."""
        return bool(self.value & 0x0002)

    @property
    def ecdh(self) -> bool:
        """Bit 2 of a private slot: ECDH may use the key."""
        return bool(self.value & 0x0004)

    @property
    def ecdh_to_slot(self) -> bool:
        """Bit 3 of a private slot: the ECDH result goes to slot N|1 instead of the output."""
        return bool(self.value & 0x0008)

    @property
    def no_mac(self) -> bool:
        """Bit 4: the key may not be used by MAC and HMAC."""
        return bool(self.value & 0x0010)

    @property
    def limited_use(self) -> bool:
        """Bit 5: each use counts on Counter[0]."""
        return bool(self.value & 0x0020)

    @property
    def encrypt_read(self) -> bool:
        """Bit 6: reads are encrypted."""
        return bool(self.value & 0x0040)

    @property
    def is_secret(self) -> bool:
        """Bit 7: no clear read, no access by four bytes."""
        return bool(self.value & 0x0080)

    @property
    def write_key(self) -> int:
        """Bits 11:8: the key for encrypted writes, or the parent for DeriveKey."""
        return self.value >> 8 & 0xF

    @property
    def write_config(self) -> int:
        """Bits 15:12: WriteConfig; each command reads them in its own way."""
        return self.value >> 12

    @property
    def write_rule(self) -> WriteRule:
        """WriteConfig as the Write command reads it."""
        if self.write_config & 0b0100:
            return WriteRule.ENCRYPT
        return {0: WriteRule.ALWAYS, 1: WriteRule.PUB_INVALID}.get(self.write_config, WriteRule.NEVER)

    @property
    def genkey_allowed(self) -> bool:
        """Bit 13: GenKey may make a new key after the data zone was locked."""
        return bool(self.value & 0x2000)

    @property
    def priv_write_allowed(self) -> bool:
        """Bit 14: PrivWrite may write an encrypted key."""
        return bool(self.value & 0x4000)

    @property
    def derive_allowed(self) -> bool:
        """Bit 13 of a data slot: DeriveKey may write it."""
        return bool(self.value & 0x2000)

    @property
    def derive_from_write_key(self) -> bool:
        """Bit 12, where DeriveKey is allowed: the parent is the key in slot WriteKey, not the slot itself."""
        return bool(self.value & 0x1000)

    @property
    def derive_wants_mac(self) -> bool:
        """Bit 15, where DeriveKey is allowed: the command must be authorized by a MAC."""
        return bool(self.value & 0x8000)


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """KeyConfig of one slot, 16 bits."""

    value: int

    @property
    def private(self) -> bool:
        """Bit 0: the slot holds an ECC private key."""
        return bool(self.value & 0x0001)

    @property
    def pub_info(self) -> bool:
        """Bit 1: private slot, the public key may be computed; public slot, it must be validated."""
        return bool(self.value & 0x0002)

    @property
    def key_type(self) -> int:
        """Bits 4:2, see `KeyType`."""
        return self.value >> 2 & 0x7

    @property
    def lockable(self) -> bool:
        """Bit 5: Lock may lock the slot by itself."""
        return bool(self.value & 0x0020)

    @property
    def req_random(self) -> bool:
        """Bit 6: TempKey must come from a random nonce."""
        return bool(self.value & 0x0040)

    @property
    def req_auth(self) -> bool:
        """Bit 7: CheckMac with AuthKey must have succeeded before."""
        return bool(self.value & 0x0080)

    @property
    def auth_key(self) -> int:
        """Bits 11:8: the slot of that key."""
        return self.value >> 8 & 0xF

    @property
    def persistent_disable(self) -> bool:
        """Bit 12: the key is unusable while the persistent latch is clear."""
        return bool(self.value & 0x1000)

    @property
    def x509_id(self) -> int:
        """Bits 15:14: index into X509format."""
        return self.value >> 14


@dataclass(frozen=True, slots=True)
class ChipMode:
    """Byte 19."""

    value: int

    @property
    def user_extra_add_is_address(self) -> bool:
        """Bit 0: UserExtraAdd, when not 00, is the I2C address."""
        return bool(self.value & 0x01)

    @property
    def ttl_enable(self) -> bool:
        """Bit 1: input levels refer to the supply."""
        return bool(self.value & 0x02)

    @property
    def long_watchdog(self) -> bool:
        """Bit 2: the watchdog runs about ten times longer."""
        return bool(self.value & 0x04)

    @property
    def clock_divider(self) -> int:
        """Bits 7:3: 0 for M0, 5 for M1, 13 for M2."""
        return self.value >> 3
