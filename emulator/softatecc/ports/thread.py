"""A device for code that is not asynchronous: a thread of its own, for the length of a ``with`` block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from softatecc.ports.device import HOST, Device, Plan

T = TypeVar("T")


class DeviceThread:
    """Serves parts while its ``with`` block lasts.

    The parts then belong to that thread: look at them through `call`.

    Args:
        plan: the parts and their ports; port 0 picks a free one.

    Attributes:
        told: what a person would have read.

    Raises:
        OrderError, StateError, CannotServe: on entering; or, on leaving, what has stopped the device.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._device: Future[Device] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="softatecc", daemon=True)
        self.told: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._device.result()

        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    @property
    def device(self) -> Device:
        """The parts and their ports."""
        return self._device.result()

    @property
    def url(self) -> str:
        """The first part's address for `softatecc.transports.open_transport`."""
        return f"tcp://{HOST}:{self.device.tcp[0]}"

    def call(self, function: Callable[[], T]) -> T:
        """Run a function between two events of the device; its result, or what it raised."""
        assert self._loop is not None, "enter the block first"
        outcome: Future[T] = Future()

        def run() -> None:
            try:
                outcome.set_result(function())
            except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
                outcome.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return outcome.result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            if self._device.done():
                self._failure = error
            else:
                self._device.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with Device(self._plan, self.told.append) as device:
            self._device.set_result(device)
            await self._stop.wait()
            if device.failure.done():
                device.failure.result()
