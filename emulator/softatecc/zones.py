"""The three zones of the memory and the two-byte addresses that reach into them.

Rules of this file (public 608 Trust data sheets, zone and address encoding):
1. Configuration and OTP: ``block << 3 | word``, so an address counts words of four bytes.
2. Data: ``block << 8 | slot << 3 | word``.
3. Sizes are the true ones: slots 0-7 have 36 bytes, slot 8 has 416, slots 9-15 have 72.
4. An access of 32 bytes names a block, its word bits are not looked at; the last block of a slot may be
   shorter than 32 bytes.
"""

from dataclasses import dataclass
from enum import IntEnum

from softatecc.status import Rejected, Status

WORD = 4
BLOCK = 32
SLOT_COUNT = 16
CONFIG_SIZE = 128
OTP_SIZE = 64
#: Bytes of each of the 16 slots.
SLOT_SIZES = (36,) * 8 + (416,) + (72,) * 7


class Zone(IntEnum):
    """Bits 1:0 of the first parameter of Read and Write."""

    CONFIG = 0
    OTP = 1
    DATA = 2


@dataclass(frozen=True, slots=True)
class Location:
    """Where an access of 4 or 32 bytes begins.

    Attributes:
        zone: the zone.
        slot: the slot in the data zone, 0 in the others.
        offset: bytes from the start of the zone or slot.
        size: 4 or 32, the width of the access.
        length: the bytes of it that exist: less than `size` in the partial last block of a slot.
    """

    zone: Zone
    slot: int
    offset: int
    size: int
    length: int

    @property
    def block(self) -> int:
        """Number of the 32-byte block within its zone or slot."""
        return self.offset // BLOCK

    def __str__(self) -> str:
        place = f"slot {self.slot}" if self.zone is Zone.DATA else f"the {self.zone.name} zone"
        return f"bytes {self.offset}-{self.offset + self.size - 1} of {place}"


def address(zone: Zone, slot: int, offset: int) -> int:
    """The address (second parameter) of a byte offset.

    Args:
        zone: the zone.
        slot: slot number, data zone only.
        offset: bytes from the start of the zone or slot, a multiple of 4.
    """
    block, word = offset // BLOCK, offset % BLOCK // WORD
    if zone is Zone.DATA:
        return block << 8 | slot << 3 | word
    return block << 3 | word


def zone_size(zone: Zone, slot: int = 0) -> int:
    """Size in bytes of the configuration zone, the OTP zone or one slot."""
    return SLOT_SIZES[slot] if zone is Zone.DATA else {Zone.CONFIG: CONFIG_SIZE, Zone.OTP: OTP_SIZE}[zone]


def locate(zone_code: int, param2: int, size: int, address_error: Status = Status.PARSE_ERROR) -> Location:
    """Resolve what Read and Write were asked for.

    Evidence: vendor-library - cryptoauthlib atca_tests_read.c, atca_tests_write.c: addresses outside a
    zone are refused; the tests take 03 or 0F.

    Args:
        zone_code: bits 1:0 of the first parameter.
        param2: the address.
        size: 4 or 32.
        address_error: the status to refuse with.

    Raises:
        Rejected: zone 3, or an address outside the zone.
    """
    if zone_code not in (Zone.CONFIG, Zone.OTP, Zone.DATA):
        raise Rejected(address_error, f"there is no zone {zone_code}; 0 is configuration, 1 OTP, 2 data")
    zone = Zone(zone_code)
    slot, block = 0, param2 >> 3
    if zone is Zone.DATA:
        slot, block = param2 >> 3 & 0x1F, param2 >> 8
        if slot >= SLOT_COUNT:
            raise Rejected(address_error, f"address 0x{param2:04X} names slot {slot}; slots are 0 to 15")
    word = 0 if size == BLOCK else param2 & 7
    offset, end = block * BLOCK + word * WORD, zone_size(zone, slot)
    location = Location(zone, slot, offset, size, min(size, end - offset))
    if offset >= end:
        raise Rejected(address_error, f"address 0x{param2:04X} names {location}, which has {end} bytes")

    return location
