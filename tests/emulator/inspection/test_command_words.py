"""Every command's parameters in words, and the modes they call known beside those the chip knows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.commands import HANDLERS
from softatecc.describe.command import legal_modes, meaning_of
from softatecc.packet import Command, Opcode, crc16

COMMANDS = st.builds(
    Command, st.integers(0, 255), st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=148)
)

#: Of data, one of which every mode takes.
LENGTHS = (0, 3, 4, 16, 20, 32, 36, 41, 64, 68, 77, 83, 96, 128)

#: One of each shape; read off the public data sheets and cryptoauthlib's command builders.
SPOKEN = [
    (Command(Opcode.INFO, 0, 0, b""), "revision", "", ()),
    (Command(Opcode.INFO, 1, 3, b""), "validity of a key", "slot 3", ()),
    (Command(Opcode.INFO, 4, 3, b""), "persistent latch", "set it", ()),
    (Command(Opcode.RANDOM, 1, 0, b""), "a random number, seed kept", "", ()),
    (
        Command(Opcode.RANDOM, 0, 7, b""),
        "a random number, seed updated",
        "param2 0x0007 (must be 0x0000)",
        (),
    ),
    (Command(Opcode.NONCE, 0, 0, bytes(20)), "hash a new random number", "", ("NumIn",)),
    (Command(Opcode.NONCE, 1, 0x8000, bytes(20)), "hash TempKey", "param2 0x8000", ("NumIn",)),
    (
        Command(Opcode.NONCE, 0x43, 0, bytes(32)),
        "pass 32 bytes into the Message Digest Buffer",
        "",
        ("NumIn",),
    ),
    (
        Command(Opcode.NONCE, 0x63, 0, bytes(64)),
        "pass 64 bytes into the Message Digest Buffer",
        "",
        ("NumIn",),
    ),
    (
        Command(Opcode.NONCE, 0x83, 0, bytes(32)),
        "pass 32 bytes into the Alternate Key Buffer",
        "",
        ("NumIn",),
    ),
    (Command(Opcode.GENKEY, 4, 2, b""), "create a private key", "slot 2", ()),
    (Command(Opcode.GENKEY, 4, 0xFFFF, b""), "create a private key", "TempKey, ephemeral", ()),
    (Command(Opcode.GENKEY, 0x10, 14, bytes(3)), "digest a stored public key", "slot 14", ("OtherData",)),
    (Command(Opcode.GENKEY, 0, 16, b""), "compute the public key", "slot 16, which does not exist", ()),
    (
        Command(Opcode.SIGN, 0xA0, 0, b""),
        "external: the host's digest in the Message Digest Buffer",
        "key in slot 0",
        (),
    ),
    (
        Command(Opcode.SIGN, 0x41, 2, b""),
        "internal: what the chip put into TempKey, serial number",
        "key in slot 2",
        (),
    ),
    (
        Command(Opcode.VERIFY, 0x22, 4, bytes(128)),
        "by the key sent, message in the Message Digest Buffer",
        "curve P-256",
        ("signature R || S", "public key X || Y"),
    ),
    (
        Command(Opcode.VERIFY, 2, 5, bytes(128)),
        "by the key sent",
        "curve 5, which the 608 does not have",
        None,
    ),
    (
        Command(Opcode.VERIFY, 0x80, 11, bytes(64)),
        "by a stored key, message in TempKey, a MAC",
        "slot 11",
        None,
    ),
    (Command(Opcode.VERIFY, 3, 14, bytes(83)), "validate", "slot 14", ("signature R || S", "OtherData")),
    (
        Command(Opcode.ECDH, 0x0E, 2, bytes(64)),
        "secret to the output, encrypted",
        "slot 2",
        ("public key X || Y",),
    ),
    (Command(Opcode.ECDH, 0x09, 2, bytes(64)), "the key in TempKey, secret to TempKey", "slot 2", None),
    (
        Command(Opcode.KDF, 0x52, 0x0904, bytes(36)),
        "HKDF, key from a slot, result to the output",
        "key slot 4",
        None,
    ),
    (
        Command(Opcode.KDF, 0x08, 0x0904, bytes(36)),
        "PRF, key from TempKey, result to a slot",
        "result slot 9",
        None,
    ),
    (Command(Opcode.AES, 0x41, 5, bytes(16)), "decrypt one block", "key block 1 of slot 5", ("input",)),
    (Command(Opcode.AES, 0, 0xFFFF, bytes(16)), "encrypt one block", "key block 0 of TempKey", ("input",)),
    (Command(Opcode.AES, 3, 0, bytes(32)), "multiply in GF(2^128)", "", ("H", "input")),
    (Command(Opcode.SHA, 1, 3, b"abc"), "take in", "3 bytes", ("message",)),
    (Command(Opcode.SHA, 1, 4, b"abc"), "take in", "4 bytes, but 3 came", ("message",)),
    (Command(Opcode.SHA, 0x42, 0, b""), "end, digest to the Message Digest Buffer", "0 bytes", None),
    (Command(Opcode.SHA, 4, 4, b""), "start an HMAC", "slot 4", ()),
    (Command(Opcode.SHA, 3, 11, b""), "take in a stored public key", "slot 11", ()),
    (Command(Opcode.SHA, 6, 0, b""), "read the context", "", ()),
    (Command(Opcode.SHA, 7, 36, bytes(36)), "write the context", "36 bytes", ("context",)),
    (
        Command(Opcode.MAC, 0x40, 4, bytes(32)),
        "over the slot and the challenge, serial",
        "slot 4",
        ("challenge",),
    ),
    (Command(Opcode.MAC, 5, 4, b""), "over the slot and TempKey, nonce passed through", "slot 4", ()),
    (
        Command(Opcode.CHECKMAC, 1, 4, bytes(77)),
        "over the slot and TempKey, nonce random",
        "slot 4",
        ("challenge", "response to check", "OtherData"),
    ),
    (Command(Opcode.GENDIG, 2, 4, b""), "digest slot 4 into TempKey", "", ()),
    (Command(Opcode.GENDIG, 2, 4, bytes(4)), "digest slot 4 into TempKey", "", ("OtherData",)),
    (Command(Opcode.GENDIG, 0, 3, b""), "digest the configuration, block 3 into TempKey", "", ()),
    (Command(Opcode.GENDIG, 5, 16, b""), "slot 16, which does not exist into TempKey", "", ()),
    (Command(Opcode.GENDIG, 3, 0x8000, bytes(32)), "digest a shared nonce", "TempKey first", ("OtherData",)),
    (Command(Opcode.DERIVEKEY, 4, 9, bytes(32)), "nonce passed through", "into slot 9", ("MAC",)),
    (Command(Opcode.DERIVEKEY, 0, 9, b""), "nonce random", "into slot 9", ()),
    (
        Command(Opcode.READ, 0x82, 0x0258, b""),
        "32 bytes",
        "address 0x0258 (block 2): bytes 64-71 of slot 11",
        (),
    ),
    (
        Command(Opcode.READ, 0x00, 0x15, b""),
        "4 bytes",
        "(block 2, word 5): bytes 84-87 of configuration zone",
        (),
    ),
    (Command(Opcode.READ, 0x81, 0x10, b""), "32 bytes", "byte 64 of OTP zone, which has 64", ()),
    (Command(Opcode.READ, 0x02, 0x80, b""), "4 bytes", "slot 16, which does not exist", ()),
    (Command(Opcode.READ, 0x03, 0, b""), "4 bytes", "in zone 3, which does not exist", ()),
    (Command(Opcode.WRITE, 0x82, 0x40, bytes(32)), "32 bytes, clear", "bytes 0-31 of slot 8", ("value",)),
    (Command(Opcode.WRITE, 0xC2, 0x40, bytes(64)), "encrypted under TempKey", "slot 8", ("encrypted", "MAC")),
    (
        Command(Opcode.PRIVWRITE, 0x40, 7, bytes(68)),
        "encrypted under TempKey",
        "into slot 7",
        ("encrypted key", "MAC"),
    ),
    (Command(Opcode.PRIVWRITE, 0, 7, bytes(68)), "clear", "into slot 7", ("key", "MAC")),
    (Command(Opcode.LOCK, 0, 0x39AB, b""), "lock the configuration zone", "if its CRC is AB 39", ()),
    (Command(Opcode.LOCK, 0x81, 0, b""), "lock the data and OTP zones", "whatever it holds", ()),
    (Command(Opcode.LOCK, 0x22, 0, b""), "lock slot 8", "", ()),
    (Command(Opcode.COUNTER, 1, 0, b""), "increment, then read", "Counter[0]", ()),
    (Command(Opcode.COUNTER, 0, 2, b""), "read", "Counter[2], which does not exist", ()),
    (Command(Opcode.UPDATEEXTRA, 1, 0xC4, b""), "set UserExtraAdd (byte 85)", "to C4", ()),
    (Command(Opcode.SELFTEST, 0x3B, 0, b""), "test RNG, bit 1, ECDH, AES, SHA", "", ()),
    (Command(Opcode.SELFTEST, 0, 0, b""), "read the failure register", "", ()),
    (Command(Opcode.SECUREBOOT, 0x85, 0, bytes(96)), "Full, digest encrypted", "", ("encrypted digest",)),
    (Command(Opcode.SECUREBOOT, 0x46, 0, bytes(32)), "FullStore, no more until", "", ("digest",)),
]


@pytest.mark.parametrize("cmd, mode, operand, parts", SPOKEN, ids=lambda each: getattr(each, "name", None))
def test_a_command_is_told_in_the_words_of_the_data_sheet(
    cmd: Command, mode: str, operand: str, parts: tuple[str, ...] | None
) -> None:
    meaning = meaning_of(cmd)

    assert mode in meaning.mode
    assert operand in meaning.operand
    if parts is not None:
        assert tuple(part.name for part in meaning.parts)[: len(parts)] == parts
        assert not any(part.note for part in meaning.parts)


@settings(deadline=None)
@given(COMMANDS)
def test_any_command_whatever_can_be_told(cmd: Command) -> None:
    meaning = meaning_of(cmd)

    assert meaning.mode
    assert b"".join(part.octets for part in meaning.parts) == cmd.data


def test_what_is_missing_or_too_much_is_said() -> None:
    short = meaning_of(Command(Opcode.VERIFY, 0x02, 4, bytes(100)))
    long = meaning_of(Command(Opcode.INFO, 0, 0, bytes(3)))

    assert [part.note for part in short.parts] == ["", "36 of 64 bytes"]
    assert [part.note for part in long.parts] == ["3 bytes more than the mode takes"]


@pytest.mark.parametrize("opcode", [0x11, 0x01, 0x99])
def test_a_command_the_608_does_not_have_is_said_to_be_none(opcode: int) -> None:
    meaning = meaning_of(Command(opcode, 0, 0, b"\x01"))

    assert not meaning.known
    assert meaning.parts[0].octets == b"\x01"
    assert "which the 608 dropped" in meaning.mode or "no 608 has" in meaning.mode


@pytest.mark.parametrize("opcode", sorted(HANDLERS), ids=lambda code: Opcode(code).name)
def test_words_and_chip_know_the_same_modes(chip: Chip, opcode: int) -> None:
    def has_it(mode: int) -> bool:
        for length in LENGTHS:
            chip.exchange(Command(opcode, mode, 0, bytes(length)).encode())
            why = chip.last_command.why or ""
            if "has no mode" not in why and "there is no zone" not in why and "data bytes" not in why:
                return True
        return False

    known = {mode for mode, _ in legal_modes(opcode)}

    assert {mode for mode in range(256) if has_it(mode)} == known


def test_the_crc_of_a_lock_is_told_as_it_goes_over_the_wire() -> None:
    image = bytes(128)
    word = int.from_bytes(crc16(image), "little")

    assert crc16(image).hex(" ").upper() in meaning_of(Command(Opcode.LOCK, 0, word, b"")).operand
