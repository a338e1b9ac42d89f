"""Every published packet whose commands exist; the others are listed with what they wait for."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from softatecc.chip import Chip
from softatecc.commands import HANDLERS
from softatecc.config import LOCK_CONFIG, LOCK_VALUE, UNLOCKED, Configuration
from softatecc.entropy import FixedEntropy, SeededEntropy
from softatecc.model import DeviceModel, Revision
from softatecc.packet import command_name, encode_response
from softatecc.status import Status
from softatecc.wire import I2cPort, WordAddress

FILE = Path(__file__).parents[1] / "vectors" / "atecc608a" / "vectors.json"

#: Vectors that cannot run yet, and the commands they wait for.
WAITING = {
    "aes_ecb_enc_tempkey_4blocks": {"AES"},
    "aes_gfm": {"AES"},
    "counter_bad_id": {"Counter"},
    "counter_read_inc": {"Counter"},
    "derivekey_roll_slot9": {"CheckMac", "DeriveKey"},
    "ecdh_slot2_clear": {"ECDH"},
    "gendig_config_then_mac": {"GenDig", "MAC"},
    "gendig_data_then_mac": {"GenDig", "MAC"},
    "gendig_keyconfig_then_mac": {"GenDig", "MAC"},
    "kdf_hkdf_tempkey_out": {"KDF"},
    "kdf_prf_tempkey_out64": {"KDF"},
    "mac_slot4_challenge_sn": {"MAC"},
    "mac_sourceflag_mismatch": {"MAC"},
    "mac_then_checkmac": {"CheckMac", "MAC"},
    "nonce_random_then_mac": {"MAC"},
    "privwrite_clear_then_getpub": {"PrivWrite"},
    "secureboot_full_copy_store": {"SecureBoot"},
    "secureboot_full_encmac": {"SecureBoot"},
    "selftest_all": {"SelfTest"},
    "write_enc_slot8_block5": {"GenDig"},
}
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

    @property
    def waits_for(self) -> set[str]:
        opcodes = {sent[1] for sent, _ in self.steps if sent}
        return {command_name(opcode) for opcode in opcodes if opcode not in HANDLERS}

    def part(self) -> Chip:
        entropy = FixedEntropy(self.random, SeededEntropy(self.name))
        chip = Chip(Configuration(self.image), entropy=entropy, model=DeviceModel(revision=self.revision))
        for number, octets in self.slots.items():
            chip.memory.store(number, octets + chip.memory.slot(number)[len(octets) :])
        for number, scalar in self.private.items():
            chip.memory.store_private_key(number, scalar)
        return chip


def _load() -> dict[str, Vector]:
    tree = json.loads(FILE.read_text(encoding="utf-8"))
    vectors = {}
    for entry in tree["vectors"]:
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
RUNNING = sorted(VECTORS.keys() - WAITING.keys() - LOW_CONFIDENCE - {FRAMES})


def test_every_vector_runs_waits_for_a_named_command_or_is_of_low_confidence() -> None:
    waiting = {vector.name: vector.waits_for for vector in VECTORS.values() if vector.waits_for}
    doubtful = {vector.name for vector in VECTORS.values() if vector.confidence == "low"}

    assert waiting == WAITING
    assert doubtful == LOW_CONFIDENCE
    assert len(RUNNING) + len(WAITING) + len(LOW_CONFIDENCE) + 1 == len(VECTORS) == 54


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
