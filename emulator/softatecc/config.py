"""The 128 bytes of the configuration zone as typed views; every bit has its data sheet name.

Rules of this file:
1. A view is frozen and holds the raw value; names are computed from it, nothing is stored twice.
2. Reading never judges: any 128 bytes are a configuration, as on the chip, which checks nothing when it
   is written. What a setting permits is asked in `softatecc.slots`.
3. Words of two bytes are little endian; the counters' four words are big endian.

Evidence: document - public 608 Trust data sheets (configuration zone) and cryptoauthlib
atca_device.h; the meaning of SlotConfig bits also in the complete 508A data sheet.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from softatecc.zones import CONFIG_SIZE, SLOT_COUNT

SERIAL_SIZE = 9
#: Value of LockValue and LockConfig while the zone is unlocked; anything else means locked.
UNLOCKED = 0x55

I2C_ADDRESS, COUNT_MATCH, CHIP_MODE = 16, 18, 19
SLOT_CONFIG = 20
COUNTER = (52, 60)
USE_LOCK, VOLATILE_KEY_PERMISSION, SECURE_BOOT = 68, 69, 70
KDF_IV_LOC, KDF_IV_STR = 72, 73
USER_EXTRA, USER_EXTRA_ADD, LOCK_VALUE, LOCK_CONFIG = 84, 85, 86, 87
SLOT_LOCKED, CHIP_OPTIONS, X509_FORMAT = 88, 90, 92
KEY_CONFIG = 96


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


@dataclass(frozen=True, slots=True)
class CountMatch:
    """Byte 18."""

    value: int

    @property
    def enabled(self) -> bool:
        """Bit 0: limited-use keys stop when Counter[0] reaches the match value."""
        return bool(self.value & 0x01)

    @property
    def slot(self) -> int:
        """Bits 7:4: the slot that begins with the match value."""
        return self.value >> 4


@dataclass(frozen=True, slots=True)
class VolatileKeyPermission:
    """Byte 69."""

    value: int

    @property
    def enabled(self) -> bool:
        """Bit 7: the persistent latch may be set."""
        return bool(self.value & 0x80)

    @property
    def slot(self) -> int:
        """Bits 3:0: the key CheckMac must have proven before."""
        return self.value & 0xF


@dataclass(frozen=True, slots=True)
class SecureBootConfig:
    """Bytes 70 and 71."""

    value: int

    @property
    def mode(self) -> int:
        """Bits 1:0: 0 off, 1 FullBoth, 2 FullSig, 3 FullDig."""
        return self.value & 0x3

    @property
    def persist_enable(self) -> bool:
        """Bit 3: success sets the persistent latch."""
        return bool(self.value & 0x08)

    @property
    def rand_nonce(self) -> bool:
        """Bit 4: the digest must come encrypted under a random nonce."""
        return bool(self.value & 0x10)

    @property
    def digest_slot(self) -> int:
        """Bits 11:8: where digest or signature are kept."""
        return self.value >> 8 & 0xF

    @property
    def public_key_slot(self) -> int:
        """Bits 15:12: the key that verifies."""
        return self.value >> 12


@dataclass(frozen=True, slots=True)
class ChipOptions:
    """Bytes 90 and 91."""

    value: int

    @property
    def power_on_self_test(self) -> bool:
        """Bit 0: self tests run at power-up."""
        return bool(self.value & 0x0001)

    @property
    def io_protection_key_enable(self) -> bool:
        """Bit 1: the I/O protection key may be used."""
        return bool(self.value & 0x0002)

    @property
    def kdf_aes_enable(self) -> bool:
        """Bit 2: KDF may use AES."""
        return bool(self.value & 0x0004)

    @property
    def auto_clear_first_fail(self) -> bool:
        """Bit 3: a health test failure is forgotten after one command."""
        return bool(self.value & 0x0008)

    @property
    def ecdh_protection(self) -> int:
        """Bits 9:8: 0 clear output allowed, 1 output encrypted, 2 and 3 no output."""
        return self.value >> 8 & 0x3

    @property
    def kdf_protection(self) -> int:
        """Bits 11:10, as for ECDH."""
        return self.value >> 10 & 0x3

    @property
    def io_protection_key(self) -> int:
        """Bits 15:12: the slot of the I/O protection key."""
        return self.value >> 12


@dataclass(frozen=True)  # no slots: the slot tables are computed once and kept
class Configuration:
    """One state of the configuration zone.

    Attributes:
        image: the 128 bytes.

    Raises:
        ValueError: the image has another length.
    """

    image: bytes

    def __post_init__(self) -> None:
        if len(self.image) != CONFIG_SIZE:
            raise ValueError(f"a configuration has {CONFIG_SIZE} bytes, this has {len(self.image)}; pass all")

    def replaced(self, offset: int, data: bytes) -> "Configuration":
        """The configuration after a write of `data` at `offset`."""
        return Configuration(self.image[:offset] + data + self.image[offset + len(data) :])

    def _word(self, offset: int) -> int:
        return int.from_bytes(self.image[offset : offset + 2], "little")

    @property
    def serial_number(self) -> bytes:
        """SN[0:8], nine bytes from two places."""
        return self.image[0:4] + self.image[8:13]

    @property
    def rev_num(self) -> bytes:
        """Bytes 4-7: a copy; the Info command answers from silicon instead."""
        return self.image[4:8]

    @property
    def aes_enable(self) -> bool:
        """Byte 13 bit 0: the AES command works."""
        return bool(self.image[13] & 0x01)

    @property
    def i2c_enable(self) -> bool:
        """Byte 14 bit 0: I2C part; clear, the single-wire part."""
        return bool(self.image[14] & 0x01)

    @property
    def i2c_address(self) -> int:
        """The 7-bit address on the bus: bits 7:1 of byte 16, or of UserExtraAdd where ChipMode says so."""
        extra = self.image[USER_EXTRA_ADD]
        if self.chip_mode.user_extra_add_is_address and extra != 0:
            return extra >> 1
        return self.image[I2C_ADDRESS] >> 1

    @property
    def count_match(self) -> CountMatch:
        """Byte 18."""
        return CountMatch(self.image[COUNT_MATCH])

    @property
    def chip_mode(self) -> ChipMode:
        """Byte 19."""
        return ChipMode(self.image[CHIP_MODE])

    @cached_property
    def slot_config(self) -> tuple[SlotConfig, ...]:
        """Bytes 20-51, one word for each slot."""
        return tuple(SlotConfig(self._word(SLOT_CONFIG + 2 * slot)) for slot in range(SLOT_COUNT))

    @cached_property
    def key_config(self) -> tuple[KeyConfig, ...]:
        """Bytes 96-127, one word for each slot."""
        return tuple(KeyConfig(self._word(KEY_CONFIG + 2 * slot)) for slot in range(SLOT_COUNT))

    @property
    def volatile_key_permission(self) -> VolatileKeyPermission:
        """Byte 69."""
        return VolatileKeyPermission(self.image[VOLATILE_KEY_PERMISSION])

    @property
    def secure_boot(self) -> SecureBootConfig:
        """Bytes 70 and 71."""
        return SecureBootConfig(self._word(SECURE_BOOT))

    @property
    def chip_options(self) -> ChipOptions:
        """Bytes 90 and 91."""
        return ChipOptions(self._word(CHIP_OPTIONS))

    @property
    def data_locked(self) -> bool:
        """LockValue, byte 86: data and OTP zone are locked."""
        return self.image[LOCK_VALUE] != UNLOCKED

    @property
    def config_locked(self) -> bool:
        """LockConfig, byte 87: the configuration zone is locked."""
        return self.image[LOCK_CONFIG] != UNLOCKED

    def slot_locked(self, slot: int) -> bool:
        """SlotLocked, bytes 88 and 89: bit n is 1 while slot n is *not* locked."""
        return not self._word(SLOT_LOCKED) >> slot & 1

    def counter(self, number: int) -> int:
        """Value of Counter[0] or Counter[1]."""
        offset = COUNTER[number]
        return decode_counter(self.image[offset : offset + 8])


#: The largest value a counter can hold.
COUNTER_MAXIMUM = 2_097_151


def encode_counter(value: int) -> bytes:
    """The eight bytes of a counter: two linear words that empty bit by bit, two binary words.

    Evidence: vendor-library - cryptoauthlib host counter layout; public dumps of used parts agree.

    Raises:
        ValueError: the value is outside 0 to 2 097 151.
    """
    if not 0 <= value <= COUNTER_MAXIMUM:
        raise ValueError(f"a counter cannot hold {value}; pass 0 to {COUNTER_MAXIMUM}")
    late = max(value - 16, 0)
    started = value >= 16
    words = (
        0xFFFF >> value % 32,
        0xFFFF >> late % 32 if started else 0xFFFF,
        value // 32,
        late // 32,
    )

    return b"".join(word.to_bytes(2, "big") for word in words)


def decode_counter(octets: bytes) -> int:
    """Value of the eight bytes of a counter.

    Bytes that no counter ever wrote still have a value: binary word A and the emptied bits count.
    """
    linear_a, linear_b, binary_a = (int.from_bytes(octets[at : at + 2], "big") for at in (0, 2, 4))
    emptied_a, emptied_b = 16 - linear_a.bit_count(), 16 - linear_b.bit_count()
    steps = emptied_a if emptied_a < 16 else 16 + emptied_b

    return min(32 * binary_a + steps, COUNTER_MAXIMUM)
