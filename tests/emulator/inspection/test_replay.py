"""A recording made on one device replays against another; what differs is told, secrets are not kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.entropy import SeededEntropy
from softatecc.host import DeviceError, Host, NonceTarget
from softatecc.knowledge import Comparison, Knowledge
from softatecc.model import DeviceModel, Revision
from softatecc.packet import Command, Opcode, encode_response
from softatecc.recorder import Recorder
from softatecc.recording import Exchange, Power, Recording, read
from softatecc.replay import CannotReplay, Replayer, feed_of, twin
from softatecc.trace import Hidden
from softatecc.transports import EmulatorTransport, NoResponse
from softatecc.zones import Zone

Part = Callable[..., Chip]

SECRET = bytes(range(0xA0, 0xC0))
SECRET_SLOT, CLEAR_SLOT = 4, 8


class Altered:
    """A transport whose answers to one command are another's."""

    def __init__(self, chip: Chip, opcode: int, group: bytes | None) -> None:
        self._transport = EmulatorTransport(chip)
        self._opcode, self._group = opcode, group

    def wake(self) -> bytes:
        return self._transport.wake() if self._opcode != -1 else b"\x04\x07\xc4\x40"

    def exchange(self, packet: bytes) -> bytes:
        group = self._transport.exchange(packet)
        if packet[1] != self._opcode:
            return group
        if self._group is None:
            raise NoResponse("nothing came back")
        return self._group

    def idle(self) -> None:
        self._transport.idle()

    def sleep(self) -> None:
        self._transport.sleep()

    def close(self) -> None:
        self._transport.close()


def provision(host: Host) -> None:
    """A blank part, up to a signature that verifies."""
    host.transport.wake()
    host.write_configuration(profiles.load("mbedtls_examples_608").configuration)
    host.lock_configuration()
    public = host.genkey(0)
    host.random()
    signature = host.sign(0, SECRET)
    host.verify_external(SECRET, signature, public)
    host.write_slot(CLEAR_SLOT, b"hello")
    host.lock_data()
    host.read_slot(CLEAR_SLOT, 32)
    host.transport.idle()
    host.public_key(0)
    host.transport.sleep()
    with pytest.raises(DeviceError):
        host.genkey(CLEAR_SLOT)


def record(chip: Chip, play: Callable[[Host], object], *, with_secrets: bool = False) -> Recording:
    recorder = Recorder(EmulatorTransport(chip), with_secrets=with_secrets)
    play(Host(recorder))
    recorder.close()
    return recorder.recording


def blank(seed: str = "recorded") -> Chip:
    return Chip.blank(bytes.fromhex("0123528e47b3461dee"), entropy=SeededEntropy(seed))


def test_a_run_replays_against_a_twin_without_a_difference() -> None:
    recording = record(blank(), provision)
    report = Replayer(recording, EmulatorTransport(twin(recording))).run()

    assert report.difference is None
    assert report.skipped == 0
    assert report.compared[Comparison.RANDOM] == 1
    assert report.compared[Comparison.KEY] == 2
    assert report.compared[Comparison.SIGNATURE] == 1
    assert report.compared[Comparison.BYTES] > 20


def test_fed_random_numbers_are_compared_byte_by_byte() -> None:
    recording = record(blank(), provision)
    chip = twin(recording)
    report = Replayer(recording, EmulatorTransport(chip), feed=feed_of(chip)).run()

    assert report.difference is None
    assert report.compared[Comparison.RANDOM] == 0


def test_a_recording_survives_its_lines() -> None:
    recording = record(blank(), provision)
    again = read([*recording.lines(), ""])

    assert again == recording
    assert isinstance(again.steps[0], Power)
    assert again.steps[0].answer == bytes.fromhex("04113343")


def test_another_serial_number_is_no_difference_but_another_configuration_is() -> None:
    def look(host: Host) -> None:
        host.read_configuration()

    recording = record(blank(), look)
    other = Chip.blank(bytes.fromhex("0123aaaaaaaaaaaaee"))
    moved = Chip.blank(bytes.fromhex("0123aaaaaaaaaaaaee"))
    moved.memory.configuration = moved.configuration.replaced(16, b"\x6a")
    difference = Replayer(recording, EmulatorTransport(moved)).run().difference

    assert Replayer(recording, EmulatorTransport(other)).run().difference is None
    assert difference is not None
    assert (difference.step, difference.name) == (1, "Read")
    assert difference.compared is Comparison.BYTES
    assert str(difference).startswith("step 1, Read: recorded 32 bytes: 0123528e")
    assert difference.as_json()["compared"] == "byte by byte"


def test_the_first_difference_names_step_status_and_both_sides(part: Part) -> None:
    recording = record(part("mbedtls_examples_608", locked="config"), lambda host: host.genkey(0))
    unlocked = EmulatorTransport(part("mbedtls_examples_608", locked="none"))
    difference = Replayer(recording, unlocked).run().difference

    assert difference is not None
    assert difference.name == "GenKey"
    assert difference.recorded.startswith("the public key X || Y, 64 bytes: ")
    assert difference.seen == "0F (execution error)"


@pytest.mark.parametrize(
    "opcode, group, name",
    [
        (Opcode.GENKEY, encode_response(bytes(64)), "GenKey"),
        (Opcode.SIGN, encode_response(bytes(64)), "Sign"),
        (Opcode.SIGN, encode_response(b"\x01" * 64), "Sign"),
        (Opcode.RANDOM, encode_response(bytes.fromhex("ffff0000") * 8), "Random"),
        (Opcode.RANDOM, encode_response(bytes(31)), "Random"),
        (Opcode.INFO, b"\x07\x00\x00", "Info"),
        (Opcode.SIGN, None, "Sign"),
        (-1, b"", "wake"),
    ],
)
def test_a_forged_answer_of_each_kind_is_a_difference(opcode: int, group: bytes | None, name: str) -> None:
    def play(host: Host) -> None:
        host.info_revision()
        provision(host)

    recording = record(blank(), play)
    difference = Replayer(recording, Altered(twin(recording), opcode, group)).run().difference

    assert difference is not None
    assert difference.name == name


def test_the_pattern_of_an_unlocked_part_is_no_random_number() -> None:
    recording = record(blank(), lambda host: host.random())
    locked = twin(recording)
    locked.memory.configuration = locked.configuration.replaced(87, b"\x00")

    assert Replayer(recording, EmulatorTransport(twin(recording))).run().difference is None
    assert Replayer(recording, EmulatorTransport(locked)).run().difference is not None


def test_a_signature_by_a_key_nobody_saw_must_still_be_one(part: Part) -> None:
    def play(host: Host) -> None:
        host.execute(Opcode.NONCE, 0x00, 0, bytes(20))
        host.execute(Opcode.GENDIG, 0, 0)
        host.execute(Opcode.SIGN, 0x00, 0)
        host.nonce_passthrough(SECRET)
        host.execute(Opcode.SIGN, 0x80, 0)

    chip = part("mbedtls_examples_608", locked="data")
    Host(EmulatorTransport(chip)).genkey(0)
    with pytest.raises(DeviceError):  # GenDig of the configuration leaves nothing that is signed internally
        record(chip, play)
    recording = record(chip, lambda host: host.sign(0, SECRET))
    target = twin(recording)
    Host(EmulatorTransport(target)).genkey(0)
    good = Replayer(recording, EmulatorTransport(target)).run()
    forged = Replayer(recording, Altered(target, Opcode.SIGN, encode_response(bytes(64)))).run()

    assert good.difference is None
    assert forged.difference is not None
    assert forged.difference.compared is Comparison.SIGNATURE


# --- secrets ----------------------------------------------------------------------------------------


def test_what_is_secret_is_not_in_the_recording(part: Part) -> None:
    def play(host: Host) -> None:
        host.write(Zone.DATA, 0, SECRET, SECRET_SLOT)
        host.write(Zone.DATA, 0, SECRET, CLEAR_SLOT)
        host.nonce_passthrough(SECRET, NonceTarget.ALTERNATE_KEY_BUFFER)

    recording = record(part("mbedtls_examples_608", locked="config"), play)
    secret, clear, key = recording.steps
    lines = list(recording.lines())

    assert isinstance(secret, Exchange)
    assert isinstance(secret.data, Hidden)
    assert secret.command == Command(Opcode.WRITE, 0x82, SECRET_SLOT << 3, bytes(32))
    assert SECRET.hex() not in lines[1] + lines[3]
    assert SECRET.hex() in lines[2]
    assert isinstance(clear, Exchange)
    assert isinstance(key, Exchange)
    assert "Alternate Key Buffer" in str(key.data)


def test_a_clear_shared_secret_is_hidden_and_compared_by_length(part: Part) -> None:
    chip = part("cal_test_608", locked="data")
    peer = Host(EmulatorTransport(chip)).genkey(2)

    def play(host: Host) -> None:
        host.execute(Opcode.ECDH, 0x0C, 2, peer)

    recording = record(chip, play)
    (step,) = recording.steps
    target = twin(recording)
    Host(EmulatorTransport(target)).genkey(2)
    good = Replayer(recording, EmulatorTransport(target)).run()
    short = Replayer(recording, Altered(target, Opcode.ECDH, encode_response(b"\x0f"))).run()

    assert isinstance(step, Exchange)
    assert isinstance(step.response, Hidden)
    assert step.response.length == 35
    assert good.difference is None
    assert good.compared[Comparison.LENGTH] == 1
    assert short.difference is not None
    assert "35 bytes hidden" in short.difference.recorded


def test_a_recording_with_secrets_keeps_them_and_says_so(part: Part) -> None:
    def play(host: Host) -> None:
        host.write(Zone.DATA, 0, SECRET, SECRET_SLOT)

    recording = record(part("mbedtls_examples_608", locked="config"), play, with_secrets=True)

    assert recording.head.with_secrets
    assert SECRET.hex() in "".join(recording.lines())
    assert Replayer(recording, EmulatorTransport(twin(recording))).run().difference is None


def test_hidden_requests_are_refused_or_passed_over(part: Part) -> None:
    def play(host: Host) -> None:
        host.write(Zone.DATA, 0, SECRET, SECRET_SLOT)
        host.info_revision()

    recording = record(part("mbedtls_examples_608", locked="config"), play)
    target = EmulatorTransport(twin(recording))

    with pytest.raises(CannotReplay, match=r"step 1, Write, hides its 32 data bytes \(slot 4 is secret"):
        Replayer(recording, target)
    report = Replayer(recording, target, skip_hidden=True).run()
    assert (report.skipped, report.difference) == (1, None)


def test_secrets_follow_the_configuration_as_the_recording_changes_it() -> None:
    def play(host: Host) -> None:
        with pytest.raises(DeviceError):
            host.write(Zone.DATA, 0, SECRET, CLEAR_SLOT)  # nothing is settled before the lock
        provision(host)
        host.lock_slot(10)

    recording = record(blank(), play)
    exchanges = [step for step in recording.steps if isinstance(step, Exchange)]

    assert isinstance(exchanges[0].data, Hidden)
    assert not any(isinstance(step.data, Hidden) for step in exchanges[1:])


def test_garbled_packets_are_recorded_hidden_and_replayed_with_secrets(part: Part) -> None:
    def play(host: Host) -> None:
        host.transport.exchange(Command(Opcode.NONCE, 3, 0, SECRET).encode()[:-1] + b"\x00")
        host.transport.exchange(b"\x04\x30\x00\x00")

    hidden = record(part(), play)
    kept = record(part(), play, with_secrets=True)
    first = hidden.steps[0]

    assert isinstance(first, Exchange)
    assert isinstance(first.data, Hidden)
    assert SECRET.hex()[:20] not in "".join(hidden.lines())
    with pytest.raises(CannotReplay, match="step 1, Nonce, hides"):
        Replayer(hidden, EmulatorTransport(part()))
    report = Replayer(kept, EmulatorTransport(part())).run()
    assert (report.difference, report.compared[Comparison.BYTES]) == (None, 2)


# --- what follows from what -------------------------------------------------------------------------


def chain(host: Host) -> None:
    """Everything that leaves something in a register or a slot, and what shows it."""
    host.execute(Opcode.NONCE, 0, 0, bytes(20))
    host.execute(Opcode.MAC, 0x02 | 0x40, 0, bytes(32))
    host.execute(Opcode.NONCE, 0, 0, bytes(20))
    host.execute(Opcode.NONCE, 0, 0x8000, bytes(20))
    host.execute(Opcode.GENDIG, 2, 4)
    host.execute(Opcode.READ, 0x82, 1 << 3)
    host.nonce_passthrough(SECRET)
    host.execute(Opcode.GENDIG, 0, 1)
    host.execute(Opcode.MAC, 0x06, 0, bytes(32))
    host.execute(Opcode.MAC, 0x00, 4, bytes(32))
    host.nonce_passthrough(SECRET)
    host.execute(Opcode.AES, 0, 0xFFFF, bytes(16))
    host.execute(Opcode.AES, 3, 0, bytes(32))
    host.execute(Opcode.SHA, 4, 4)
    host.execute(Opcode.SHA, 0xC2, 3, b"abc")
    host.execute(Opcode.SHA, 0)
    host.execute(Opcode.SHA, 3, 11)
    host.execute(Opcode.SHA, 6)
    host.execute(Opcode.SHA, 0x02, 3, b"abc")
    host.execute(Opcode.SHA, 0)
    host.execute(Opcode.SHA, 0x42, 3, b"abc")
    host.execute(Opcode.KDF, 0x10, 0, bytes((1, 0, 0, 32)) + bytes(32))
    host.execute(Opcode.KDF, 0x00, 0, bytes((1, 0, 0, 32)) + bytes(32))
    host.execute(Opcode.KDF, 0x0C, 0, bytes((1, 0, 0, 32)) + bytes(32))
    host.execute(Opcode.KDF, 0x13, 0, bytes((1, 0, 0, 32)) + bytes(32))
    host.execute(Opcode.KDF, 0x08, 0x0D00, bytes((1, 0, 0, 32)) + bytes(32))
    host.execute(Opcode.READ, 0x82, 13 << 3)
    host.nonce_passthrough(SECRET, NonceTarget.ALTERNATE_KEY_BUFFER)
    host.execute(Opcode.KDF, 0x13, 0, bytes((1, 0, 0, 32)) + bytes(32))
    host.execute(Opcode.KDF, 0x12, 4, bytes((1, 0, 0, 32)) + bytes(32))
    host.execute(Opcode.GENKEY, 0x04, 0xFFFF)
    host.execute(Opcode.COUNTER, 0, 1)
    host.write(Zone.DATA, 0, SECRET, 13)
    host.read(Zone.DATA, 0, 32, 13)
    host.read(Zone.DATA, 32, 4, 13)


def test_a_locked_part_with_unknown_keys_replays_by_what_both_can_know(part: Part) -> None:
    def made() -> Chip:
        chip = part(octets={96 + 2 * 13: b"\x1e\x00"})  # KeyConfig.PubInfo, so that KDF may write it
        chip.memory.store(4, SECRET + bytes(4))
        chip.memory.store(11, bytes(72))
        return chip

    recording = record(made(), chain, with_secrets=True)
    same, erased = made(), twin(recording)
    known = Replayer(
        recording, EmulatorTransport(same), feed=feed_of(same), shared=frozenset(range(16))
    ).run()
    unknown = Replayer(recording, EmulatorTransport(erased)).run()

    assert known.difference is None
    assert unknown.difference is None
    assert known.compared[Comparison.LENGTH] < unknown.compared[Comparison.LENGTH]
    assert unknown.compared[Comparison.LENGTH] >= 8


def test_a_shared_slot_that_differs_after_all_is_found(part: Part) -> None:
    def play(host: Host) -> None:
        host.execute(Opcode.MAC, 0x00, 4, bytes(32))

    chip = part()
    chip.memory.store(4, SECRET + bytes(4))
    recording = record(chip, play)

    assert Replayer(recording, EmulatorTransport(twin(recording))).run().difference is None
    shared = Replayer(recording, EmulatorTransport(twin(recording)), shared=frozenset({4})).run()
    assert shared.difference is not None
    assert shared.difference.compared is Comparison.BYTES


def test_what_is_computed_from_what_is_not_shared_is_not_shared(part: Part) -> None:
    """An encrypted write, a derived key and a digest of a stored key, under a nonce nobody fed."""

    def play(host: Host) -> None:
        for slot in (1, 9):
            host.execute(Opcode.NONCE, 0, 0, bytes(20))
            with suppress(DeviceError):
                host.execute(Opcode.WRITE, 0xC2, slot << 3, bytes(64))
        host.execute(Opcode.NONCE, 0, 0, bytes(20))
        host.execute(Opcode.DERIVEKEY, 0, 9)
        host.execute(Opcode.NONCE, 0, 0, bytes(20))
        host.execute(Opcode.GENKEY, 0x10, 15, bytes(3))
        host.execute(Opcode.GENKEY, 0x0C, 2)
        host.execute(Opcode.ECDH, 0x08, 2, host.public_key(2))
        host.execute(Opcode.MAC, 0x06, 0, bytes(32))
        with suppress(DeviceError):
            host.execute(Opcode.SECUREBOOT, 0x85, 0, bytes(96))
        with suppress(DeviceError):
            host.execute(Opcode.VERIFY, 0x80, 11, bytes(64))

    recording = record(part(), play, with_secrets=True)
    target = twin(recording)

    assert Replayer(recording, EmulatorTransport(target)).run().difference is None


def test_an_encrypted_write_shares_what_it_writes_only_under_a_shared_key(part: Part) -> None:
    configuration = part().configuration
    write = Command(Opcode.WRITE, 0xC2, 9 << 3, bytes(64))
    read_back = Command(Opcode.READ, 0x82, 9 << 3, b"")
    unfed = Knowledge(configuration, frozenset(range(16)), fed=False)
    unfed.follow(Command(Opcode.NONCE, 0, 0, bytes(20)), bytes(32))
    unfed.follow(write, b"\x00")
    fed = Knowledge(configuration, frozenset(), fed=True)
    fed.follow(write, b"\x00")

    assert unfed.comparison(read_back) is Comparison.LENGTH
    assert fed.comparison(read_back) is Comparison.BYTES


def test_a_word_of_an_unknown_block_leaves_the_rest_unknown(part: Part) -> None:
    knowledge = Knowledge(part().configuration, frozenset(), fed=False)
    knowledge.follow(Command(Opcode.WRITE, 0x02, 12 << 3, bytes(4)), b"\x00")

    assert knowledge.comparison(Command(Opcode.READ, 0x82, 12 << 3, b"")) is Comparison.LENGTH


def test_only_a_digest_of_the_host_is_known(part: Part) -> None:
    knowledge = Knowledge(part().configuration, frozenset(), fed=True)
    knowledge.follow(Command(Opcode.NONCE, 0x03, 0, SECRET), b"\x00")

    assert knowledge.digest(Command(Opcode.SIGN, 0x80, 2, b"")) == SECRET
    assert knowledge.digest(Command(Opcode.SIGN, 0x00, 2, b"")) is None
    assert knowledge.digest(Command(Opcode.SIGN, 0xA0, 2, b"")) is None


def test_hidden_answers_survive_their_lines(part: Part) -> None:
    chip = part()
    peer = Host(EmulatorTransport(chip)).genkey(2)
    recording = record(chip, lambda host: host.execute(Opcode.ECDH, 0x0C, 2, peer))

    assert read(recording.lines()) == recording


def test_a_result_in_a_slot_is_as_shared_as_its_key(part: Part) -> None:
    configuration = part().configuration
    derive = Command(Opcode.DERIVEKEY, 0, 9, b"")
    secure_boot = Command(Opcode.SECUREBOOT, 0x85, 0, bytes(96))
    lock = Command(Opcode.LOCK, 0x26, 0, b"")
    mac = Command(Opcode.MAC, 0, 9, bytes(32))
    shared, alone = (Knowledge(configuration, frozenset(slots), fed=True) for slots in (range(16), ()))
    for each in (shared, alone):
        each.follow(derive, b"\x00")
        each.follow(lock, b"\x00")
        each.follow(Command(Opcode.GENKEY, 0x10, 15, bytes(3)), b"\x00")
        each.follow(Command(Opcode.ECDH, 0x05, 13, bytes(64)), b"\x00")
        each.follow(Command(Opcode.KDF, 0x04, 4, bytes(36)), b"\x00")

    assert (shared.comparison(mac), alone.comparison(mac)) == (Comparison.BYTES, Comparison.LENGTH)
    assert alone.comparison(secure_boot) is Comparison.LENGTH


def test_a_response_no_chip_sends_is_recorded_as_it_came(part: Part) -> None:
    broken = Altered(part(), Opcode.LOCK, b"\x04\x00\x00\x00")
    recorder = Recorder(broken)
    recorder.exchange(Command(Opcode.LOCK, 0x22, 0, b"").encode())
    (step,) = recorder.steps

    assert isinstance(step, Exchange)
    assert step.response == b"\x04\x00\x00\x00"


def test_another_revision_of_the_silicon_is_a_difference() -> None:
    recording = record(blank(), lambda host: host.info_revision())
    other = twin(recording)
    other.model = replace(DeviceModel(), revision=Revision.ATECC608B)
    difference = Replayer(recording, EmulatorTransport(other)).run().difference

    assert difference is not None
    assert "00006003" in difference.seen


# --- lines that are no recording --------------------------------------------------------------------

HEAD = {
    "kind": "recording",
    "version": 1,
    "configuration": "00" * 128,
    "revision": "00006002",
    "with_secrets": False,
}


@pytest.mark.parametrize(
    "lines, reason",
    [
        ([], "the recording is empty"),
        (["{"], "line 1 is no part of a recording"),
        (["[]"], "line 1 is no part of a recording"),
        ([json.dumps({**HEAD, "version": 9})], "the head of a recording of version 1"),
        ([json.dumps({**HEAD, "configuration": "00"})], "a configuration has 128 bytes"),
        ([json.dumps(HEAD), '{"kind": "power", "event": "thunder"}'], "line 2 is no part of a recording"),
        ([json.dumps(HEAD), '{"kind": "exchange", "packet": "zz"}'], "line 2 is no part of a recording"),
        ([json.dumps(HEAD), '{"kind": "exchange"}'], "'packet' is missing"),
        (
            [
                json.dumps(HEAD),
                '{"kind": "exchange", "packet": "07", "hidden": null, "response": {"hidden": "x"}}',
            ],
            "'x' is no number of hidden bytes",
        ),
        (
            [json.dumps(HEAD), '{"kind": "exchange", "packet": "07", "hidden": {"hidden": 999, "why": ""}}'],
            "999 is no number of hidden bytes",
        ),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(lines: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match="recording") as caught:
        read(lines)

    assert reason in str(caught.value)
