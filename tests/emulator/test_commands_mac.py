"""MAC, CheckMac, GenDig and DeriveKey: digests of secrets, nonces and the part itself."""

import hashlib
from collections.abc import Callable

import pytest

from softatecc.chip import Chip
from softatecc.config import Configuration
from softatecc.memory import SourceFlag, TempKey, temp_key
from softatecc.model import DeviceModel
from softatecc.packet import Opcode

Part = Callable[..., Chip]
Ask = Callable[..., bytes]
Why = Callable[[Chip], str]

SUCCESS, MISCOMPARE, PARSE_ERROR, EXECUTION_ERROR = b"\x00", b"\x01", b"\x03", b"\x0f"
SECRET, NONCE, CHALLENGE = bytes(range(32)), bytes(range(0x40, 0x60)), bytes(range(0x60, 0x80))
KEY, PRIVATE, NO_MAC = 4, 2, 6
LOCKED_WORD = 0xFF


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def keyed(part: Part, **words: object) -> Chip:
    chip = part(**words)
    chip.memory.store(KEY, SECRET + chip.memory.slot(KEY)[32:])
    return chip


def hold(chip: Chip, *, random: bool = False, **flags: bool | int) -> None:
    source = SourceFlag.RANDOM if random else SourceFlag.FIXED
    chip.volatile.temp_key = TempKey(NONCE.ljust(64, b"\x00"), source, **flags)  # type: ignore[arg-type]


# --- MAC ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0x00, 0x01, 0x02, 0x03])
@pytest.mark.parametrize("with_serial", [False, True])
@pytest.mark.parametrize("random", [False, True])
def test_mac_digests_key_challenge_and_command(
    part: Part, ask: Ask, mode: int, with_serial: bool, random: bool
) -> None:
    chip = keyed(part)
    hold(chip, random=random)
    serial = chip.configuration.serial_number
    mode |= 0x40 * with_serial | 0x04 * (not random)
    answer = ask(chip, Opcode.MAC, mode, KEY, b"" if mode & 1 else CHALLENGE)

    assert answer == sha256(
        NONCE if mode & 2 else SECRET,
        NONCE if mode & 1 else CHALLENGE,
        bytes((0x08, mode, KEY, 0)),
        bytes(11),
        serial[8:9],
        serial[4:8] if with_serial else bytes(4),
        serial[0:2],
        serial[2:4] if with_serial else bytes(2),
    )
    assert (chip.volatile.temp_key is None) == bool(mode & 3)


@pytest.mark.parametrize(
    "words, flags, mode, reason",
    [
        ({"locked": "none"}, {}, 0x04, "configuration zone is not locked"),
        ({}, {}, 0x01, "MAC announces SourceFlag 0, TempKey has 1"),
        ({}, {"random": True}, 0x05, "MAC announces SourceFlag 1, TempKey has 0"),
        ({}, {"no_mac_flag": True}, 0x05, "NoMacFlag"),
        ({}, {"private": True}, 0x05, "which only ECDH may use"),
        ({"slot_config": {KEY: 0x0F9F}}, {}, 0x05, "slot 4 answers no challenge: SlotConfig.NoMac"),
        ({"key_config": {KEY: 0x007C}}, {}, 0x05, "KeyConfig.ReqRandom (bit 6) is 1"),
        ({"key_config": {KEY: 0x007C}}, {}, 0x04, "KeyConfig.ReqRandom (bit 6) is 1"),
        ({"key_config": {KEY: 0x03BC}}, {}, 0x05, "CheckMac has not proven slot 3"),
        ({"key_config": {KEY: 0x103C}}, {}, 0x05, "the persistent latch is clear"),
        ({"key_config": {KEY: 0x0033}}, {}, 0x05, "slot 4 holds a private key"),
    ],
)
def test_mac_refuses_by_state_slot_and_nonce(
    part: Part, ask: Ask, why: Why, words: dict[str, object], flags: dict[str, bool], mode: int, reason: str
) -> None:
    chip = keyed(part, **words)
    hold(chip, **flags)
    answer = ask(chip, Opcode.MAC, mode, KEY, b"" if mode & 1 else CHALLENGE)

    assert answer == EXECUTION_ERROR
    assert reason in why(chip)


def test_a_refused_mac_has_used_up_temp_key(part: Part, ask: Ask, why: Why) -> None:
    chip = keyed(part)
    hold(chip)
    answers = [ask(chip, Opcode.MAC, mode, KEY) for mode in (0x01, 0x05)]

    assert answers == [EXECUTION_ERROR] * 2
    assert "TempKey is not valid" in why(chip)


def test_a_key_that_wants_a_random_nonce_answers_under_one(part: Part, ask: Ask) -> None:
    chip = keyed(part, key_config={KEY: 0x007C})
    hold(chip, random=True)

    assert len(ask(chip, Opcode.MAC, 0x01, KEY)) == 32


@pytest.mark.parametrize("taken, size", [(True, 32), (False, 1)])
def test_mac_takes_a_genkey_digest_as_the_model_says(
    part: Part, ask: Ask, why: Why, taken: bool, size: int
) -> None:
    chip = keyed(part, model=DeviceModel(mac_takes_gen_key_digest=taken))
    hold(chip, gen_key_data=True)

    assert len(ask(chip, Opcode.MAC, 0x05, KEY)) == size
    if not taken:
        assert "a GenKey digest, which MAC does not take" in why(chip)


def test_a_limited_secret_stops_at_the_match_value(part: Part, ask: Ask, why: Why) -> None:
    chip = keyed(part, slot_config={KEY: 0x0FAF})
    chip.memory.store(10, (32).to_bytes(4, "little") * 2 + bytes(64))
    sizes = [len(ask(chip, Opcode.MAC, 0x00, KEY, CHALLENGE)) for _ in range(33)]

    assert sizes == [32] * 32 + [1]
    assert "slot 4 is used up" in why(chip)


@pytest.mark.parametrize(
    "opcode, mode, param2, size",
    [
        (Opcode.MAC, 0x08, KEY, 32),
        (Opcode.MAC, 0x10, KEY, 32),
        (Opcode.MAC, 0x20, KEY, 32),
        (Opcode.MAC, 0x80, KEY, 32),
        (Opcode.MAC, 0x00, KEY, 0),
        (Opcode.MAC, 0x01, KEY, 32),
        (Opcode.MAC, 0x00, 16, 32),
        (Opcode.CHECKMAC, 0x08, KEY, 77),
        (Opcode.CHECKMAC, 0x40, KEY, 77),
        (Opcode.CHECKMAC, 0x00, KEY, 76),
        (Opcode.CHECKMAC, 0x00, 16, 77),
        (Opcode.GENDIG, 0x06, 0, 0),
        (Opcode.GENDIG, 0x00, 4, 0),
        (Opcode.GENDIG, 0x01, 2, 0),
        (Opcode.GENDIG, 0x00, 0, 4),
        (Opcode.GENDIG, 0x02, KEY, 32),
        (Opcode.GENDIG, 0x02, 0x8000, 0),
        (Opcode.GENDIG, 0x03, 0, 0),
        (Opcode.GENDIG, 0x04, 2, 0),
        (Opcode.GENDIG, 0x04, 0, 4),
        (Opcode.GENDIG, 0x05, 16, 0),
        (Opcode.GENDIG, 0x05, 0, 3),
        (Opcode.DERIVEKEY, 0x01, 9, 0),
        (Opcode.DERIVEKEY, 0x00, 16, 0),
        (Opcode.DERIVEKEY, 0x00, 9, 31),
    ],
)
def test_what_no_state_permits_is_a_parse_error(
    part: Part, ask: Ask, opcode: Opcode, mode: int, param2: int, size: int
) -> None:
    chip = keyed(part)
    hold(chip)

    assert ask(chip, opcode, mode, param2, bytes(size)) == PARSE_ERROR
    assert chip.volatile.temp_key is not None


# --- CheckMac -------------------------------------------------------------------------------------

OTHER = bytes(range(0xA0, 0xAD))


def response(chip: Chip, mode: int, key: bytes = SECRET) -> bytes:
    serial, otp = chip.configuration.serial_number, chip.memory.otp[:8] if mode & 0x20 else bytes(8)
    first, second = NONCE if mode & 2 else key, NONCE if mode & 1 else CHALLENGE
    return sha256(
        first, second, OTHER[0:4], otp, OTHER[4:7], serial[8:9], OTHER[7:11], serial[0:2], OTHER[11:13]
    )


@pytest.mark.parametrize("mode", [0x00, 0x01, 0x02, 0x03, 0x20, 0x23])
@pytest.mark.parametrize("random", [False, True])
def test_checkmac_compares_the_response_with_its_own(part: Part, ask: Ask, mode: int, random: bool) -> None:
    chip = keyed(part)
    chip.memory.otp = bytes(range(64))
    mode |= 0x04 * (not random)
    right = response(chip, mode)
    wrong = right[:-1] + bytes((right[-1] ^ 1,))
    answers = []
    for sent in (wrong, right):
        hold(chip, random=random)
        answers.append(ask(chip, Opcode.CHECKMAC, mode, KEY, CHALLENGE + sent + OTHER))

    assert answers == [MISCOMPARE, SUCCESS]


def test_a_wrong_response_is_a_miscompare_that_says_so(part: Part, ask: Ask, why: Why) -> None:
    chip = keyed(part)

    assert ask(chip, Opcode.CHECKMAC, 0, KEY, CHALLENGE + bytes(32) + OTHER) == MISCOMPARE
    assert "the response does not prove the key" in why(chip)


@pytest.mark.parametrize("mode, random, proven", [(0x01, True, KEY), (0x05, False, None), (0x00, True, None)])
def test_only_a_random_nonce_proves_a_key(
    part: Part, ask: Ask, mode: int, random: bool, proven: int | None
) -> None:
    chip = keyed(part, slot_config={5: 0x0F01})
    chip.volatile.auth_key = 7
    hold(chip, random=random)
    answer = ask(chip, Opcode.CHECKMAC, mode, KEY, CHALLENGE + response(chip, mode) + OTHER)

    assert answer == SUCCESS
    assert chip.volatile.auth_key == proven


def test_a_failed_attempt_ends_an_earlier_authorization(part: Part, ask: Ask) -> None:
    chip = keyed(part)
    chip.volatile.auth_key = KEY
    hold(chip, random=True)

    assert ask(chip, Opcode.CHECKMAC, 1, KEY, CHALLENGE + bytes(32) + OTHER) == MISCOMPARE
    assert chip.volatile.auth_key is None


def test_a_key_no_mac_still_checks(part: Part, ask: Ask) -> None:
    chip = keyed(part, slot_config={KEY: 0x0F9F})

    assert ask(chip, Opcode.CHECKMAC, 0, KEY, CHALLENGE + response(chip, 0) + OTHER) == SUCCESS


@pytest.mark.parametrize(
    "locked, reason", [("none", "not locked"), ("data", "CheckMac announces SourceFlag 0")]
)
def test_checkmac_refuses_by_state_and_nonce(
    part: Part, ask: Ask, why: Why, locked: str, reason: str
) -> None:
    chip = keyed(part, locked=locked)
    hold(chip)

    assert ask(chip, Opcode.CHECKMAC, 1, KEY, CHALLENGE + bytes(32) + OTHER) == EXECUTION_ERROR
    assert reason in why(chip)


COPY = [
    # mode, slot of the key, SlotConfig and KeyConfig of the target, the target or None
    (0x05, 8, 0x0F80, 0x003C, 9),
    (0x05, 9, 0x0F80, 0x003C, 9),
    (0x01, 8, 0x0F80, 0x003C, 9),
    (0x05, 8, 0x0F81, 0x003C, None),
    (0x05, 8, 0x0F80, 0x0033, None),
    (0x00, 8, 0x0F80, 0x003C, None),
    (0x25, 8, 0x0F80, 0x003C, None),
]


@pytest.mark.parametrize("mode, slot, slot_config, key_config, target", COPY)
def test_checkmac_copies_a_target_that_says_it_is_one(
    part: Part, ask: Ask, mode: int, slot: int, slot_config: int, key_config: int, target: int | None
) -> None:
    chip = part(slot_config={9: slot_config}, key_config={9: key_config})
    chip.memory.store(9, bytes(range(0xC0, 0xE0)) + bytes(40))
    chip.memory.store(8, SECRET + bytes(384))
    hold(chip, random=not mode & 4)
    key = chip.memory.slot(slot)[:32]
    answer = ask(chip, Opcode.CHECKMAC, mode, slot, CHALLENGE + response(chip, mode, key) + OTHER)
    copied = None if target is None else temp_key(bytes(range(0xC0, 0xE0)), SourceFlag.FIXED)

    assert answer == SUCCESS
    if mode & 1:
        assert chip.volatile.temp_key == copied


# --- GenDig ---------------------------------------------------------------------------------------


def gendig_digest(chip: Chip, first: bytes, header: bytes, facts: bytes, second: bytes) -> bytes:
    serial = chip.configuration.serial_number
    message = first + header + serial[8:9] + serial[0:2] + facts.ljust(25, b"\x00") + second
    assert len(message) == 96
    return sha256(message)


def slot_rules(configuration: Configuration, slot: int) -> bytes:
    image = configuration.image
    return image[20 + 2 * slot : 22 + 2 * slot] + image[96 + 2 * slot : 98 + 2 * slot]


@pytest.mark.parametrize(
    "mode, param2, data",
    [
        (0, 0, b""),
        (0, 3, b""),
        (1, 1, b""),
        (2, KEY, b""),
        (2, KEY, b"\x01\x02\x03\x04"),
        (2, NO_MAC, b"\x01\x02\x03\x04"),
        (3, 0x0012, CHALLENGE),
        (3, 0x8012, CHALLENGE),
        (4, 1, b""),
        (5, KEY, b""),
        (5, 13, b""),
    ],
)
@pytest.mark.parametrize("random", [False, True])
def test_gendig_mixes_what_the_mode_names_into_temp_key(
    part: Part, ask: Ask, mode: int, param2: int, data: bytes, random: bool
) -> None:
    chip = keyed(part, octets={89: LOCKED_WORD & ~(1 << 13 - 8)} | {60: 0x7F})
    chip.memory.store(NO_MAC, SECRET[::-1] + bytes(4))
    chip.memory.otp = bytes(range(64))
    hold(chip, random=random, gen_key_data=True, key_id=9, is64=True)
    image, header = chip.configuration.image, bytes((0x15, mode)) + param2.to_bytes(2, "little")
    value = {
        0: lambda: gendig_digest(chip, image[32 * param2 :][:32], header, b"", NONCE),
        1: lambda: gendig_digest(chip, bytes(range(32, 64)), header, b"", NONCE),
        2: lambda: (
            gendig_digest(chip, SECRET[::-1], data, b"", NONCE)
            if param2 == NO_MAC
            else gendig_digest(chip, SECRET, header, b"", NONCE)
        ),
        3: lambda: gendig_digest(
            chip,
            NONCE if param2 & 0x8000 else CHALLENGE,
            b"\x15\x03\x12\x00",
            b"",
            CHALLENGE if param2 & 0x8000 else NONCE,
        ),
        4: lambda: gendig_digest(chip, bytes(32), header, b"\x00\x01", NONCE),
        5: lambda: gendig_digest(
            chip,
            bytes(32),
            header,
            b"\x00" + slot_rules(chip.configuration, param2) + bytes((param2 != 13,)),
            NONCE,
        ),
    }[mode]()

    assert ask(chip, Opcode.GENDIG, mode, param2, data) == SUCCESS
    assert chip.volatile.temp_key == TempKey(
        value.ljust(64, b"\x00"),
        SourceFlag.RANDOM if random else SourceFlag.FIXED,
        key_id=param2 if mode == 2 else 0,
        gen_dig_data=mode == 2,
        no_mac_flag=param2 == NO_MAC and mode == 2,
    )


def test_a_no_mac_flag_is_never_taken_back(part: Part, ask: Ask) -> None:
    chip = keyed(part)
    hold(chip, no_mac_flag=True)
    flags = []
    for mode in (0, 2):
        ask(chip, Opcode.GENDIG, mode, KEY if mode else 0)
        assert chip.volatile.temp_key is not None
        flags.append(chip.volatile.temp_key.no_mac_flag)

    assert flags == [True, True]


@pytest.mark.parametrize("flag", [True, False])
def test_a_shared_nonce_is_gendig_data_as_the_model_says(part: Part, ask: Ask, flag: bool) -> None:
    chip = part(model=DeviceModel(shared_nonce_is_gen_dig_data=flag))
    hold(chip)

    assert ask(chip, Opcode.GENDIG, 3, 0, CHALLENGE) == SUCCESS
    assert chip.volatile.temp_key is not None
    assert chip.volatile.temp_key.gen_dig_data == flag


@pytest.mark.parametrize(
    "words, mode, param2, reason",
    [
        ({"locked": "none"}, 0, 0, "configuration zone is not locked"),
        ({}, 2, NO_MAC, "GenDig of slot 6 wants OtherData, four bytes"),
        ({}, 2, PRIVATE, "slot 2 holds a private key"),
        ({"key_config": {KEY: 0x007C}}, 2, KEY, "KeyConfig.ReqRandom (bit 6) is 1"),
        ({"key_config": {KEY: 0x03BC}}, 2, KEY, "CheckMac has not proven slot 3"),
        ({"key_config": {KEY: 0x103C}}, 2, KEY, "the persistent latch is clear"),
    ],
)
def test_gendig_refuses_by_state_and_slot_and_leaves_no_temp_key(
    part: Part, ask: Ask, why: Why, words: dict[str, object], mode: int, param2: int, reason: str
) -> None:
    chip = keyed(part, **words)
    hold(chip)

    assert ask(chip, Opcode.GENDIG, mode, param2) == EXECUTION_ERROR
    assert reason in why(chip)
    assert chip.volatile.temp_key is None


def test_gendig_that_is_no_command_at_all_keeps_temp_key(part: Part, ask: Ask) -> None:
    """Evidence: assumed - the data sheets speak of its success; 03 means that nothing began."""
    chip = keyed(part)
    hold(chip)
    before = chip.volatile.temp_key

    assert ask(chip, Opcode.GENDIG, 2, 16) == PARSE_ERROR
    assert chip.volatile.temp_key is before


def test_gendig_of_a_slots_rules_takes_four_bytes_that_do_not_count(part: Part, ask: Ask) -> None:
    values = []
    for data in (b"", b"\x15\x05\x04\x00"):
        chip = keyed(part)
        hold(chip)
        assert ask(chip, Opcode.GENDIG, 5, KEY, data) == SUCCESS
        assert chip.volatile.temp_key is not None
        values.append(chip.volatile.temp_key.value)

    assert values[0] == values[1]


NO_MAC_DIGEST = (Opcode.GENDIG, 2, NO_MAC, bytes((Opcode.MAC, 0, NO_MAC, 0)))


@pytest.mark.parametrize(
    "wash",
    [(Opcode.NONCE, 0, 0x8000, bytes(20)), (Opcode.GENKEY, 0x10, 15, bytes(3))],
    ids=["Nonce", "GenKey"],
)
def test_no_mac_flag_is_not_washed_off(
    part: Part, ask: Ask, why: Why, wash: tuple[Opcode, int, int, bytes]
) -> None:
    """Evidence: vendor-library - cryptoauthlib atca_host.c (atcah_gen_key_msg, atcah_nonce) leaves it."""
    chip = keyed(part, key_config={15: 0x0010})
    hold(chip, random=True)
    digested, washed = ask(chip, *NO_MAC_DIGEST), ask(chip, *wash)
    answer = ask(chip, Opcode.MAC, 3, 0)

    assert digested == SUCCESS
    assert washed == SUCCESS or len(washed) == 32
    assert answer == EXECUTION_ERROR
    assert "NoMacFlag" in why(chip)


def test_derivekey_takes_no_nonce_of_a_no_mac_key(part: Part, ask: Ask, why: Why) -> None:
    """Evidence: vendor-library - cryptoauthlib atca_host.c (atcah_derive_key)."""
    chip = keyed(part, slot_config={9: 0x2000}, key_config={9: 0x001C})
    hold(chip, random=True)
    ask(chip, *NO_MAC_DIGEST)

    assert ask(chip, Opcode.DERIVEKEY, 0, 9) == EXECUTION_ERROR
    assert "NoMacFlag" in why(chip)
    assert chip.volatile.temp_key is None


def test_checkmac_takes_what_a_no_mac_key_made(part: Part, ask: Ask) -> None:
    """Evidence: vendor-library - cryptoauthlib atca_host.c (atcah_check_mac) does not look at the flag."""
    chip = keyed(part)
    hold(chip, no_mac_flag=True)
    other, serial = OTHER, chip.configuration.serial_number
    head, tail = (other[0:4], bytes(8), other[4:7]), (serial[8:9], other[7:11], serial[0:2], other[11:13])
    wanted = sha256(SECRET, NONCE, *head, *tail)

    assert ask(chip, Opcode.CHECKMAC, 5, KEY, CHALLENGE + wanted + other) == SUCCESS


@pytest.mark.parametrize("mode, data", [(0, b""), (1, b""), (2, b""), (3, CHALLENGE), (4, b""), (5, b"")])
def test_gendig_wants_a_valid_temp_key(part: Part, ask: Ask, why: Why, mode: int, data: bytes) -> None:
    chip = part()

    assert ask(chip, Opcode.GENDIG, mode, 0 if mode != 2 else KEY, data) == EXECUTION_ERROR
    assert "TempKey is not valid" in why(chip)


# --- DeriveKey ------------------------------------------------------------------------------------

ROLL, CREATE, ROLL_MAC, CREATE_MAC = 0x2000, 0x3000, 0xA000, 0xB000
TARGET = 9


@pytest.mark.parametrize("write_config", [ROLL, CREATE, ROLL_MAC, CREATE_MAC])
@pytest.mark.parametrize("random", [False, True])
def test_derivekey_writes_a_digest_of_parent_and_nonce(
    part: Part, ask: Ask, write_config: int, random: bool
) -> None:
    chip = keyed(part, slot_config={TARGET: write_config | KEY << 8}, key_config={TARGET: 0x001C})
    old = bytes(range(0x20, 0x40)) + b"rest" * 10
    chip.memory.store(TARGET, old)
    hold(chip, random=random)
    parent = SECRET if write_config & 0x1000 else old[:32]
    header, serial = bytes((0x1C, 0 if random else 4, TARGET, 0)), chip.configuration.serial_number
    mac = sha256(SECRET, header, serial[8:9], serial[0:2]) if write_config & 0x8000 else b""
    answer = ask(chip, Opcode.DERIVEKEY, header[1], TARGET, mac)

    assert answer == SUCCESS
    assert chip.memory.slot(TARGET) == gendig_digest(chip, parent, header, b"", NONCE) + old[32:]
    assert chip.volatile.temp_key is None


def test_derivekey_into_a_public_key_takes_its_validity(part: Part, ask: Ask) -> None:
    chip = part(slot_config={TARGET: ROLL}, key_config={TARGET: 0x0012})
    chip.memory.store(TARGET, b"\x5f" + bytes(71))
    hold(chip)

    assert ask(chip, Opcode.DERIVEKEY, 4, TARGET) == SUCCESS
    assert chip.memory.slot(TARGET)[0] >> 4 == 0xA


@pytest.mark.parametrize(
    "words, mode, data, reason",
    [
        ({"locked": "none"}, 4, b"", "configuration zone is not locked"),
        ({}, 0, b"", "DeriveKey announces SourceFlag 0, TempKey has 1"),
        ({"slot_config": {TARGET: 0x1000}}, 4, b"", "slot 9 is not derived"),
        ({"slot_config": {TARGET: 0xC000}}, 4, b"", "slot 9 is not derived"),
        ({"slot_config": {TARGET: ROLL_MAC}}, 4, b"", "slot 9 wants an authorizing MAC"),
        ({}, 4, bytes(32), "slot 9 wants no MAC"),
        (
            {"slot_config": {TARGET: ROLL_MAC | KEY << 8}},
            *(4, bytes(32)),
            "the MAC that authorizes DeriveKey of slot 9",
        ),
        (
            {"slot_config": {TARGET: ROLL_MAC | KEY << 8}, "key_config": {TARGET: 0x001C, KEY: 0x03BC}},
            *(4, bytes(32)),
            "CheckMac has not proven slot 3",
        ),
        ({"slot_config": {TARGET: ROLL_MAC | PRIVATE << 8}}, 4, bytes(32), "slot 2 holds a private key"),
        ({"key_config": {TARGET: 0x0033}}, 4, b"", "slot 9 holds a private key"),
        ({"octets": {89: 0xFD}}, 4, b"", "slot 9 is locked"),
        ({"slot_config": {TARGET: CREATE | PRIVATE << 8}}, 4, b"", "slot 2 holds a private key"),
        ({"key_config": {TARGET: 0x005C}}, 4, b"", "KeyConfig.ReqRandom (bit 6) is 1"),
        ({"key_config": {TARGET: 0x101C}}, 4, b"", "the persistent latch is clear"),
    ],
)
def test_derivekey_refuses_by_state_slot_and_nonce(
    part: Part, ask: Ask, why: Why, words: dict[str, dict[int, int]], mode: int, data: bytes, reason: str
) -> None:
    words = {"slot_config": {TARGET: ROLL}, "key_config": {TARGET: 0x001C}} | words
    chip = keyed(part, **words)
    before = chip.memory.slot(TARGET)
    hold(chip)

    assert ask(chip, Opcode.DERIVEKEY, mode, TARGET, data) == EXECUTION_ERROR
    assert reason in why(chip)
    assert chip.memory.slot(TARGET) == before


@pytest.mark.parametrize("write_config, counted", [(ROLL, 0), (ROLL_MAC, 1), (CREATE, 1), (CREATE_MAC, 1)])
def test_the_limit_of_the_write_key_is_asked_and_the_targets_own_never(
    part: Part, ask: Ask, write_config: int, counted: int
) -> None:
    """Evidence: document - public data sheet of the Trust&Go part for LoRa, DeriveKey."""
    limited = 0x0020
    chip = keyed(
        part,
        slot_config={TARGET: write_config | KEY << 8 | limited, KEY: 0x0FAF},
        key_config={TARGET: 0x001C},
    )
    hold(chip)
    header, serial = bytes((0x1C, 4, TARGET, 0)), chip.configuration.serial_number
    mac = sha256(SECRET, header, serial[8:9], serial[0:2]) if write_config & 0x8000 else b""
    before = chip.configuration.counter(0)

    assert ask(chip, Opcode.DERIVEKEY, 4, TARGET, mac) == SUCCESS
    assert chip.configuration.counter(0) == before + counted


def test_deriving_from_a_limited_parent_counts(part: Part, ask: Ask) -> None:
    chip = keyed(part, slot_config={TARGET: CREATE | KEY << 8, KEY: 0x0FAF}, key_config={TARGET: 0x001C})
    chip.memory.store(10, (32).to_bytes(4, "little") * 2 + bytes(64))
    hold(chip)

    assert ask(chip, Opcode.DERIVEKEY, 4, TARGET) == SUCCESS
    assert chip.configuration.counter(0) == 1
