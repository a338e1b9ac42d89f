"""KDF, opcode 56: derive keys from a key, by the functions of TLS 1.2 and TLS 1.3, or by AES."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.derivations import Derived, derive_aes, derive_hkdf, derive_prf
from softatecc.commands.guards import count_use, permit_result, put, refuse, valid_temp_key
from softatecc.commands.protection import Way, hidden, permitted
from softatecc.commands.registry import SUCCESS, handles, unknown_mode
from softatecc.key_rules import forbids_kdf_result
from softatecc.memory import temp_key
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot
from softatecc.status import obey, parse_error

if TYPE_CHECKING:
    from softatecc.chip import Chip

_RESERVED = 0x80
_DETAILS_SIZE, _HALF = 4, 32


class Target(IntEnum):
    """Bits 4:2 of the mode."""

    TEMP_KEY = 0
    TEMP_KEY_UPPER = 1
    SLOT = 2
    ALTERNATE_KEY_BUFFER = 3
    OUTPUT = 4
    OUTPUT_ENCRYPTED = 5


_WAYS = {
    Target.TEMP_KEY: Way.REGISTER,
    Target.TEMP_KEY_UPPER: Way.REGISTER,
    Target.SLOT: Way.SLOT,
    Target.ALTERNATE_KEY_BUFFER: Way.REGISTER,
    Target.OUTPUT: Way.CLEAR,
    Target.OUTPUT_ENCRYPTED: Way.ENCRYPTED,
}
_ALGORITHMS = {0: derive_prf, 1: derive_aes, 2: derive_hkdf}


def _hides_request(chip: Chip, cmd: Command) -> str:  # noqa: ARG001 - one signature for all
    return "the message of a KDF may be the secret itself (HKDF-Extract)"


def _hides_response(chip: Chip, cmd: Command) -> str | None:  # noqa: ARG001 - one signature for all
    return None if cmd.param1 >> 2 & 7 == Target.OUTPUT_ENCRYPTED else "KDF's output is a key"


@handles(Opcode.KDF, hides_request=_hides_request, hides_response=_hides_response)
def kdf(chip: Chip, cmd: Command) -> bytes:
    """Derive 32 or 64 bytes into a register, a slot, or the output.

    Evidence: vendor-library - cryptoauthlib calib_kdf.c, atca_tests_kdf.c.
    """
    algorithm, target = _ALGORITHMS.get(cmd.param1 >> 5 & 3), cmd.param1 >> 2 & 7
    if cmd.param1 & _RESERVED or algorithm is None or target not in _WAYS:
        raise unknown_mode(cmd)
    if len(cmd.data) < _DETAILS_SIZE:
        raise parse_error(f"KDF takes 4 bytes of details and a message, {len(cmd.data)} bytes came")
    destination = chip.slot(cmd.param2 >> 8) if target == Target.SLOT else None
    chip.require_config_locked()
    details, message = int.from_bytes(cmd.data[:_DETAILS_SIZE], "little"), cmd.data[_DETAILS_SIZE:]
    result = algorithm(chip, cmd, details, message)
    way, leaving = _permitted(chip, Target(target), result)
    if destination is not None:
        obey(forbids_kdf_result(destination))
        permit_result(chip, destination)
    _require_room(chip, Target(target), destination, result.target)

    answer = hidden(chip, leaving) if way is Way.ENCRYPTED else leaving
    for used in (result.source, result.message):
        if used is not None:
            count_use(chip, used)
    _store(chip, Target(target), destination, result.target)
    return answer or SUCCESS


def _permitted(chip: Chip, target: Target, result: Derived) -> tuple[Way, bytes]:
    """How the result travels under KDFPROT, and which bytes of it leave the chip.

    Evidence: assumed - that the half an AEAD puts out obeys KDFPROT like any output.
    """
    protection = chip.configuration.chip_options.kdf_protection
    way = permitted(chip, _WAYS[target], protection, "KDFPROT")
    if way not in (Way.REGISTER, Way.SLOT):
        return way, result.target + result.output
    if result.output:
        way = permitted(chip, Way.CLEAR, protection, "KDFPROT")
    return way, result.output


def _require_room(chip: Chip, target: Target, destination: Slot | None, octets: bytes) -> None:
    """Refuse what does not fit where it shall go.

    Evidence: assumed - no source says what happens to 64 bytes for 32.
    """
    if destination is not None and len(octets) > destination.size:
        raise refuse(f"{destination} holds {destination.size} bytes; {len(octets)} were derived")
    half = target in (Target.TEMP_KEY_UPPER, Target.ALTERNATE_KEY_BUFFER)
    if half and len(octets) > _HALF:
        raise refuse(f"the target holds {_HALF} bytes; {len(octets)} were derived")
    if target is Target.TEMP_KEY_UPPER:
        valid_temp_key(chip)


def _store(chip: Chip, target: Target, destination: Slot | None, octets: bytes) -> None:
    """Put the result where it stays, if it stays."""
    source = chip.model.derived_temp_key_source
    if destination is not None:
        put(chip, destination, octets)
    elif target is Target.TEMP_KEY:
        chip.volatile.temp_key = temp_key(octets, source)
    elif target is Target.TEMP_KEY_UPPER:
        chip.volatile.temp_key = temp_key(valid_temp_key(chip).lower + octets, source)
    elif target is Target.ALTERNATE_KEY_BUFFER:
        chip.volatile.alternate_key_buffer = octets
