"""What survives, and what a snapshot, a fork and a text make of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc import statetext
from softatecc.chip import Chip
from softatecc.entropy import SeededEntropy
from softatecc.model import Revision
from softatecc.packet import Command, Opcode
from softatecc.state import PACKED_SIZE, Contents, Snapshot, beside, fork
from softatecc.trace import PowerRecord

Part = Callable[..., Chip]
Ask = Callable[..., bytes]

DIGEST = bytes(range(32))
slots = st.integers(0, 15)
commands = st.one_of(
    st.builds(lambda slot: Command(Opcode.GENKEY, 4, slot), slots),
    st.builds(lambda slot: Command(Opcode.GENKEY, 0, slot), slots),
    st.builds(lambda slot: Command(Opcode.SIGN, 0xA0, slot), slots),
    st.just(Command(Opcode.NONCE, 0x43, 0, DIGEST)),
    st.just(Command(Opcode.NONCE, 0x03, 0, DIGEST)),
    st.just(Command(Opcode.NONCE, 0, 0, bytes(20))),
    st.just(Command(Opcode.RANDOM, 0, 0)),
    st.just(Command(Opcode.SHA, 0, 0)),
    st.builds(lambda data: Command(Opcode.SHA, 1, len(data), data), st.binary(min_size=64, max_size=64)),
    st.just(Command(Opcode.SHA, 2, 0)),
    st.builds(
        lambda number, mode: Command(Opcode.COUNTER, mode, number), st.integers(0, 1), st.integers(0, 1)
    ),
    st.builds(
        lambda slot, block, data: Command(Opcode.WRITE, 0x82, block << 8 | slot << 3, data),
        slots,
        st.integers(0, 2),
        st.binary(min_size=32, max_size=32),
    ),
    st.builds(
        lambda slot, block: Command(Opcode.READ, 0x82, block << 8 | slot << 3), slots, st.integers(0, 2)
    ),
    st.builds(lambda slot: Command(Opcode.LOCK, 2 | slot << 2, 0), slots),
    st.just(Command(Opcode.INFO, 2, 0)),
    st.just(Command(Opcode.INFO, 4, 3)),
)
sequences = st.lists(commands.map(Command.encode), max_size=12)


def answers(chip: Chip, packets: list[bytes]) -> list[bytes]:
    return [chip.exchange(packet) for packet in packets]


@pytest.fixture
def keyed(part: Part, ask: Ask) -> Chip:
    """A part with a private key in slot 0, data locked."""
    chip = part(locked="config")
    ask(chip, Opcode.GENKEY, 0x04, 0)
    ask(chip, Opcode.LOCK, 0x81, 0)

    return chip


@settings(max_examples=60, deadline=None)
@given(sequences, sequences)
def test_a_part_made_from_contents_behaves_as_the_part_they_were_taken_from(
    before: list[bytes], after: list[bytes]
) -> None:
    chip = Chip.unprovisioned("cal_test_608", bytes(range(9)), entropy=SeededEntropy("a"))
    chip.exchange(Command(Opcode.LOCK, 0x80, 0).encode())
    answers(chip, before)
    chip.entropy = SeededEntropy("b")
    chip.power_cycle()
    packed = Contents.of(chip).packed()
    again = Contents.unpacked(packed).chip(entropy=SeededEntropy("b"))

    assert len(packed) == PACKED_SIZE
    assert answers(again, after) == answers(chip, after)
    assert Contents.of(again) == Contents.of(chip)


@settings(max_examples=60, deadline=None)
@given(sequences, sequences, sequences)
def test_a_fork_continues_as_the_part_would_and_neither_disturbs_the_other(
    before: list[bytes], one: list[bytes], other: list[bytes]
) -> None:
    chip = Chip.unprovisioned("cal_test_608", bytes(range(9)), entropy=SeededEntropy("a"))
    chip.exchange(Command(Opcode.LOCK, 0x80, 0).encode())
    answers(chip, before)
    twin = fork(chip)
    answers(twin, other)
    undisturbed = fork(chip)

    assert answers(undisturbed, one) == answers(chip, one)
    assert undisturbed.trace == chip.trace


def test_a_snapshot_brings_registers_and_random_numbers_back_and_the_trace_goes_on(
    keyed: Chip, ask: Ask
) -> None:
    ask(keyed, Opcode.NONCE, 0x43, 0, DIGEST)
    snapshot = Snapshot(keyed)
    first = ask(keyed, Opcode.SIGN, 0xA0, 0)
    keyed.sleep()
    length = len(keyed.trace)
    snapshot.restore(keyed)

    assert ask(keyed, Opcode.SIGN, 0xA0, 0) == first
    assert keyed.trace[length] == PowerRecord("restored")


def test_a_snapshot_can_be_returned_to_more_than_once(keyed: Chip, ask: Ask) -> None:
    snapshot = Snapshot(keyed)
    contents = Contents.of(keyed)
    for _ in range(2):
        assert ask(keyed, Opcode.LOCK, 0x02, 0) == b"\x00"
        snapshot.restore(keyed)

        assert Contents.of(keyed) == contents
    assert "0b" not in repr(snapshot)


def test_connections_beside_each_other_share_memory_and_not_registers(keyed: Chip, ask: Ask) -> None:
    one, other = beside(keyed), beside(keyed)
    ask(one, Opcode.NONCE, 0x43, 0, DIGEST)
    refused = ask(other, Opcode.SIGN, 0xA0, 0)
    signed = ask(one, Opcode.SIGN, 0xA0, 0)
    ask(one, Opcode.LOCK, 0x02, 0)

    assert (refused, len(signed)) == (b"\x0f", 64)
    assert Contents.of(other) == Contents.of(keyed) == Contents.of(one)
    assert one.trace is keyed.trace


def test_every_attribute_of_a_chip_is_known_to_fork(part: Part) -> None:
    shared = {"model", "persistent_latch", "boot_prohibited", "_i2c_address", "_was_off"}
    own = {"memory", "volatile", "entropy", "trace", "faults"}
    chip = part()
    twin = fork(chip)

    assert set(vars(chip)) == shared | own, "say in softatecc.state.fork what becomes of the new attribute"
    for name in own:
        assert getattr(twin, name) is not getattr(chip, name)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"configuration": bytes(127)}, "the configuration has 128 bytes, 127 came"),
        ({"otp": bytes(65)}, "the OTP zone has 64 bytes, 65 came"),
        ({"slots": (bytes(36),)}, "slot 1 has 36 bytes, 0 came"),
        ({"private": frozenset({5})}, "slot 5 should hold a P-256 private key and does not"),
    ],
)
def test_contents_of_a_wrong_size_or_without_the_key_are_refused(
    part: Part, change: dict[str, bytes], words: str
) -> None:
    held = Contents.of(part())
    fields = {name: getattr(held, name) for name in ("revision", "configuration", "otp", "slots", "private")}

    with pytest.raises(ValueError, match=words):
        Contents(**(fields | change))


def test_packed_contents_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=f"pack into {PACKED_SIZE} bytes, 3 came"):
        Contents.unpacked(b"abc")


def test_no_repr_shows_a_slot(keyed: Chip) -> None:
    contents = Contents.of(keyed)
    scalar = contents.slots[0][4:36]

    assert scalar.hex() not in repr(contents)
    assert repr(scalar)[2:-1] not in repr(contents)


# --- text ------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(sequences, st.sampled_from(Revision))
def test_a_text_with_secrets_reads_back_as_the_part(before: list[bytes], revision: Revision) -> None:
    chip = Chip.unprovisioned("cal_test_608", bytes(range(9)), entropy=SeededEntropy("a"))
    chip.exchange(Command(Opcode.LOCK, 0x80, 0).encode())
    answers(chip, before)
    held = Contents.of(chip)
    contents = Contents(revision, held.configuration, held.otp, held.slots, held.private)

    assert statetext.read(statetext.write(contents, with_secrets=True)) == contents


def test_without_secrets_no_private_key_and_no_secret_slot_leaves(keyed: Chip) -> None:
    contents = Contents.of(keyed)
    text = statetext.write(contents)
    back = statetext.read(text)

    assert contents.slots[0][4:36].hex() not in text
    assert text.count("withheld") >= 1
    assert back.private == frozenset()
    assert back.slots[0] == b"\xff" * 36
    assert (back.configuration, back.otp, back.slots[8]) == (
        contents.configuration,
        contents.otp,
        contents.slots[8],
    )


def test_the_text_says_what_each_slot_may_do(keyed: Chip) -> None:
    text = statetext.write(Contents.of(keyed))

    assert "slot 0 private-key\n# slot 0" in text
    assert "P-256 private key" in text
    assert "# locks            configuration locked, data and OTP locked" in text


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda text: text[:0], "its first line is not 'softatecc part, format 1'"),
        (lambda text: text.replace("format 1", "format 2"), "its first line is not"),
        (lambda text: text.replace("model ATECC608A", "model ATECC508A"), "line 3: 'model ATECC508A' is no"),
        (lambda text: text.replace("model ATECC608A\n", ""), "the text names no model"),
        (lambda text: text.replace("\notp\n", "\notp\n  zz\n"), "'zz' is no sequence of hex bytes"),
        (lambda text: text.replace("\notp\n", "\notp\n  00\n"), "otp has 64 bytes, the text gives 65"),
        (lambda text: text.replace("\nslot 3\n", "\nslot 2\n"), "slot 2 comes a second time"),
        (lambda text: text.replace("\nslot 9\n", "\nslot 16\n"), "'slot 16' is no model, configuration"),
        (lambda text: text.replace("model ATECC608A", "  00\nmodel ATECC608A"), "line 3: bytes of nothing"),
        (lambda text: text.replace("\notp\n", "\notp\n  withheld\n"), "'withheld' is no sequence of hex"),
        (lambda text: text[: text.index("\nslot 15")], "slot 15 has 72 bytes, the text gives 0"),
        (lambda text: text.replace("\nslot 8\n", "\nslot 8 private-key\n"), "slot 8 should hold a P-256"),
    ],
)
def test_a_text_that_cannot_be_understood_is_refused_with_its_line(
    part: Part, change: Callable[[str], str], words: str
) -> None:
    text = change(statetext.write(Contents.of(part()), with_secrets=True))

    with pytest.raises(ValueError) as caught:
        statetext.read(text)

    assert words in str(caught.value)
