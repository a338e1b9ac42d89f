"""tcp://: a part another process serves, and what stands there instead."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from softatecc.host import DeviceError, Host
from softatecc.ports.device import Plan
from softatecc.ports.parts import Order
from softatecc.ports.thread import DeviceThread
from softatecc.transports import NoResponse, Transport, open_transport

INFO = bytes.fromhex("0730000000035d")
REVISION = bytes.fromhex("07000060028038")


@pytest.fixture
def transport() -> Iterator[Transport]:
    with DeviceThread(Plan((Order(serial_number=bytes(9)),), tcp=0)) as device:
        opened = open_transport(device.url)
        yield opened
        opened.close()


@pytest.fixture
def impostor() -> Iterator[Callable[[bytes], str]]:
    """Something else on a port: takes one connection, says something, and hangs up."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(said: bytes) -> None:
            client, _ = server.accept()
            with client:
                client.recv(100)
                client.sendall(said)

        def start(said: bytes) -> str:
            threads.append(threading.Thread(target=serve, args=(said,)))
            threads[-1].start()
            return f"tcp://127.0.0.1:{server.getsockname()[1]}"

        yield start
        for thread in threads:
            thread.join()


def test_a_part_is_asked_woken_idled_and_put_to_sleep(transport: Transport) -> None:
    host = Host(transport)
    woken = transport.wake()
    host.nonce_passthrough(bytes(32))
    transport.idle()
    kept = transport.exchange(bytes.fromhex("0730020000") + b"\x03\xdd")
    transport.sleep()

    assert woken == bytes.fromhex("04113343")
    assert kept != transport.exchange(INFO)
    assert transport.exchange(INFO) == REVISION
    with pytest.raises(DeviceError):
        host.sign(0, bytes(32))


def test_what_the_format_cannot_carry_is_answered_as_the_chip_would(transport: Transport) -> None:
    with pytest.raises(NoResponse, match="waits for more than the 5 bytes sent"):
        transport.exchange(INFO[:5])
    with pytest.raises(NoResponse, match="waits for more than the 0 bytes sent"):
        transport.exchange(b"")

    garbled = bytes.fromhex("04ff0142")
    assert [transport.exchange(INFO + b"\x00"), transport.exchange(b"\x02\x01\x00")] == [garbled, garbled]
    assert transport.exchange(INFO) == REVISION


def test_where_nothing_listens_the_sentence_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(NoResponse, match=f"no part answers at 127.0.0.1:{port}: Connection refused"):
        open_transport(f"tcp://127.0.0.1:{port}")


def test_a_part_that_hangs_up_is_told(impostor: Callable[[bytes], str]) -> None:
    transport = open_transport(impostor(b"\x07\x00"))

    with pytest.raises(NoResponse, match="has ended the connection; is it still served"):
        transport.exchange(INFO)
    transport.close()


def test_a_closed_transport_does_not_answer(transport: Transport) -> None:
    transport.close()

    with pytest.raises(NoResponse, match="does not answer: Bad file descriptor"):
        transport.exchange(INFO)


@pytest.mark.parametrize(
    "url",
    [
        "tcp://",
        "tcp:127.0.0.1",
        "tcp://127.0.0.1:x",
        "tcp://127.0.0.1:99999",
        "tcp://a/b",
        "tcp://u@127.0.0.1",
    ],
)
def test_a_url_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"is no TCP address.*; write tcp://127.0.0.1:8608"):
        open_transport(url)
