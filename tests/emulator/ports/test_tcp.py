"""TCP in the format of wolfSSL's ATECC608Sim, as a raw client meets it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.config import I2C_ADDRESS
from softatecc.packet import Command, Opcode
from softatecc.ports import witness
from softatecc.ports.device import HOST, CannotServe, Plan
from softatecc.ports.parts import Order, OrderError
from softatecc.ports.simulator import Conversation
from softatecc.ports.talk import StreamError
from softatecc.ports.thread import DeviceThread
from softatecc.state import Contents
from softatecc.statefile import StateError, StateFile
from softatecc.wire import I2cPort

INFO = bytes.fromhex("0730000000035d")
REVISION = bytes.fromhex("07000060028038")
GARBLED = bytes.fromhex("04ff0142")
LOCK = Command(Opcode.LOCK, 0x80, 0).encode()
GENKEY = Command(Opcode.GENKEY, 4, 0).encode()
NONCE = Command(Opcode.NONCE, 0x43, 0, bytes(range(32))).encode()
SIGN = Command(Opcode.SIGN, 0xA0, 0).encode()

Serve = Callable[[Plan], DeviceThread]


class Client:
    """What the fixture `connect` gives; said here for the types."""

    socket: socket.socket
    send: Callable[[bytes], None]
    group: Callable[[], bytes]
    ask: Callable[[bytes], bytes]


Connect = Callable[..., Client]


def test_a_command_is_answered_and_power_is_not(device: DeviceThread, connect: Connect) -> None:
    client = connect(device)
    client.send(b"\x00\x03" + INFO + b"\x02\x00\x01\x03" + INFO)

    assert (client.group(), client.group()) == (REVISION, REVISION)


def test_a_command_wakes_the_part(device: DeviceThread, connect: Connect) -> None:
    assert connect(device).ask(INFO) == REVISION


def test_a_packet_may_come_byte_by_byte(device: DeviceThread, connect: Connect) -> None:
    client = connect(device)
    for octet in b"\x03" + INFO:
        client.send(bytes((octet,)))

    assert client.group() == REVISION


def test_commands_sent_together_are_answered_in_order(device: DeviceThread, connect: Connect) -> None:
    client = connect(device)
    read = Command(Opcode.READ, 0, 0).encode()
    client.send((b"\x03" + INFO + b"\x03" + read) * 100)

    assert [client.group()[:5] for _ in range(200)] == [REVISION[:5], b"\x07\x01\x23\x52\x8e"] * 100


@pytest.mark.parametrize("count", [0, 1, 3, 156, 255])
def test_a_count_no_group_can_have_is_answered_at_once(
    device: DeviceThread, connect: Connect, count: int
) -> None:
    client = connect(device)
    client.send(bytes((0x03, count)) + b"\x03" + INFO)

    assert (client.group(), client.group()) == (GARBLED, REVISION)


def test_registers_are_the_connections_own_and_memory_is_the_parts(
    device: DeviceThread, connect: Connect
) -> None:
    one, other = connect(device), connect(device)
    locked, made = one.ask(LOCK), one.ask(GENKEY)
    one.ask(NONCE)
    refused, signed = other.ask(SIGN), one.ask(SIGN)
    seen_by_other = other.ask(Command(Opcode.GENKEY, 0, 0).encode())

    assert (locked[1], made[0], refused[1], signed[0]) == (0, 67, 0x0F, 67)
    assert seen_by_other == made


def test_a_client_of_another_protocol_is_turned_away_and_others_are_served(
    device: DeviceThread, connect: Connect
) -> None:
    stranger, client = connect(device), connect(device)
    stranger.send(b"GET / HTTP/1.1\r\n\r\n")
    ended = b""
    with suppress(ConnectionResetError):
        ended = stranger.socket.recv(1)

    assert ended == b""
    assert client.ask(INFO) == REVISION
    assert any("byte 47 is no word address" in sentence for sentence in device.told)


def test_a_client_that_never_reads_holds_nobody_up(device: DeviceThread, connect: Connect) -> None:
    deaf, client = connect(device), connect(device)
    deaf.socket.setblocking(False)
    try:
        for _ in range(400):
            deaf.socket.send((b"\x03" + INFO) * 1000)
    except BlockingIOError:
        pass

    assert [client.ask(INFO) for _ in range(20)] == [REVISION] * 20


def test_a_client_that_leaves_in_the_middle_harms_nobody(device: DeviceThread, connect: Connect) -> None:
    leaver = connect(device)
    leaver.send(b"\x03" + INFO * 50 + b"\x03\x43")
    leaver.socket.close()

    assert connect(device).ask(INFO) == REVISION


def test_in_real_time_the_answer_is_the_same_only_later(serve: Serve, connect: Connect, order: Order) -> None:
    device = serve(Plan((order,), tcp=0, clock=time.monotonic))
    client = connect(device)
    client.send((b"\x03" + INFO) * 3 + b"\x02\x03" + INFO)

    assert [client.group() for _ in range(4)] == [REVISION] * 4


def test_in_real_time_a_watchdog_that_expires_shows_as_a_reset(order: Order) -> None:
    now = [0.0]
    chip = Chip.blank(bytes(9))
    port = I2cPort(chip, clock=lambda: now[0])
    conversation = Conversation(port)
    conversation.feed(b"\x03" + INFO)
    said = [conversation.step()]
    now[0] += 0.0015
    said.append(conversation.step())
    now[0] += 2
    said.append(conversation.step())
    now[0] += 0.0015
    said.append(conversation.step())

    assert said == [b"", b"", b"", bytes.fromhex("04113343")]
    assert conversation.step() is None


def test_with_fresh_parts_every_connection_meets_a_new_one(
    serve: Serve, connect: Connect, order: Order
) -> None:
    device = serve(Plan((order,), tcp=0, fresh=True))
    one = connect(device)
    first = one.ask(LOCK)
    again = one.ask(LOCK)
    other = connect(device).ask(LOCK)

    assert (first[1], again[1], other[1]) == (0, 0x0F, 0)


def test_several_parts_have_a_port_each(serve: Serve, connect: Connect) -> None:
    orders = (Order(serial_number=bytes(9)), Order(serial_number=bytes(range(9))))
    device = serve(Plan(orders, tcp=0))
    read = Command(Opcode.READ, 0, 0).encode()

    assert connect(device, 0).ask(read)[1:5] == bytes(4)
    assert connect(device, 1).ask(read)[1:5] == bytes((0, 1, 2, 3))
    assert len(set(device.device.tcp)) == 2


def test_it_listens_on_the_loopback_address_alone(device: DeviceThread) -> None:
    assert HOST == "127.0.0.1"
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", device.device.tcp[0]), timeout=5)


def test_a_port_in_use_is_named(serve: Serve, device: DeviceThread, order: Order) -> None:
    port = device.device.tcp[0]

    with pytest.raises(CannotServe, match=f"127.0.0.1:{port} cannot be listened on: .*in use; choose"):
        serve(Plan((order,), tcp=port))


def test_two_parts_at_one_address_are_refused(serve: Serve) -> None:
    with pytest.raises(OrderError, match="two parts have the I2C address 0x60; give each its own"):
        serve(Plan((Order(), Order()), i2c=1))


# --- state -----------------------------------------------------------------------------------------


def test_the_state_is_on_disk_before_the_answer_is_read(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    path = tmp_path / "part.state"
    with DeviceThread(Plan((Order(state=path),), tcp=0)) as device:
        client = connect(device)
        client.ask(LOCK)
        made = client.ask(GENKEY)
        octets = path.read_bytes()
    copy = tmp_path / "copy.state"
    copy.write_bytes(octets)
    with StateFile(copy) as file:
        assert file.contents is not None
        chip = file.contents.chip()

        assert chip.exchange(Command(Opcode.GENKEY, 0, 0).encode()) == made


def test_a_device_that_cannot_keep_its_state_stops_and_answers_nothing(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: StateFile, chip: Chip) -> None:
        raise StateError("the state cannot be kept: No space left on device")

    stack, answer = ExitStack(), b""
    order = Order(state=tmp_path / "part.state")
    client = connect(stack.enter_context(DeviceThread(Plan((order,), tcp=0))))
    monkeypatch.setattr(StateFile, "keep", full)
    client.send(b"\x03" + LOCK)
    with suppress(ConnectionResetError):
        answer = client.socket.recv(10)

    assert answer == b""
    with pytest.raises(StateError, match="No space left on device"):
        stack.close()


def test_a_dropped_record_is_told(serve: Serve, order: Order, tmp_path: Path) -> None:
    path = tmp_path / "part.state"
    with StateFile(path) as file:
        file.keep(Chip.blank(bytes(9)))
        file.keep(Chip.blank(bytes(range(9))))
    path.write_bytes(path.read_bytes()[:-1])
    device = serve(Plan((Order(state=path),), tcp=0))

    assert [sentence for sentence in device.told if "its last record ended after" in sentence] != []


@pytest.mark.parametrize(
    "order, words",
    [
        (Order(serial_number=bytes(range(9))), "whose serial number is 000000000000000000, not 0001"),
        (Order(address=0x35), "whose I2C address is 0x60, not 0x35"),
    ],
)
def test_an_order_that_contradicts_the_state_is_refused(
    serve: Serve, tmp_path: Path, order: Order, words: str
) -> None:
    path = tmp_path / "part.state"
    with StateFile(path) as file:
        file.keep(Chip.blank(bytes(9)))

    with pytest.raises(OrderError, match=words):
        serve(Plan((Order(serial_number=order.serial_number, address=order.address, state=path),), tcp=0))
    with StateFile(path) as file:
        assert file.contents is not None


def test_an_ordered_address_is_in_the_configuration(serve: Serve) -> None:
    device = serve(Plan((Order(address=0x35),), i2c=1))
    contents = device.call(lambda: Contents.of(device.device.parts[0].chip))

    assert contents.configuration[I2C_ADDRESS] == 0x6A


def test_random_numbers_can_be_fed(serve: Serve, connect: Connect) -> None:
    fed = bytes(range(32))
    device = serve(Plan((Order(random=fed, seed="then"),), tcp=0))
    client = connect(device)
    client.ask(LOCK)

    assert client.ask(Command(Opcode.RANDOM, 0, 0).encode())[1:-2] == fed


# --- what is told ----------------------------------------------------------------------------------


def test_refusals_are_told_and_every_record_is_written(
    connect: Connect, order: Order, tmp_path: Path
) -> None:
    path = tmp_path / "trace.jsonl"
    with DeviceThread(Plan((order,), tcp=0, i2c=1, trace=path)) as device:
        client = connect(device)
        client.ask(INFO)
        client.ask(GENKEY)
        told = list(device.told)
    records = [json.loads(line) for line in path.read_text().splitlines()]

    assert [(record["kind"], record.get("name")) for record in records] == [
        ("power", None),
        ("power", None),
        ("command", "Info"),
        ("command", "GenKey"),
    ]
    assert {record["serial_number"] for record in records} == {"0123528e47b3461dee"}
    assert len(told) == 1
    assert "GenKey(04, 0000) -> 0F (execution error)" in told[0]


def test_everything_is_told_on_request(serve: Serve, connect: Connect, order: Order) -> None:
    device = serve(Plan((order,), tcp=0, everything=True))
    connect(device).ask(INFO)

    assert any("Info(00, 0000) -> 00 (success)" in sentence for sentence in device.told)


def test_a_trace_does_not_grow_without_end(
    serve: Serve, connect: Connect, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "_MOST_RECORDS", 20)
    device = serve(Plan((order,), tcp=0, everything=True))
    client = connect(device)
    for _ in range(100):
        client.ask(INFO)
    length = device.call(lambda: len(device.device.parts[0].chip.trace))

    assert 0 < length <= 20
    assert sum("Info" in sentence for sentence in device.told) == 100


def test_a_trace_that_cannot_be_written_is_named(serve: Serve, order: Order, tmp_path: Path) -> None:
    with pytest.raises(CannotServe, match="cannot be written: Is a directory"):
        serve(Plan((order,), tcp=0, trace=tmp_path))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_no_bytes_upset_a_conversation(pieces: list[bytes]) -> None:
    conversation = Conversation(I2cPort(Chip.blank(bytes(9))))
    for piece in pieces:
        conversation.feed(piece)
        try:
            while (said := conversation.step()) is not None:
                assert said == b"" or said[0] == len(said)
        except StreamError:
            return
