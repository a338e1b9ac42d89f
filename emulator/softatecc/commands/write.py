"""Write, opcode 12: 4 or 32 bytes into a zone, clear or encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.guards import mark, refuse, session_key
from softatecc.commands.layouts import digest, head
from softatecc.commands.registry import SUCCESS, expect_data, handles, unknown_mode
from softatecc.config import LOCK_CONFIG, USER_EXTRA
from softatecc.crypto import equal, xor
from softatecc.packet import Command, Opcode
from softatecc.slots import INVALID, Slot, config_is_unlocked, demands_encrypted_write, forbids_write
from softatecc.status import obey
from softatecc.zones import BLOCK, SLOT_COUNT, WORD, Location, Zone, locate

if TYPE_CHECKING:
    from softatecc.chip import Chip

_ZONE, _ENCRYPTED, _WIDE = 0b0000_0011, 0x40, 0x80
_FIRST_WRITABLE = 16
_MAC_SIZE = 32


def _hides_request(chip: Chip, cmd: Command) -> str | None:
    """Anything bound for a slot that is private or secret, or that may yet be declared so."""
    zone, number = cmd.param1 & _ZONE, cmd.param2 >> 3 & 0x1F
    if zone in (Zone.CONFIG, Zone.OTP):
        return None
    if zone != Zone.DATA or number >= SLOT_COUNT:
        return "the address is wrong, so where it belongs is unknown"
    if not chip.configuration.config_locked:
        return f"what slot {number} is for is not settled before the configuration lock"
    slot = Slot.of(chip.configuration, number)
    if slot.key.private:
        return f"{slot} holds a private key"
    if slot.config.is_secret:
        return f"{slot} is secret (SlotConfig.IsSecret)"
    if slot.config.encrypt_read:
        return f"{slot} is never read in clear (SlotConfig.EncryptRead)"
    return None


@handles(Opcode.WRITE, hides_request=_hides_request)
def write(chip: Chip, cmd: Command) -> bytes:
    """Write the configuration until it is locked, OTP until the data lock, slots as SlotConfig permits.

    Evidence: vendor-library - cryptoauthlib calib_write.c, atca_tests_write.c, among them the 32-byte
    write to a partial last block, whose excess is dropped.
    """
    wide = bool(cmd.param1 & _WIDE)
    encrypted = bool(cmd.param1 & _ENCRYPTED) or len(cmd.data) == BLOCK + _MAC_SIZE
    zone_code = cmd.param1 & _ZONE
    if cmd.param1 & ~(_ZONE | _ENCRYPTED | _WIDE) or (encrypted and (zone_code != Zone.DATA or not wide)):
        raise unknown_mode(cmd)
    if encrypted:
        expect_data(cmd, BLOCK, BLOCK + _MAC_SIZE)
    else:
        expect_data(cmd, BLOCK if wide else WORD)
    location = locate(zone_code, cmd.param2, BLOCK if wide else WORD, chip.model.address_error)

    if location.zone is Zone.DATA:
        _write_slot(chip, chip.slot(location.slot), location, cmd, encrypted=encrypted)
        return SUCCESS
    if location.zone is Zone.CONFIG:
        _check_configuration(chip, location)
    else:
        _check_otp(chip, location)
    chip.memory.write(location, cmd.data)

    return SUCCESS


def _check_configuration(chip: Chip, location: Location) -> None:
    """Bytes 0-15 never; 84-87 only by UpdateExtra and Lock."""
    if chip.configuration.config_locked:
        obey("the configuration zone is locked (LockConfig, byte 87)")
    if location.offset < _FIRST_WRITABLE:
        obey(f"{location} are not all writable: bytes 0-15 never are")
    if location.offset <= LOCK_CONFIG and location.offset + location.size > USER_EXTRA:
        obey(f"{location} are not all writable: bytes 84-87 are written by UpdateExtra and Lock alone")


def _check_otp(chip: Chip, location: Location) -> None:
    """Between the two locks, by blocks; never after the data lock on a 608."""
    obey(config_is_unlocked(chip.configuration))
    if chip.configuration.data_locked:
        obey("the OTP zone is locked together with the data zone (LockValue, byte 86)")
    if location.size != BLOCK:
        obey("before the data zone is locked the OTP zone is written 32 bytes at a time")


def _write_slot(chip: Chip, slot: Slot, location: Location, cmd: Command, *, encrypted: bool) -> None:
    first_byte = chip.memory.slot(slot.number)[0]
    obey(forbids_write(slot, chip.configuration, location, first_byte))
    if not encrypted:
        obey(demands_encrypted_write(slot, chip.configuration))
    plain = _decrypted(chip, slot, cmd) if encrypted else cmd.data
    chip.memory.write(location, plain)

    if location.block == 0 and slot.wants_validation:
        mark(chip, slot, INVALID)


def _decrypted(chip: Chip, slot: Slot, cmd: Command) -> bytes:
    """Undo the mask and check the MAC; TempKey is used up by the attempt, good or bad.

    Evidence: vendor-library - cryptoauthlib calib_write.c (calib_write_enc), atca_host.c
    (atcah_write_auth_mac): the first parameter enters the MAC as it was sent.
    """
    key = session_key(chip, slot, slot.config.write_key, "written")
    plain, mac = xor(cmd.data[:BLOCK], key), cmd.data[BLOCK:]
    if not mac and not chip.configuration.data_locked:
        # Evidence: document - 508A data sheet: the MAC may be left out until the data lock.
        return plain
    if not equal(mac, digest(chip, key, head(cmd), plain)):
        raise refuse(f"the MAC of the encrypted write to {slot} is wrong or missing")

    return plain
