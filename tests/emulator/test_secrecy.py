"""No sequence of packets brings a key or a secret out, stumbles, or takes a lock back.

A machine of random commands, most of them sensible, and of changes of power runs against parts in every
lock state. Keys come into being as on a real part, after the configuration lock; from then on everything
the chip says is searched for every private key that was ever in it, and for every secret that was put
into a slot that is never read in clear: any eight bytes of it, raw or as hex.

What ECDH and KDF put out is no leak: it is what they are for. It is computed from keys, never a piece of
one, so the search does not know it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.commands import HANDLERS, Handler
from softatecc.config import KEY_CONFIG, LOCK_CONFIG, LOCK_VALUE, SLOT_CONFIG, Configuration
from softatecc.crypto import PrivateKey, is_scalar
from softatecc.entropy import SeededEntropy
from softatecc.packet import Command, Opcode, decode_response
from softatecc.slots import Slot
from softatecc.status import Rejected, Status

WINDOW = 8
PRIVATE_SLOTS = (0, 2, 3, 7)
POINT = PrivateKey(bytes(range(1, 33))).public


@dataclass(slots=True)
class Watch:
    """A chip, everything it said, and every private key and slot secret that was in it."""

    chip: Chip
    keys: set[bytes] = field(default_factory=set)
    said: list[bytes] = field(default_factory=list)

    def exchange(self, packet: bytes) -> bytes:
        self._note_keys()
        group = self.chip.exchange(packet)
        self.said.append(group)
        self._note_keys()
        return group

    def plant(self) -> None:
        """Put a secret of the part's own into every slot that is never read in clear."""
        for number in range(16):
            slot = Slot.of(self.chip.configuration, number)
            if slot.config.is_secret and not slot.key.private:
                secret = SeededEntropy(f"secret {number}").random_bytes(slot.size)
                self.chip.memory.store(number, secret)
                self.keys.add(secret)

    def _note_keys(self) -> None:
        for number, key in enumerate(self.chip.configuration.key_config):
            scalar = self.chip.memory.slot(number)[4:36]
            if key.private and is_scalar(scalar):
                self.keys.add(scalar)
        held = self.chip.volatile.temp_key
        if held is not None and held.private:
            self.keys.add(held.lower)

    def leaks(self) -> list[bytes]:
        chip = self.chip
        raw = b"|".join(self.said)
        for record in chip.trace:
            data, response = getattr(record, "data", b""), getattr(record, "response", b"")
            raw += b"|".join(octets for octets in (data, response) if isinstance(octets, bytes))
        shown = (chip, chip.memory, chip.volatile, chip.entropy, chip.memory.private_key(0), *chip.trace)
        text = "|".join(
            (
                *(repr(thing) for thing in shown),
                *(str(thing) for thing in chip.trace),
                *(json.dumps(record.as_json()) for record in chip.trace),
            )
        ).lower()
        return [
            window
            for key in self.keys
            for window in (key[start : start + WINDOW] for start in range(len(key) + 1 - WINDOW))
            if window in raw or window.hex() in text or repr(window)[2:-1].lower() in text
        ]


def _provisioned(image: bytes, locked: str, seed: int) -> Watch:
    """A part in a lock state; keys are made over the bus wherever the configuration allows."""
    octets = bytearray(image)
    octets[LOCK_VALUE : LOCK_CONFIG + 1] = b"\x55\x55" if locked == "none" else b"\x55\x00"
    watch = Watch(Chip(Configuration(bytes(octets)), entropy=SeededEntropy(str(seed))))
    if locked != "none":
        for slot in range(16):
            watch.exchange(Command(Opcode.GENKEY, 4, slot).encode())
        watch.plant()
    if locked == "data":
        watch.exchange(Command(Opcode.LOCK, 0x81, 0).encode())
    return watch


@st.composite
def images(draw: st.DrawFn) -> bytes:
    """A published configuration, or one whose slots and options are set at random."""
    image = bytearray(profiles.load(draw(st.sampled_from(profiles.names()))).configuration)
    if draw(st.booleans()):
        image[SLOT_CONFIG : SLOT_CONFIG + 32] = draw(st.binary(min_size=32, max_size=32))
        image[64:75], image[90:92] = (
            draw(st.binary(min_size=11, max_size=11)),
            draw(st.binary(min_size=2, max_size=2)),
        )
        for slot in range(16):
            common = (
                [0x33, 0x13, 0x11, 0x53, 0x1C, 0x3F]
                if slot in PRIVATE_SLOTS
                else [0x1C, 0x18, 0x12, 0x10, 0x3C]
            )
            image[KEY_CONFIG + 2 * slot] = draw(st.sampled_from(common))
    return bytes(image)


slots = st.one_of(st.integers(0, 15), st.sampled_from(PRIVATE_SLOTS))
addresses = st.builds(
    lambda block, slot, word: block << 8 | slot << 3 | word, st.integers(0, 3), slots, st.integers(0, 7)
)


def octets(*sizes: int) -> st.SearchStrategy[bytes]:
    return st.sampled_from(sizes).flatmap(lambda size: st.binary(min_size=size, max_size=size))


def order(
    opcode: Opcode, modes: range | list[int], param2: st.SearchStrategy[int], data: st.SearchStrategy[bytes]
) -> st.SearchStrategy[Command]:
    return st.builds(
        lambda mode, where, sent: Command(opcode, mode, where, sent), st.sampled_from(modes), param2, data
    )


zero, nothing, any_number = st.just(0), st.just(b""), st.integers(0, 0xFFFF)
#: For each command the modes it has, with parameters and lengths that fit them.
SENSIBLE = {
    Opcode.AES: order(Opcode.AES, [0, 1, 3, 0x40, 0x41], st.one_of(slots, st.just(0xFFFF)), octets(16, 32)),
    Opcode.CHECKMAC: order(Opcode.CHECKMAC, range(8), slots, octets(77)),
    Opcode.COUNTER: order(Opcode.COUNTER, [0, 1], st.integers(0, 1), nothing),
    Opcode.DERIVEKEY: order(Opcode.DERIVEKEY, [0, 4], slots, octets(0, 32)),
    Opcode.ECDH: order(Opcode.ECDH, [0, 4, 5, 8, 9, 12, 13, 14, 15], slots, st.just(POINT)),
    Opcode.GENDIG: order(Opcode.GENDIG, range(6), st.one_of(slots, st.just(0x8000)), octets(0, 4, 32)),
    Opcode.GENKEY: order(Opcode.GENKEY, [0, 4, 8, 12, 16], st.one_of(slots, st.just(0xFFFF)), octets(0, 3)),
    Opcode.INFO: order(Opcode.INFO, range(5), slots, nothing),
    Opcode.KDF: order(
        Opcode.KDF,
        range(0x60),
        st.builds(lambda source, target: target << 8 | source, slots, slots),
        st.builds(
            lambda low, high, message: bytes((low, high, 0, len(message))) + message,
            st.integers(0, 7),
            st.integers(0, 15),
            octets(0, 16, 32),
        ),
    ),
    Opcode.LOCK: order(Opcode.LOCK, [0x80, 0x81, *(0x82 | slot << 2 for slot in range(16))], zero, nothing),
    Opcode.MAC: order(Opcode.MAC, [*range(8), *range(0x40, 0x48)], slots, octets(0, 32)),
    Opcode.NONCE: order(
        Opcode.NONCE, [0, 1, 3, 0x23, 0x43, 0x63, 0x83], st.sampled_from([0, 0, 0x8000]), octets(20, 32, 64)
    ),
    Opcode.PRIVWRITE: order(Opcode.PRIVWRITE, [0, 0x40], slots, octets(68)),
    Opcode.RANDOM: order(Opcode.RANDOM, [0, 1], zero, nothing),
    Opcode.READ: order(Opcode.READ, [0, 1, 2, 0x80, 0x81, 0x82], addresses, nothing),
    Opcode.SECUREBOOT: order(Opcode.SECUREBOOT, [5, 6, 7, 0x45, 0x85, 0x86], zero, octets(32, 96)),
    Opcode.SELFTEST: order(Opcode.SELFTEST, [0, 0x3B, 0x3D], zero, nothing),
    Opcode.SHA: st.one_of(
        order(Opcode.SHA, [0, 3, 4, 6], st.one_of(slots, st.just(0xFFFF)), nothing),
        order(Opcode.SHA, [1, 2, 0x42, 0xC2], zero, nothing),
        order(Opcode.SHA, [1, 2], st.just(20), octets(20)),
        order(Opcode.SHA, [7], st.just(36), st.binary(min_size=32, max_size=32).map(bytes(4).__add__)),
    ),
    Opcode.SIGN: order(Opcode.SIGN, [0, 1, 0x20, 0x40, 0x80, 0xA0], slots, nothing),
    Opcode.UPDATEEXTRA: order(Opcode.UPDATEEXTRA, [0, 1], any_number, nothing),
    Opcode.VERIFY: st.one_of(
        order(Opcode.VERIFY, [0, 0x20, 0x80, 0xA0], slots, octets(64)),
        order(
            Opcode.VERIFY,
            [1, 2, 0x22, 0x82, 0xA2],
            st.one_of(st.just(4), slots),
            octets(64).map(lambda s: s + POINT),
        ),
        order(Opcode.VERIFY, [3, 7], slots, octets(83)),
    ),
    Opcode.WRITE: order(Opcode.WRITE, [0, 1, 2, 0x80, 0x81, 0x82, 0xC2], addresses, octets(4, 32, 64)),
}


def test_every_command_takes_part() -> None:
    assert set(SENSIBLE) == set(HANDLERS)


class AnyProgram(RuleBasedStateMachine):
    """Commands and changes of power in any order, on a part in any lock state."""

    @initialize(image=images(), locked=st.sampled_from(["none", "config", "data"]), seed=st.integers(0, 9))
    def make(self, image: bytes, locked: str, seed: int) -> None:
        self.watch = _provisioned(image, locked, seed)
        self.chip = self.watch.chip
        self.before = self.chip.configuration

    def send(self, packet: bytes) -> None:
        records, memory = len(self.chip.trace), self.chip.memory
        kept = (memory.configuration.image, memory.otp, [memory.slot(number) for number in range(16)])
        body = decode_response(self.watch.exchange(packet))
        last = self.chip.last_command

        assert len(self.chip.trace) == records + 1
        assert (last.why is None) == (last.status is Status.SUCCESS)
        if last.why is not None:
            assert body == bytes((last.status,))
        if last.status not in (Status.SUCCESS, Status.MISCOMPARE):
            assert kept == (memory.configuration.image, memory.otp, [memory.slot(n) for n in range(16)])

    @rule(command=st.one_of(*SENSIBLE.values()))
    def sensible(self, command: Command) -> None:
        self.send(command.encode())

    @rule(slot=slots, mode=st.sampled_from([0, 3]), data=octets(20, 32))
    def nonce_and_gendig(self, slot: int, mode: int, data: bytes) -> None:
        self.send(
            Command(Opcode.NONCE, mode, 0, data[: 20 if mode == 0 else 32].ljust(32 if mode else 20)).encode()
        )
        self.send(Command(Opcode.GENDIG, 2, slot, bytes(4)).encode())

    @rule(
        opcode=st.sampled_from(Opcode),
        mode=st.integers(0, 255),
        param2=any_number,
        data=st.binary(max_size=148),
    )
    def anything(self, opcode: Opcode, mode: int, param2: int, data: bytes) -> None:
        self.send(Command(opcode, mode, param2, data).encode())

    @rule(packet=st.binary(max_size=160))
    def no_packet_at_all(self, packet: bytes) -> None:
        self.send(packet)

    @rule(event=st.sampled_from(["wake", "idle", "sleep", "power_cycle"]))
    def power(self, event: str) -> None:
        getattr(self.chip, event)()

    @invariant()
    def what_is_locked_stays_locked(self) -> None:
        before, now = self.before, self.chip.configuration
        self.before = now

        assert now.config_locked >= before.config_locked
        assert now.data_locked >= before.data_locked
        if before.config_locked:
            assert all(now.slot_locked(slot) >= before.slot_locked(slot) for slot in range(16))
            # Only counters, UserExtra, locks and SlotLocked may still change.
            assert now.image[:52] + now.image[68:84] + now.image[90:] == (
                before.image[:52] + before.image[68:84] + before.image[90:]
            )
            assert all(now.counter(number) >= before.counter(number) for number in (0, 1))

    def teardown(self) -> None:
        if hasattr(self, "watch"):
            assert self.watch.leaks() == []


AnyProgram.TestCase.settings = settings(deadline=None, max_examples=120, stateful_step_count=30)
TestAnyProgram = AnyProgram.TestCase


def test_the_search_looks_at_keys_that_exist() -> None:
    image = profiles.load("mbedtls_examples_608").configuration
    watch = _provisioned(image, "data", 1)
    watch.exchange(Command(Opcode.GENKEY, 4, 0xFFFF).encode())
    secret_slots = 5

    assert len(watch.keys) == len(PRIVATE_SLOTS) + secret_slots + 1


def _leaky_secret(chip: Chip, cmd: Command) -> bytes:
    return chip.memory.slot(4)[20:28]


def _leaky_response(chip: Chip, cmd: Command) -> bytes:
    return chip.memory.slot(0)[4:36]


def _leaky_eight_bytes(chip: Chip, cmd: Command) -> bytes:
    return b"...." + chip.memory.slot(0)[17:25] + b"...."


def _leaky_reason(chip: Chip, cmd: Command) -> bytes:
    raise Rejected(Status.EXECUTION_ERROR, f"the key is {chip.memory.slot(0)[10:18].hex().upper()}")


def _leaky_raw_reason(chip: Chip, cmd: Command) -> bytes:
    raise Rejected(Status.EXECUTION_ERROR, f"the key is {chip.memory.slot(0)[4:36]!r}")


def _leaky_entropy(chip: Chip, cmd: Command) -> bytes:
    class Boastful:
        repeatable = True
        scalar = chip.memory.slot(0)[4:36]

        def random_bytes(self, count: int) -> bytes:
            return bytes(count)

        def __repr__(self) -> str:
            return self.scalar.hex()

    chip.entropy = Boastful()
    return b"\x00"


@pytest.mark.parametrize(
    "leaky",
    [_leaky_response, _leaky_secret, _leaky_eight_bytes, _leaky_reason, _leaky_raw_reason, _leaky_entropy],
)
def test_a_leak_put_there_on_purpose_is_found(
    monkeypatch: pytest.MonkeyPatch, leaky: Callable[[Chip, Command], bytes]
) -> None:
    info = HANDLERS[Opcode.INFO]
    monkeypatch.setitem(HANDLERS, Opcode.INFO, Handler(leaky, info.hides_request, info.hides_response))
    watch = _provisioned(profiles.load("mbedtls_examples_608").configuration, "data", 1)
    before = watch.leaks()
    watch.exchange(Command(Opcode.INFO, 0, 0).encode())

    assert before == []
    assert watch.leaks() != []
