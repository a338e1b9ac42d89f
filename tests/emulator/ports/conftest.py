"""Devices in this process, clients in this and in others."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from softatecc.ports.device import HOST, Plan
from softatecc.ports.parts import Order
from softatecc.ports.thread import DeviceThread

SERIAL_NUMBER = bytes.fromhex("0123528e47b3461dee")
PATIENCE = 30


class Client:
    """A raw TCP client that waits for what it asks for."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=PATIENCE)

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def group(self) -> bytes:
        head = self.octets(1)
        return head + self.octets(head[0] - 1)

    def octets(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise EOFError(f"closed after {got.hex()}")
            got += more
        return got

    def ask(self, packet: bytes) -> bytes:
        self.send(b"\x03" + packet)
        return self.group()


@pytest.fixture
def serve() -> Iterator[Callable[[Plan], DeviceThread]]:
    """Starts a device that lasts as long as the test."""
    with ExitStack() as stack:
        yield lambda plan: stack.enter_context(DeviceThread(plan))


@pytest.fixture
def order() -> Order:
    """A repeatable blank part."""
    return Order(serial_number=SERIAL_NUMBER, seed="ports")


@pytest.fixture
def device(serve: Callable[[Plan], DeviceThread], order: Order) -> DeviceThread:
    """A blank part behind TCP and on bus 1."""
    return serve(Plan((order,), tcp=0, i2c=1))


@pytest.fixture
def connect() -> Iterator[Callable[[DeviceThread], Client]]:
    """Connects a raw client to a device's first part."""
    with ExitStack() as stack:

        def connect_to(device: DeviceThread, number: int = 0) -> Client:
            client = Client(device.device.tcp[number])
            stack.callback(client.socket.close)
            return client

        yield connect_to


def run_with(environment: dict[str, str], code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-c", code, *arguments),
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )


@pytest.fixture
def child() -> Callable[..., object]:
    """Runs Python code in a process that has the device's environment; what it prints, as JSON."""

    def run(device: DeviceThread, code: str, *arguments: str) -> object:
        environment = device.device.ready()["env"]
        assert isinstance(environment, dict)
        ran = run_with(environment, code, *arguments)
        assert ran.returncode == 0, ran.stderr
        answer: object = json.loads(ran.stdout)
        return answer

    return run
