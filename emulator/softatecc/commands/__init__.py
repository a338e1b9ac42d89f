"""The commands, one file each; importing this package fills `HANDLERS`."""

from softatecc.commands import (
    aes,
    checkmac,
    counter,
    derivekey,
    ecdh,
    gendig,
    genkey,
    info,
    kdf,
    lock,
    mac,
    nonce,
    privwrite,
    random,
    read,
    secureboot,
    selftest,
    sha,
    sign,
    update_extra,
    verify,
    write,
)
from softatecc.commands.registry import HANDLERS, NOT_UNDERSTOOD, Handler

#: Every module that registers a handler.
MODULES = (
    aes,
    checkmac,
    counter,
    derivekey,
    ecdh,
    gendig,
    genkey,
    info,
    kdf,
    lock,
    mac,
    nonce,
    privwrite,
    random,
    read,
    secureboot,
    selftest,
    sha,
    sign,
    update_extra,
    verify,
    write,
)

__all__ = ["HANDLERS", "MODULES", "NOT_UNDERSTOOD", "Handler"]
