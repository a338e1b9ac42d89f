"""The control plane's port: HTTP by uvicorn, in the broker's own event loop.

Rules of this file:
1. A request is read whole before it is judged, within limits of size and time; what exceeds them is refused.
2. Nothing is decided here: a `Request` goes in, a `Response` comes out.
3. What the operator should know goes to standard error, one line each.
4. No connection outlives its patience: who is silent, slow to ask or slow to read is hung up on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, TypeAlias

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from jitpbroker.control.messages import Refused, Request, Response
from jitpbroker.control.model import IOT, LOGS
from jitpbroker.control.writing import refused

#: Bytes of a request's body.  The largest of the model's documents has 404,600 characters.
#: Evidence: assumed - own choice.
MOST_BYTES: Final = 2 * 1024 * 1024

#: Seconds a client may take for its first request's head and for one request's body, and an idle connection
#: is kept.  Evidence: assumed - own choice.
_PATIENCE: Final = 10.0
_KEEP_ALIVE: Final = 30

#: Connections at once.  Evidence: assumed - own choice.
_MOST_CONNECTIONS: Final = 64


class Plane(Protocol):
    """Whatever answers requests."""

    def handle(self, request: Request) -> Response:
        """Answer one request; never raises."""
        ...


class ControlApp:
    """The ASGI application.

    Args:
        plane: answers requests.
        tell: takes a sentence for the operator.
        patience: seconds for a request's body.
        commit: writes down what may not be lost; called before each answer.

    Attributes:
        crowded: whether there are more connections than can be served; asked before a request is read.
    """

    def __init__(
        self,
        plane: Plane,
        tell: Callable[[str], None],
        *,
        patience: float = _PATIENCE,
        commit: Callable[[], None] | None = None,
    ) -> None:
        self._plane = plane
        self._tell = tell
        self._patience = patience
        self._commit = commit
        self.crowded: Callable[[], bool] = bool  # that is, never

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; lifespan and websockets are not spoken."""
        if scope["type"] != "http":
            return
        request = HttpRequest(scope, receive)
        try:
            body = await self._read(request)
        except ClientDisconnect:
            return
        except Refused as refusal:
            response, read = refused(_service_of(request), refusal, "-"), False
        else:
            response, read = self._kept(self._plane.handle(_facts(request, body))), True
        if response.note is not None:
            self._tell(response.note)
        answer = HttpResponse(response.body, response.status, dict(response.headers))
        if not read:
            answer.headers["connection"] = "close"
        await answer(scope, receive, send)

    async def _read(self, request: HttpRequest) -> bytes:
        """The request's body, where there is room and time for it."""
        if self.crowded():
            raise Refused(
                "ServiceUnavailableException",
                f"{_MOST_CONNECTIONS} connections are open, as many as are served; close some and try again.",
                note=f"a request was turned away: more than {_MOST_CONNECTIONS} connections are open",
            )
        try:
            async with asyncio.timeout(self._patience):
                return await _body(request)
        except TimeoutError:
            raise Refused(
                "RequestTimeoutException", "The body did not arrive in time; send it at once."
            ) from None

    def _kept(self, response: Response) -> Response:
        """The response once what it says is safe; else one that says nothing of the kind."""
        if self._commit is None:
            return response
        try:
            self._commit()
        except Exception as error:  # noqa: BLE001 - the note reaches the operator with the fault's name
            refusal = Refused(
                "ServiceUnavailableException", "The request could not be kept; try again.", note=str(error)
            )
            return refused(IOT, refusal, "-")
        return response


async def _body(request: HttpRequest) -> bytes:
    out = bytearray()
    async for chunk in request.stream():
        out += chunk
        if len(out) > MOST_BYTES:
            raise Refused(
                "RequestEntityTooLargeException", f"The body has more than {MOST_BYTES} bytes; send less."
            )
    return bytes(out)


def _facts(request: HttpRequest, body: bytes) -> Request:
    raw = request.scope.get("raw_path")
    path = raw.decode("latin-1") if isinstance(raw, bytes) else request.url.path
    return Request(request.method.upper(), path, request.url.query, dict(request.headers.items()), body)


def _service_of(request: HttpRequest) -> str:
    return LOGS if "x-amz-target" in request.headers else IOT


#: Where a connection stands: its latest request, and whether that has been answered.
_State: TypeAlias = tuple[object | None, bool]


def _state(connection: H11Protocol) -> _State:
    # Before the first request there is no cycle, whatever uvicorn's annotation says; and uvicorn calls an
    # answer complete that its client has yet to read.
    complete = bool(getattr(connection.cycle, "response_complete", False))
    return (connection.cycle, complete and connection.transport.get_write_buffer_size() == 0)


class ControlServer:
    """Listens: ``await start()``, then ``port`` is known; ``await close()`` ends it.

    Args:
        app: the application.
        host: address to bind.
        port: 0 for any free one.
        patience: seconds for the head of a connection's first request; an answer may take three times as
            long, from the end of its request's head until it has been taken over by the operating system.
    """

    def __init__(
        self, app: ControlApp, *, host: str = "127.0.0.1", port: int = 0, patience: float = _PATIENCE
    ) -> None:
        self._host = host
        self._port = port
        self._patience = patience
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                interface="asgi3",
                http="h11",
                ws="none",
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=1,
                h11_max_incomplete_event_size=64 * 1024,
            )
        )
        # uvicorn's own limit answers in plain text, which no AWS tool can read.
        app.crowded = lambda: self.connections > _MOST_CONNECTIONS
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port listened on.

        Raises:
            RuntimeError: the server has not been started.
        """
        if self._socket is None:
            raise RuntimeError("the control plane listens on no port yet; start it first")
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many clients are connected, whether they ask for something or not."""
        return len(self._server.server_state.connections)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        (family, kind, protocol, _, address), *_ = await loop.getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM
        )
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self._task = loop.create_task(self._serve(self._socket))
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - uvicorn has a flag only
            await asyncio.sleep(0)

    async def _serve(self, listening: socket.socket) -> None:
        # Server.serve() would take the process's signal handlers; those are the broker's.
        watch = asyncio.create_task(self._watch())
        try:
            await self._server._serve([listening])  # noqa: SLF001 - uvicorn has no public way
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        """Hang up on who stays where they are for too long.

        uvicorn bounds nothing but a silence after a whole answer: a client that never asks, leaves the head
        of a request unfinished or does not read would hold one of the few connections for ever.
        """
        loop = asyncio.get_running_loop()
        since: dict[H11Protocol, tuple[_State, float]] = {}
        while True:
            await asyncio.sleep(self._patience / 4)
            now = loop.time()
            seen = {}
            for connection in self._server.server_state.connections:
                if isinstance(connection, H11Protocol):
                    state = _state(connection)
                    before = since.get(connection)
                    seen[connection] = before if before is not None and before[0] == state else (state, now)
            since = seen
            for connection, (state, began) in since.items():
                if now - began >= self._allowed(state):
                    connection.transport.abort()

    def _allowed(self, state: _State) -> float:
        asked, answered = state
        if asked is None:
            return self._patience
        return _KEEP_ALIVE if answered else 3 * self._patience

    async def close(self) -> None:
        """Stop listening and end all connections."""
        if self._task is None or self._socket is None:
            return
        self._server.should_exit = True
        with suppress(asyncio.CancelledError):
            await self._task
        self._socket.close()
        self._task = None
