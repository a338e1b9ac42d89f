"""Kills a device 200 times in the middle of its work and looks whether anything acknowledged is lost.

A round: a device is started on the state file of the last one; what it holds is compared with what was
acknowledged; then commands that change it are sent without pause until ``kill -9`` hits at a random
moment. What is found afterwards must be the state after the last acknowledged command, or after the one
that was under way; anything else, a mixture or a file that is refused, ends the run with exit code 1.

    python tests/powercut/run.py [--rounds N] [--seed N]
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.progress import tell

from softatecc.host import Host
from softatecc.packet import Opcode
from softatecc.transports import NoResponse, open_transport
from softatecc.zones import Zone

ROUNDS = 200
#: Slots of a blank part that stay writable, readable in clear, after both locks.
DATA_SLOT, BLOCKS = 8, 13
#: A private slot of a blank part in which GenKey may make a new key after both locks.
KEY_SLOT = 2
#: The longest a round may run before it is cut, in seconds.
LONGEST = 0.25


@dataclass(frozen=True, slots=True)
class Held:
    """What a part holds: the blocks of a data slot, a public key, two counters."""

    blocks: tuple[bytes, ...]
    public_key: bytes
    counters: tuple[int, int]


@dataclass
class Round:
    """What was acknowledged in a round, and what was under way when the cut came."""

    acknowledged: Held
    under_way: list[Held] = field(default_factory=list)
    commands: int = 0


@contextmanager
def device(state: Path) -> Iterator[tuple[subprocess.Popen[str], str, float]]:
    """A device process on the state, its URL and how long it took to be ready."""
    command = (sys.executable, "-m", "softatecc", "device", "--tcp", "0", "--state", str(state))
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"the device does not start on {state}; it says why above")
        try:
            yield process, f"tcp://{json.loads(line)['tcp']}", time.monotonic() - began
        finally:
            process.kill()


def prepare(state: Path) -> Held:
    """A part with both locks, known data and a key."""
    with device(state) as (_, url, _):
        transport = open_transport(url)
        host = Host(transport)
        host.lock_configuration()
        host.genkey(KEY_SLOT)
        host.lock_data()
        for block in range(BLOCKS):
            host.write(Zone.DATA, 32 * block, bytes(32), DATA_SLOT)
        held = look(host)
        transport.close()
    return held


def look(host: Host) -> Held:
    """What the part holds, asked over its bus."""
    return Held(
        tuple(host.read(Zone.DATA, 32 * block, 32, DATA_SLOT) for block in range(BLOCKS)),
        host.public_key(KEY_SLOT),
        (counter(host, 0), counter(host, 1)),
    )


def counter(host: Host, number: int) -> int:
    """A counter's value."""
    return int.from_bytes(host.execute(Opcode.COUNTER, 0, number), "little")


def change(host: Host, held: Held, chance: random.Random, pending: list[Held]) -> Held:
    """One command that changes the part; what it may lead to is noted before it is sent."""
    kind = chance.choice(("write", "write", "genkey", "counter"))
    if kind == "write":
        block, data = chance.randrange(BLOCKS), chance.randbytes(32)
        after = replace(held, blocks=(*held.blocks[:block], data, *held.blocks[block + 1 :]))
        pending[:] = [after]
        host.write(Zone.DATA, 32 * block, data, DATA_SLOT)
        return after
    if kind == "counter":
        number = chance.randrange(2)
        values = list(held.counters)
        values[number] += 1
        after = replace(held, counters=(values[0], values[1]))
        pending[:] = [after]
        host.execute(Opcode.COUNTER, 1, number)
        return after
    # Nobody but the part knows the key it is about to make: any valid key may be found after the cut.
    pending[:] = [replace(held, public_key=b"")]
    return replace(held, public_key=host.genkey(KEY_SLOT))


def run_round(process: subprocess.Popen[str], host: Host, held: Held, chance: random.Random) -> Round:
    """Change the part without pause until it is killed."""
    done = Round(held)
    cut = threading.Timer(chance.uniform(0, LONGEST), process.send_signal, (signal.SIGKILL,))
    cut.start()
    try:
        while True:
            done.acknowledged = change(host, done.acknowledged, chance, done.under_way)
            done.under_way.clear()
            done.commands += 1
    except NoResponse:
        cut.join()
        process.wait()
    return done


def judge(found: Held, done: Round) -> str | None:
    """What is wrong with what was found after the cut; None where it is before or after one command."""
    if found == done.acknowledged:
        return None
    for after in done.under_way:
        known = after if after.public_key else replace(after, public_key=found.public_key)
        if found == known:
            return None
    return f"acknowledged {done.acknowledged}, under way {done.under_way}, found {found}"


def main() -> int:
    """Run all rounds; 0 when nothing acknowledged was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", default="power cuts")
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    commands = under_way = carried_out = 0
    starts: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(scratch) / "part.state"
        done = Round(prepare(state))
        for number in range(chosen.rounds + 1):
            with device(state) as (process, url, took):
                starts.append(took)
                transport = open_transport(url)
                host = Host(transport)
                found = look(host)
                wrong = judge(found, done)
                if wrong is not None:
                    sys.stderr.write(f"after cut {number}: {wrong}\n")
                    return 1
                under_way += bool(done.under_way)
                carried_out += found != done.acknowledged
                if number < chosen.rounds:
                    done = run_round(process, host, found, chance)
                    commands += done.commands
                transport.close()
            tell(f"{number} of {chosen.rounds} cuts")
        tell("")
        size = state.stat().st_size
    sys.stdout.write(
        f"{chosen.rounds} power cuts, {commands} changes acknowledged, none lost; {under_way} cuts hit a "
        f"change under way, {carried_out} of these were carried out, the others not at all; start with state "
        f"{sorted(starts)[len(starts) // 2] * 1000:.0f} ms (median), state file {size} bytes\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
