"""Any transport as an I2C device: what our wire does, the adapter does over a transport."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc import cal
from softatecc.chip import Chip
from softatecc.packet import Command, Opcode
from softatecc.transports import EmulatorTransport, NoResponse
from softatecc.transports.adapter import TransportDevice
from softatecc.wire import I2cPort, WordAddress

Part = Callable[..., Chip]

INFO = bytes.fromhex("0730000000035d")


class Dead:
    """A transport to nothing that notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def wake(self) -> bytes:
        raise NoResponse("nobody")

    def exchange(self, packet: bytes) -> bytes:
        self.asked.append(packet)
        raise NoResponse("nobody")

    def idle(self) -> None: ...

    def sleep(self) -> None: ...

    def close(self) -> None: ...


class Mute(Dead):
    """A part that wakes and never answers."""

    def wake(self) -> bytes:
        return bytes.fromhex("04113343")


packet = st.one_of(
    st.just(INFO),
    st.just(Command(Opcode.READ, 0x80, 0).encode()),
    st.just(Command(Opcode.NONCE, 0x03, 0, bytes(32)).encode()),
    st.binary(min_size=1, max_size=160),
)
event = st.one_of(
    st.just("wake"),
    st.integers(0, 40),
    st.tuples(st.sampled_from([0x00, 0x01, 0x02, 0x77]), st.just(b"")),
    st.tuples(st.just(0x03), packet),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(event, max_size=20))
def test_bus_traffic_meets_the_same_part_either_way(traffic: list[str | int | tuple[int, bytes]]) -> None:
    wire = I2cPort(Chip.blank(bytes(9)))
    adapted = TransportDevice(EmulatorTransport(Chip.blank(bytes(9))))
    for what in traffic:
        if isinstance(what, str):
            wire.wake()
            adapted.wake()
        elif isinstance(what, int):
            assert adapted.read(what) == wire.read(what)
        else:
            assert adapted.write(*what) == wire.write(*what)


def test_a_dead_device_does_not_wake_and_acknowledges_nothing() -> None:
    device = TransportDevice(Dead())
    device.wake()

    assert device.write(WordAddress.RESET) is False
    assert device.read(1) is None


def test_a_command_nobody_answers_is_not_acknowledged() -> None:
    mute = Mute()
    device = TransportDevice(mute)
    device.wake()

    assert device.read(4) == bytes.fromhex("04113343")
    assert device.write(WordAddress.COMMAND, INFO) is False
    assert device.read(1) == b"\xff"
    assert mute.asked == [INFO]


@pytest.mark.wheel
@pytest.mark.skipif(not cal.available(), reason="there is no cryptoauthlib wheel for this Python")
def test_cryptoauthlib_works_on_any_transport(part: Part) -> None:
    chip = part(locked="data")
    with cal.CryptoAuthLib(TransportDevice(EmulatorTransport(chip)), host_sleeps=False) as library:
        assert library.info() == bytes.fromhex("00006002")
        assert library.read_serial_number() == chip.configuration.serial_number
