"""The same packets get the same answers in this process, over TCP and through /dev/i2c-1."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc.packet import Command, Opcode
from softatecc.ports import parts
from softatecc.ports.device import Plan
from softatecc.ports.parts import Order
from softatecc.ports.thread import DeviceThread
from softatecc.state import Contents, Snapshot
from softatecc.transports import EmulatorTransport, NoResponse, Transport, open_transport

pytestmark = pytest.mark.program("cc")

ORDER = Order(profile="cal_test_608", serial_number=bytes.fromhex("0123528e47b3461dee"), seed="same")
#: Our own I2C transport, unchanged, in a process of its own: a line of hex in, a line of hex out.
CHILD = """
import sys
from softatecc.transports import NoResponse
from softatecc.transports.i2c import I2cTransport
transport = I2cTransport("/dev/i2c-1", 0x60)
for line in sys.stdin:
    word = line.strip()
    if word == "sleep":
        transport.sleep()
        print(flush=True)
        continue
    try:
        print(transport.exchange(bytes.fromhex(word)).hex(), flush=True)
    except NoResponse:
        print("none", flush=True)
"""

commands = st.one_of(
    st.builds(
        Command, st.sampled_from(Opcode), st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=68)
    ),
    st.just(Command(Opcode.LOCK, 0x80, 0)),
    st.builds(lambda slot: Command(Opcode.GENKEY, 4, slot), st.sampled_from([0, 2, 7])),
    st.just(Command(Opcode.NONCE, 0x43, 0, bytes(32))),
    st.just(Command(Opcode.NONCE, 0, 0, bytes(20))),
    st.builds(lambda slot: Command(Opcode.SIGN, 0xA0, slot), st.sampled_from([0, 2, 7])),
    st.just(Command(Opcode.RANDOM, 0, 0)),
)
packets = st.one_of(commands.map(Command.encode), commands.map(Command.encode), st.binary(max_size=170))


def answers(transport: Transport, sequence: list[bytes]) -> list[bytes | None]:
    out: list[bytes | None] = []
    for packet in sequence:
        try:
            out.append(transport.exchange(packet))
        except NoResponse:
            out.append(None)
    return out


class OnTheBus:
    """A part on /dev/i2c-1, put back to its beginning before every run."""

    def __init__(self, device: DeviceThread, child: subprocess.Popen[str]) -> None:
        self._device = device
        self._child = child
        part = device.device.parts[0].chip
        self._beginning = device.call(lambda: Snapshot(part))

    def run(self, sequence: list[bytes]) -> list[bytes | None]:
        self._say("sleep")
        part = self._device.device.parts[0].chip
        self._device.call(lambda: self._beginning.restore(part))
        said = [self._say(packet.hex()) for packet in sequence]

        return [None if line == "none" else bytes.fromhex(line) for line in said]

    def contents(self) -> Contents:
        return self._device.call(lambda: Contents.of(self._device.device.parts[0].chip))

    def _say(self, word: str) -> str:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(word + "\n")
        self._child.stdin.flush()
        return self._child.stdout.readline().strip()


@pytest.fixture(scope="module")
def over_tcp() -> Iterator[DeviceThread]:
    """Every connection meets a part as ordered."""
    with DeviceThread(Plan((ORDER,), tcp=0, fresh=True)) as device:
        yield device


@pytest.fixture(scope="module")
def on_the_bus() -> Iterator[OnTheBus]:
    with DeviceThread(Plan((ORDER,), i2c=1)) as device:
        environment = device.device.ready()["env"]
        assert isinstance(environment, dict)
        command = (sys.executable, "-c", CHILD)
        with subprocess.Popen(
            command, env=os.environ | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            yield OnTheBus(device, child)
            assert child.stdin is not None
            child.stdin.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(packets, max_size=12))
def test_the_same_packets_get_the_same_answers_wherever_the_part_is(
    over_tcp: DeviceThread, on_the_bus: OnTheBus, sequence: list[bytes]
) -> None:
    chip = parts.make(ORDER).chip
    here = answers(EmulatorTransport(chip), sequence)
    there = open_transport(over_tcp.url)
    try:
        by_tcp = answers(there, sequence)
    finally:
        there.close()
    by_i2c = on_the_bus.run(sequence)

    assert by_tcp == here
    assert by_i2c == here
    assert on_the_bus.contents() == Contents.of(chip)


def test_the_run_on_the_bus_really_changes_the_part(on_the_bus: OnTheBus) -> None:
    make: Callable[[int], bytes] = lambda slot: Command(Opcode.GENKEY, 4, slot).encode()  # noqa: E731
    said = on_the_bus.run([Command(Opcode.LOCK, 0x80, 0).encode(), make(0)])

    assert said[0] == bytes.fromhex("04000340")
    assert said[1] is not None
    assert len(said[1]) == 67
    assert on_the_bus.contents().private == {0}
