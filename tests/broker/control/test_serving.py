"""The port: limits of size and time, raw paths, and that it opens and closes in order."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from jitpbroker.control.messages import Request, Response
from jitpbroker.control.serving import MOST_BYTES, ControlApp, ControlServer
from jitpbroker.store.errors import StateError

if TYPE_CHECKING:
    from tests.broker.control.conftest import Desk

T = TypeVar("T")


class Echo:
    """Answers with the facts it was given."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def handle(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(200, {"content-type": "application/json"}, b"{}", "noted")


def served(
    plane: object,
    client: Callable[[int], T],
    *,
    patience: float = 5.0,
    commit: Callable[[], None] | None = None,
    server_patience: float = 10.0,
) -> tuple[T, list[str]]:
    """What a blocking client gets from a server that runs meanwhile, and what the operator was told."""
    told: list[str] = []

    async def run() -> T:
        app = ControlApp(plane, told.append, patience=patience, commit=commit)  # type: ignore[arg-type]
        server = ControlServer(app, patience=server_patience)
        await server.start()
        try:
            return await asyncio.to_thread(client, server.port)
        finally:
            await server.close()
            await server.close()

    return asyncio.run(run()), told


def ask(method: str, path: str, body: bytes = b"", **headers: str) -> Callable[[int], tuple[int, Any]]:
    def client(port: int) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.status, json.loads(response.read() or b"{}")
        connection.close()
        return answer

    return client


def test_a_request_arrives_as_it_was_sent(desk: Desk) -> None:
    echo = Echo()
    _, told = served(echo, ask("POST", "/a%2Fb/%C3%A4?x=%20&x=2", b"body", X_Amz_Target="t"))

    (request,) = echo.requests
    assert (request.method, request.path, request.query) == ("POST", "/a%2Fb/%C3%A4", "x=%20&x=2")
    assert (request.body, request.headers["x_amz_target"]) == (b"body", "t")
    assert told == ["noted"]


def test_the_plane_answers_through_the_port(desk: Desk) -> None:
    (status, body), told = served(desk.plane, ask("GET", "/jobs"))

    assert (status, body["message"]) == (400, "ListJobs is not implemented on this desk.")
    assert told == ["iot ListJobs was asked for and is not implemented here"]


def test_an_answer_leaves_once_it_is_written_and_not_before(desk: Desk) -> None:
    """With a state to keep: the thing is there when the commit is asked for, and only then is it said."""
    held: list[list[str]] = []
    served(
        desk.plane,
        ask("POST", "/things/kept", b"{}"),
        commit=lambda: held.append([thing.name for thing in desk.registry.things]),
    )

    assert held == [["kept"]]


def test_what_could_not_be_written_is_not_said(desk: Desk) -> None:
    def full() -> None:
        raise StateError("the disk is full")

    (status, body), told = served(desk.plane, ask("POST", "/things/lost", b"{}"), commit=full)

    assert (status, body) == (503, {"message": "The request could not be kept; try again."})
    assert told == ["the disk is full"]


def test_a_body_that_is_too_large_is_refused(desk: Desk) -> None:
    echo = Echo()
    (status, body), _ = served(echo, ask("POST", "/things/t", b"x" * (MOST_BYTES + 1)))

    assert (status, echo.requests) == (413, [])
    assert str(MOST_BYTES) in body["message"]


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    echo = Echo()

    def client(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"POST /things/t HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
            return connection.recv(65536)

    answer, _ = served(echo, client, patience=0.05)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert echo.requests == []


def rest(connection: socket.socket) -> bytes:
    """What comes until the server hangs up; a server that does not is a `TimeoutError`."""
    out = bytearray()
    try:
        while octets := connection.recv(65536):
            out += octets
    except ConnectionResetError:
        pass
    return bytes(out)


@pytest.mark.parametrize(
    "octets", [b"", b"GET /things HTTP/1.1\r\nHost: loc"], ids=["nothing", "half a head"]
)
def test_who_never_finishes_asking_is_hung_up_on_and_holds_nobodys_place(desk: Desk, octets: bytes) -> None:
    """Sixty-four such clients are as many as there are places."""

    def client(port: int) -> tuple[list[bytes], tuple[int, Any]]:
        silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(64)]
        for connection in silent:
            connection.sendall(octets)
        heard = [rest(connection) for connection in silent]
        for connection in silent:
            connection.close()
        return heard, ask("GET", "/things")(port)

    (heard, answer), _ = served(desk.plane, client, server_patience=0.5)

    assert heard == [b""] * 64
    assert answer == (200, {"things": []})


@pytest.mark.parametrize(
    "headers, told", [({}, {}), ({"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, {"__type"})]
)
def test_one_client_more_than_there_are_places_is_told_so_as_aws_would(
    desk: Desk, headers: dict[str, str], told: set[str]
) -> None:
    """And is served as soon as somebody leaves; what it sends is not read while it has no place."""

    def client(port: int) -> tuple[tuple[int, str | None, str | None, Any], tuple[int, Any]]:
        seated = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(64)]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/things", b"", headers)
        response = connection.getresponse()
        code, close = response.getheader("x-amzn-errortype"), response.getheader("connection")
        answer = (response.status, code, close, json.loads(response.read()))
        for each in seated:
            each.close()
        connection.close()
        while (after := ask("GET", "/things")(port))[0] == 503:
            pass
        return answer, after

    ((status, code, close, body), after), notes = served(desk.plane, client)

    assert (status, code, close) == (503, "ServiceUnavailableException", "close")
    assert body["message"] == "64 connections are open, as many as are served; close some and try again."
    assert set(body) - {"message"} == set(told)
    assert "turned away" in notes[0]
    assert after == (200, {"things": []})


class Long:
    """Answers with more than the operating system takes off a server's hands."""

    SIZE = 64 * 1024 * 1024

    def handle(self, _request: Request) -> Response:
        return Response(200, {"content-type": "application/json"}, bytes(self.SIZE), None)


def test_who_does_not_read_is_hung_up_on() -> None:
    async def main() -> None:
        server = ControlServer(ControlApp(Long(), lambda _sentence: None), patience=0.1)
        await server.start()
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"GET /things HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while server.connections == 0:  # noqa: ASYNC110 - a number, and nobody tells of it
                await asyncio.sleep(0)
            while server.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            heard = await asyncio.to_thread(rest, connection)
        await server.close()

        assert heard.startswith(b"HTTP/1.1 200 ")
        assert len(heard) < Long.SIZE

    run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize(
    "octets", [b"\x16\x03\x01\x02\x00hello", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000]
)
def test_what_is_no_http_ends_that_connection_only(desk: Desk, octets: bytes) -> None:
    def client(port: int) -> tuple[int, Any]:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(octets)
            assert not connection.recv(65536).startswith(b"HTTP/1.1 5")
        return ask("GET", "/things")(port)

    (status, body), _ = served(desk.plane, client)

    assert (status, body) == (200, {"things": []})


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(desk: Desk) -> None:
    def client(port: int) -> tuple[int, Any]:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"POST /things/t HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        return ask("GET", "/things")(port)

    (status, body), _ = served(desk.plane, client)

    assert (status, body) == (200, {"things": []})


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def test_a_port_that_is_taken_is_an_os_error() -> None:
    async def main() -> None:
        app = ControlApp(Echo(), lambda _sentence: None)
        first = ControlServer(app)
        await first.start()
        with pytest.raises(OSError, match="in use"):
            await ControlServer(app, port=first.port).start()
        await first.close()

    run(main())


def test_a_server_that_has_not_started_has_no_port() -> None:
    server = ControlServer(ControlApp(Echo(), lambda _sentence: None))

    with pytest.raises(RuntimeError, match="start it first"):
        _ = server.port
    asyncio.run(server.close())


def test_what_is_not_http_is_not_served() -> None:
    app = ControlApp(Echo(), lambda _sentence: None)
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "lifespan.startup"}

    async def send(message: object) -> None:
        sent.append(message)

    asyncio.run(app({"type": "lifespan"}, receive, send))

    assert sent == []
