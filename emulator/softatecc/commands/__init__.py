"""The commands, one file each; importing this package fills `HANDLERS`."""

from softatecc.commands import genkey, info, lock, nonce, random, read, sha, sign, update_extra, verify, write
from softatecc.commands.registry import HANDLERS, NOT_UNDERSTOOD, Handler

#: Every module that registers a handler.
MODULES = (genkey, info, lock, nonce, random, read, sha, sign, update_extra, verify, write)

__all__ = ["HANDLERS", "MODULES", "NOT_UNDERSTOOD", "Handler"]
