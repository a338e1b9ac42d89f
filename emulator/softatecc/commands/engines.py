"""The chip's engines: random numbers and elliptic curves, and what happens when one fails its own check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from softatecc.crypto import draw_scalar
from softatecc.status import Rejected, Status

if TYPE_CHECKING:
    from softatecc.chip import Chip

_RANDOM_SIZE = 32
#: What the random number generator gives until the configuration is locked.
_PATTERN = bytes.fromhex("ffff0000") * 8


def random_number(chip: Chip) -> bytes:
    """32 random bytes, or the fixed pattern until the configuration is locked.

    Evidence: silicon - bus capture of a 608A before its configuration was locked.

    Raises:
        Rejected: status 08; the health test failed.
    """
    if not chip.configuration.config_locked:
        return _PATTERN
    require_health(chip)
    return chip.entropy.random_bytes(_RANDOM_SIZE)


def private_scalar(chip: Chip) -> bytes:
    """A new private scalar from the chip's own random numbers.

    Raises:
        Rejected: status 08 or 05; the health test failed, or the ECC engine.
    """
    require_health(chip)
    require_ecc(chip)
    return draw_scalar(chip.entropy)


def require_health(chip: Chip) -> None:
    """Refuse what needs random numbers once one of them failed its health test.

    The failure stays until SelfTest, sleep or loss of power; where ChipOptions says so, one refusal
    clears it.

    Evidence: document - public 608 Trust data sheets, status code 08 and ChipOptions bit 3.

    Raises:
        Rejected: status 08.
    """
    if chip.faults.health_test_fails:
        chip.volatile.health_failed = True
    if chip.volatile.health_failed:
        chip.volatile.health_failed = not chip.configuration.chip_options.auto_clear_first_fail
        raise Rejected(Status.HEALTH_TEST_ERROR, "a random number failed its health test")


def require_ecc(chip: Chip) -> None:
    """Refuse the result of an ECC engine that fails its own check.

    Evidence: document - public 608 Trust data sheets, status code 05.

    Raises:
        Rejected: status 05.
    """
    if chip.faults.ecc_fails:
        raise Rejected(Status.ECC_FAULT, "the ECC engine's check of its own result failed; ask again")
