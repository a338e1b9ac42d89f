"""The optional features of the chip, bit by bit, by their data sheet names.

Rules of this file:
1. A field is frozen and holds the raw value; names are computed from it, nothing is stored twice.
2. Nothing is judged: reserved values are values too.

Evidence: document - public 608 Trust data sheets (configuration zone) and cryptoauthlib
atca_device.h.
"""

from dataclasses import dataclass


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
class UseLock:
    """Byte 68, the transport lock."""

    value: int

    @property
    def enabled(self) -> bool:
        """Bits 3:0 are A; every other value means off."""
        return self.value & 0xF == 0xA

    @property
    def slot(self) -> int:
        """Bits 7:4: the slot of the key that ends it."""
        return self.value >> 4


@dataclass(frozen=True, slots=True)
class X509Format:
    """One of bytes 92-95."""

    value: int

    @property
    def public_position(self) -> int:
        """Bits 3:0: block of the certificate that holds the public key."""
        return self.value & 0xF

    @property
    def template_length(self) -> int:
        """Bits 7:4: length of the certificate in blocks."""
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
