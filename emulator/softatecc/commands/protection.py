"""How a secret result may leave the chip, and how it is hidden on the bus: for ECDH and KDF alike."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from softatecc.commands.engines import random_number
from softatecc.commands.guards import io_protection_key, refuse
from softatecc.crypto import sha256, xor

if TYPE_CHECKING:
    from softatecc.chip import Chip

_BLOCK, _NONCE_PART = 32, 16


class Way(Enum):
    """Where a result goes."""

    REGISTER = "a register"
    SLOT = "a slot"
    CLEAR = "the output"
    ENCRYPTED = "the encrypted output"


#: ECDHPROT and KDFPROT: 0 permits all, 1 encrypts what would be clear.
_ENCRYPT = 1


def permitted(chip: Chip, way: Way, protection: int, name: str) -> Way:
    """The way a result takes under ECDHPROT or KDFPROT; a clear output may become an encrypted one.

    Evidence: document - public 608 Trust data sheets, ChipOptions.

    Args:
        chip: the chip.
        way: what the command asks for.
        protection: the two bits of ChipOptions.
        name: how a refusal calls them.

    Raises:
        Rejected: status 0F; the bits forbid that way.
    """
    if protection == _ENCRYPT and way is Way.CLEAR:
        # Evidence: assumed - that the clear mode answers encrypted, rather than not at all.
        return Way.ENCRYPTED
    if protection > _ENCRYPT and way in (Way.CLEAR, Way.ENCRYPTED):
        raise refuse(f"no result may leave by {way.value}: ChipOptions.{name} is {protection}")
    if protection == chip.model.temp_key_only and way is Way.SLOT:
        raise refuse(f"no result may go to a slot: ChipOptions.{name} is {protection}")

    return way


def hidden(chip: Chip, plain: bytes) -> bytes:
    """``cipher | OutNonce``: each 32 bytes masked by a digest of the I/O protection key and half the nonce.

    Evidence: vendor-library - cryptoauthlib atca_host.c (atcah_io_decrypt).
    The nonce is 32 random bytes.
    Evidence: assumed - where silicon takes it from is in no public source.
    """
    key = io_protection_key(chip)
    nonce = random_number(chip)
    masks = (
        sha256(key, nonce[start : start + _NONCE_PART])
        for start in range(0, len(plain) // _BLOCK * _NONCE_PART, _NONCE_PART)
    )

    return xor(plain, b"".join(masks)) + nonce
