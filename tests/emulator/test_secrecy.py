"""No sequence of packets brings a private key out: not on the wire, not in the trace, not in a repr.

Keys come into being as on a real part, after the configuration lock; from then on everything the chip
says is searched for every private key that was ever in it, whole or any eight bytes of it, raw or as hex.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.commands import HANDLERS, Handler
from softatecc.config import KEY_CONFIG, LOCK_CONFIG, LOCK_VALUE, SLOT_CONFIG, Configuration
from softatecc.crypto import is_scalar
from softatecc.entropy import SeededEntropy
from softatecc.packet import Command, Opcode, decode_response
from softatecc.status import Rejected, Status

WINDOW = 8
PRIVATE_SLOTS = (0, 2, 3, 7)


@dataclass(slots=True)
class Watch:
    """A chip, everything it said, and every private key that was in it."""

    chip: Chip
    keys: set[bytes] = field(default_factory=set)
    said: list[bytes] = field(default_factory=list)

    def exchange(self, packet: bytes) -> bytes:
        self._note_keys()
        group = self.chip.exchange(packet)
        self.said.append(group)
        self._note_keys()
        return group

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
            for window in (key[start : start + WINDOW] for start in range(33 - WINDOW))
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
    if locked == "data":
        watch.exchange(Command(Opcode.LOCK, 0x81, 0).encode())
    return watch


@st.composite
def images(draw: st.DrawFn) -> bytes:
    """A published configuration, or one whose slots are configured at random."""
    image = bytearray(profiles.load(draw(st.sampled_from(profiles.names()))).configuration)
    if draw(st.booleans()):
        image[SLOT_CONFIG : SLOT_CONFIG + 32] = draw(st.binary(min_size=32, max_size=32))
        for slot in PRIVATE_SLOTS:
            image[KEY_CONFIG + 2 * slot] = draw(st.sampled_from([0x33, 0x13, 0x11, 0x53, 0x1C, 0x3F]))
    return bytes(image)


slots = st.one_of(st.integers(0, 15), st.sampled_from(PRIVATE_SLOTS))
addresses = st.builds(
    lambda block, slot, word: block << 8 | slot << 3 | word, st.integers(0, 3), slots, st.integers(0, 7)
)
payloads = st.one_of(
    st.just(b""),
    st.sampled_from([3, 4, 13, 19, 20, 32, 36, 64, 68, 77, 83, 96, 128]).flatmap(
        lambda size: st.binary(min_size=size, max_size=size)
    ),
    st.binary(max_size=148),
)
anything = st.builds(
    Command,
    st.sampled_from(Opcode),
    st.one_of(st.integers(0, 255), st.sampled_from([0x02, 0x82, 0x04, 0x80, 0xA0, 0x08, 0x10])),
    st.one_of(slots, addresses, st.sampled_from([0xFFFF, 0x8000, 4]), st.integers(0, 0xFFFF)),
    payloads,
)
thirty_two = st.binary(min_size=32, max_size=32)
sensible = st.one_of(
    st.builds(lambda slot: Command(Opcode.GENKEY, 4, slot), slots),
    st.just(Command(Opcode.GENKEY, 4, 0xFFFF)),
    st.builds(lambda mode, slot: Command(Opcode.GENKEY, mode, slot), st.sampled_from([0, 8, 0x0C]), slots),
    st.builds(
        lambda mode, data: Command(Opcode.NONCE, mode, 0, data), st.sampled_from([3, 0x43, 0x83]), thirty_two
    ),
    st.just(Command(Opcode.NONCE, 0, 0, bytes(20))),
    st.just(Command(Opcode.NONCE, 0, 0x8000, bytes(20))),
    st.builds(
        lambda mode, slot: Command(Opcode.SIGN, mode, slot), st.sampled_from([0x80, 0xA0, 0, 0x40]), slots
    ),
    st.builds(lambda mode, where: Command(Opcode.READ, mode, where), st.sampled_from([2, 0x82]), addresses),
    st.builds(lambda where, data: Command(Opcode.WRITE, 0x82, where, data), addresses, thirty_two),
    st.builds(lambda mode, where: Command(Opcode.SHA, mode, where), st.sampled_from([0, 3, 4, 6]), slots),
    st.sampled_from(
        [Command(Opcode.SHA, 4, 0xFFFF), Command(Opcode.SHA, 2, 0), Command(Opcode.SHA, 0x42, 0)]
    ),
    st.sampled_from([Command(Opcode.LOCK, 0x80, 0), Command(Opcode.LOCK, 0x81, 0)]),
    st.builds(lambda slot: Command(Opcode.LOCK, 2 | slot << 2, 0), slots),
)
packets = st.one_of(
    sensible.map(Command.encode),
    anything.map(Command.encode),
    st.binary(max_size=160),
    sensible.map(lambda command: command.encode()[:-1] + b"\x00"),
)


@given(
    images(), st.sampled_from(["none", "config", "data"]), st.integers(0, 9), st.lists(packets, max_size=25)
)
@settings(deadline=None, max_examples=150)
def test_no_sequence_of_packets_brings_a_private_key_out(
    image: bytes, locked: str, seed: int, sequence: list[bytes]
) -> None:
    watch = _provisioned(image, locked, seed)
    for packet in sequence:
        watch.exchange(packet)

    assert watch.leaks() == []


def test_the_search_looks_at_keys_that_exist() -> None:
    image = profiles.load("mbedtls_examples_608").configuration
    watch = _provisioned(image, "data", 1)
    watch.exchange(Command(Opcode.GENKEY, 4, 0xFFFF).encode())

    assert len(watch.keys) == len(PRIVATE_SLOTS) + 1


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
    "leaky", [_leaky_response, _leaky_eight_bytes, _leaky_reason, _leaky_raw_reason, _leaky_entropy]
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


@given(images(), st.sampled_from(["none", "config", "data"]), st.lists(packets, min_size=1, max_size=15))
@settings(deadline=None)
def test_any_bytes_get_a_well_formed_answer_and_one_record(
    image: bytes, locked: str, sequence: list[bytes]
) -> None:
    octets = bytearray(image)
    octets[LOCK_VALUE : LOCK_CONFIG + 1] = {"none": b"\x55\x55", "config": b"\x55\x00", "data": b"\x00\x00"}[
        locked
    ]
    chip = Chip(Configuration(bytes(octets)), entropy=SeededEntropy("any"))
    for number, packet in enumerate(sequence, 1):
        body = decode_response(chip.exchange(packet))

        assert len(chip.trace) == number
        assert chip.last_command.response == body
        assert (chip.last_command.why is None) == (chip.last_command.status is Status.SUCCESS)
        if chip.last_command.why is not None:
            assert body == bytes((chip.last_command.status,))


@given(st.binary(min_size=128, max_size=128), st.lists(packets, max_size=10))
@settings(deadline=None)
def test_no_configuration_makes_the_chip_stumble(image: bytes, sequence: list[bytes]) -> None:
    chip = Chip(Configuration(image), entropy=SeededEntropy("stumble"))

    answers = [decode_response(chip.exchange(packet)) for packet in sequence]

    assert all(answers)
    assert len(chip.trace) == len(sequence)


@pytest.mark.parametrize("opcode", sorted({*range(256)} - set(HANDLERS)))
def test_an_opcode_without_a_handler_is_a_parse_error_that_says_which_kind(opcode: int) -> None:
    chip = Chip.blank(bytes(9))
    body = decode_response(chip.exchange(Command(opcode, 0, 0).encode()))
    why = chip.last_command.why or ""
    dropped, known = opcode in (Opcode.HMAC, Opcode.PAUSE), opcode in set(Opcode)

    assert body == bytes((Status.PARSE_ERROR,))
    assert ("508A that the 608 no longer has" in why) == dropped
    assert ("this emulator does not implement" in why) == (known and not dropped)
    assert ("the 608 has no opcode" in why) == (not known)
