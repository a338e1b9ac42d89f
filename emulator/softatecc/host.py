"""What a microcontroller does with the chip: typed calls over any transport.

Rules of this file:
1. Every call is one or a few packets, built as cryptoauthlib builds them; nothing is cached.
2. What the chip refuses raises `DeviceError`, which knows the status byte and no reason: a chip gives
   none. The reason is in the emulator's trace.
3. Verification raises, it never returns False.
"""

from enum import IntEnum

from softatecc.config import LOCK_CONFIG, LOCK_VALUE, SLOT_LOCKED, UNLOCKED, USER_EXTRA
from softatecc.fields import KeyType
from softatecc.memory import KEY_PAD
from softatecc.packet import Command, Opcode, crc16, decode_response
from softatecc.status import Status
from softatecc.transports import Transport
from softatecc.zones import BLOCK, CONFIG_SIZE, OTP_SIZE, SLOT_SIZES, WORD, Zone, address

_WIDE = 0x80
_FIRST_WRITABLE = 16
_STATUS_SIZE = 1


class DeviceError(Exception):
    """The chip refused.

    Attributes:
        status: the byte it answered; a byte without a name keeps its number.
        command: what it was asked.
    """

    def __init__(self, status: int, command: Command) -> None:
        known = status in frozenset(Status)
        self.status: int = Status(status) if known else status
        self.command = command
        label = Status(status).label if known else f"{status:02X}"
        asked = f"{command.name}(0x{command.param1:02X}, 0x{command.param2:04X})"
        super().__init__(f"the chip answered {label} to {asked}")


class NonceTarget(IntEnum):
    """The buffer a passthrough nonce goes to, bits 7:6 of Nonce's mode."""

    TEMP_KEY = 0x00
    MESSAGE_DIGEST_BUFFER = 0x40
    ALTERNATE_KEY_BUFFER = 0x80


def padded_public_key(point: bytes) -> bytes:
    """``X || Y`` as a slot stores it: ``4Z X 4Z Y``, 72 bytes."""
    return KEY_PAD + point[:32] + KEY_PAD + point[32:]


def unpadded_public_key(stored: bytes) -> bytes:
    """``X || Y`` out of the 72 bytes of a slot."""
    return stored[4:36] + stored[40:72]


class Host:
    """A microcontroller with one chip.

    Args:
        transport: the way to the chip.

    Attributes:
        transport: the way to the chip.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def execute(self, opcode: Opcode, param1: int = 0, param2: int = 0, data: bytes = b"") -> bytes:
        """One command; the body of its response, or nothing where it answers with success alone.

        Raises:
            DeviceError: the chip answered another status.
            ResponseError: what came back is no response.
        """
        command = Command(opcode, param1, param2, data)
        body = decode_response(self.transport.exchange(command.encode()))
        if len(body) > _STATUS_SIZE:
            return body
        if body[0] != Status.SUCCESS:
            raise DeviceError(body[0], command)
        return b""

    # --- about the part ---------------------------------------------------------------------------

    def info_revision(self) -> bytes:
        """Four bytes, ``00 00 60 02`` for a 608A."""
        return self.execute(Opcode.INFO)

    def serial_number(self) -> bytes:
        """SN[0:8], nine bytes."""
        block = self.read(Zone.CONFIG, 0, BLOCK)
        return block[0:4] + block[8:13]

    def read_configuration(self) -> bytes:
        """All 128 bytes."""
        return b"".join(self.read(Zone.CONFIG, offset, BLOCK) for offset in range(0, CONFIG_SIZE, BLOCK))

    def is_configuration_locked(self) -> bool:
        """LockConfig is not 55."""
        return self._config_byte(LOCK_CONFIG) != UNLOCKED

    def is_data_locked(self) -> bool:
        """LockValue is not 55."""
        return self._config_byte(LOCK_VALUE) != UNLOCKED

    def is_slot_locked(self, slot: int) -> bool:
        """The slot's bit of SlotLocked is 0."""
        return not self._config_byte(SLOT_LOCKED + slot // 8) >> slot % 8 & 1

    def _config_byte(self, offset: int) -> int:
        return self.read(Zone.CONFIG, offset - offset % WORD, WORD)[offset % WORD]

    # --- keys -------------------------------------------------------------------------------------

    def random(self) -> bytes:
        """32 random bytes."""
        return self.execute(Opcode.RANDOM)

    def nonce_passthrough(self, data: bytes, target: NonceTarget = NonceTarget.TEMP_KEY) -> None:
        """Put 32 or 64 bytes into a buffer, as they are."""
        long = 0x20 if len(data) == 64 else 0
        self.execute(Opcode.NONCE, 0x03 | long | target, 0, data)

    def genkey(self, slot: int) -> bytes:
        """Make a private key in a slot; its public key ``X || Y``, 64 bytes."""
        return self.execute(Opcode.GENKEY, 0x04, slot)

    def public_key(self, slot: int) -> bytes:
        """``X || Y`` of the private key in a slot."""
        return self.execute(Opcode.GENKEY, 0x00, slot)

    def sign(self, slot: int, digest: bytes) -> bytes:
        """Sign 32 bytes with the key in a slot; ``R || S``, 64 bytes."""
        self.nonce_passthrough(digest, NonceTarget.MESSAGE_DIGEST_BUFFER)
        return self.execute(Opcode.SIGN, 0xA0, slot)

    def verify_external(self, digest: bytes, signature: bytes, public_key: bytes) -> None:
        """Let the chip verify a signature with a key the host brings.

        Raises:
            DeviceError: status 01 where the signature does not fit.
        """
        self.nonce_passthrough(digest, NonceTarget.MESSAGE_DIGEST_BUFFER)
        self.execute(Opcode.VERIFY, 0x22, KeyType.P256, signature + public_key)

    def verify_stored(self, digest: bytes, signature: bytes, slot: int) -> None:
        """Let the chip verify a signature with the public key in a slot.

        Raises:
            DeviceError: status 01 where the signature does not fit.
        """
        self.nonce_passthrough(digest, NonceTarget.MESSAGE_DIGEST_BUFFER)
        self.execute(Opcode.VERIFY, 0x20, slot, signature)

    def sha256(self, message: bytes) -> bytes:
        """SHA-256 computed by the chip."""
        self.execute(Opcode.SHA, 0x00)
        whole = len(message) - len(message) % 64
        for start in range(0, whole, 64):
            self.execute(Opcode.SHA, 0x01, 64, message[start : start + 64])
        return self.execute(Opcode.SHA, 0x02, len(message) - whole, message[whole:])

    # --- memory -----------------------------------------------------------------------------------

    def read(self, zone: Zone, offset: int, size: int, slot: int = 0) -> bytes:
        """One Read of 4 or 32 bytes; the offset in bytes is a multiple of the size."""
        mode = zone | (_WIDE if size == BLOCK else 0)
        return self.execute(Opcode.READ, mode, address(zone, slot, offset))

    def write(self, zone: Zone, offset: int, data: bytes, slot: int = 0) -> None:
        """One clear Write of 4 or 32 bytes; the offset in bytes is a multiple of their number."""
        mode = zone | (_WIDE if len(data) == BLOCK else 0)
        self.execute(Opcode.WRITE, mode, address(zone, slot, offset), data)

    def read_slot(self, slot: int, length: int | None = None) -> bytes:
        """A slot's bytes from its start, all of them unless a length is given; the last by words."""
        end = SLOT_SIZES[slot] if length is None else length
        octets, whole = b"", SLOT_SIZES[slot] - SLOT_SIZES[slot] % BLOCK
        while len(octets) < end:
            size = BLOCK if len(octets) < whole else WORD
            octets += self.read(Zone.DATA, len(octets), size, slot)
        return octets[:end]

    def write_slot(self, slot: int, data: bytes) -> None:
        """Write a slot from its start in blocks of 32; the last block is filled up with 00.

        Raises:
            ValueError: the slot does not hold that much.
        """
        if len(data) > SLOT_SIZES[slot]:
            raise ValueError(
                f"slot {slot} holds {SLOT_SIZES[slot]} bytes, {len(data)} do not fit; shorten the data"
            )
        for start in range(0, len(data), BLOCK):
            self.write(Zone.DATA, start, data[start : start + BLOCK].ljust(BLOCK, b"\x00"), slot)

    def write_public_key(self, slot: int, public_key: bytes) -> None:
        """Store ``X || Y`` in its 72-byte form."""
        self.write_slot(slot, padded_public_key(public_key))

    def read_public_key(self, slot: int) -> bytes:
        """``X || Y`` out of a slot's 72-byte form, as cryptoauthlib's atcab_read_pubkey does."""
        return unpadded_public_key(self.read_slot(slot, 72))

    def write_otp(self, data: bytes) -> None:
        """Write all 64 bytes of the OTP zone; possible between the two locks.

        Raises:
            ValueError: not 64 bytes.
        """
        if len(data) != OTP_SIZE:
            raise ValueError(f"the OTP zone has {OTP_SIZE} bytes, {len(data)} came; pass all")
        for start in range(0, OTP_SIZE, BLOCK):
            self.write(Zone.OTP, start, data[start : start + BLOCK])

    def read_otp(self) -> bytes:
        """All 64 bytes of the OTP zone; possible after the data lock."""
        return b"".join(self.read(Zone.OTP, offset, BLOCK) for offset in range(0, OTP_SIZE, BLOCK))

    # --- provisioning -----------------------------------------------------------------------------

    def write_configuration(self, image: bytes) -> None:
        """Write what is writable of a configuration, in cryptoauthlib's order (calib_write.c).

        Args:
            image: 128 bytes; 0-15 and 86-87 are not written, 84-85 through UpdateExtra.

        Raises:
            ValueError: not 128 bytes.
        """
        if len(image) != CONFIG_SIZE:
            raise ValueError(f"a configuration has {CONFIG_SIZE} bytes, {len(image)} came; pass all")
        offset = _FIRST_WRITABLE
        while offset < CONFIG_SIZE:
            # Blocks 0 and 2 hold bytes that Write never reaches, so they go word by word.
            size = WORD if offset // BLOCK in (0, 2) else BLOCK
            if offset != USER_EXTRA:
                self.write(Zone.CONFIG, offset, image[offset : offset + size])
            offset += size
        for mode in (0, 1):
            self.execute(Opcode.UPDATEEXTRA, mode, image[USER_EXTRA + mode])

    def lock_configuration(self) -> None:
        """Lock the configuration as it is, with the CRC of what is read back."""
        self._lock(0, self.read_configuration())

    def lock_data(self, image: bytes | None = None) -> None:
        """Lock data and OTP.

        Args:
            image: what should be there: the slots that are not private, in order and whole, then OTP.
                The chip compares its CRC. Without it nothing is compared, since nothing can be read back.
        """
        self._lock(1, image)

    def lock_slot(self, slot: int) -> None:
        """Lock one slot by itself."""
        self.execute(Opcode.LOCK, 0x02 | slot << 2)

    def _lock(self, zone: int, image: bytes | None) -> None:
        if image is None:
            self.execute(Opcode.LOCK, zone | 0x80)
        else:
            self.execute(Opcode.LOCK, zone, int.from_bytes(crc16(image), "little"))
