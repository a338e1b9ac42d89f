"""Kit protocol 1, as a program with a serial port meets it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.packet import Command, Opcode
from softatecc.ports.device import Plan
from softatecc.ports.kit import Conversation
from softatecc.ports.parts import Order
from softatecc.ports.thread import DeviceThread
from softatecc.wire import I2cPort

INFO = "0730000000035d"
Say = Callable[[bytes], bytes]


@pytest.fixture
def say() -> Iterator[Say]:
    """Writes a line to a kit with two parts, byte by byte as cryptoauthlib does, and reads one."""
    orders = (Order(serial_number=bytes(9)), Order(serial_number=bytes(range(9)), address=0x35))
    with ExitStack() as stack:
        device = stack.enter_context(DeviceThread(Plan(orders, kit=True))).device
        assert device.terminal is not None
        port = os.open(device.terminal.path, os.O_RDWR | os.O_NOCTTY)
        stack.callback(os.close, port)

        def exchange(line: bytes) -> bytes:
            for octet in line:
                os.write(port, bytes((octet,)))
            answer = b""
            while not answer.endswith(b"\n"):
                answer += os.read(port, 1)
            return answer

        yield exchange


def test_the_dialogue_of_cryptoauthlib_is_answered_as_a_kit_does(say: Say) -> None:
    said = [
        say(line)
        for line in (
            *(b"board:device(00)\n\x00", b"E:physical:select(C0)\n\x00", b"E:w()\n\x00"),
            *(b"E:t(%s)\n\x00" % INFO.encode(), b"E:i()\n\x00", b"E:s()\n\x00"),
        )
    ]

    assert said == [
        *(b"ECC608A TWI 00(C0)\n", b"00()\n", b"00(04113343)\n"),
        *(b"00(07000060028038)\n", b"00()\n", b"00()\n"),
    ]


def test_parts_are_numbered_and_chosen_by_address(say: Say) -> None:
    read = Command(Opcode.READ, 0, 0).encode().hex().encode()
    said = [say(b"board:device(01)\n"), say(b"board:device(02)\n"), say(b"E:physical:select(6A)\n")]
    second = say(b"E:t(%s)\n" % read)
    nobody = say(b"E:physical:select(42)\n")
    say(b"E:physical:select(C0)\n")

    assert said == [b"ECC608A TWI 01(6A)\n", b"no_device 00(00)\n", b"00()\n"]
    assert (second[:13], nobody) == (b"00(0700010203", b"C0()\n")
    assert say(b"E:t(%s)\n" % read)[:13] == b"00(0700000000"


@pytest.mark.parametrize("line", [b"hello", b"E:t(0)", b"E:t(zz)", b"", b"E:x()", b"E:t(0730)"])
def test_what_is_not_understood_is_an_error_and_the_next_line_is_heard(say: Say, line: bytes) -> None:
    assert say(line + b"\n") == b"C0()\n"
    assert say(b"E:t(%s)\n" % INFO.encode()) == b"00(07000060028038)\n"


def test_without_a_compiler_a_kit_is_served_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with DeviceThread(Plan((Order(),), kit=True)) as device:
        line = device.device.ready()

    assert line["env"] == {}
    assert str(line["kit"]).startswith("/dev/pts/")
    assert any("cryptoauthlib from 3.5 on will not open the kit" in sentence for sentence in device.told)


def test_a_busy_part_answers_when_it_is_done() -> None:
    now = [0.0]
    conversation = Conversation([I2cPort(Chip.blank(bytes(9)), clock=lambda: now[0])])
    conversation.feed(b"E:t(%s)\n" % INFO.encode())
    said = b""
    waits = []
    while (more := conversation.step()) is not None:
        said += more
        waits.append(round(conversation.busy_for * 1000, 3))
        now[0] += conversation.busy_for

    assert said == b"00(07000060028038)\n"
    assert waits == [0, 1.5, 5, 0]


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([b"E:w()\n", b"E:t(", b"07)\n"])), max_size=8)
)
def test_no_bytes_upset_a_kit(pieces: list[bytes]) -> None:
    conversation = Conversation([I2cPort(Chip.blank(bytes(9)))])
    for piece in pieces:
        conversation.feed(piece)
        while (said := conversation.step()) is not None:
            assert said == b"" or said.endswith(b")\n")
