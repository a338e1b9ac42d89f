"""GenDig, opcode 15: mix something the chip holds into TempKey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.guards import permit_secret, refuse, secret, valid_temp_key
from softatecc.commands.layouts import digest, head, identity
from softatecc.commands.registry import SUCCESS, expect_data, expect_param2, handles, unknown_mode
from softatecc.crypto import sha256
from softatecc.memory import TempKey
from softatecc.packet import Command, Opcode
from softatecc.status import Rejected, Status
from softatecc.zones import BLOCK

if TYPE_CHECKING:
    from softatecc.chip import Chip


class Source(IntEnum):
    """First parameter."""

    CONFIG = 0
    OTP = 1
    DATA = 2
    SHARED_NONCE = 3
    COUNTER = 4
    KEY_CONFIG = 5


_OTHER_DATA_SIZE, _NONCE_SIZE = 4, 32
_TEMP_KEY_FIRST = 0x8000
_ZEROS = bytes(32)


@handles(Opcode.GENDIG)
def gendig(chip: Chip, cmd: Command) -> bytes:
    """Replace TempKey by a digest of it and of a zone, a key, a nonce, a counter or a key's rules.

    Evidence: vendor-library - cryptoauthlib atca_host.c (atcah_gen_dig), atca_tests_gendig.c.
    """
    mix = _SOURCES.get(cmd.param1)
    if mix is None:
        raise unknown_mode(cmd)
    try:
        chip.volatile.temp_key = mix(chip, cmd)
    except Rejected as rejected:
        # Evidence: document - public 608 Trust data sheets, GenDig: TempKey is valid only if it succeeded.
        if rejected.status is Status.EXECUTION_ERROR:
            chip.volatile.temp_key = None
        raise

    return SUCCESS


def _nonce(chip: Chip) -> TempKey:
    chip.require_config_locked()
    return valid_temp_key(chip)


def _filled(nonce: TempKey, value: bytes) -> TempKey:
    """TempKey with a new value: its source is still that of the nonce, NoMacFlag is never taken back."""
    return TempKey(value.ljust(64, b"\x00"), nonce.source_flag, no_mac_flag=nonce.no_mac_flag)


def _zone(chip: Chip, cmd: Command) -> TempKey:
    """A block of 32 bytes of the configuration or OTP zone."""
    expect_data(cmd, 0)
    zone = chip.configuration.image if cmd.param1 == Source.CONFIG else chip.memory.otp
    expect_param2(cmd, *range(len(zone) // BLOCK))
    nonce = _nonce(chip)
    start = cmd.param2 * BLOCK

    return _filled(nonce, digest(chip, zone[start : start + BLOCK], head(cmd), nonce.lower))


def _data(chip: Chip, cmd: Command) -> TempKey:
    """The first 32 bytes of a slot; GenDigData and KeyID say which.

    Four bytes of OtherData replace the command's head where the slot is NoMac, and are not looked at
    where it is not (cryptoauthlib sends them always).
    """
    expect_data(cmd, 0, _OTHER_DATA_SIZE)
    slot = chip.slot(cmd.param2)
    nonce = _nonce(chip)
    permit_secret(chip, slot, nonce)
    no_mac = slot.config.no_mac
    if no_mac and not cmd.data:
        raise refuse(f"GenDig of {slot} wants OtherData, four bytes: SlotConfig.NoMac (bit 4) is 1")
    header = cmd.data if no_mac else head(cmd)

    filled = _filled(nonce, digest(chip, secret(chip, slot), header, nonce.lower))
    return replace(filled, key_id=slot.number, gen_dig_data=True, no_mac_flag=nonce.no_mac_flag or no_mac)


def _shared_nonce(chip: Chip, cmd: Command) -> TempKey:
    """The host's 32 bytes, before TempKey or after it."""
    expect_data(cmd, _NONCE_SIZE)
    nonce = _nonce(chip)
    swapped = cmd.param2 & _TEMP_KEY_FIRST
    first, second = (nonce.lower, cmd.data) if swapped else (cmd.data, nonce.lower)
    header = bytes((Opcode.GENDIG, cmd.param1, cmd.param2 & 0xFF, 0))

    filled = _filled(nonce, digest(chip, first, header, second))
    return replace(filled, gen_dig_data=chip.model.shared_nonce_is_gen_dig_data)


def _counter(chip: Chip, cmd: Command) -> TempKey:
    """The value of a counter."""
    expect_data(cmd, 0)
    expect_param2(cmd, 0, 1)
    nonce = _nonce(chip)
    value = chip.configuration.counter(cmd.param2).to_bytes(4, "little")

    return _filled(nonce, _described(chip, cmd, value, nonce))


def _key_config(chip: Chip, cmd: Command) -> TempKey:
    """The rules of a slot; the last byte is 01 while the slot is *not* locked.

    Evidence: document - public 608 Trust data sheets, GenDig: four bytes may come, too.
    """
    expect_data(cmd, 0, _OTHER_DATA_SIZE)
    slot = chip.slot(cmd.param2)
    nonce = _nonce(chip)
    words = slot.config.value.to_bytes(2, "little") + slot.key.value.to_bytes(2, "little")

    return _filled(nonce, _described(chip, cmd, words + bytes((not slot.locked,)), nonce))


def _described(chip: Chip, cmd: Command, facts: bytes, nonce: TempKey) -> bytes:
    facts = (b"\x00" + facts).ljust(25, b"\x00")

    return sha256(_ZEROS, head(cmd), identity(chip), facts, nonce.lower)


_SOURCES: dict[int, Callable[[Chip, Command], TempKey]] = {
    Source.CONFIG: _zone,
    Source.OTP: _zone,
    Source.DATA: _data,
    Source.SHARED_NONCE: _shared_nonce,
    Source.COUNTER: _counter,
    Source.KEY_CONFIG: _key_config,
}
