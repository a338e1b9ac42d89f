"""DeriveKey, opcode 1C: replace a key by a digest of it, or of its parent, with a nonce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.commands.guards import count_use, permit_key, permit_secret, put, refuse, use_up_temp_key
from softatecc.commands.layouts import digest, head, identity
from softatecc.commands.registry import SUCCESS, expect_data, handles, unknown_mode
from softatecc.crypto import equal, sha256
from softatecc.key_rules import forbids_derive, is_private
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot
from softatecc.status import obey

if TYPE_CHECKING:
    from softatecc.chip import Chip

_SOURCE_FLAG = 0x04
_MAC_SIZE = _KEY_SIZE = 32


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
    if nonce.no_mac_flag:
        raise refuse("TempKey was made with a key whose SlotConfig.NoMac is 1 (NoMacFlag)")
    obey(forbids_derive(target, with_mac=bool(cmd.data)))
    parent = chip.slot(target.config.write_key)
    source = parent if target.config.derive_from_write_key else target
    permit_secret(chip, source, nonce)
    if cmd.data:
        _check_authorization(chip, cmd, target, parent)
    if cmd.data or source is parent:
        # Evidence: document - public data sheet of the Trust&Go part for LoRa, DeriveKey: the limit of the
        # target is not asked, that of the parent is where it authorizes or is the source.
        count_use(chip, parent)

    put(chip, target, digest(chip, chip.memory.slot(source.number)[:_KEY_SIZE], head(cmd), nonce.lower))
    return SUCCESS


def _check_authorization(chip: Chip, cmd: Command, target: Slot, parent: Slot) -> None:
    """The MAC is keyed by the target's WriteKey, whether that is the source or not.

    Evidence: document - public data sheet of the Trust&Go part for LoRa, DeriveKey.
    """
    obey(is_private(parent))
    permit_key(chip, parent)
    key = chip.memory.slot(parent.number)[:_KEY_SIZE]
    if not equal(cmd.data, sha256(key, head(cmd), identity(chip))):
        raise refuse(f"the MAC that authorizes DeriveKey of {target} is wrong")
