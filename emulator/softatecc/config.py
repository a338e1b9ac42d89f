"""The 128 bytes of the configuration zone: where each field lies, and one state of the zone as facts.

Rules of this file:
1. The image is all there is; every name is computed from it. The fields' bits are in `softatecc.fields`.
2. Reading never judges: any 128 bytes are a configuration, as on the chip, which checks nothing when it
   is written. What a setting permits is asked in `softatecc.slots`.
3. Words of two bytes are little endian; the counters' four words are big endian.

Evidence: document - public 608 Trust data sheets (configuration zone map) and cryptoauthlib
atca_device.h.
"""

from dataclasses import dataclass
from functools import cached_property

from softatecc.counter import decode_counter
from softatecc.fields import ChipMode, KeyConfig, SlotConfig
from softatecc.options import (
    ChipOptions,
    CountMatch,
    SecureBootConfig,
    UseLock,
    VolatileKeyPermission,
    X509Format,
)
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
        extra = self.user_extra_add
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
    def use_lock(self) -> UseLock:
        """Byte 68."""
        return UseLock(self.image[USE_LOCK])

    @property
    def volatile_key_permission(self) -> VolatileKeyPermission:
        """Byte 69."""
        return VolatileKeyPermission(self.image[VOLATILE_KEY_PERMISSION])

    @property
    def secure_boot(self) -> SecureBootConfig:
        """Bytes 70 and 71."""
        return SecureBootConfig(self._word(SECURE_BOOT))

    @property
    def kdf_iv(self) -> tuple[int, bytes]:
        """Bytes 72-74: where in an HKDF message the two IV bytes must be, and which."""
        return self.image[KDF_IV_LOC], self.image[KDF_IV_STR : KDF_IV_STR + 2]

    @property
    def user_extra(self) -> int:
        """Byte 84."""
        return self.image[USER_EXTRA]

    @property
    def user_extra_add(self) -> int:
        """Byte 85."""
        return self.image[USER_EXTRA_ADD]

    @property
    def x509_format(self) -> tuple[X509Format, ...]:
        """Bytes 92-95, chosen by KeyConfig.X509id."""
        return tuple(X509Format(octet) for octet in self.image[X509_FORMAT:KEY_CONFIG])

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
