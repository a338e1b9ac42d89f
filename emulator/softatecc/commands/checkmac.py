"""CheckMac, opcode 28: let another chip, or a host, prove that it holds a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.guards import permit_secret, secret
from softatecc.commands.mac import FIRST_IS_TEMP_KEY, SECOND_IS_TEMP_KEY, SOURCE_FLAG, nonce_for_mac
from softatecc.commands.registry import SUCCESS, expect_data, handles, unknown_mode
from softatecc.crypto import equal, sha256
from softatecc.memory import SourceFlag, TempKey, temp_key
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot
from softatecc.status import Rejected, Status

if TYPE_CHECKING:
    from softatecc.chip import Chip

_OTP = 0x20
_CHALLENGE_SIZE, _RESPONSE_SIZE, _OTHER_DATA_SIZE = 32, 32, 13


@handles(Opcode.CHECKMAC)
def checkmac(chip: Chip, cmd: Command) -> bytes:
    """Compare the response of a client with what the chip computes itself.

    Success under a random nonce proves the key for ReqAuth and the latch; in two modes it also copies
    a target key into TempKey.

    Evidence: vendor-library - cryptoauthlib atca_host.c (atcah_check_mac), atca_tests_mac.c.
    """
    first_is_temp_key, second_is_temp_key = cmd.param1 & FIRST_IS_TEMP_KEY, cmd.param1 & SECOND_IS_TEMP_KEY
    if cmd.param1 & ~(FIRST_IS_TEMP_KEY | SECOND_IS_TEMP_KEY | SOURCE_FLAG | _OTP):
        raise unknown_mode(cmd)
    expect_data(cmd, _CHALLENGE_SIZE + _RESPONSE_SIZE + _OTHER_DATA_SIZE)
    slot = None if first_is_temp_key else chip.slot(cmd.param2)
    chip.require_config_locked()
    try:
        nonce = nonce_for_mac(chip, cmd) if first_is_temp_key or second_is_temp_key else None
        if slot is not None:
            permit_secret(chip, slot, nonce if second_is_temp_key else None)
    finally:
        # Evidence: assumed - that every attempt ends an earlier authorization is in no public source; this
        # attempt's own key may still demand it.
        chip.volatile.auth_key = None
    held = b"" if nonce is None else nonce.lower

    first = held if slot is None else secret(chip, slot)
    second = held if second_is_temp_key else cmd.data[:_CHALLENGE_SIZE]
    if not equal(_expected(chip, cmd, first, second), cmd.data[32:64]):
        raise Rejected(Status.MISCOMPARE, "the response does not prove the key: the digests differ")

    if slot is not None:
        _authorize(chip, slot, nonce)
        _copy(chip, cmd)
    return SUCCESS


def _expected(chip: Chip, cmd: Command, first: bytes, second: bytes) -> bytes:
    """The digest a client that holds the key must send; OtherData stand for what only it knows."""
    other, serial = cmd.data[64:], chip.configuration.serial_number
    otp = chip.memory.otp[:8] if cmd.param1 & _OTP else bytes(8)

    return sha256(
        first, second, other[0:4], otp, other[4:7], serial[8:9], other[7:11], serial[0:2], other[11:13]
    )


def _authorize(chip: Chip, slot: Slot, nonce: TempKey | None) -> None:
    """AuthComplete: the key is proven until the next attempt.

    Evidence: assumed - that only a random nonce counts; an answer to the host's own can be replayed.
    """
    if nonce is not None and nonce.source_flag is SourceFlag.RANDOM:
        chip.volatile.auth_key = slot.number


def _copy(chip: Chip, cmd: Command) -> None:
    """CheckMac-copy: the neighbour key, if its ReadKey is 0, becomes a password that passed.

    Evidence: document - 508A data sheet (CheckMac) and cryptoauthlib atca_host.c.
    """
    target = chip.slot(cmd.param2 | 1)
    if cmd.param1 & ~SOURCE_FLAG != SECOND_IS_TEMP_KEY or target.config.read_key or target.key.private:
        return
    value = chip.memory.slot(target.number)[:32]
    chip.volatile.temp_key = temp_key(value, chip.model.derived_temp_key_source)
