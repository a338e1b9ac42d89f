"""Parts in every state, and the shortest ways to ask them."""

from collections.abc import Callable

import pytest

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.config import KEY_CONFIG, LOCK_CONFIG, LOCK_VALUE, SLOT_CONFIG, Configuration
from softatecc.entropy import Entropy, SeededEntropy
from softatecc.host import Host
from softatecc.model import DeviceModel
from softatecc.packet import Command, decode_response
from softatecc.transports import EmulatorTransport

SERIAL_NUMBER = bytes.fromhex("0223528e47b3461dee")
LOCK_BYTES = {"none": b"\x55\x55", "config": b"\x55\x00", "data": b"\x00\x00"}


def build_part(
    profile: str = "cal_test_608",
    *,
    locked: str = "data",
    slot_config: dict[int, int] | None = None,
    key_config: dict[int, int] | None = None,
    octets: dict[int, int] | None = None,
    entropy: Entropy | None = None,
    model: DeviceModel | None = None,
) -> Chip:
    image = bytearray(profiles.load(profile).configuration)
    image[0:4], image[8:13] = SERIAL_NUMBER[:4], SERIAL_NUMBER[4:]
    image[LOCK_VALUE : LOCK_CONFIG + 1] = LOCK_BYTES[locked]
    for start, words in ((SLOT_CONFIG, slot_config), (KEY_CONFIG, key_config)):
        for number, word in (words or {}).items():
            image[start + 2 * number : start + 2 * number + 2] = word.to_bytes(2, "little")
    for offset, octet in (octets or {}).items():
        image[offset] = octet
    return Chip(
        Configuration(bytes(image)),
        entropy=SeededEntropy("part") if entropy is None else entropy,
        model=model,
    )


def ask_chip(chip: Chip, opcode: int, param1: int = 0, param2: int = 0, data: bytes = b"") -> bytes:
    return decode_response(chip.exchange(Command(opcode, param1, param2, data).encode()))


def reason(chip: Chip) -> str:
    why = chip.last_command.why
    assert why is not None, "the chip did not refuse"
    return why


@pytest.fixture
def part() -> Callable[..., Chip]:
    """Builds a part; `locked` is none, config or data, the rest replaces words of the configuration."""
    return build_part


@pytest.fixture
def ask() -> Callable[..., bytes]:
    """Sends one command and takes the body out of the response."""
    return ask_chip


@pytest.fixture
def why() -> Callable[[Chip], str]:
    """The reason of the last refusal."""
    return reason


@pytest.fixture
def chip() -> Chip:
    """A part with the configuration of the case, configuration locked, data not."""
    return build_part("mbedtls_examples_608", locked="config")


@pytest.fixture
def host(chip: Chip) -> Host:
    return Host(EmulatorTransport(chip))
