"""What may not be done to silicon without naming it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.config import SLOT_CONFIG, Configuration
from softatecc.crypto import PrivateKey
from softatecc.entropy import SeededEntropy
from softatecc.packet import Command, Opcode
from softatecc.state import Contents
from softatecc.transports import EmulatorTransport
from softatecc.transports.guard import ChangeRefused, GuardedTransport, lasting_change

Part = Callable[..., Chip]


def _slot_0(word: int) -> Configuration:
    image = Configuration(profiles.load("cal_test_608").configuration)
    return image.replaced(SLOT_CONFIG, word.to_bytes(2, "little"))


#: A point of the curve, so that ECDH comes to its end.
POINT = PrivateKey(bytes(31) + b"\x07").public
PLAIN, LIMITED, ECDH_INTO_SLOT = _slot_0(0x2087), _slot_0(0x20A7), _slot_0(0x208F)


@pytest.mark.parametrize(
    "command, words",
    [
        (Command(Opcode.WRITE, 0x82, 0x40, bytes(32)), "writes memory"),
        (Command(Opcode.PRIVWRITE, 0, 0, bytes(36)), "writes a private key"),
        (Command(Opcode.LOCK, 0x80, 0), "locks, which nothing undoes"),
        (Command(Opcode.UPDATEEXTRA, 0, 1), "writes the configuration"),
        (Command(Opcode.DERIVEKEY, 4, 9), "writes a derived key"),
        (Command(Opcode.SECUREBOOT, 5, 0, bytes(32)), "may write a digest"),
        (Command(Opcode.GENKEY, 0x04, 0), "makes a private key"),
        (Command(Opcode.GENKEY, 0x0C, 0), "makes a private key"),
        (Command(Opcode.GENKEY, 0x04, 0xFFFF), "makes a private key"),
        (Command(Opcode.COUNTER, 1, 0), "counts a counter up"),
        (Command(Opcode.VERIFY, 3, 0), "changes whether a stored public key is valid"),
        (Command(Opcode.VERIFY, 7, 0), "changes whether a stored public key is valid"),
        (Command(Opcode.KDF, 0x08, 0), "writes a derived key into a slot"),
        (Command(Opcode.ECDH, 0x04, 0, bytes(64)), "writes a shared secret into a slot"),
        (Command(Opcode.PAUSE, 0, 0), "may change the part"),
        (Command(0xEA, 0, 0), "may change the part"),
    ],
)
def test_what_lasts_is_named(command: Command, words: str) -> None:
    change = lasting_change(command, PLAIN)

    assert change is not None
    assert words in change


@pytest.mark.parametrize(
    "command",
    [
        Command(Opcode.INFO, 0, 0),
        Command(Opcode.READ, 0x80, 0),
        Command(Opcode.RANDOM, 0, 0),
        Command(Opcode.NONCE, 0x43, 0, bytes(32)),
        Command(Opcode.SELFTEST, 0x3B, 0),
        Command(Opcode.GENKEY, 0x00, 0),
        Command(Opcode.GENKEY, 0x08, 0),
        Command(Opcode.SIGN, 0xA0, 0),
        Command(Opcode.VERIFY, 0x22, 4, bytes(128)),
        Command(Opcode.VERIFY, 0x20, 9, bytes(64)),
        Command(Opcode.COUNTER, 0, 0),
        Command(Opcode.SHA, 0, 0),
        Command(Opcode.ECDH, 0x0C, 0, bytes(64)),
        Command(Opcode.ECDH, 0x08, 0, bytes(64)),
        Command(Opcode.ECDH, 0x00, 0, bytes(64)),
        Command(Opcode.KDF, 0x10, 0xFFFF),
    ],
)
def test_what_leaves_the_part_as_it_is_may_pass(command: Command) -> None:
    assert lasting_change(command, PLAIN) is None


def test_a_key_of_limited_use_is_not_used_up() -> None:
    assert lasting_change(Command(Opcode.SIGN, 0xA0, 0), LIMITED) == (
        "uses up one of the limited uses of slot 0"
    )
    assert lasting_change(Command(Opcode.SHA, 4, 0), LIMITED) is not None
    assert lasting_change(Command(Opcode.SHA, 0, 0), LIMITED) is None
    assert lasting_change(Command(Opcode.VERIFY, 0x22, 0, bytes(128)), LIMITED) is None
    assert lasting_change(Command(Opcode.GENKEY, 0, 0), LIMITED) is None


def test_a_shared_secret_that_slot_config_sends_into_a_slot_is_not_written() -> None:
    into_slot = lasting_change(Command(Opcode.ECDH, 0x00, 0, bytes(64)), ECDH_INTO_SLOT)

    assert into_slot == "writes a shared secret into a slot"
    assert lasting_change(Command(Opcode.ECDH, 0x0C, 0, bytes(64)), ECDH_INTO_SLOT) is None


def test_the_refusal_names_command_part_place_and_flag(part: Part) -> None:
    chip = part(locked="config")
    transport = GuardedTransport(EmulatorTransport(chip), chip.configuration, "/dev/i2c-1")

    with pytest.raises(ChangeRefused) as caught:
        transport.exchange(Command(Opcode.GENKEY, 4, 0).encode())

    serial = chip.configuration.serial_number.hex()
    assert str(caught.value) == (
        f"GenKey(04, 0000) makes a private key, and the part {serial} at /dev/i2c-1 is taken for silicon; "
        f"add &allow-changes={serial} to the URL to allow it"
    )
    assert chip.trace == []


def test_power_passes_through(part: Part) -> None:
    chip = part()
    transport = GuardedTransport(EmulatorTransport(chip), chip.configuration, "here")
    woken = transport.wake()
    transport.idle()
    transport.wake()
    transport.sleep()
    transport.close()

    assert woken == bytes.fromhex("04113343")
    assert [str(record) for record in chip.trace] == ["wake", "idle", "wake", "sleep"]


commands = st.one_of(
    st.builds(
        Command,
        st.sampled_from(Opcode),
        st.one_of(st.integers(0, 255), st.integers(0, 31)),
        st.one_of(st.integers(0, 15), st.integers(0, 0xFFFF)),
        st.sampled_from([0, 4, 13, 20, 32, 36, 52, 64, 68, 96, 128]).flatmap(
            lambda size: st.binary(min_size=size, max_size=size)
        ),
    ),
    st.just(Command(Opcode.NONCE, 0x43, 0, bytes(32))),
    st.just(Command(Opcode.NONCE, 0x03, 0, bytes(32))),
    st.just(Command(Opcode.NONCE, 0, 0, bytes(20))),
    st.builds(
        lambda mode, slot: Command(Opcode.ECDH, mode, slot, bytes(64)), st.integers(0, 15), st.integers(0, 15)
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(profiles.names()),
    st.sampled_from([b"\x55\x00", b"\x00\x00"]),
    st.lists(st.tuples(commands.map(Command.encode), st.binary(max_size=3)), max_size=12),
)
def test_whatever_passes_the_guard_leaves_the_part_as_it_was(
    profile: str, locks: bytes, sequence: list[tuple[bytes, bytes]]
) -> None:
    image = profiles.load(profile).configuration
    chip = Chip(Configuration(image).replaced(86, b"\x55\x00"), entropy=SeededEntropy("guard"))
    for slot in range(8):
        chip.exchange(Command(Opcode.GENKEY, 4, slot).encode())
    chip.memory.configuration = chip.configuration.replaced(86, locks)
    before = Contents.of(chip)
    transport = GuardedTransport(EmulatorTransport(chip), chip.configuration, "silicon")
    for packet, surplus in sequence:
        try:
            transport.exchange(packet + surplus)
        except ChangeRefused:
            continue

    assert Contents.of(chip) == before


def test_a_surplus_byte_does_not_carry_a_write_past_the_guard(part: Part) -> None:
    chip = part(locked="config")
    transport = GuardedTransport(EmulatorTransport(chip), chip.configuration, "silicon")

    with pytest.raises(ChangeRefused):
        transport.exchange(Command(Opcode.LOCK, 0x81, 0).encode() + b"\x00")
    assert transport.exchange(b"\x00") == bytes.fromhex("04ff0142")
