"""Every published packet, answered as published; the one nobody has seen on a bus, behind its switch."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from softatecc.chip import Chip
from softatecc.config import LOCK_CONFIG, LOCK_VALUE, UNLOCKED, Configuration
from softatecc.entropy import FixedEntropy, SeededEntropy
from softatecc.model import DeviceModel, Revision
from softatecc.packet import encode_response
from softatecc.status import Status
from softatecc.wire import I2cPort, WordAddress

FOLDER = Path(__file__).parents[1] / "vectors" / "atecc608a"

#: Nobody has seen these on a bus.
LOW_CONFIDENCE = {"wake_selftest_failed"}
#: Not an exchange but a table of frames.
FRAMES = "status_frames"


@dataclass(frozen=True, slots=True)
class Vector:
    name: str
    confidence: str
    source: str
    steps: tuple[tuple[bytes, bytes], ...]
    image: bytes
    slots: dict[int, bytes]
    private: dict[int, bytes]
    random: bytes
    revision: Revision

    def part(self) -> Chip:
        entropy = FixedEntropy(self.random, SeededEntropy(self.name))
        chip = Chip(Configuration(self.image), entropy=entropy, model=DeviceModel(revision=self.revision))
        for number, octets in self.slots.items():
            chip.memory.store(number, octets + chip.memory.slot(number)[len(octets) :])
        for number, scalar in self.private.items():
            chip.memory.store_private_key(number, scalar)
        return chip


def _load() -> dict[str, Vector]:
    tree, own = (
        json.loads((FOLDER / name).read_text(encoding="utf-8")) for name in ("vectors.json", "own.json")
    )
    vectors = {}
    for entry in (*tree["vectors"], *own["vectors"]):
        setup = entry["setup"]
        image = bytearray.fromhex(tree["images"][setup["image"]])
        for zone, offset in (("data", LOCK_VALUE), ("config", LOCK_CONFIG)):
            image[offset] = 0 if zone in setup["locked"] else UNLOCKED
        vectors[entry["id"]] = Vector(
            entry["id"],
            entry["confidence"],
            entry["source"],
            tuple((bytes.fromhex(step["tx"]), bytes.fromhex(step["rx"])) for step in entry["steps"]),
            bytes(image),
            {int(number): bytes.fromhex(octets) for number, octets in setup.get("slots", {}).items()},
            {int(number): bytes.fromhex(scalar) for number, scalar in setup.get("private", {}).items()},
            bytes.fromhex(setup.get("random", "")),
            Revision[setup.get("revision", "ATECC608A")],
        )
    return vectors


VECTORS = _load()
RUNNING = sorted(VECTORS.keys() - LOW_CONFIDENCE - {FRAMES})


def test_every_vector_runs_or_is_of_low_confidence() -> None:
    doubtful = {vector.name for vector in VECTORS.values() if vector.confidence == "low"}

    assert doubtful == LOW_CONFIDENCE
    assert len(RUNNING) + len(LOW_CONFIDENCE) + 1 == len(VECTORS) == 54 + 23


def test_our_own_vectors_are_what_their_generator_makes() -> None:
    made = subprocess.run([sys.executable, FOLDER / "own.py"], capture_output=True, text=True, check=True)

    assert made.stdout == (FOLDER / "own.json").read_text(encoding="utf-8")


def test_every_vector_names_its_source() -> None:
    sources = [vector.source for vector in VECTORS.values()]

    assert all(sources)


@pytest.mark.parametrize("name", RUNNING)
def test_the_chip_answers_a_published_packet_as_published(name: str) -> None:
    vector = VECTORS[name]
    port = I2cPort(vector.part())
    port.wake()

    answers = []
    for sent, expected in vector.steps:
        if sent:
            assert port.write(WordAddress.COMMAND, sent)
        answers.append(port.read(len(expected)))

    assert answers == [expected for _, expected in vector.steps]


def test_the_status_groups_are_framed_as_published() -> None:
    frames = [expected for _, expected in VECTORS[FRAMES].steps]

    assert frames == [encode_response(bytes((status,))) for status in Status]


@pytest.mark.parametrize("crc_is_right", [False, True])
def test_the_wake_after_a_failed_self_test_is_what_the_model_says(crc_is_right: bool) -> None:
    ((_, published),) = VECTORS["wake_selftest_failed"].steps
    right = encode_response(bytes((Status.SELF_TEST_ERROR,)))
    model = DeviceModel(failed_wake_response=right) if crc_is_right else DeviceModel()
    chip = Chip(Configuration(VECTORS["wake_ok"].image).replaced(90, b"\x01"), model=model)
    chip.faults.self_test_failures = 0x01
    chip.wake()

    assert chip.wake_response == (right if crc_is_right else published)
