"""Kills a broker 200 times under load and looks whether anything it acknowledged is lost.

A round: the broker is started on the state of the last one. A listener with a persistent session must be
known and get every message that was acknowledged to its publisher and that it has not seen; so must a
sleeper, who reads nothing before the cut: its messages come from the state or not at all. The retained
message must be the last acknowledged one, or one sent after it; every thing that the control plane answered
200 for must be there, and every device that was registered just in time and let in must be ACTIVE. Then all
go on until ``kill -9`` hits at a random moment. Anything missing ends the run with exit code 1.

    python tests/powercut_broker/run.py [--rounds N] [--seed N] [--forgets KIND]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.broker_fleet import Device, Signer, client_context, make_signer
from tests.powercut_broker.clients import (
    LISTENER,
    RETAINED,
    SLEEPER,
    TOPIC,
    UNREAD,
    Connection,
    Ledger,
    active_in,
    listener,
    owner,
    publisher,
    register,
    started,
    things_of,
    until_it_is_cut,
)
from tests.progress import tell

from jitpbroker import mqtt

ROUNDS: Final = 200
#: The longest a round may run before it is cut, in seconds.
LONGEST: Final = 0.6
SPEAKER: Final = "speaker"
_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}],
}
_ID: Final = "AWS::IoT::Certificate::Id"
TEMPLATE: Final = {
    "Parameters": {_ID: {"Type": "String"}},
    "Resources": {
        "certificate": {
            "Type": "AWS::IoT::Certificate",
            "Properties": {"CertificateId": {"Ref": _ID}, "Status": "ACTIVE"},
        },
        "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": json.dumps(_POLICY)}},
    },
}
#: What a forgetful broker may leave out, each a kind of its own, since each is looked for on its own.
KINDS: Final = ("messages", "retained", "things", "certificates")
#: A broker that leaves one kind out of every third commit and says that it is written: the run must notice.
#: The first commits are those of the two devices' own registration.
_FORGETFUL: Final = """
import sys
from jitpbroker.store.state import State
kind, true_commit, count = sys.argv.pop(1), State.commit, 0
def commit(self):
    global count
    keeper = self.keeper
    count += keeper.dirty
    if count > 20 and count % 3 == 0:
        for client in keeper._clients.values():
            if kind == "messages":
                client.messages.clear()
        for facts in keeper._facts:
            if facts.where["kind"] == kind:
                facts.gone.clear()
                facts.changed.clear()
        if kind == "retained":
            keeper._retained.clear()
    true_commit(self)
State.commit = commit
from jitplab.cli import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A broker process and where it listens."""

    process: subprocess.Popen[str]
    port: int
    control: str
    root: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """The three devices and their signer."""

    signer: Signer
    listener: Device
    sleeper: Device
    speaker: Device

    def context(self, device: Device, root: bytes, directory: Path) -> ssl.SSLContext:
        """A client of that device."""
        return client_context(device, self.signer, root, ssl.TLSVersion.TLSv1_2, directory)


@dataclass(frozen=True, slots=True)
class Joined:
    """The three devices' connections."""

    hears: Connection
    sleeps: Connection
    speaks: Connection

    def close(self) -> None:
        """Leave without a word."""
        for each in (self.hears, self.sleeps, self.speaks):
            each.close()


@contextmanager
def broker(directory: Path, forgets: str | None) -> Iterator[Running]:
    """A broker on the directory's state; killed at the end if it still runs."""
    how = ["-m", "jitplab"] if forgets is None else ["-c", _FORGETFUL, forgets]
    command = [
        sys.executable,
        *how,
        "broker",
        "--state",
        "state",
        "--ca",
        "signer.pem",
        "--template",
        "t.json",
    ]
    command += ["--port", "0", "--control-port", "0", "--directory", "kept"]
    began = time.monotonic()
    with (directory / "broker.log").open("a") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"the broker does not start: {(directory / 'broker.log').read_text()[-500:]}")
        ready = json.loads(line)
        port = int(ready["mqtt"].rpartition(":")[2])
        root = Path(ready["root"]).read_bytes()
        yield Running(process, port, ready["control"], root, time.monotonic() - began)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def prepare(directory: Path) -> Fleet:
    """Files of the owner, and three devices."""
    signer = make_signer()
    (directory / "signer.pem").write_bytes(signer.pem)
    (directory / "t.json").write_text(json.dumps(TEMPLATE))
    return Fleet(signer, signer.issue(LISTENER), signer.issue(SLEEPER), signer.issue(SPEAKER))


def join(running: Running, fleet: Fleet, directory: Path, *, first: bool) -> Joined:
    """Everybody let in; registered before where they never were."""
    devices = (fleet.listener, fleet.sleeper, fleet.speaker)
    contexts = [fleet.context(device, running.root, directory) for device in devices]
    if first:
        for device, context in zip(devices, contexts, strict=True):
            register(running.port, context, device.name)
    hears, sleeps, speaks = (
        Connection(running.port, context, device.name, clean=device is fleet.speaker)
        for device, context in zip(devices, contexts, strict=True)
    )
    if first:
        hears.send(mqtt.Subscribe(1, (mqtt.Subscription(TOPIC, 1), mqtt.Subscription(RETAINED, 1))))
        hears.packet()
        sleeps.send(mqtt.Subscribe(1, (mqtt.Subscription(UNREAD, 1),)))
        sleeps.packet()
    return Joined(hears, sleeps, speaks)


def look(running: Running, joined: Joined, ledger: Ledger) -> str | None:
    """What is missing after a cut, ``None`` when nothing is."""
    if not (joined.hears.present and joined.sleeps.present):
        return "a persistent session is gone"
    wrong = (
        _messages(joined.hears, joined.speaks, TOPIC, ledger.acknowledged, ledger)
        or _messages(joined.sleeps, joined.speaks, UNREAD, ledger.unread, ledger)
        or _retained(joined.speaks, ledger)
    )
    missing = ledger.things - things_of(running.control)
    if wrong is None and missing:
        return f"{len(missing)} things are gone, {min(missing)} first"
    strangers = ledger.admitted - active_in(running.control)
    if wrong is None and strangers:
        return f"{len(strangers)} devices that were let in are not ACTIVE any more, {min(strangers)} first"
    return wrong


def _messages(
    reads: Connection, speaks: Connection, topic: str, acknowledged: set[int], ledger: Ledger
) -> str | None:
    """Whether everything acknowledged comes before a message that is sent now."""
    note = listener(reads, ledger)
    marker = ledger.number()
    speaks.send(mqtt.Publish(topic, str(marker).encode(), qos=1, packet_id=1))
    while marker not in ledger.received:
        note()
    acknowledged.add(marker)
    speaks.packet()
    lost = acknowledged - ledger.received
    return f"{len(lost)} acknowledged messages are gone, number {min(lost)} first" if lost else None


def _retained(speaks: Connection, ledger: Ledger) -> str | None:
    if not ledger.retained:
        return None
    speaks.send(mqtt.Subscribe(2, (mqtt.Subscription(RETAINED, 0),)))
    found = speaks.packet()
    while not isinstance(found, mqtt.Publish):
        found = speaks.packet()
    speaks.send(mqtt.Unsubscribe(3, (RETAINED,)))
    speaks.packet()
    if not ledger.retained <= int(found.payload) <= ledger.retained_sent:
        return f"message {ledger.retained} was retained and acknowledged, {found.payload.decode()} is there"
    return None


def arrivals(running: Running, fleet: Fleet, directory: Path, ledger: Ledger) -> Callable[[], None]:
    """New devices come, are registered, come again and are let in."""

    def work() -> None:
        device = fleet.signer.issue(f"arrival-{ledger.number()}")
        context = fleet.context(device, running.root, directory)
        register(running.port, context, device.name)
        Connection(running.port, context, device.name, clean=True).close()
        ledger.admitted.add(hashlib.sha256(device.der).hexdigest())

    return work


def load(
    running: Running, joined: Joined, arrive: Callable[[], None], ledger: Ledger, seconds: float
) -> None:
    """Everybody works until the broker is killed."""
    cut = threading.Timer(seconds, running.process.send_signal, (signal.SIGKILL,))
    cut.start()
    threads = started(
        until_it_is_cut(publisher(joined.speaks, ledger)),
        until_it_is_cut(listener(joined.hears, ledger)),
        until_it_is_cut(owner(running.control, ledger)),
        until_it_is_cut(arrive),
    )
    for thread in threads:
        thread.join()
    cut.join()


def main() -> int:
    """Run all rounds; 0 when nothing acknowledged was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", default="power cuts")
    parser.add_argument("--forgets", choices=KINDS, help="a broker that forgets these; the run must notice")
    chosen = parser.parse_args()
    chance, ledger = random.Random(chosen.seed), Ledger()
    starts: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        fleet = prepare(directory)
        for number in range(chosen.rounds + 1):
            with broker(directory, chosen.forgets) as running:
                starts.append(running.seconds)
                try:
                    joined = join(running, fleet, directory, first=number == 0)
                except ConnectionError as error:
                    sys.stderr.write(f"after cut {number}: a registered device is refused: {error}\n")
                    return 1
                wrong = look(running, joined, ledger) if number else None
                if wrong is not None:
                    sys.stderr.write(f"after cut {number}: {wrong}\n")
                    return 1
                if number < chosen.rounds:
                    arrive = arrivals(running, fleet, directory, ledger)
                    load(running, joined, arrive, ledger, chance.uniform(0, LONGEST))
                joined.close()
            tell(f"{number} of {chosen.rounds} cuts")
        tell("")
        size = (directory / "state" / "broker-state.sqlite3").stat().st_size
    median = sorted(starts)[len(starts) // 2] * 1000
    sys.stdout.write(
        f"{chosen.rounds} power cuts; {len(ledger.acknowledged | ledger.unread)} QoS 1 messages "
        f"({len(ledger.unread)} of them read after a cut only), {len(ledger.things)} things and "
        f"{len(ledger.admitted)} devices acknowledged, none lost; start {median:.0f} ms (median), "
        f"state file {size} bytes\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
