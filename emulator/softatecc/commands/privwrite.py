"""PrivWrite, opcode 46: put a private key from outside into a slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.guards import refuse, session_key
from softatecc.commands.layouts import head, identity
from softatecc.commands.registry import SUCCESS, expect_data, handles, unknown_mode
from softatecc.crypto import equal, is_scalar, sha256, xor
from softatecc.key_rules import forbids_priv_write, is_no_private_p256
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot
from softatecc.status import obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_CLEAR, _ENCRYPTED = 0x00, 0x40
_KEY_SIZE, _MAC_SIZE, _PAD_SIZE = 36, 32, 4


def _hides_request(chip: Chip, cmd: Command) -> str:  # noqa: ARG001 - one signature for all
    return "PrivWrite carries a private key"


@handles(Opcode.PRIVWRITE, hides_request=_hides_request)
def privwrite(chip: Chip, cmd: Command) -> bytes:
    """Write a private key, clear until the data lock, afterwards encrypted and authenticated.

    Evidence: vendor-library - cryptoauthlib calib_privwrite.c, atca_host.c (atcah_privwrite_auth_mac),
    atca_tests_privwrite.c.
    """
    if cmd.param1 not in (_CLEAR, _ENCRYPTED):
        raise unknown_mode(cmd)
    expect_data(cmd, _KEY_SIZE + _MAC_SIZE)
    slot = chip.slot(cmd.param2)
    encrypted = cmd.param1 == _ENCRYPTED
    chip.require_config_locked()
    obey(is_no_private_p256(slot))
    obey(forbids_priv_write(slot, chip.configuration, encrypted=encrypted))
    plain = _decrypted(chip, slot, cmd) if encrypted else cmd.data[:_KEY_SIZE]
    # Evidence: assumed - what the four bytes before the scalar hold is not looked at.
    scalar = plain[_PAD_SIZE:]
    if not is_scalar(scalar):
        raise refuse("what PrivWrite brings is no P-256 private key: zero, or beyond the group order")

    chip.memory.store_private_key(slot.number, scalar)
    return SUCCESS


def _decrypted(chip: Chip, slot: Slot, cmd: Command) -> bytes:
    """Undo the mask, 32 bytes of TempKey and 4 of its digest, and check the MAC over the plain key."""
    key = session_key(chip, slot, slot.config.write_key, "written")
    plain = xor(cmd.data[:_KEY_SIZE], key + sha256(key)[:_PAD_SIZE])
    expected = sha256(key, head(cmd), identity(chip), bytes(21), plain)
    if not equal(cmd.data[_KEY_SIZE:], expected):
        raise refuse(f"the MAC of the encrypted key for {slot} is wrong")

    return plain
