"""``jitplab device``: parts behind ports, until a signal ends it.

Rules of this file:
1. One ready line on standard output, a JSON object with what a client needs; the rest is standard error.
2. Loopback only.
3. A part whose state can no longer be kept is not served any longer.
4. Over TCP every connection has registers of its own (`softatecc.state.beside`), on I2C and behind a kit
   all programs share the part's.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from softatecc.chip import Chip
from softatecc.ports import parts, preload
from softatecc.ports.bus import Bus, Transactions
from softatecc.ports.kit import Conversation as Kit
from softatecc.ports.kit import Terminal
from softatecc.ports.parts import Order, OrderError, Part
from softatecc.ports.simulator import Conversation as Simulator
from softatecc.ports.talk import Connection, Conversation
from softatecc.ports.witness import Witness
from softatecc.state import beside
from softatecc.statefile import StateError
from softatecc.timing import Clock
from softatecc.wire import I2cPort

HOST: Final = "127.0.0.1"
#: Rounds of the loop in which a client that was just being accepted is connected, and gone again.
_ROUNDS: Final = 10


class CannotServe(Exception):  # noqa: N818 - the reader's sentence follows
    """The device cannot be started as asked, or cannot go on; ``str()`` says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for.

    Attributes:
        orders: the parts.
        tcp: the first part's TCP port, the next part's is one higher; 0 picks free ones, None opens none.
        i2c: the number of the bus that all parts are on, None for no bus.
        kit: put all parts behind a pseudo terminal, as a development kit.
        clock: makes parts busy and fall asleep as silicon does; they answer at once where None.
        fresh: over TCP, every connection meets a new part.
        trace: a file for every record.
        everything: tell a person everything, not only refusals.
    """

    orders: tuple[Order, ...]
    tcp: int | None = None
    i2c: int | None = None
    kit: bool = False
    clock: Clock | None = None
    fresh: bool = False
    trace: Path | None = None
    everything: bool = False


class Device:
    """Parts behind their ports; an asynchronous context manager.

    Args:
        plan: what was asked for.
        tell: takes sentences for a person.

    Attributes:
        parts: the parts.
        tcp: the port of each part, empty without TCP.
        terminal: the kit's serial port, None without one.
        bus_port: where the preload library finds the bus, None without one.
        failure: set to what stops the device.

    Raises:
        OrderError, StateError: a part cannot be had.
        CannotServe: a port cannot be listened on.
    """

    def __init__(self, plan: Plan, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._tell = tell
        self._stack = ExitStack()
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._witnesses: tuple[Witness, ...] = ()
        self._file: TextIO | None = None
        self.parts: tuple[Part, ...] = ()
        self.tcp: tuple[int, ...] = ()
        self.bus_port: int | None = None
        self.terminal: Terminal | None = None
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        try:
            if self._plan.trace is not None:
                self._file = self._stack.enter_context(_trace_file(self._plan.trace))
            self.parts = tuple(self._made())
            self._witnesses = tuple(self._witness(part) for part in self.parts)
            await self._listen()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        # asyncio forgets a client that it accepted just before its server is closed: stop accepting first.
        loop = asyncio.get_running_loop()
        for server in self._servers:
            for listening in server.sockets:
                loop.remove_reader(listening.fileno())
        for _ in range(_ROUNDS):
            for connection in tuple(self._connections):
                connection.close()
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()
            await server.wait_closed()
        for witness in self._witnesses:
            witness.look()
        self._stack.close()
        if not self.failure.done():
            self.failure.cancel()

    def _made(self) -> Iterator[Part]:
        for order in self._plan.orders:
            part = parts.make(order)
            self._stack.callback(part.close)
            if part.state is not None and part.state.dropped:
                self._tell(
                    f"{order.state}: its last record ended after {part.state.dropped} bytes, as a kill "
                    "leaves it; it was never acknowledged and is dropped"
                )
            yield part

    # --- ports ------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        if self._plan.i2c is not None or self._plan.kit:
            bus = Bus(self._ports())
            if self._plan.i2c is not None:
                self.bus_port = await self._serve(0, lambda: Transactions(bus))
            if self._plan.kit:
                self.terminal = Terminal(Kit(bus.ports), self._fail)
                self._stack.callback(self.terminal.close)
        if self._plan.tcp is not None:
            first = self._plan.tcp
            for number in range(len(self.parts)):
                port = await self._serve(first + number if first else 0, self._opener(number))
                self.tcp = (*self.tcp, port)

    def _ports(self) -> list[I2cPort]:
        """The parts as one bus has them.

        Raises:
            OrderError: two have one address.
        """
        pairs = zip(self.parts, self._witnesses, strict=True)
        ports = [self._port(part, part.chip, witness) for part, witness in pairs]
        addresses = [port.address for port in ports]
        for address in addresses:
            if addresses.count(address) > 1:
                raise OrderError(
                    f"two parts have the I2C address 0x{address:02x}; give each its own with --address"
                )
        return ports

    def _opener(self, number: int) -> Callable[[], Conversation]:
        part, witness, order = self.parts[number], self._witnesses[number], self._plan.orders[number]

        def another_connection() -> Conversation:
            return Simulator(self._port(part, beside(part.chip), witness))

        def another_part() -> Conversation:
            fresh = parts.make(order)
            return Simulator(self._port(fresh, fresh.chip, self._witness(fresh)))

        return another_part if self._plan.fresh else another_connection

    def _witness(self, part: Part) -> Witness:
        return Witness(part.chip, self._file, self._tell, everything=self._plan.everything)

    def _port(self, part: Part, chip: Chip, witness: Witness) -> I2cPort:
        def settle(chip: Chip) -> None:
            part.keep(chip)
            witness.look()

        return I2cPort(chip, clock=self._plan.clock, settle=settle)

    async def _serve(self, port: int, opener: Callable[[], Conversation]) -> int:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: Connection(opener, self._connections, self._fail, self._tell), HOST, port
            )
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise CannotServe(
                f"{HOST}:{port} cannot be listened on: {why}; choose another --tcp PORT (0 picks a free one)"
            ) from None
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]

        return found

    def _fail(self, error: Exception) -> None:
        if not self.failure.done():
            self.failure.set_exception(error)

    # --- what a client needs --------------------------------------------------------------------------

    def ready(self) -> dict[str, object]:
        """The ready line's object.

        Raises:
            CannotBuild: the preload library cannot be had.
        """
        environment: dict[str, str] = {}
        line: dict[str, object] = {"ready": True}
        if self.tcp:
            line["tcp"] = f"{HOST}:{self.tcp[0]}"
            environment |= {"ATECC608_SIM_HOST": HOST, "ATECC608_SIM_PORT": str(self.tcp[0])}
        if self.terminal is not None:
            line["kit"] = self.terminal.path
            environment |= self._for_kits()
        if self.bus_port is not None:
            line["i2c"] = f"/dev/i2c-{self._plan.i2c}"
            environment |= {
                "LD_PRELOAD": str(preload.library()),
                "SOFTATECC_I2C": f"{self._plan.i2c}={HOST}:{self.bus_port}",
            }

        return line | {
            "parts": [self._described(number) for number in range(len(self.parts))],
            "env": environment,
        }

    def _for_kits(self) -> dict[str, str]:
        """What cryptoauthlib from 3.5 on needs of a pseudo terminal, where it can be had."""
        try:
            return {"LD_PRELOAD": str(preload.library())}
        except preload.CannotBuild as error:
            self._tell(f"cryptoauthlib from 3.5 on will not open the kit: {error}")
            return {}

    def _described(self, number: int) -> dict[str, str]:
        chip, state = self.parts[number].chip, self._plan.orders[number].state
        about = {
            "serial_number": chip.configuration.serial_number.hex(),
            "model": chip.model.revision.name,
            "address": f"0x{chip.i2c_address:02x}",
        }
        if self.tcp:
            about["tcp"] = f"{HOST}:{self.tcp[number]}"
        if state is not None:
            about["state"] = str(state.resolve())

        return about


def serve(plan: Plan) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        OrderError, StateError, CannotBuild, CannotServe: with the sentence for the user.
    """
    asyncio.run(_serve(plan))


async def _serve(plan: Plan) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if plan.i2c is not None:
        preload.library()  # before anything listens: it may be what is missing
    async with Device(plan, _tell) as device:
        sys.stdout.write(json.dumps(device.ready()) + "\n")
        sys.stdout.flush()
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((stopped, device.failure), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if device.failure.done():
            _raise_failure(device.failure)


def _raise_failure(failure: asyncio.Future[None]) -> None:
    error = failure.exception()
    assert error is not None
    raise error if isinstance(error, StateError) else CannotServe(f"the device stops: {error!r}") from error


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def _trace_file(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise CannotServe(f"the trace {path} cannot be written: {error.strerror}") from None
