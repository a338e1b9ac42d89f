"""What the chip remembers: the EEPROM, and the registers that sleep wipes.

Rules of this file:
1. TempKey, Message Digest Buffer, Alternate Key Buffer and the SHA context are separate registers.
2. idle keeps all of `Volatile`, sleep and power loss clear it (public 608 Trust data sheets, word
   addresses 01 and 02).
3. No repr here shows the contents of a slot or register.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from softatecc.config import COUNTER, Configuration
from softatecc.counter import COUNTER_MAXIMUM, encode_counter
from softatecc.crypto import PrivateKey
from softatecc.sha256 import Sha256
from softatecc.status import obey
from softatecc.zones import OTP_SIZE, SLOT_SIZES, Location, Zone

#: A private slot is four zero bytes, then the scalar; a public one ``4Z X 4Z Y``.
KEY_PAD = bytes(4)


class SourceFlag(IntEnum):
    """Where the nonce in TempKey came from."""

    RANDOM = 0
    FIXED = 1


@dataclass(frozen=True, slots=True)
class TempKey:
    """The TempKey register, 64 bytes and its flags.

    Attributes:
        value: 64 bytes; the upper 32 count only when `is64`.
        source_flag: random or fixed (passthrough) nonce.
        key_id: the slot GenDig or GenKey read, bits 3:0.
        gen_dig_data: made by GenDig from a slot.
        gen_key_data: made by GenKey.
        no_mac_flag: GenDig used a slot with NoMac set.
        is64: all 64 bytes were loaded.
        private: holds the ephemeral private key of GenKey into TempKey; only ECDH may use it.
    """

    value: bytes = field(repr=False)
    source_flag: SourceFlag
    key_id: int = 0
    gen_dig_data: bool = False
    gen_key_data: bool = False
    no_mac_flag: bool = False
    is64: bool = False
    private: bool = False

    @property
    def lower(self) -> bytes:
        """The 32 bytes most commands use."""
        return self.value[:32]

    @property
    def flags(self) -> int:
        """KeyID and the four flags as one byte, as Info(State) and internal signatures show them."""
        return (
            self.key_id
            | self.source_flag << 4
            | self.gen_dig_data << 5
            | self.gen_key_data << 6
            | self.no_mac_flag << 7
        )


def temp_key(
    value: bytes, source_flag: SourceFlag, *, gen_key_data: bool = False, key_id: int = 0
) -> TempKey:
    """A TempKey just filled with 32 or 64 bytes, its other flags clear."""
    return TempKey(
        value.ljust(64, b"\x00"),
        source_flag,
        key_id=key_id,
        gen_key_data=gen_key_data,
        is64=len(value) == 64,
    )


@dataclass(frozen=True, slots=True)
class ShaContext:
    """The SHA command's calculation under way.

    Attributes:
        hash: what was taken in.
        outer: for HMAC the outer hash, which already holds the key; None for a plain hash.
    """

    hash: Sha256 = field(repr=False)
    outer: Sha256 | None = field(default=None, repr=False)


@dataclass(slots=True)
class Volatile:
    """The registers; None is a register without valid contents.

    Attributes:
        temp_key: TempKey.
        message_digest_buffer: 32 or 64 bytes.
        alternate_key_buffer: 32 bytes.
        sha: the SHA context.
        auth_key: the slot CheckMac has just proven (AuthComplete), None without.
        failed_tests: the failure register of SelfTest, one bit for each test.
        health_failed: a random number failed its health test and nothing has cleared that since.
    """

    temp_key: TempKey | None = None
    message_digest_buffer: bytes | None = field(default=None, repr=False)
    alternate_key_buffer: bytes | None = field(default=None, repr=False)
    sha: ShaContext | None = None
    auth_key: int | None = None
    failed_tests: int = 0
    health_failed: bool = False

    def held(self) -> tuple[str, ...]:
        """The names of the registers that hold something."""
        registers = {
            "TempKey": self.temp_key is not None,
            "MessageDigestBuffer": self.message_digest_buffer is not None,
            "AlternateKeyBuffer": self.alternate_key_buffer is not None,
            "SHA context": self.sha is not None,
            "AuthComplete": self.auth_key is not None,
            "SelfTest failures": self.failed_tests != 0,
            "health test failure": self.health_failed,
        }
        return tuple(name for name, holds in registers.items() if holds)


class NonVolatile:
    """The EEPROM: configuration, OTP and the sixteen slots; erased slots and OTP are FF.

    Evidence: silicon - public dumps of fresh parts show FF in slots and OTP.

    Attributes:
        configuration: the configuration zone.
        otp: the 64 bytes of the OTP zone.
    """

    __slots__ = ("_keys", "_slots", "configuration", "otp")

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.otp = b"\xff" * OTP_SIZE
        self._slots = [b"\xff" * size for size in SLOT_SIZES]
        self._keys: dict[int, PrivateKey] = {}

    def __repr__(self) -> str:
        state = "locked" if self.configuration.data_locked else "unlocked"
        return f"NonVolatile(serial_number={self.configuration.serial_number.hex()}, data {state})"

    def slot(self, number: int) -> bytes:
        """All bytes of a slot, for the chip's own use."""
        return self._slots[number]

    def read(self, location: Location) -> bytes:
        """The bytes that exist at a location."""
        start, end = location.offset, location.offset + location.length
        contents = {
            Zone.CONFIG: self.configuration.image,
            Zone.OTP: self.otp,
            Zone.DATA: self._slots[location.slot],
        }[location.zone]

        return contents[start:end]

    def write(self, location: Location, data: bytes) -> None:
        """Write at a location; what exceeds the slot is dropped."""
        kept = data[: location.length]
        start, end = location.offset, location.offset + location.length
        if location.zone is Zone.CONFIG:
            self.configuration = self.configuration.replaced(start, kept)
        elif location.zone is Zone.OTP:
            self.otp = self.otp[:start] + kept + self.otp[end:]
        else:
            slot = self._slots[location.slot]
            self.store(location.slot, slot[:start] + kept + slot[end:])

    def count_use(self, whose: str) -> None:
        """Count one use of a limited key on Counter[0].

        Evidence: vendor-library - cryptoauthlib atca_tests_counter.c: at the match value 0F, and the
        counter stays.

        Args:
            whose: what the sentence of a refusal calls the key.

        Raises:
            Rejected: status 0F; the counter has reached the limit.
        """
        used, limit = self.configuration.counter(0), self._use_limit()
        if used >= limit:
            obey(
                f"{whose} is used up: SlotConfig.LimitedUse (bit 5) is 1, Counter[0] has reached {used} "
                f"and the limit is {limit}"
            )
        self.configuration = self.configuration.replaced(COUNTER[0], encode_counter(used + 1))

    def _use_limit(self) -> int:
        match = self.configuration.count_match
        if not match.enabled:
            return COUNTER_MAXIMUM
        # Evidence: vendor-library - cryptoauthlib's certificate tests put a certificate there and sign on:
        # the second copy of the value does not have to be like the first.
        value = self._slots[match.slot][:4]
        return min(int.from_bytes(value, "little"), COUNTER_MAXIMUM)

    def store(self, number: int, contents: bytes) -> None:
        """Replace all bytes of a slot."""
        self._slots[number] = contents
        self._keys.pop(number, None)

    def store_private_key(self, number: int, scalar: bytes) -> PrivateKey:
        """Put a private key into a slot: four zero bytes, then the scalar; what lies behind them stays."""
        key = PrivateKey(scalar)
        octets = KEY_PAD + scalar
        self.store(number, octets + self._slots[number][len(octets) :])
        self._keys[number] = key

        return key

    def private_key(self, number: int) -> PrivateKey | None:
        """The private key in a slot, or None where none was ever made."""
        return self._keys.get(number)

    def public_key(self, number: int) -> bytes:
        """``X || Y`` of a public key slot, out of its 72 padded bytes ``4Z X 4Z Y``."""
        octets = self._slots[number]
        return octets[4:36] + octets[40:72]
