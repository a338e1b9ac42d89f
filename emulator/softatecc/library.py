"""What a firmware asks of a library for the chip, whoever wrote the library.

Two answer to this: Microchip's cryptoauthlib (``cal``) and our own (``hostlib``), with the same names,
the same results and the same status numbers, so that a firmware need not know which it runs on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from softatecc.certificate import CertificateDefinition, CertificateStatus


class LibraryError(Exception):
    """A function of the library did not return ATCA_SUCCESS.

    Attributes:
        function: its C name.
        status: what it returned, as the library numbers it (-12 is 0xF4, execution error).
    """

    def __init__(self, function: str, status: int) -> None:
        self.function = function
        self.status = status
        super().__init__(f"{function} returned {status} (0x{status & 0xFF:02X} {status_name(status)})")


def exactly(what: str, data: bytes, size: int) -> bytes:
    """``data``, if it has the size that the C function reads without being told.

    Raises:
        ValueError: another size; C would read beyond its end.
    """
    if len(data) != size:
        raise ValueError(f"{what} has {size} bytes, {len(data)} came; pass all of it and nothing else")
    return data


#: What the library's status numbers mean (lib/atca_status.h), for the ones an application meets.
STATUS_NAMES: Mapping[int, str] = {
    0: "ATCA_SUCCESS",
    **{int(status): f"ATCACERT_E_{status.name}" for status in CertificateStatus if status > 0},
    -48: "ATCA_WAKE_FAILED",
    -47: "ATCA_CHECKMAC_VERIFY_FAILED",
    -46: "ATCA_PARSE_ERROR",
    -44: "ATCA_STATUS_CRC",
    -43: "ATCA_STATUS_UNKNOWN",
    -42: "ATCA_STATUS_ECC",
    -41: "ATCA_STATUS_SELFTEST_ERROR",
    -31: "ATCA_GEN_FAIL",
    -30: "ATCA_BAD_PARAM",
    -27: "ATCA_RX_CRC_ERROR",
    -26: "ATCA_RX_FAIL",
    -25: "ATCA_RX_NO_RESPONSE",
    -19: "ATCA_SMALL_BUFFER",
    -16: "ATCA_COMM_FAIL",
    -13: "ATCA_WAKE_SUCCESS",
    -12: "ATCA_EXECUTION_ERROR",
    -11: "ATCA_UNIMPLEMENTED",
    -6: "ATCA_HEALTH_TEST_ERROR",
}


def status_name(status: int) -> str:
    """The library's name of a status, or ``?`` for one that is not listed here."""
    return STATUS_NAMES.get(status, "?")


class CertificateLibrary(Protocol):
    """The calls of cryptoauthlib that onboarding needs, by their names there.

    Public keys are ``X || Y``, 64 bytes; signatures ``R || S``, 64 bytes; certificates DER. Every call
    raises ``LibraryError`` when the chip or the library refuses.
    """

    @property
    def description(self) -> str:
        """One sentence for the reader of a run."""
        ...

    def read_serial_number(self) -> bytes:
        """The 9 bytes of the chip's serial number."""
        ...

    def is_locked(self, zone: int) -> bool:
        """Whether the configuration (0) or data and OTP (1) are locked."""
        ...

    def write_config_zone(self, configuration: bytes) -> None:
        """Write the writable ones of 128 bytes."""
        ...

    def lock_config_zone_crc(self, crc: int) -> None:
        """Lock the configuration if its CRC is this."""
        ...

    def lock_data_zone(self) -> None:
        """Lock data and OTP."""
        ...

    def genkey(self, slot: int) -> bytes:
        """Create a private key, return its public one."""
        ...

    def get_pubkey(self, slot: int) -> bytes:
        """Have the chip compute the public key of a private slot."""
        ...

    def read_pubkey(self, slot: int) -> bytes:
        """Read a public key stored in its 72-byte form."""
        ...

    def write_pubkey(self, slot: int, public_key: bytes) -> None:
        """Store a public key in its 72-byte form."""
        ...

    def sign(self, slot: int, digest: bytes) -> bytes:
        """Sign a 32-byte digest."""
        ...

    def read_bytes_zone(self, zone: int, slot: int, offset: int, count: int) -> bytes:
        """Read from the configuration (0), OTP (1) or a data slot (2)."""
        ...

    def write_cert(self, definition: CertificateDefinition, certificate: bytes) -> None:
        """Take a certificate apart into the chip's slots."""
        ...

    def read_cert(
        self, definition: CertificateDefinition, ca_public_key: bytes | None, *, capacity: int | None = None
    ) -> bytes:
        """Rebuild a certificate; the CA's key goes into its authority key identifier and nowhere else.

        ``capacity`` is what the library is told of the buffer's size, ``None`` enough.
        """
        ...
