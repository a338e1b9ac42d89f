"""The configuration zone bit by bit: where each field lies, what it holds, what that means.

Rules of this file:
1. The fields cover every bit of the 128 bytes exactly once, reserved ones included.
2. Words of two bytes are little endian, so bit 15 is in the second byte.
3. Reserved bits that are not 0 are said to be so; nothing is judged.

Evidence: document - public 608 Trust data sheets (configuration zone map); the names of SlotConfig's bits
also in the complete 508A data sheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from softatecc import config
from softatecc.config import Configuration
from softatecc.fields import KeyType, WriteRule
from softatecc.zones import SLOT_COUNT

_CLOCKS = {0x00: "M0, fastest", 0x05: "M1", 0x0D: "M2, least power"}
_SECURE_BOOT = ("off", "FullBoth", "FullSig", "FullDig")
_PROTECTION = (
    "clear output allowed",
    "output always encrypted",
    "no output: TempKey or slot",
    "no output: TempKey",
)
_KEY_TYPES = {
    int(KeyType.P256): "P-256 key",
    int(KeyType.AES): "AES key",
    int(KeyType.DATA): "SHA key or data",
}
_WRITE_RULES = {
    WriteRule.ALWAYS: "clear writes",
    WriteRule.PUB_INVALID: "clear writes while the public key in it is invalid",
    WriteRule.NEVER: "no writes",
    WriteRule.ENCRYPT: "encrypted writes only",
}


@dataclass(frozen=True, slots=True)
class Field:
    """Some bits of the configuration zone.

    Attributes:
        offset: byte where the field's word begins.
        size: bytes of that word.
        high: its highest bit within the word, little endian.
        low: its lowest bit.
        name: the data sheet's name; `slot` names apart what exists sixteen times.
        value: the bits as a number.
        words: what the value means.
        slot: the slot it belongs to, None for the part as a whole.
    """

    offset: int
    size: int
    high: int
    low: int
    name: str
    value: int
    words: str
    slot: int | None = None

    @property
    def place(self) -> str:
        """Bytes and bits, for example ``20-21 bits 15:12``."""
        last = self.offset + self.size - 1
        octets = f"{self.offset}" if self.size == 1 else f"{self.offset}-{last}"
        if self.high - self.low + 1 == 8 * self.size:
            return octets
        bits = f"bit {self.low}" if self.high == self.low else f"bits {self.high}:{self.low}"
        return f"{octets} {bits}"

    @property
    def digits(self) -> str:
        """The value as data sheets print it: bits as a number, bytes in hex."""
        width = self.high - self.low + 1
        if width % 8:
            return f"{self.value:0{width}b}b" if width <= 3 else f"{self.value:X}h"
        return self.value.to_bytes(width // 8, "little").hex(" ").upper()


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the image, to be cut into fields."""

    image: bytes
    offset: int
    size: int = 1
    slot: int | None = None

    def bits(self, high: int, low: int, name: str, *words: str) -> Field:
        """Some bits; the words are chosen by the value, or the only one holds for all."""
        word = int.from_bytes(self.image[self.offset : self.offset + self.size], "little")
        value = word >> low & ((1 << high - low + 1) - 1)
        said = words[0] if len(words) == 1 else words[value] if value < len(words) else "reserved value"
        return Field(self.offset, self.size, high, low, name, value, said, self.slot)

    def bit(self, number: int, name: str, off: str, on: str) -> Field:
        """One bit."""
        return self.bits(number, number, name, off, on)

    def reserved(self, high: int, low: int) -> Field:
        """Bits without a meaning."""
        found = self.bits(high, low, "reserved", "0")
        return replace(found, words="not 0, meaning unknown") if found.value else found

    def all(self, name: str, words: str) -> Field:
        """The whole word."""
        return self.bits(8 * self.size - 1, 0, name, words)


def fields(configuration: Configuration) -> tuple[Field, ...]:
    """Every field of a configuration, by offset and from the highest bit down."""
    image = configuration.image
    found = (
        *_identity(configuration),
        *_interface(configuration),
        *(field for slot in range(SLOT_COUNT) for field in _slot_config(configuration, slot)),
        *_counters(configuration),
        *_options(configuration),
        *_locks(configuration),
        *_chip_options(image),
        *(field for slot in range(SLOT_COUNT) for field in _key_config(configuration, slot)),
    )
    return tuple(sorted(found, key=lambda field: (field.offset, -field.high)))


def _identity(configuration: Configuration) -> Iterator[Field]:
    image, serial = configuration.image, configuration.serial_number.hex().upper()
    yield _Word(image, 0, 4).all("SN[0:3]", f"serial number {serial}")
    yield _Word(image, 4, 4).all("RevNum", "a copy; Info(Revision) answers from silicon")
    trust = " (Trust part)" if image[12] == 0x01 else " (standard part)" if image[12] == 0xEE else ""
    yield _Word(image, 8, 5).all("SN[4:8]", f"serial number {serial}{trust}")


def _interface(configuration: Configuration) -> Iterator[Field]:
    image = configuration.image
    aes, i2c, mode = _Word(image, 13), _Word(image, 14), _Word(image, config.CHIP_MODE)
    yield aes.bits(7, 1, "factory", "set by the factory")
    yield aes.bit(0, "AES_Enable", "AES off", "AES on")
    yield i2c.bits(7, 1, "factory", "set by the factory")
    yield i2c.bit(0, "I2C_Enable", "single wire", "I2C")
    yield _Word(image, 15).reserved(7, 0)
    used = "" if configuration.i2c_address == image[16] >> 1 else "; UserExtraAdd is used instead"
    yield _Word(image, 16).all("I2C_Address", f"7-bit address 0x{image[16] >> 1:02X}{used}")
    yield _Word(image, 17).reserved(7, 0)
    match = _Word(image, config.COUNT_MATCH)
    yield match.bits(7, 4, "CountMatchKey", f"the limit is in slot {configuration.count_match.slot}")
    yield match.reserved(3, 1)
    yield match.bit(
        0, "CountMatchEnable", "limited keys stop at the counter's end", "limited keys stop at the limit"
    )
    clock = configuration.chip_mode.clock_divider
    yield mode.bits(7, 3, "ClockDivider", f"clock {_CLOCKS.get(clock, 'reserved')}")
    yield mode.bit(2, "WatchdogDuration", "short watchdog", "long watchdog")
    yield mode.bit(1, "TTLenable", "fixed input levels", "input levels follow the supply")
    yield mode.bit(0, "UserExtraAddIsAddress", "byte 85 is user data", "byte 85 is the I2C address unless 00")


def _slot_config(configuration: Configuration, slot: int) -> Iterator[Field]:
    word = _Word(configuration.image, config.SLOT_CONFIG + 2 * slot, 2, slot)
    setting, private = configuration.slot_config[slot], configuration.key_config[slot].private
    yield word.bits(
        15, 12, "WriteConfig", _write_config(setting.write_config, setting.write_rule, private=private)
    )
    yield word.bits(11, 8, "WriteKey", f"the key for encrypted writes is in slot {setting.write_key}")
    yield word.bit(7, "IsSecret", "not secret", "secret: no clear read, no access by 4 bytes")
    yield word.bit(6, "EncryptRead", "reads are not encrypted", "reads are encrypted")
    yield word.bit(5, "LimitedUse", "any number of uses", "each use counts on Counter[0]")
    yield word.bit(4, "NoMac", "MAC and HMAC may use it", "MAC and HMAC may not use it")
    if not private:
        parent = f"reads are opened by, or the key is validated by, slot {setting.read_key}"
        yield word.bits(3, 0, "ReadKey", parent)
        return
    yield word.bit(3, "ReadKey.3", "ECDH answers its secret", f"ECDH puts its secret into slot {slot | 1}")
    yield word.bit(2, "ReadKey.2", "no ECDH", "ECDH allowed")
    yield word.bit(1, "ReadKey.1", "no internal signatures", "signs what GenDig and GenKey made")
    yield word.bit(0, "ReadKey.0", "no external signatures", "signs the host's digests")


def _write_config(value: int, rule: WriteRule, *, private: bool) -> str:
    """What the four bits tell each command that reads them."""
    if private:
        genkey = "GenKey may make a new key" if value & 0b0010 else "no new key by GenKey"
        return f"{genkey}; {'encrypted PrivWrite' if value & 0b0100 else 'no PrivWrite'} after the data lock"
    if not value & 0b0010:
        return f"{_WRITE_RULES[rule]}; no DeriveKey"
    parent = "its WriteKey" if value & 0b0001 else "itself"
    mac = " with a MAC" if value & 0b1000 else ""
    return f"{_WRITE_RULES[rule]}; DeriveKey from {parent}{mac}"


def _counters(configuration: Configuration) -> Iterator[Field]:
    for number, offset in enumerate(config.COUNTER):
        yield _Word(configuration.image, offset, 8).all(
            f"Counter[{number}]", str(configuration.counter(number))
        )


def _options(configuration: Configuration) -> Iterator[Field]:
    image, boot = configuration.image, configuration.secure_boot
    lock, latch = _Word(image, config.USE_LOCK), _Word(image, config.VOLATILE_KEY_PERMISSION)
    yield lock.bits(7, 4, "UseLockKey", f"opened by the key in slot {configuration.use_lock.slot}")
    enabled = "transport lock on" if configuration.use_lock.enabled else "transport lock off (on is A)"
    yield lock.bits(3, 0, "UseLockEnable", enabled)
    yield latch.bit(7, "VolatileKeyPermitEnable", "persistent latch not in use", "persistent latch in use")
    yield latch.reserved(6, 4)
    key = configuration.volatile_key_permission.slot
    yield latch.bits(3, 0, "VolatileKeyPermitSlot", f"set after CheckMac of slot {key}")
    word = _Word(image, config.SECURE_BOOT, 2)
    yield word.bits(15, 12, "SecureBootPubKey", f"the public key is in slot {boot.public_key_slot}")
    yield word.bits(11, 8, "SecureBootSigDig", f"digest or signature is in slot {boot.digest_slot}")
    yield word.reserved(7, 5)
    yield word.bit(4, "SecureBootRandNonce", "clear digest allowed", "digest under a random nonce")
    yield word.bit(3, "SecureBootPersistEnable", "latch untouched", "success sets the persistent latch")
    yield word.reserved(2, 2)
    yield word.bits(1, 0, "SecureBootMode", *_SECURE_BOOT)
    yield _Word(image, config.KDF_IV_LOC).all(
        "KdfIvLoc", f"IV at byte {image[config.KDF_IV_LOC]} of the message"
    )
    yield _Word(image, config.KDF_IV_STR, 2).all("KdfIvStr", "the two IV bytes HKDF demands")
    yield _Word(image, 75, 9).reserved(71, 0)


def _locks(configuration: Configuration) -> Iterator[Field]:
    image = configuration.image
    yield _Word(image, config.USER_EXTRA).all("UserExtra", _extra(configuration.user_extra))
    yield _Word(image, config.USER_EXTRA_ADD).all("UserExtraAdd", _extra(configuration.user_extra_add))
    data = "locked" if configuration.data_locked else "unlocked"
    yield _Word(image, config.LOCK_VALUE).all("LockValue", f"data and OTP zones {data} (55 is unlocked)")
    zone = "locked" if configuration.config_locked else "unlocked"
    yield _Word(image, config.LOCK_CONFIG).all("LockConfig", f"configuration zone {zone} (55 is unlocked)")
    word = _Word(image, config.SLOT_LOCKED, 2)
    for slot in reversed(range(SLOT_COUNT)):
        yield word.bit(
            slot, f"SlotLocked[{slot}]", f"slot {slot} is LOCKED", f"slot {slot} is not locked by itself"
        )


def _extra(octet: int) -> str:
    return "not set yet: UpdateExtra can set it once" if octet == 0 else "set for good"


def _chip_options(image: bytes) -> Iterator[Field]:
    word = _Word(image, config.CHIP_OPTIONS, 2)
    key = int.from_bytes(image[config.CHIP_OPTIONS : config.CHIP_OPTIONS + 2], "little") >> 12
    yield word.bits(15, 12, "IOProtKey", f"the I/O protection key is in slot {key}")
    yield word.bits(11, 10, "KDFPROT", *_PROTECTION)
    yield word.bits(9, 8, "ECDHPROT", *_PROTECTION)
    yield word.reserved(7, 4)
    yield word.bit(
        3, "AutoClearFirstFail", "a health failure stays", "a health failure is forgotten after one answer"
    )
    yield word.bit(2, "KdfAesEnable", "KDF without AES", "KDF with AES")
    yield word.bit(1, "IOProtKeyEnable", "I/O protection key off", "I/O protection key on")
    yield word.bit(0, "POST", "no self test at power-up", "self test at power-up")
    for number in range(4):
        octet = _Word(image, config.X509_FORMAT + number)
        length, position = image[octet.offset] >> 4, image[octet.offset] & 0xF
        yield octet.bits(
            7, 4, f"X509format[{number}].TemplateLength", f"{length} SHA blocks; 0 is not restricted"
        )
        yield octet.bits(
            3, 0, f"X509format[{number}].PublicPosition", f"block {position}; 0 is not restricted"
        )


def _key_config(configuration: Configuration, slot: int) -> Iterator[Field]:
    word = _Word(configuration.image, config.KEY_CONFIG + 2 * slot, 2, slot)
    setting = configuration.key_config[slot]
    yield word.bits(15, 14, "X509id", f"X509format[{setting.x509_id}]")
    yield word.reserved(13, 13)
    yield word.bit(12, "PersistentDisable", "latch does not matter", "usable only while the latch is set")
    yield word.bits(11, 8, "AuthKey", f"authorized by slot {setting.auth_key}, if ReqAuth")
    yield word.bit(7, "ReqAuth", "no authorization needed", f"CheckMac of slot {setting.auth_key} first")
    yield word.bit(6, "ReqRandom", "any nonce", "random nonces only")
    yield word.bit(5, "Lockable", "cannot be locked by itself", "can be locked by itself")
    yield word.bits(4, 2, "KeyType", _KEY_TYPES.get(setting.key_type, "reserved key type"))
    if setting.private:
        yield word.bit(1, "PubInfo", "public key is kept", "public key can be computed")
    else:
        yield word.bit(1, "PubInfo", "usable as it is", "a public key must be validated first")
    yield word.bit(0, "Private", "no private key", "a private key")
