"""Kills a broker 200 times under load and looks whether anything it acknowledged is lost.

A round: the broker is started on the state of the last one. A listener with a persistent session must be
known and get every message that was acknowledged to its publisher and that it has not seen; the retained
message must be the last acknowledged one, or one sent after it; every thing that the control plane answered
200 for must be there. Then all three go on until ``kill -9`` hits at a random moment. Anything missing ends
the run with exit code 1.

    python tests/powercut_broker/run.py [--rounds N] [--seed N] [--forgetful]
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.broker_fleet import Device, Signer, client_context, make_signer
from tests.powercut_broker.clients import (
    LISTENER,
    RETAINED,
    TOPIC,
    Connection,
    Ledger,
    listener,
    owner,
    publisher,
    register,
    started,
    things_of,
    until_it_is_cut,
)

from jitpbroker import mqtt

ROUNDS: Final = 200
#: The longest a round may run before it is cut, in seconds.
LONGEST: Final = 0.4
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
#: A broker that acknowledges every third commit without having written it: the run must notice.
_FORGETFUL: Final = """
import sys
from jitpbroker.store.state import State
true_commit, count = State.commit, 0
def commit(self):
    global count
    count += self.keeper.dirty
    if self.keeper.dirty and count % 3 == 0:
        self.keeper.written()
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
    """The two devices and their signer."""

    signer: Signer
    listener: Device
    speaker: Device

    def context(self, device: Device, root: bytes, directory: Path) -> ssl.SSLContext:
        """A client of that device."""
        return client_context(device, self.signer, root, ssl.TLSVersion.TLSv1_2, directory)


@contextmanager
def broker(directory: Path, *, forgetful: bool) -> Iterator[Running]:
    """A broker on the directory's state; killed at the end if it still runs."""
    how = ["-c", _FORGETFUL] if forgetful else ["-m", "jitplab"]
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
    """Files of the owner, and two devices that are registered and let in."""
    signer = make_signer()
    (directory / "signer.pem").write_bytes(signer.pem)
    (directory / "t.json").write_text(json.dumps(TEMPLATE))
    return Fleet(signer, signer.issue(LISTENER), signer.issue(SPEAKER))


def join(running: Running, fleet: Fleet, directory: Path, *, first: bool) -> tuple[Connection, Connection]:
    """Listener and publisher, let in; registered before where they never were."""
    listens = fleet.context(fleet.listener, running.root, directory)
    speaks = fleet.context(fleet.speaker, running.root, directory)
    if first:
        register(running.port, listens, LISTENER)
        register(running.port, speaks, SPEAKER)
    hears = Connection(running.port, listens, LISTENER, clean=False)
    if first:
        hears.send(mqtt.Subscribe(1, (mqtt.Subscription(TOPIC, 1), mqtt.Subscription(RETAINED, 1))))
        hears.packet()
    return hears, Connection(running.port, speaks, SPEAKER, clean=True)


def look(running: Running, hears: Connection, speaks: Connection, ledger: Ledger) -> str | None:
    """What is missing after a cut, ``None`` when nothing is."""
    if not hears.present:
        return "the persistent session is gone"
    wrong = _messages(hears, speaks, ledger) or _retained(speaks, ledger)
    missing = ledger.things - things_of(running.control)
    if wrong is None and missing:
        return f"{len(missing)} things are gone, {min(missing)} first"
    return wrong


def _messages(hears: Connection, speaks: Connection, ledger: Ledger) -> str | None:
    """Whether everything acknowledged comes before a message that is sent now."""
    note = listener(hears, ledger)
    marker = ledger.number()
    speaks.send(mqtt.Publish(TOPIC, str(marker).encode(), qos=1, packet_id=1))
    while marker not in ledger.received:
        note()
    ledger.acknowledged.add(marker)
    speaks.packet()
    lost = ledger.acknowledged - ledger.received
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


def load(running: Running, hears: Connection, speaks: Connection, ledger: Ledger, seconds: float) -> None:
    """Everybody works until the broker is killed."""
    cut = threading.Timer(seconds, running.process.send_signal, (signal.SIGKILL,))
    cut.start()
    threads = started(
        until_it_is_cut(publisher(speaks, ledger)),
        until_it_is_cut(listener(hears, ledger)),
        until_it_is_cut(owner(running.control, ledger)),
    )
    for thread in threads:
        thread.join()
    cut.join()


def main() -> int:
    """Run all rounds; 0 when nothing acknowledged was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", default="power cuts")
    parser.add_argument("--forgetful", action="store_true", help="a broker that forgets; the run must notice")
    chosen = parser.parse_args()
    chance, ledger = random.Random(chosen.seed), Ledger()
    starts: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        fleet = prepare(directory)
        for number in range(chosen.rounds + 1):
            with broker(directory, forgetful=chosen.forgetful) as running:
                starts.append(running.seconds)
                try:
                    hears, speaks = join(running, fleet, directory, first=number == 0)
                except ConnectionError as error:
                    sys.stderr.write(f"after cut {number}: a registered device is refused: {error}\n")
                    return 1
                wrong = look(running, hears, speaks, ledger) if number else None
                if wrong is not None:
                    sys.stderr.write(f"after cut {number}: {wrong}\n")
                    return 1
                if number < chosen.rounds:
                    load(running, hears, speaks, ledger, chance.uniform(0, LONGEST))
                hears.close()
                speaks.close()
            if sys.stderr.isatty() and number % 10 == 0:
                sys.stderr.write(f"\r{number} of {chosen.rounds} cuts")
        size = (directory / "state" / "broker-state.sqlite3").stat().st_size
    median = sorted(starts)[len(starts) // 2] * 1000
    sys.stdout.write(
        f"{chosen.rounds} power cuts; {len(ledger.acknowledged)} QoS 1 messages and {len(ledger.things)} "
        f"things acknowledged, none lost; start {median:.0f} ms (median), state file {size} bytes\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
