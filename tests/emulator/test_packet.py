"""Groups and their CRC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc.packet import (
    Command,
    Opcode,
    ResponseError,
    command_name,
    crc16,
    decode_response,
    encode_response,
)
from softatecc.status import Rejected, Status

commands = st.builds(
    Command,
    st.integers(0, 0xFF),
    st.integers(0, 0xFF),
    st.integers(0, 0xFFFF),
    st.binary(max_size=148),
)


@pytest.mark.parametrize(
    "group, crc",
    [
        ("0730000000", "035d"),
        ("071b000000", "24cd"),
        ("071b010000", "2747"),
        ("0702800000", "09ad"),
        ("0702001500", "175d"),
        ("0411", "3343"),
        ("0700006002", "8038"),
        ("23" + "ffff0000" * 8, "411a"),
    ],
)
def test_the_crc_is_the_one_seen_on_buses(group: str, crc: str) -> None:
    assert crc16(bytes.fromhex(group)).hex() == crc


@given(st.binary(max_size=160))
def test_the_table_computes_what_the_shift_register_computes(data: bytes) -> None:
    register = 0
    for byte in data:
        for place in range(8):
            carry = register >> 15
            register = register << 1 & 0xFFFF
            if carry != byte >> place & 1:
                register ^= 0x8005

    assert crc16(data) == register.to_bytes(2, "little")


@given(commands)
def test_a_command_decodes_to_what_was_encoded(command: Command) -> None:
    packet = command.encode()

    assert packet[0] == len(packet)
    assert Command.decode(packet) == command


@given(st.binary(min_size=1, max_size=99))
def test_a_response_decodes_to_what_was_encoded(body: bytes) -> None:
    assert decode_response(encode_response(body)) == body


@given(commands, st.data())
def test_a_flipped_bit_is_a_communication_error(command: Command, data: st.DataObject) -> None:
    packet = bytearray(command.encode())
    packet[data.draw(st.integers(0, len(packet) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(Rejected) as caught:
        Command.decode(bytes(packet))

    assert caught.value.status is Status.COMMUNICATION_ERROR


@pytest.mark.parametrize("packet", ["", "07", "04300382", "0630000000", "0830000000035d"])
def test_a_count_that_does_not_fit_is_a_communication_error(packet: str) -> None:
    with pytest.raises(Rejected, match="count byte") as caught:
        Command.decode(bytes.fromhex(packet))

    assert caught.value.status is Status.COMMUNICATION_ERROR


@pytest.mark.parametrize(
    "command, sentence",
    [
        (Command(0x100, 0, 0), "opcode 0x100 does not fit 8 bits"),
        (Command(0, -1, 0), "param1 -0x1 does not fit 8 bits"),
        (Command(0, 0, 0x10000), "param2 0x10000 does not fit 16 bits"),
        (Command(0, 0, 0, bytes(149)), "149 data bytes do not fit a command; send at most 148"),
    ],
)
def test_what_no_packet_can_carry_is_refused_before_it_is_sent(command: Command, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        command.encode()


@pytest.mark.parametrize("group", ["", "040003", "05000340", "04000341"])
def test_a_group_no_chip_sends_is_refused(group: str) -> None:
    with pytest.raises(ResponseError, match="is no response group"):
        decode_response(bytes.fromhex(group))


def test_every_opcode_has_a_name_and_an_unknown_one_keeps_its_number() -> None:
    names = {command_name(opcode) for opcode in Opcode}

    assert len(names) == len(Opcode) == 24
    assert not any(name.startswith("opcode") for name in names)
    assert command_name(0x99) == "opcode 0x99"
    assert Command(0x40, 4, 2).name == "GenKey"
