"""KDF, opcode 56: derive keys from a key, by the functions of TLS 1.2 and TLS 1.3, or by AES."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from softatecc.commands.derivations import Derived, derive_aes, derive_hkdf, derive_prf
from softatecc.commands.guards import permit_result, put, refuse
from softatecc.commands.protection import Way, hidden, permitted
from softatecc.commands.registry import SUCCESS, handles, unknown_mode
from softatecc.memory import TempKey, temp_key
from softatecc.packet import Command, Opcode
from softatecc.slots import Slot
from softatecc.status import parse_error

if TYPE_CHECKING:
    from softatecc.chip import Chip

_RESERVED = 0x80
_DETAILS_SIZE = 4


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
    details, message = int.from_bytes(cmd.data[:_DETAILS_SIZE], "little"), cmd.data[_DETAILS_SIZE:]
    result = algorithm(chip, cmd, details, message)
    way = permitted(chip, _WAYS[Target(target)], chip.configuration.chip_options.kdf_protection, "KDFPROT")
    if destination is not None:
        permit_result(chip, destination)
    _require_room(chip, Target(target), destination, result.target)

    answer = _deliver(chip, Target(target), way, destination, result)
    return answer or SUCCESS


def _require_room(chip: Chip, target: Target, destination: Slot | None, octets: bytes) -> None:
    """Refuse what does not fit where it shall go.

    Evidence: assumed - no source says what happens to 64 bytes for 32.
    """
    if destination is not None and len(octets) > destination.size:
        raise refuse(f"{destination} holds {destination.size} bytes; {len(octets)} were derived")
    half = target in (Target.TEMP_KEY_UPPER, Target.ALTERNATE_KEY_BUFFER)
    if half and len(octets) > 32:
        raise refuse(f"the target holds 32 bytes; {len(octets)} were derived")
    if target is Target.TEMP_KEY_UPPER and chip.volatile.temp_key is None:
        raise refuse("the upper half of TempKey is filled only while TempKey is valid")


def _deliver(chip: Chip, target: Target, way: Way, destination: Slot | None, result: Derived) -> bytes:
    """Put the result where it belongs; what the bus sees of it, if anything."""
    match target:
        case Target.TEMP_KEY:
            chip.volatile.temp_key = temp_key(result.target, chip.model.derived_temp_key_source)
        case Target.TEMP_KEY_UPPER:
            held = chip.volatile.temp_key
            assert held is not None
            source = chip.model.derived_temp_key_source
            chip.volatile.temp_key = TempKey(held.lower + result.target, source, is64=True)
        case Target.ALTERNATE_KEY_BUFFER:
            chip.volatile.alternate_key_buffer = result.target
        case Target.SLOT if destination is not None:
            put(chip, destination, result.target)
        case _:
            return hidden(chip, result.target) if way is Way.ENCRYPTED else result.target
    return result.output
