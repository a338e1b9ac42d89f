"""What the trace keeps, and what it does not."""

import json
from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.packet import Command, Opcode
from softatecc.status import Status
from softatecc.trace import CommandRecord, Hidden, PowerRecord

Part = Callable[..., Chip]
Ask = Callable[..., bytes]

CLEAR_DATA_SLOT, SECRET_SLOT, PRIVATE_SLOT = 8, 4, 0
SECRET = bytes(range(0xC0, 0xE0))


def test_a_command_leaves_one_record_with_everything_in_it(chip: Chip, ask: Ask) -> None:
    ask(chip, Opcode.INFO)

    assert chip.trace == [CommandRecord(0x30, "Info", 0, 0, b"", Status.SUCCESS, bytes.fromhex("00006002"))]
    assert str(chip.last_command) == "Info(00, 0000) -> 00 (success)"


def test_a_refusal_names_the_status_and_the_reason(chip: Chip, ask: Ask) -> None:
    ask(chip, Opcode.GENKEY, 4, CLEAR_DATA_SLOT)

    assert str(chip.last_command).startswith(
        "GenKey(04, 0008) -> 0F (execution error): slot 8 is no P-256 private key slot"
    )
    assert chip.last_command.response == b"\x0f"


def test_records_turn_into_json(chip: Chip, ask: Ask) -> None:
    chip.wake()
    ask(chip, Opcode.WRITE, 0x82, SECRET_SLOT << 3, SECRET)
    chip.exchange(b"\x07\x30")
    chip.sleep()
    woken, written, garbled, slept = (json.loads(json.dumps(record.as_json())) for record in chip.trace)

    assert woken == {"kind": "power", "event": "wake", "lost": ""}
    assert written["data"] == {"hidden": 32, "why": "slot 4 is secret (SlotConfig.IsSecret)"}
    assert (written["name"], written["status"], written["response"]) == ("Write", 0, "00")
    assert (garbled["name"], garbled["opcode"], garbled["param1"]) == ("garbled Info", 0x30, None)
    assert slept["event"] == "sleep"


@pytest.mark.parametrize(
    "locked, command, reason",
    [
        ("config", Command(Opcode.WRITE, 0x82, SECRET_SLOT << 3, SECRET), "slot 4 is secret"),
        ("data", Command(Opcode.WRITE, 0x82, SECRET_SLOT << 3, SECRET), "slot 4 is secret"),
        ("config", Command(Opcode.WRITE, 0x82, PRIVATE_SLOT, SECRET), "slot 0 holds a private key"),
        ("none", Command(Opcode.WRITE, 0x82, CLEAR_DATA_SLOT << 3, SECRET), "not settled"),
        ("config", Command(Opcode.WRITE, 0x82, 16 << 3, SECRET), "the address is wrong"),
        ("config", Command(Opcode.WRITE, 0x83, 0, SECRET), "the address is wrong"),
        ("config", Command(Opcode.PRIVWRITE, 0, 0, SECRET), "a private key"),
        ("config", Command(0x99, 0, 0, SECRET), "not understood"),
        ("config", Command(Opcode.NONCE, 0x83, 0, SECRET), "Alternate Key Buffer"),
    ],
)
def test_bytes_that_may_be_secret_are_not_kept(
    part: Part, locked: str, command: Command, reason: str
) -> None:
    chip = part("mbedtls_examples_608", locked=locked)
    chip.exchange(command.encode())
    hidden = chip.last_command.data

    assert isinstance(hidden, Hidden)
    assert hidden.length == 32
    assert reason in hidden.why
    assert str(hidden) == f"<32 bytes hidden: {hidden.why}>"
    assert SECRET[:8].hex() not in json.dumps(chip.last_command.as_json())


@pytest.mark.parametrize(
    "command",
    [
        Command(Opcode.WRITE, 0x82, CLEAR_DATA_SLOT << 3, SECRET),
        Command(Opcode.WRITE, 0x81, 0, SECRET),
        Command(Opcode.NONCE, 0x43, 0, SECRET),
    ],
)
def test_bytes_that_are_public_are_kept(chip: Chip, command: Command) -> None:
    chip.exchange(command.encode())

    assert chip.last_command.data == SECRET


def test_a_damaged_packet_is_hidden_whole(chip: Chip) -> None:
    packet = bytearray(Command(Opcode.NONCE, 0x43, 0, SECRET).encode())
    packet[-1] ^= 1
    chip.exchange(bytes(packet))

    assert isinstance(chip.last_command.data, Hidden)
    assert chip.last_command.name == "garbled Nonce"
    assert "CRC received" in (chip.last_command.why or "")


def test_the_last_command_is_found_past_the_power_records(chip: Chip, ask: Ask) -> None:
    with pytest.raises(LookupError, match="holds no command yet"):
        _ = chip.last_command
    ask(chip, Opcode.INFO)
    chip.idle()

    assert chip.last_command.name == "Info"
    assert str(PowerRecord("sleep", ("TempKey", "SHA context"))) == "sleep, lost: TempKey, SHA context"
    assert str(PowerRecord("wake")) == "wake"


def test_neither_chip_nor_memory_show_what_they_hold(chip: Chip, ask: Ask) -> None:
    ask(chip, Opcode.GENKEY, 4, 0)
    ask(chip, Opcode.NONCE, 3, 0, SECRET)
    text = repr(chip) + repr(chip.memory) + repr(chip.volatile) + repr(chip.entropy)

    assert "serial_number=0223528e47b3461dee, configuration locked, data unlocked" in repr(chip)
    assert repr(chip.memory) == "NonVolatile(serial_number=0223528e47b3461dee, data unlocked)"
    assert chip.memory.slot(0)[4:12].hex() not in text
    assert repr(SECRET)[2:12] not in text
