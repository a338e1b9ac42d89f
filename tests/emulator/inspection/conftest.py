"""Parts to look into, and the shortest ways to ask them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.config import LOCK_CONFIG, LOCK_VALUE, Configuration
from softatecc.entropy import SeededEntropy
from softatecc.host import Host
from softatecc.packet import Command, decode_response
from softatecc.transports import EmulatorTransport

SERIAL_NUMBER = bytes.fromhex("0123528e47b3461dee")
LOCK_BYTES = {"none": b"\x55\x55", "config": b"\x55\x00", "data": b"\x00\x00"}


def build(
    profile: str = "cal_test_608", *, locked: str = "data", octets: dict[int, bytes] | None = None
) -> Chip:
    image = bytearray(profiles.load(profile).configuration)
    image[0:4], image[8:13] = SERIAL_NUMBER[:4], SERIAL_NUMBER[4:]
    image[LOCK_VALUE : LOCK_CONFIG + 1] = LOCK_BYTES[locked]
    for offset, replacement in (octets or {}).items():
        image[offset : offset + len(replacement)] = replacement
    return Chip(Configuration(bytes(image)), entropy=SeededEntropy("inspection"))


def send(chip: Chip, opcode: int, param1: int = 0, param2: int = 0, data: bytes = b"") -> bytes:
    return decode_response(chip.exchange(Command(opcode, param1, param2, data).encode()))


@pytest.fixture
def part() -> Callable[..., Chip]:
    """Builds a part; `locked` is none, config or data."""
    return build


@pytest.fixture
def ask() -> Callable[..., bytes]:
    """Sends one command and takes the body out of the response."""
    return send


@pytest.fixture
def chip() -> Chip:
    """The case's configuration, configuration locked, data not."""
    return build("mbedtls_examples_608", locked="config")


@pytest.fixture
def host(chip: Chip) -> Host:
    return Host(EmulatorTransport(chip))
