"""A broker for code that is not asynchronous: a thread of its own, for the length of a ``with`` block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from jitpbroker.server import Server

T = TypeVar("T")


class BrokerThread:
    """Runs ``server`` while its ``with`` block lasts.

    The gate, the engine and the trace then belong to that thread: change what they read through `call`.
    What fails inside the broker is raised when the block ends, unless the block itself raises.

    Args:
        server: not started yet.
        loop: makes the event loop; ``None`` for asyncio's own.
    """

    def __init__(self, server: Server, loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
        self._server = server
        self._loop_factory = loop
        self._ready: Future[int] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="jitpbroker", daemon=True)

    @property
    def port(self) -> int:
        """The port listened on, once the block has been entered."""
        return self._ready.result(timeout=0)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._ready.result()
        except BaseException:
            self._thread.join()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        failures = self.stop()
        if failures and error is None:
            raise failures[0]

    def stop(self) -> list[BaseException]:
        """Close the broker and return what failed inside it; doing it twice does nothing more."""
        if self._thread.is_alive() and self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # the loop has just closed by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        failures, self._failures = self._failures, []
        return failures

    def call(self, function: Callable[[], T]) -> T:
        """Run ``function`` between two events of the broker; return its result or raise what it raised."""
        assert self._loop is not None, "enter the block first"
        outcome: Future[T] = Future()

        def run() -> None:
            try:
                outcome.set_result(function())
            except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
                outcome.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return outcome.result()

    def settle(self) -> None:
        """Wait until every connection so far is gone and the trace tells all of it."""
        assert self._loop is not None, "enter the block first"
        asyncio.run_coroutine_threadsafe(self._server.settled(), self._loop).result()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._loop_factory) as runner:
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            if self._ready.done():
                self._failures.append(error)
            else:
                self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._note_failure)
        self._stop = asyncio.Event()
        await self._server.start()
        self._ready.set_result(self._server.port)
        try:
            await self._stop.wait()
        finally:
            await self._server.close()

    def _note_failure(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        self._failures.append(
            error if isinstance(error, BaseException) else RuntimeError(str(context.get("message")))
        )
