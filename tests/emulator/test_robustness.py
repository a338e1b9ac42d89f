"""Whatever arrives gets a well-formed answer, on whatever configuration."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.commands import HANDLERS
from softatecc.config import Configuration
from softatecc.entropy import SeededEntropy
from softatecc.packet import Command, Opcode, decode_response
from softatecc.status import Status

packets = st.one_of(
    st.binary(max_size=160),
    st.builds(
        lambda opcode, mode, param2, data: Command(opcode, mode, param2, data).encode(),
        st.sampled_from(Opcode),
        st.integers(0, 255),
        st.one_of(st.integers(0, 15), st.integers(0, 0xFFFF)),
        st.sampled_from([0, 3, 4, 16, 20, 32, 64, 68, 77, 83, 96, 128]).flatmap(
            lambda size: st.binary(min_size=size, max_size=size)
        ),
    ),
)


@given(st.binary(min_size=128, max_size=128), st.lists(packets, max_size=10))
@settings(deadline=None)
def test_no_configuration_makes_the_chip_stumble(image: bytes, sequence: list[bytes]) -> None:
    chip = Chip(Configuration(image), entropy=SeededEntropy("stumble"))

    answers = [decode_response(chip.exchange(packet)) for packet in sequence]

    assert all(answers)
    assert len(chip.trace) == len(sequence)


@pytest.mark.parametrize("opcode", sorted({*range(256)} - set(HANDLERS)))
def test_an_opcode_without_a_handler_is_a_parse_error_that_says_which_kind(opcode: int) -> None:
    chip = Chip.blank(bytes(9))
    body = decode_response(chip.exchange(Command(opcode, 0, 0).encode()))
    why = chip.last_command.why or ""
    dropped = opcode in (Opcode.HMAC, Opcode.PAUSE)

    assert body == bytes((Status.PARSE_ERROR,))
    assert ("508A that the 608 no longer has" in why) == dropped
    assert ("the 608 has no opcode" in why) == (not dropped)


def test_every_command_of_the_608_has_a_handler() -> None:
    assert set(HANDLERS) == set(Opcode) - {Opcode.HMAC, Opcode.PAUSE}
