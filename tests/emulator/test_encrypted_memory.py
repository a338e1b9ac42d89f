"""PrivWrite, and encrypted Read and Write from nonce to plain text, as a host does them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc.chip import Chip
from softatecc.crypto import P256_ORDER, PrivateKey
from softatecc.memory import SourceFlag, TempKey
from softatecc.packet import Command, Opcode, decode_response

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, PARSE_ERROR, EXECUTION_ERROR = b"\x00", b"\x03", b"\x0f"
SECRET, NUM_IN = bytes(range(32)), bytes(range(0xE0, 0xF4))
SECRET_SLOT, STORE, PRIVATE, CLEAR_PRIVATE = 4, 8, 7, 0
SCALAR = bytes(range(1, 33))


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


@dataclass(slots=True)
class HostSide:
    """A host that shares a secret with the chip and computes what the chip computes."""

    chip: Chip
    secret: bytes = SECRET

    def ask(self, opcode: int, param1: int, param2: int, data: bytes = b"") -> bytes:
        return decode_response(self.chip.exchange(Command(opcode, param1, param2, data).encode()))

    @property
    def identity(self) -> bytes:
        serial = self.chip.configuration.serial_number
        return serial[8:9] + serial[0:2]

    def session(self, slot: int = SECRET_SLOT) -> bytes:
        """Nonce, GenDig; the key both sides then have."""
        number = self.ask(Opcode.NONCE, 0, 0, NUM_IN)
        self.ask(Opcode.GENDIG, 2, slot, bytes(4))
        nonce = sha256(number, NUM_IN, b"\x16\x00\x00")
        return sha256(self.secret, bytes((0x15, 2, slot, 0)), self.identity, bytes(25), nonce)

    def sealed(self, key: bytes, mode: int, address: int, plain: bytes) -> bytes:
        head = bytes((0x12, mode)) + address.to_bytes(2, "little")
        return xor(plain, key) + sha256(key, head, self.identity, bytes(25), plain)

    def sealed_key(self, key: bytes, slot: int, plain: bytes) -> bytes:
        head = bytes((0x46, 0x40, slot, 0))
        mask = key + sha256(key)[:4]
        return xor(plain, mask) + sha256(key, head, self.identity, bytes(21), plain)


@pytest.fixture
def host(part: Part) -> HostSide:
    chip = part()
    chip.memory.store(SECRET_SLOT, SECRET + bytes(4))
    return HostSide(chip)


# --- encrypted Write and Read ---------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0x82, 0xC2])
@pytest.mark.parametrize("block", [0, 5, 12])
def test_what_is_written_under_a_key_is_read_under_it(host: HostSide, mode: int, block: int) -> None:
    plain, address = bytes(range(0x10, 0x30)), block << 8 | STORE << 3
    key = host.session()
    written = host.ask(Opcode.WRITE, mode, address, host.sealed(key, mode, address, plain))
    mask = host.session()
    covered = host.ask(Opcode.READ, 0x82, address)

    assert written == SUCCESS
    assert xor(covered, mask) == plain
    assert host.chip.volatile.temp_key is None


@given(st.binary(min_size=32, max_size=32), st.integers(0, 11))
def test_any_block_survives_the_way_in_and_out(plain: bytes, block: int) -> None:
    chip = Chip.unprovisioned("cal_test_608", bytes(9))
    for mode in (0x80, 0x81):
        chip.exchange(Command(Opcode.LOCK, mode, 0).encode())
    chip.memory.store(SECRET_SLOT, SECRET + bytes(4))
    host, address = HostSide(chip), block << 8 | STORE << 3
    key = host.session()
    host.ask(Opcode.WRITE, 0xC2, address, host.sealed(key, 0xC2, address, plain))

    assert xor(host.session(), plain) == host.ask(Opcode.READ, 0x82, address)


def test_a_wrong_mac_writes_nothing_and_uses_up_the_session(host: HostSide, why: Why) -> None:
    before = host.chip.memory.slot(STORE)
    sealed = bytearray(host.sealed(host.session(), 0xC2, STORE << 3, bytes(32)))
    sealed[-1] ^= 1

    assert host.ask(Opcode.WRITE, 0xC2, STORE << 3, bytes(sealed)) == EXECUTION_ERROR
    assert "the MAC of the encrypted write to slot 8 is wrong or missing" in why(host.chip)
    assert host.chip.memory.slot(STORE) == before
    assert host.chip.volatile.temp_key is None


def test_a_mac_for_another_mode_or_address_is_wrong(host: HostSide) -> None:
    answers = []
    for mode, address in ((0x82, STORE << 3), (0xC2, STORE << 3 | 1 << 8)):
        sealed = host.sealed(host.session(), mode, address, bytes(32))
        answers.append(host.ask(Opcode.WRITE, 0xC2, STORE << 3, sealed))

    assert answers == [EXECUTION_ERROR] * 2


def test_a_session_under_another_slot_opens_nothing(host: HostSide, why: Why) -> None:
    host.session(9)

    assert host.ask(Opcode.READ, 0x82, STORE << 3) == EXECUTION_ERROR
    assert "digested (GenDig) with slot 4; TempKey has SourceFlag 0, GenDigData 1, KeyID 9" in why(host.chip)


def test_a_session_ends_with_sleep(host: HostSide, why: Why) -> None:
    host.session()
    host.chip.sleep()

    assert host.ask(Opcode.READ, 0x82, STORE << 3) == EXECUTION_ERROR
    assert "TempKey is not valid" in why(host.chip)


def test_before_the_data_lock_the_mac_may_be_left_out(part: Part) -> None:
    chip = part(locked="config")
    chip.memory.store(SECRET_SLOT, SECRET + bytes(4))
    host = HostSide(chip)
    plain = bytes(range(0x10, 0x30))
    sealed = host.sealed(host.session(), 0xC2, STORE << 3, plain)[:32]

    assert host.ask(Opcode.WRITE, 0xC2, STORE << 3, sealed) == SUCCESS
    assert chip.memory.slot(STORE)[:32] == plain


# --- PrivWrite ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pad", [bytes(4), b"\x01\x02\x03\x04"])
def test_a_key_from_outside_is_written_encrypted(host: HostSide, pad: bytes) -> None:
    sealed = host.sealed_key(host.session(), PRIVATE, pad + SCALAR)

    assert host.ask(Opcode.PRIVWRITE, 0x40, PRIVATE, sealed) == SUCCESS
    assert host.ask(Opcode.GENKEY, 0, PRIVATE) == PrivateKey(SCALAR).public
    assert host.chip.volatile.temp_key is None


@pytest.mark.parametrize(
    "locked, answer", [("none", EXECUTION_ERROR), ("config", SUCCESS), ("data", EXECUTION_ERROR)]
)
def test_a_key_in_clear_is_written_between_the_two_locks(
    part: Part, ask: Ask, why: Why, locked: str, answer: bytes
) -> None:
    chip = part(locked=locked)

    assert ask(chip, Opcode.PRIVWRITE, 0, CLEAR_PRIVATE, bytes(4) + SCALAR + bytes(32)) == answer
    if answer == SUCCESS:
        assert ask(chip, Opcode.GENKEY, 0, CLEAR_PRIVATE) == PrivateKey(SCALAR).public
    if locked == "data":
        assert "in clear only until the data zone is locked" in why(chip)


@pytest.mark.parametrize("locked", ["config", "data"])
@pytest.mark.parametrize(
    "words, slot, reason",
    [
        ({}, 8, "slot 8 is no P-256 private key slot"),
        ({}, 0, "slot 0 takes no key from outside: SlotConfig.WriteConfig (bits 15:12) is 2"),
        ({"octets": {88: 0x7F}}, PRIVATE, "slot 7 is locked"),
    ],
)
def test_privwrite_refuses_by_slot(
    part: Part, why: Why, locked: str, words: dict[str, object], slot: int, reason: str
) -> None:
    host = HostSide(part(locked=locked, **words))
    sealed = host.sealed_key(host.session(), slot, bytes(4) + SCALAR)

    assert host.ask(Opcode.PRIVWRITE, 0x40, slot, sealed) == EXECUTION_ERROR
    assert reason in why(host.chip)


@pytest.mark.parametrize("number", [0, P256_ORDER, (1 << 256) - 1])
def test_a_number_that_is_no_key_is_refused(host: HostSide, why: Why, number: int) -> None:
    sealed = host.sealed_key(host.session(), PRIVATE, bytes(4) + number.to_bytes(32, "big"))

    assert host.ask(Opcode.PRIVWRITE, 0x40, PRIVATE, sealed) == EXECUTION_ERROR
    assert "no P-256 private key: zero, or beyond the group order" in why(host.chip)


def test_a_key_under_a_wrong_mac_is_refused(host: HostSide, why: Why) -> None:
    sealed = host.sealed_key(host.session(), PRIVATE, bytes(4) + SCALAR)[:-1] + b"\x00"

    assert host.ask(Opcode.PRIVWRITE, 0x40, PRIVATE, sealed) == EXECUTION_ERROR
    assert "the MAC of the encrypted key for slot 7 is wrong" in why(host.chip)
    assert host.chip.memory.private_key(PRIVATE) is None


@pytest.mark.parametrize(
    "flags", [{"gen_dig_data": False}, {"key_id": 5}, {"no_mac_flag": True}, {"fixed": True}]
)
def test_a_key_wants_a_session_of_its_own(host: HostSide, why: Why, flags: dict[str, bool | int]) -> None:
    held = {"gen_dig_data": True, "key_id": 4} | flags
    source = SourceFlag.FIXED if held.pop("fixed", False) else SourceFlag.RANDOM
    host.chip.volatile.temp_key = TempKey(bytes(64), source, **held)  # type: ignore[arg-type]

    sealed = host.sealed_key(bytes(32), PRIVATE, bytes(4) + SCALAR)

    assert host.ask(Opcode.PRIVWRITE, 0x40, PRIVATE, sealed) == EXECUTION_ERROR
    assert "slot 7 is written under a random nonce digested (GenDig) with slot 4" in why(host.chip)


@pytest.mark.parametrize(
    "mode, param2, size", [(0x01, 7, 68), (0x80, 7, 68), (0x40, 16, 68), (0x40, 7, 67), (0, 7, 36)]
)
def test_what_no_state_permits_is_a_parse_error(host: HostSide, mode: int, param2: int, size: int) -> None:
    assert host.ask(Opcode.PRIVWRITE, mode, param2, bytes(size)) == PARSE_ERROR
