"""DeriveKey, opcode 1C: replace a key by a digest of it, or of its parent, with a nonce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.guards import permit_secret, put, refuse, secret, use_up_temp_key
from softatecc.commands.layouts import digest, head, identity
from softatecc.commands.registry import SUCCESS, expect_data, handles, unknown_mode
from softatecc.crypto import equal, sha256
from softatecc.key_rules import forbids_derive
from softatecc.packet import Command, Opcode
from softatecc.status import obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_SOURCE_FLAG = 0x04
_MAC_SIZE = 32


@handles(Opcode.DERIVEKEY)
def derivekey(chip: Chip, cmd: Command) -> bytes:
    """Roll a key, or create one from its parent, as WriteConfig of the target says.

    Evidence: vendor-library - cryptoauthlib atca_host.c (atcah_derive_key, atcah_derive_key_mac),
    atca_tests_derivekey.c.
    """
    if cmd.param1 & ~_SOURCE_FLAG:
        raise unknown_mode(cmd)
    expect_data(cmd, 0, _MAC_SIZE)
    target = chip.slot(cmd.param2)
    chip.require_config_locked()
    nonce = use_up_temp_key(chip)
    announced = bool(cmd.param1 & _SOURCE_FLAG)
    if bool(nonce.source_flag) != announced:
        raise refuse(f"DeriveKey announces SourceFlag {announced:d}, TempKey has {nonce.source_flag:d}")
    obey(forbids_derive(target, with_mac=bool(cmd.data)))
    parent = chip.slot(target.config.write_key) if target.config.derive_from_write_key else target
    permit_secret(chip, parent, nonce)
    key = chip.memory.slot(parent.number)[:32]
    if cmd.data and not equal(cmd.data, sha256(key, head(cmd), identity(chip))):
        raise refuse(f"the MAC that authorizes DeriveKey of {target} is wrong")

    put(chip, target, digest(chip, secret(chip, parent), head(cmd), nonce.lower))
    return SUCCESS
