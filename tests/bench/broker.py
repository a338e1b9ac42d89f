"""`make bench-broker`: what our broker costs beside mosquitto, in the same run and on the same machine.

Rules of this file:
1. CPU time of the server process is measured (the scheduler's own account), never the wall: the machine may
   be shared. Rounds of the two brokers alternate; the ratio is the median of the rounds' ratios.
2. A handshake is mutual, P-256 on both sides, followed by CONNECT, CONNACK, DISCONNECT and the close. Ours
   also admits: certificate and policies looked up, lifecycle events made, every decision traced.
3. Sixteen clients come at once, as after a power cut: a server that sleeps between two clients measures how
   cold the caches of a shared machine are.
4. Memory of an idle client is a slope between two numbers of clients, after a warm-up that fills the trace.
5. How costs grow is measured like the ratio to mosquitto: small and large take turns, and the median of the
   turns' ratios counts. One round after the other would compare two moments of a shared machine.
6. Nothing here is a test: it reports, and returns 1 when a target of issue 4 is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.broker_fleet import Client, Device, Signer, client_context, first_visit, make_signer, visit
from tests.progress import tell

VERSIONS: Final = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
HANDSHAKE_TARGET: Final = 0.9
HANDSHAKE_GOAL: Final = 0.7
IDLE_TARGET: Final = 2.0
IDLE_GOAL_KIB: Final = 30.0
FLAT: Final = 1.25
FEW: Final = 100
AT_ONCE: Final = 16
MANY: Final = 10_000
TURNS: Final = 8


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done: rounds of visits, first visits, idle clients, and how many are registered."""

    rounds: int
    visits: int
    registrations: int
    idle: int
    many: int


FULL: Final = Size(rounds=9, visits=150, registrations=400, idle=1500, many=MANY)
QUICK: Final = Size(rounds=3, visits=40, registrations=60, idle=300, many=1000)


class Process:
    """A server under test."""

    def __init__(
        self, name: str, popen: subprocess.Popen[str], port: int, root: bytes, loop: str = ""
    ) -> None:
        self.name = name
        self.port = port
        self.root = root
        self.loop = loop
        self._popen = popen

    @property
    def cpu(self) -> float:
        """Seconds of CPU so far, of all threads, as the scheduler counts them."""
        tasks = Path(f"/proc/{self._popen.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    @property
    def memory(self) -> float:
        """Anonymous resident memory in KiB."""
        for line in Path(f"/proc/{self._popen.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return float(line.split()[1])
        raise RuntimeError("the kernel does not tell RssAnon")

    def order(self, word: str) -> dict[str, int]:
        """Ask our own server for something; mosquitto takes no orders."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.write(word + "\n")
        self._popen.stdin.flush()
        answer: dict[str, int] = json.loads(self._popen.stdout.readline())
        return answer


@contextmanager
def ours(directory: Path, signer: Signer, known: list[Device], loop: str = "asyncio") -> Iterator[Process]:
    """Our broker with ``known`` devices registered."""
    signer_file, devices_file = directory / "signer.pem", directory / f"devices-{len(known)}.hex"
    signer_file.write_bytes(signer.pem)
    devices_file.write_text("\n".join(device.der.hex() for device in known), encoding="ascii")
    command = [sys.executable, str(Path(__file__).with_name("broker_server.py"))]
    command += [str(signer_file), str(devices_file), loop]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as popen:
        assert popen.stdout is not None
        told = json.loads(popen.stdout.readline())
        yield Process("jitplab", popen, told["port"], told["root"].encode(), told["loop"])
        assert popen.stdin is not None
        popen.stdin.close()
        popen.wait(60)


@contextmanager
def mosquitto(directory: Path, signer: Signer) -> Iterator[Process]:
    """mosquitto that requires a certificate of the signer's, with a P-256 certificate of its own."""
    import trustme  # noqa: PLC0415 - only here

    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        sys.exit("mosquitto is not installed; install the package mosquitto to compare with it")
    root = trustme.CA()
    leaf = root.issue_cert("localhost", key_type=trustme.KeyType.ECDSA)
    leaf.cert_chain_pems[0].write_to_path(directory / "server.crt")
    leaf.private_key_pem.write_to_path(directory / "server.key")
    (directory / "client-ca.crt").write_bytes(signer.pem)
    port = _free_port()
    lines = [
        f"listener {port} 127.0.0.1",
        f"cafile {directory}/client-ca.crt",
        f"certfile {directory}/server.crt",
        f"keyfile {directory}/server.key",
        "require_certificate true",
        "use_identity_as_username true",
        "persistence false",
        "log_dest none",
        "set_tcp_nodelay true",
    ]
    if os.geteuid() == 0:
        lines.append("user root")
    (directory / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
    with subprocess.Popen([program, "-c", str(directory / "mosquitto.conf")], text=True) as popen:
        _await_port(port)
        yield Process("mosquitto", popen, port, root.cert_pem.bytes())
        popen.terminate()
        popen.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_port(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"mosquitto did not listen on port {port} within 10 s")


@dataclass(slots=True)
class Bench:
    """The fleet and where its files are."""

    size: Size
    directory: Path
    signer: Signer
    devices: list[Device]

    def contexts(
        self, server: Process, version: ssl.TLSVersion, number: int, start: int = 0
    ) -> list[tuple[Device, ssl.SSLContext]]:
        """``number`` clients in turn out of the first fifty devices from ``start`` on."""
        some = self.devices[start : start + min(number, 50)]
        made = [(d, client_context(d, self.signer, server.root, version, self.directory)) for d in some]
        return [made[index % len(made)] for index in range(number)]

    def connect_cost(self, servers: list[Process], version: ssl.TLSVersion) -> dict[str, list[float]]:
        """Milliseconds of server CPU for one visit, by server and round; rounds alternate."""
        spent: dict[str, list[float]] = {server.name: [] for server in servers}
        contexts = {server.name: self.contexts(server, version, self.size.visits) for server in servers}
        for round_ in range(self.size.rounds + 1):
            tell(f"{version.name}: round {round_} of {self.size.rounds}")
            for server in servers:
                cost = _cost(server, lambda s=server: _admitted(s.port, contexts[s.name]))  # type: ignore[misc]
                if round_:  # the first warms caches up
                    spent[server.name].append(cost * 1e3 / self.size.visits)
        return spent

    def registration(self, server: Process, strangers: list[Device]) -> tuple[float, float]:
        """First visits of ``strangers``: seconds of CPU, and of the wall."""
        version = ssl.TLSVersion.TLSv1_3
        made = [(d, client_context(d, self.signer, server.root, version, self.directory)) for d in strangers]
        before, begin = server.order("devices")["count"], time.monotonic()
        cost = _cost(server, lambda: _turned_away(server.port, made))
        wall = time.monotonic() - begin
        registered = server.order("devices")["count"] - before
        if registered != len(strangers):
            sys.exit(
                f"{registered} of {len(strangers)} strangers were registered; the bench measures nothing"
            )
        return cost, wall

    def idle(self, server: Process) -> float:
        """KiB that one more idle TLS client costs."""
        version = ssl.TLSVersion.TLSv1_3
        one = self.contexts(server, version, 50)
        tell(f"{self.size.idle} idle clients of {server.name}")
        if server.name == "jitplab":
            for _ in range(3000 // len(one)):  # the trace holds 10 000 records, four and a half a visit
                _admitted(server.port, one)
        held: list[Client] = []
        measured: list[tuple[int, float]] = []
        try:
            for step in range(3):
                while len(held) < self.size.idle * (step + 1) // 3:
                    client = Client(server.port, one[len(held) % len(one)][1])
                    assert client.connect(f"idle-{len(held)}")[3] == 0
                    held.append(client)
                if server.name == "jitplab":
                    server.order("tidy")
                measured.append((len(held), server.memory))
        finally:
            for client in held:
                client.socket.close()
        (few, least), (many, most) = measured[0], measured[-1]
        return (most - least) / (many - few)


def _cost(server: Process, work: Callable[[], None]) -> float:
    before = server.cpu
    work()
    return server.cpu - before


def _admitted(port: int, contexts: list[tuple[Device, ssl.SSLContext]]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        answers = list(crowd.map(lambda one: visit(port, *one), contexts))
    for answer in answers:
        if answer[:2] != b" \x02" or answer[3] != 0:
            sys.exit(
                f"a known device was answered {answer.hex(' ') or 'nothing'}; the bench measures nothing"
            )


def _turned_away(port: int, contexts: list[tuple[Device, ssl.SSLContext]]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        answers = list(crowd.map(lambda one: first_visit(port, *one), contexts))
    if any(answers):
        sys.exit("a stranger was answered; the bench measures nothing")


# --- the report --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``met`` is ``None`` where issue 4 sets no target."""

    what: str
    ours: float
    other: float | None
    ratio: float | None
    unit: str
    target: str
    met: bool | None


def measure(bench: Bench, loops: list[str]) -> list[Row]:
    """Everything, most telling first."""
    rows: list[Row] = []
    few, many = bench.devices[:FEW], bench.devices[: bench.size.many]
    with ExitStack() as stack:
        rival = stack.enter_context(mosquitto(bench.directory, bench.signer))
        for loop in loops:
            with ours(bench.directory, bench.signer, few, loop) as server:
                rows += _handshakes(bench, server, rival)
        with ours(bench.directory, bench.signer, few) as server:
            rows.append(_idle(bench, server, rival))
    with (
        ours(bench.directory, bench.signer, few) as small,
        ours(bench.directory, bench.signer, many) as large,
    ):
        rows += _growth(bench, small, large)
    return rows


def _handshakes(bench: Bench, server: Process, rival: Process) -> list[Row]:
    rows = []
    for name, version in VERSIONS.items():
        cost = bench.connect_cost([server, rival], version)
        ratio = _ratio(cost[server.name], cost[rival.name])
        what = f"{name} handshake, CONNECT, admission ({server.loop})"
        target = f"at most {HANDSHAKE_TARGET}, goal {HANDSHAKE_GOAL}"
        met = ratio <= HANDSHAKE_TARGET
        here, there = median(cost[server.name]), median(cost[rival.name])
        rows.append(Row(what, here, there, ratio, "ms CPU", target, met))
    return rows


def _ratio(ours: list[float], others: list[float]) -> float:
    return median(one / other for one, other in zip(ours, others, strict=True))


def _idle(bench: Bench, server: Process, rival: Process) -> Row:
    here, there = bench.idle(server), bench.idle(rival)
    target = f"at most {IDLE_TARGET:g}, goal {IDLE_GOAL_KIB:g} KiB"
    return Row(
        "one more idle TLS client", here, there, here / there, "KiB", target, here <= IDLE_TARGET * there
    )


def _growth(bench: Bench, small: Process, large: Process) -> list[Row]:
    many, batch = bench.size.many, bench.size.registrations // TURNS
    strangers = iter(bench.devices[many : many + 2 * batch * TURNS])
    large.name = "many"
    cost = bench.connect_cost([small, large], ssl.TLSVersion.TLSv1_3)
    growths = [("connect", cost["jitplab"], cost["many"], "ms CPU")]
    spent: dict[str, list[float]] = {"jitplab": [], "many": [], "wall": []}
    for turn in range(TURNS):
        tell(f"registrations: turn {turn + 1} of {TURNS}")
        for server in (small, large)[:: 1 if turn % 2 else -1]:
            cpu, wall = bench.registration(server, list(islice(strangers, batch)))
            spent[server.name].append(cpu * 1e3 / batch)
            spent["wall"].append(wall / batch)
    growths.append(("JITP registration", spent["jitplab"], spent["many"], "ms CPU"))
    described = [
        [server.order("describe")["ns"] / 1e3 for server in (small, large)] for _ in range(2 * TURNS)
    ]
    few_described, many_described = zip(*described, strict=True)
    growths.append(("describe", list(few_described), list(many_described), "µs CPU"))
    by_cpu, once = 1e3 / median(spent["jitplab"]), f"JITP registrations per second, {AT_ONCE} clients at once"
    rows = [
        Row("JITP registrations per second of CPU", by_cpu, None, None, "/s", "", None),
        Row(once, 1 / median(spent["wall"]), None, None, "/s", "", None),
    ]
    for what, at_few, at_many, unit in growths:
        growth = _ratio(at_many, at_few)
        name = f"{what}: {many} against {FEW} registered"
        here, there = median(at_many), median(at_few)
        rows.append(Row(name, here, there, growth, unit, f"flat: at most {FLAT:g}", growth <= FLAT))
    return rows


def table(rows: list[Row]) -> str:
    """The rows for a person."""
    head = ("", "here", "beside", "ratio", "unit", "target", "met")
    body = [
        (
            row.what,
            f"{row.ours:.3g}" if row.ours < 1000 else f"{row.ours:.0f}",
            "" if row.other is None else f"{row.other:.3g}",
            "" if row.ratio is None else f"{row.ratio:.2f}",
            row.unit,
            row.target,
            "" if row.met is None else ("yes" if row.met else "NO"),
        )
        for row in rows
    ]
    lines = ["| " + " | ".join(line) + " |" for line in (head, tuple("---" for _ in head), *body)]
    return "\n".join(lines)


def main() -> int:
    """Measure and tell; 1 when a target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, for trying things out")
    chosen = parser.parse_args()
    size = QUICK if chosen.quick else FULL
    loops = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])]
    with tempfile.TemporaryDirectory() as directory:
        signer = make_signer()
        tell("making certificates")
        devices = [signer.issue(f"device-{number}") for number in range(size.many + 2 * size.registrations)]
        rows = measure(Bench(size, Path(directory), signer, devices), loops)
        tell("")
    machine = f"{os.cpu_count()} cores, {platform.machine()}, CPython {platform.python_version()}"
    if chosen.json:
        fields = Row.__slots__
        told = {"machine": machine, "rows": [{name: getattr(row, name) for name in fields} for row in rows]}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{machine}\n\n{table(rows)}\n")
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
