"""What must be so before a command works with a key: configuration locked, another key proven, latch set.

Every command that names a slot as its key stands in `USES`; the demands are KeyConfig's ReqAuth and
PersistentDisable. What else each of them asks is tested beside its own command.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from softatecc.chip import Chip
from softatecc.commands.registry import HANDLERS
from softatecc.crypto import PrivateKey
from softatecc.entropy import SeededEntropy
from softatecc.memory import SourceFlag, TempKey
from softatecc.packet import Opcode
from softatecc.trace import Hidden

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

EXECUTION_ERROR = b"\x0f"
REQ_AUTH, AUTH_KEY = 0x0080, 5
PERSISTENT_DISABLE = 0x1000
PRIVATE, SECRET_KEY, PUBLIC_KEY, AES_KEY = 0x0033, 0x001C, 0x0010, 0x0018
PUB_INFO = 0x0002
TO_VALIDATE = 14  # a public key whose ReadKey is slot 9
DIGEST = bytes(range(0x40, 0x60))
SCALAR = bytes(range(1, 33))
PEER = PrivateKey(bytes(range(2, 34)))


@dataclass(frozen=True)
class Use:
    """One way to work with a key: the slot it lies in, its KeyConfig and SlotConfig, and the command."""

    opcode: int
    mode: int
    slot: int
    key_config: int
    slot_config: int = 0x000F
    data: bytes = b""
    param2: int | None = None


USES = {
    "GenKey makes it": Use(Opcode.GENKEY, 0x04, 0, PRIVATE, 0x200F),
    "GenKey tells its public half": Use(Opcode.GENKEY, 0x00, 0, PRIVATE),
    "GenKey digests its public half": Use(Opcode.GENKEY, 0x08, 0, PRIVATE),
    "GenKey digests a stored key": Use(Opcode.GENKEY, 0x10, 9, PUBLIC_KEY, data=bytes(3)),
    "Sign signs the host's digest": Use(Opcode.SIGN, 0x80, 0, PRIVATE),
    "Sign signs a GenKey digest": Use(Opcode.SIGN, 0x00, 0, PRIVATE),
    "Verify with a stored key": Use(Opcode.VERIFY, 0x00, 9, PUBLIC_KEY, data=bytes(64)),
    "Verify validates by it": Use(Opcode.VERIFY, 0x03, 9, PUBLIC_KEY, data=bytes(83), param2=TO_VALIDATE),
    "ECDH": Use(Opcode.ECDH, 0x0C, 0, PRIVATE, 0x0007, PEER.public),
    "MAC": Use(Opcode.MAC, 0x00, 4, SECRET_KEY, data=DIGEST),
    "CheckMac": Use(Opcode.CHECKMAC, 0x00, 4, SECRET_KEY, data=bytes(77)),
    "GenDig": Use(Opcode.GENDIG, 0x02, 4, SECRET_KEY),
    "DeriveKey rolls it": Use(Opcode.DERIVEKEY, 0x00, 4, SECRET_KEY, 0x2000),
    "SHA keys an HMAC": Use(Opcode.SHA, 0x04, 4, SECRET_KEY),
    "AES encrypts": Use(Opcode.AES, 0x00, 4, AES_KEY, data=bytes(16)),
    "KDF by PRF": Use(Opcode.KDF, 0x12, 4, SECRET_KEY, data=bytes((1, 0, 0, 4)) + bytes(4)),
    "KDF by AES": Use(Opcode.KDF, 0x32, 4, AES_KEY, data=bytes((0, 0, 0, 16)) + bytes(16)),
    "KDF by HKDF": Use(Opcode.KDF, 0x52, 4, SECRET_KEY, data=bytes((2, 0, 0, 4)) + bytes(4)),
    "HKDF takes its message there": Use(
        Opcode.KDF, 0x50, 4, SECRET_KEY, data=bytes((0, 4, 0, 32)) + bytes(32), param2=0
    ),
    "SecureBoot with a stored key": Use(
        Opcode.SECUREBOOT, 0x05, 9, PUBLIC_KEY, data=DIGEST + bytes(64), param2=0
    ),
}


def ready(part: Part, use: Use, demand: int = 0, locked: str = "data") -> Chip:
    """A part whose slot holds what the command works with, and registers that satisfy it otherwise."""
    secure_boot = {70: 0x01, 71: use.slot << 4} if use.opcode == Opcode.SECUREBOOT else {}
    chip = part(
        locked=locked,
        key_config={TO_VALIDATE: PUBLIC_KEY | PUB_INFO, use.slot: use.key_config | demand},
        slot_config={TO_VALIDATE: 0x0009, use.slot: use.slot_config},
        octets=secure_boot,
        entropy=SeededEntropy("authorization"),
    )
    if use.key_config == PRIVATE:
        chip.memory.store_private_key(use.slot, SCALAR)
    elif use.key_config & ~PUB_INFO == PUBLIC_KEY:
        x, y = PEER.public[:32], PEER.public[32:]
        chip.memory.store(use.slot, bytes(4) + x + bytes(4) + y)
    chip.volatile.temp_key = TempKey(
        DIGEST.ljust(64, b"\x00"), SourceFlag.RANDOM, gen_key_data=use.mode == 0 and use.opcode == Opcode.SIGN
    )
    chip.volatile.message_digest_buffer = DIGEST
    if use.param2 == TO_VALIDATE:
        chip.volatile.temp_key = TempKey(
            DIGEST.ljust(64, b"\x00"), SourceFlag.RANDOM, gen_key_data=True, key_id=TO_VALIDATE
        )
    return chip


def perform(chip: Chip, ask: Ask, use: Use) -> bytes:
    return ask(chip, use.opcode, use.mode, use.slot if use.param2 is None else use.param2, use.data)


@pytest.fixture(params=USES, ids=str)
def use(request: pytest.FixtureRequest) -> Use:
    return USES[request.param]


def test_without_a_demand_the_command_gets_to_its_work(part: Part, ask: Ask, use: Use) -> None:
    """So that the refusals below are for the demand alone; 01 is a comparison that was made."""
    answer = perform(ready(part, use), ask, use)

    assert answer in (b"\x00", b"\x01") or len(answer) > 1


def test_req_auth_is_asked_wherever_a_key_is_used(part: Part, ask: Ask, why: Why, use: Use) -> None:
    chip = ready(part, use, REQ_AUTH | AUTH_KEY << 8)
    refused = perform(chip, ask, use)
    reason = why(chip)
    chip = ready(part, use, REQ_AUTH | AUTH_KEY << 8)
    chip.volatile.auth_key = AUTH_KEY + 1
    by_another = perform(chip, ask, use)
    chip = ready(part, use, REQ_AUTH | AUTH_KEY << 8)
    chip.volatile.auth_key = AUTH_KEY

    assert refused == by_another == EXECUTION_ERROR
    assert f"slot {use.slot} needs authorization" in reason
    assert f"CheckMac has not proven slot {AUTH_KEY}" in reason
    assert perform(chip, ask, use) != EXECUTION_ERROR


def test_persistent_disable_is_asked_wherever_a_key_is_used(part: Part, ask: Ask, why: Why, use: Use) -> None:
    chip = ready(part, use, PERSISTENT_DISABLE)
    refused = perform(chip, ask, use)
    reason = why(chip)
    chip = ready(part, use, PERSISTENT_DISABLE)
    chip.persistent_latch = True

    assert refused == EXECUTION_ERROR
    assert f"slot {use.slot} is disabled" in reason
    assert perform(chip, ask, use) != EXECUTION_ERROR


def test_no_key_is_used_before_the_configuration_is_locked(part: Part, ask: Ask, why: Why, use: Use) -> None:
    chip = ready(part, use, locked="none")

    assert perform(chip, ask, use) == EXECUTION_ERROR
    assert "the configuration zone is not locked" in why(chip)


@pytest.mark.parametrize(
    "opcode, mode, param2, data",
    [(Opcode.GENKEY, 0x04, 0xFFFF, b""), (Opcode.SHA, 0x03, 9, b"")],
    ids=["GenKey into TempKey", "SHA of a stored key"],
)
def test_nor_is_an_ephemeral_or_a_public_one(
    part: Part, ask: Ask, why: Why, opcode: int, mode: int, param2: int, data: bytes
) -> None:
    chip = ready(part, USES["Verify with a stored key"], locked="none")
    ask(chip, Opcode.SHA, 0x00)

    assert ask(chip, opcode, mode, param2, data) == EXECUTION_ERROR
    assert "the configuration zone is not locked" in why(chip)


def test_a_proof_serves_one_checkmac_whose_own_key_demands_it_and_no_second_one(
    part: Part, ask: Ask, why: Why
) -> None:
    use = USES["CheckMac"]
    chip = ready(part, use, REQ_AUTH | AUTH_KEY << 8)
    chip.volatile.auth_key = AUTH_KEY

    assert perform(chip, ask, use) == b"\x01"
    assert perform(chip, ask, use) == EXECUTION_ERROR
    assert "CheckMac has not proven slot 5" in why(chip)


def test_a_public_key_lies_in_slot_8_as_well_as_in_any_above(part: Part, ask: Ask) -> None:
    for slot in range(8, 16):
        use = Use(Opcode.VERIFY, 0x00, slot, PUBLIC_KEY, data=PEER.sign(DIGEST, SeededEntropy("sign")))

        assert perform(ready(part, use), ask, use) == b"\x00"


def test_the_first_byte_of_a_stored_key_bears_its_mark_and_no_other_does(part: Part, ask: Ask) -> None:
    signature = PEER.sign(DIGEST, SeededEntropy("sign"))
    use = Use(Opcode.VERIFY, 0x00, 9, PUBLIC_KEY | PUB_INFO, data=signature)
    answers = []
    for place in range(4):
        chip = ready(part, use)
        held = chip.memory.slot(9)
        chip.memory.store(9, held[:place] + b"\x50" + held[place + 1 :])
        answers.append(perform(chip, ask, use))

    assert answers == [b"\x00", EXECUTION_ERROR, EXECUTION_ERROR, EXECUTION_ERROR]


def test_every_command_with_a_key_is_in_the_list() -> None:
    """Those left out name no key, or are about memory: their slots are written and read, not used."""
    without = {
        *(Opcode.INFO, Opcode.NONCE, Opcode.RANDOM, Opcode.SELFTEST, Opcode.COUNTER, Opcode.LOCK),
        *(Opcode.READ, Opcode.WRITE, Opcode.PRIVWRITE, Opcode.UPDATEEXTRA),
    }

    assert {use.opcode for use in USES.values()} | without == set(HANDLERS)


def test_what_is_written_to_a_slot_nobody_reads_in_clear_is_not_in_the_trace(part: Part, ask: Ask) -> None:
    """EncryptRead without IsSecret means never read; what goes there is as secret as that."""
    chip = part(slot_config={4: 0x0F4F}, key_config={4: SECRET_KEY})
    chip_before_data_lock = part(locked="config", slot_config={4: 0x0F4F}, key_config={4: SECRET_KEY})
    hidden = []
    for each in (chip, chip_before_data_lock):
        ask(each, Opcode.WRITE, 0x82, 4 << 3, bytes(range(32)))
        hidden.append(isinstance(each.last_command.data, Hidden))

    assert hidden == [True, True]


def test_a_secret_is_not_guessed_byte_by_byte_with_hkdf(part: Part, ask: Ask) -> None:
    """What a second reader did: 36 commands and 256 guesses each gave the whole of slot 4."""
    secret = bytes(range(50, 86))
    chip = part()
    chip.memory.store(4, secret)
    answers = [
        ask(chip, Opcode.KDF, 0x50, 0, (4 | 4 << 8 | length << 24).to_bytes(4, "little") + bytes(length))
        for length in range(1, 37)
    ]

    known = [length for length, answer in enumerate(answers, 1) if len(answer) == 32]
    assert known == [32]
