"""MAC, opcode 08: prove that the chip holds a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.guards import permit_secret, refuse, secret, use_up_temp_key
from softatecc.commands.layouts import head
from softatecc.commands.registry import expect_data, handles, unknown_mode
from softatecc.crypto import sha256
from softatecc.key_rules import forbids_mac
from softatecc.memory import TempKey
from softatecc.packet import Command, Opcode
from softatecc.status import obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

#: Where the second and the first 32 bytes come from, and what TempKey.SourceFlag must be.
SECOND_IS_TEMP_KEY, FIRST_IS_TEMP_KEY, SOURCE_FLAG = 0x01, 0x02, 0x04
_SERIAL = 0x40
_CHALLENGE_SIZE = 32


@handles(Opcode.MAC)
def mac(chip: Chip, cmd: Command) -> bytes:
    """SHA-256 over a key, a challenge and the command; 32 bytes.

    Evidence: vendor-library - cryptoauthlib atca_host.c (atcah_mac), atca_tests_mac.c.
    The two OTP bits of older parts are reserved.
    Evidence: document - AN3539 and the public 608 Trust data sheets.
    """
    first_is_temp_key, second_is_temp_key = cmd.param1 & FIRST_IS_TEMP_KEY, cmd.param1 & SECOND_IS_TEMP_KEY
    if cmd.param1 & ~(FIRST_IS_TEMP_KEY | SECOND_IS_TEMP_KEY | SOURCE_FLAG | _SERIAL):
        raise unknown_mode(cmd)
    expect_data(cmd, 0 if second_is_temp_key else _CHALLENGE_SIZE)
    slot = None if first_is_temp_key else chip.slot(cmd.param2)
    chip.require_config_locked()
    nonce = nonce_for_mac(chip, cmd) if first_is_temp_key or second_is_temp_key else None
    if nonce is not None and nonce.no_mac_flag:
        raise refuse("TempKey was made with a key whose SlotConfig.NoMac is 1 (NoMacFlag)")
    if nonce is not None and nonce.gen_key_data and not chip.model.mac_takes_gen_key_digest:
        raise refuse("TempKey holds a GenKey digest, which MAC does not take")
    if slot is not None:
        obey(forbids_mac(slot))
        permit_secret(chip, slot, nonce if second_is_temp_key else None)
    temp_key = b"" if nonce is None else nonce.lower

    first = temp_key if slot is None else secret(chip, slot)
    second = temp_key if second_is_temp_key else cmd.data
    return sha256(first, second, head(cmd), bytes(11), _serial(chip, whole=bool(cmd.param1 & _SERIAL)))


def nonce_for_mac(chip: Chip, cmd: Command) -> TempKey:
    """TempKey as MAC and CheckMac take it: of the announced source.

    Evidence: vendor-library - cryptoauthlib atca_host.c: NoMacFlag keeps MAC off and not CheckMac.
    """
    nonce = use_up_temp_key(chip)
    announced = bool(cmd.param1 & SOURCE_FLAG)
    if bool(nonce.source_flag) != announced:
        raise refuse(f"{cmd.name} announces SourceFlag {announced:d}, TempKey has {nonce.source_flag:d}")

    return nonce


def _serial(chip: Chip, *, whole: bool) -> bytes:
    """Nine bytes of the serial number in the order of this command, six of them zero if not asked for."""
    serial = chip.configuration.serial_number
    middle, early = (serial[4:8], serial[2:4]) if whole else (bytes(4), bytes(2))

    return serial[8:9] + middle + serial[0:2] + early
