"""`make bench-chip`: what the chip costs beside bare cryptography, over TCP, and under the vendor's library.

Rules of this file:
1. In one process CPU time is measured and the two sides of a ratio alternate round by round; the median
   round counts. The chip's side has everything in it: packet, CRC both ways, checks, trace.
2. Bare cryptography starts from loaded keys and gives what the chip gives: ``R || S``, ``X || Y``.
3. Over TCP and under the library the wall clock is measured, one command at a time, as a client waits.
4. Start-up is the best of several fresh interpreters, all modules compiled before.
5. Nothing here is a test: it reports.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from softatecc import cal, profiles
from softatecc.chip import Chip
from softatecc.host import Host, NonceTarget
from softatecc.hostsleeps import SleepsStay
from softatecc.packet import Command, Opcode
from softatecc.transports import EmulatorTransport, NoResponse, Transport, open_transport
from softatecc.wire import I2cPort

Act = Callable[[], object]

PROFILE = "cal_test_608"
SERIAL_NUMBER = bytes.fromhex("0123528e47b3461dee")
#: In that profile: signs external messages and agrees on secrets, without limited use.
SLOT = 2
DIGEST = bytes(range(32))
#: What wolfSSL's ATECC608Sim did with its memory store, C client, on another machine (packets per second).
COMPETITOR = {"Random": 16_980, "Nonce+Sign": 2_499, "Nonce+Verify": 3_070, "GenKey": 4_471, "ECDH": 5_121}


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        what: what was done.
        value: the figure.
        unit: ``ratio``, ``per second``, ``us`` or ``ms``.
        beside: what a ratio compares with, or what goes with the figure.
    """

    what: str
    value: float
    unit: str
    beside: str = ""


# --- parts ----------------------------------------------------------------------------------------------


def provision(transport: Transport) -> Host:
    """A blank part with a configuration that signs, agrees and verifies; data unlocked, a key in SLOT."""
    host = Host(transport)
    host.write_configuration(profiles.load(PROFILE).configuration)
    host.lock_configuration()
    host.genkey(SLOT)
    return host


def part() -> Chip:
    """Such a part in this process."""
    chip = Chip.blank(SERIAL_NUMBER)
    provision(EmulatorTransport(chip))
    return chip


@dataclass(frozen=True, slots=True)
class Packets:
    """The packets of the operations measured."""

    nonce: bytes
    sign: bytes
    verify: bytes
    ecdh: bytes
    genkey: bytes
    random: bytes


def packets(point: bytes, signature: bytes) -> Packets:
    """The packets for a peer's key and its signature of DIGEST."""
    return Packets(
        nonce=Command(Opcode.NONCE, 0x03 | NonceTarget.MESSAGE_DIGEST_BUFFER, 0, DIGEST).encode(),
        sign=Command(Opcode.SIGN, 0xA0, SLOT, b"").encode(),
        verify=Command(Opcode.VERIFY, 0x22, 4, signature + point).encode(),
        ecdh=Command(Opcode.ECDH, 0x0C, SLOT, point).encode(),
        genkey=Command(Opcode.GENKEY, 0x04, SLOT, b"").encode(),
        random=Command(Opcode.RANDOM, 0, 0, b"").encode(),
    )


# --- in process -----------------------------------------------------------------------------------------


def cpu_seconds(act: Act, times: int) -> float:
    """CPU seconds of one call, on average over `times`."""
    start = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - start) / times


def ratio(what: str, beside: str, bare: Act, ours: Act, clean: Act, rounds: int) -> Iterator[Figure]:
    """How fast ours is where bare is 1, and what one of ours costs."""
    times = max(20, int(0.05 / max(cpu_seconds(bare, 20), 1e-6)))
    pairs = []
    for _ in range(rounds):
        pairs.append((cpu_seconds(bare, times), cpu_seconds(ours, times)))
        clean()
    yield Figure(what, median(one / other for one, other in pairs), "ratio", beside)
    yield Figure(f"{what}, one", median(other for _, other in pairs) * 1e6, "us")


def in_process(rounds: int) -> Iterator[Figure]:
    """Sign, Verify, ECDH, GenKey against the same operation of the cryptography library alone."""
    chip, curve, prehashed = part(), SECP256R1(), ECDSA(Prehashed(SHA256()))
    own, peer = derive_private_key(0x1234567, curve), derive_private_key(0x7654321, curve)
    point = xy(peer.public_key())
    der = peer.sign(DIGEST, prehashed)
    known = packets(point, _raw(der))
    agreement, peer_public = ECDH(), peer.public_key()
    chip.exchange(known.nonce)

    def sent(*group: bytes) -> Act:
        for packet in group:
            _require_good(chip, packet)
        return lambda: [chip.exchange(packet) for packet in group]

    def bare_verify() -> None:
        peer_public.verify(encode_dss_signature(*decode_dss_signature(der)), DIGEST, prehashed)

    def bare_genkey() -> bytes:
        return xy(derive_private_key(0x1234567, curve).public_key())

    def bare_sign() -> bytes:
        return _raw(own.sign(DIGEST, prehashed))

    rows = (
        ("Sign", "sign, R and S", bare_sign, sent(known.sign)),
        ("Nonce+Sign", "sign, R and S", bare_sign, sent(known.nonce, known.sign)),
        ("Verify", "verify", bare_verify, sent(known.verify)),
        ("ECDH", "exchange", lambda: own.exchange(agreement, peer_public), sent(known.ecdh)),
        ("GenKey", "derive_private_key and public bytes", bare_genkey, sent(known.genkey)),
    )
    for what, beside, bare, ours in rows:
        yield from ratio(what, f"cryptography: {beside}", bare, ours, chip.trace.clear, rounds)
    for what, packet in (("Random", known.random), ("Info", Command(Opcode.INFO, 0, 0, b"").encode())):
        cost = [cpu_seconds(sent(packet), 2000) for _ in range(rounds)]
        chip.trace.clear()
        yield Figure(f"{what}, one", median(cost) * 1e6, "us")


def xy(key: EllipticCurvePublicKey) -> bytes:
    """``X || Y``."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


def _raw(der: bytes) -> bytes:
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _require_good(chip: Chip, packet: bytes) -> None:
    chip.exchange(packet)
    if chip.last_command.why is not None:
        raise SystemExit(f"the bench measures a refusal: {chip.last_command}")


# --- over TCP -------------------------------------------------------------------------------------------


def over_tcp(seconds: float) -> Iterator[Figure]:
    """Packets per second of a device in a process of its own, one connection."""
    command = [sys.executable, "-m", "softatecc", "device", "--tcp", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as device:
        try:
            assert device.stdout is not None
            ready = device.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", ready)
            if found is None:
                raise SystemExit(f"the device did not say where it listens: {ready!r}")
            transport = open_transport(f"tcp://127.0.0.1:{found[1]}")
            try:
                yield from _operations(provision(transport), seconds)
            finally:
                transport.close()
        finally:
            device.terminate()


def _operations(host: Host, seconds: float) -> Iterator[Figure]:
    signature, point = host.sign(SLOT, DIGEST), host.public_key(SLOT)
    known = packets(point, signature)
    send = host.transport.exchange
    for what, group in (
        ("Random", (known.random,)),
        ("Nonce+Sign", (known.nonce, known.sign)),
        ("Nonce+Verify", (known.nonce, known.verify)),
        ("GenKey", (known.genkey,)),
        ("ECDH", (known.ecdh,)),
    ):
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            for packet in group:
                send(packet)
            done += len(group)
        rate = done / (time.perf_counter() - start)
        yield Figure(f"TCP {what}", rate, "per second", f"ATECC608Sim elsewhere: {COMPETITOR[what]}")


# --- under cryptoauthlib --------------------------------------------------------------------------------


def under_the_wheel(seconds: float) -> Iterator[Figure]:
    """Calls per second of Microchip's own library, as shipped and with its sleeps taken out."""
    for host_sleeps in (True, False):
        port = I2cPort(part())
        try:
            with cal.CryptoAuthLib(port, host_sleeps=host_sleeps) as library:
                calls: dict[str, Act] = {
                    "info": library.info,
                    "random": library.random,
                    "genkey": partial(library.genkey, SLOT),
                    "sign": partial(library.sign, SLOT, DIGEST),
                }
                for name, call in calls.items():
                    done, start = 0, time.perf_counter()
                    while time.perf_counter() - start < seconds:
                        call()
                        done += 1
                    rate = done / (time.perf_counter() - start)
                    sleeps = "with its sleeps" if host_sleeps else "without"
                    yield Figure(f"wheel atcab_{name}, {sleeps}", rate, "per second")
        except (cal.CalMissing, SleepsStay) as reason:
            yield Figure("wheel", 0.0, "per second", f"not measured: {reason}")


# --- start-up -------------------------------------------------------------------------------------------

_TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
_STARTS = {
    "import cryptography.x509": "import cryptography.x509",
    "import softatecc": "import softatecc",
    "import softatecc.chip": "import softatecc.chip",
    "import softatecc.chip, Chip.blank": "from softatecc.chip import Chip; Chip.blank(bytes(9))",
}


def start_up(times: int) -> Iterator[Figure]:
    """Imports and a blank part, in fresh interpreters, beside the import of cryptography.x509."""
    seen: dict[str, list[float]] = {what: [] for what in _STARTS}
    with tempfile.TemporaryDirectory(prefix="bench-") as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(times + 1):
            for what, code in _STARTS.items():
                command = [sys.executable, "-c", _TIMED.format(code)]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                seen[what].append(float(done.stdout))
    best = {what: min(measured[1:]) for what, measured in seen.items()}
    reference, *others = best.items()
    yield Figure(reference[0], reference[1] * 1000, "ms")
    for what, seconds in others:
        yield Figure(what, seconds / reference[1], "ratio", f"{reference[0]}; {seconds * 1000:.1f} ms")


# --- the report -----------------------------------------------------------------------------------------


def table(figures: list[Figure]) -> Iterator[str]:
    """The figures as a Markdown table."""
    yield "| what | figure | beside |"
    yield "|---|---|---|"
    for each in figures:
        shown = {"ratio": f"{each.value:.2f}", "us": f"{each.value:.1f} µs", "ms": f"{each.value:.1f} ms"}
        yield f"| {each.what} | {shown.get(each.unit, f'{each.value:,.0f} {each.unit}')} | {each.beside} |"


def main() -> int:
    """Measure everything once."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="a tenth of the time")
    options.add_argument("--json", action="store_true", help="the figures as JSON")
    chosen = options.parse_args()
    rounds, seconds, starts = (3, 0.3, 3) if chosen.quick else (15, 2.0, 15)
    try:
        figures = [
            *in_process(rounds),
            *over_tcp(seconds),
            *under_the_wheel(seconds),
            *start_up(starts),
        ]
    except NoResponse as reason:
        sys.stderr.write(f"the device over TCP cannot be measured: {reason}\n")
        return 3
    if chosen.json:
        print(
            json.dumps(
                {"machine": platform.platform(), "figures": [asdict(each) for each in figures]}, indent=1
            )
        )
    else:
        print("\n".join(table(figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
