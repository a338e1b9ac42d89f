"""The configuration zone, its fields and its counters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc import profiles
from softatecc.chip import Chip
from softatecc.config import Configuration
from softatecc.counter import COUNTER_MAXIMUM, decode_counter, encode_counter
from softatecc.decode import decode
from softatecc.fields import ChipMode, KeyConfig, SlotConfig, WriteRule
from softatecc.model import DeviceModel, Revision
from softatecc.options import (
    ChipOptions,
    CountMatch,
    SecureBootConfig,
    UseLock,
    VolatileKeyPermission,
    X509Format,
)
from softatecc.packet import Command, Opcode, decode_response


@pytest.fixture
def tested() -> Configuration:
    return Configuration(profiles.load("cal_test_608").configuration)


@pytest.fixture
def fresh() -> Configuration:
    return Configuration(profiles.load("blank").configuration)


def test_a_configuration_has_128_bytes() -> None:
    with pytest.raises(ValueError, match="a configuration has 128 bytes, this has 127"):
        Configuration(bytes(127))


def test_the_fields_of_a_fresh_part_are_those_of_the_public_dump(fresh: Configuration) -> None:
    assert fresh.serial_number.hex() == "0123b0eca6586e30ee"
    assert fresh.rev_num.hex() == "00006002"
    assert fresh.i2c_address == 0x60
    assert fresh.i2c_enable
    assert fresh.aes_enable
    assert not fresh.config_locked
    assert not fresh.data_locked
    assert not any(fresh.slot_locked(number) for number in range(16))
    assert fresh.slot_config[0] == SlotConfig(0x2083)
    assert fresh.key_config[15] == KeyConfig(0x001C)
    assert fresh.counter(0) == fresh.counter(1) == 0


def test_the_fields_of_the_test_configuration_have_their_names(tested: Configuration) -> None:
    assert tested.count_match == CountMatch(0xA1)
    assert tested.count_match.enabled
    assert tested.count_match.slot == 10
    assert tested.volatile_key_permission.enabled
    assert tested.volatile_key_permission.slot == 4
    assert tested.secure_boot == SecureBootConfig(0xBC03)
    assert (tested.secure_boot.mode, tested.secure_boot.digest_slot) == (3, 12)
    assert tested.secure_boot.public_key_slot == 11
    assert tested.kdf_iv == (9, b"iv")
    assert tested.chip_options.io_protection_key_enable
    assert tested.chip_options.io_protection_key == 4
    assert tested.config_locked
    assert tested.data_locked


@pytest.mark.parametrize("number", range(16))
def test_slot_locked_is_the_bit_of_the_slot_and_zero_means_locked(fresh: Configuration, number: int) -> None:
    mask = 0xFFFF & ~(1 << number)
    configuration = fresh.replaced(88, mask.to_bytes(2, "little"))

    locked = [slot for slot in range(16) if configuration.slot_locked(slot)]

    assert locked == [number]


@pytest.mark.parametrize("value", range(16))
def test_write_config_is_read_by_write_as_the_data_sheet_tabulates(value: int) -> None:
    table = {0b0000: WriteRule.ALWAYS, 0b0001: WriteRule.PUB_INVALID}
    expected = WriteRule.ENCRYPT if value & 0b0100 else table.get(value, WriteRule.NEVER)

    assert SlotConfig(value << 12).write_rule is expected


@pytest.mark.parametrize(
    "word, names",
    [
        (0x0001, {"external_sign"}),
        (0x0002, {"internal_sign"}),
        (0x0004, {"ecdh"}),
        (0x0008, {"ecdh_to_slot"}),
        (0x0010, {"no_mac"}),
        (0x0020, {"limited_use"}),
        (0x0040, {"encrypt_read"}),
        (0x0080, {"is_secret"}),
        (0x2000, {"genkey_allowed"}),
        (0x4000, {"priv_write_allowed"}),
        (0x9F00, set()),
    ],
)
def test_each_bit_of_slot_config_has_one_name(word: int, names: set[str]) -> None:
    config = SlotConfig(word)
    found = {
        name
        for name, is_set in (
            ("external_sign", config.external_sign),
            ("internal_sign", config.internal_sign),
            ("ecdh", config.ecdh),
            ("ecdh_to_slot", config.ecdh_to_slot),
            ("no_mac", config.no_mac),
            ("limited_use", config.limited_use),
            ("encrypt_read", config.encrypt_read),
            ("is_secret", config.is_secret),
            ("genkey_allowed", config.genkey_allowed),
            ("priv_write_allowed", config.priv_write_allowed),
        )
        if is_set
    }

    assert found == names
    assert (config.read_key, config.write_key) == (word & 0xF, word >> 8 & 0xF)


@pytest.mark.parametrize(
    "word, names",
    [
        (0x0001, {"private"}),
        (0x0002, {"pub_info"}),
        (0x0020, {"lockable"}),
        (0x0040, {"req_random"}),
        (0x0080, {"req_auth"}),
        (0x1000, {"persistent_disable"}),
        (0xEF1C, set()),
    ],
)
def test_each_bit_of_key_config_has_one_name(word: int, names: set[str]) -> None:
    config = KeyConfig(word)
    found = {
        name
        for name, is_set in (
            ("private", config.private),
            ("pub_info", config.pub_info),
            ("lockable", config.lockable),
            ("req_random", config.req_random),
            ("req_auth", config.req_auth),
            ("persistent_disable", config.persistent_disable),
        )
        if is_set
    }

    assert found == names
    assert (config.key_type, config.auth_key, config.x509_id) == (word >> 2 & 7, word >> 8 & 0xF, word >> 14)


def test_the_chip_wide_fields_read_their_bits() -> None:
    mode, options = ChipMode(0x6F), ChipOptions(0x5E05)

    assert (mode.user_extra_add_is_address, mode.ttl_enable, mode.long_watchdog) == (True, True, True)
    assert mode.clock_divider == 0x0D
    assert (options.power_on_self_test, options.kdf_aes_enable) == (True, True)
    assert (options.io_protection_key_enable, options.auto_clear_first_fail) == (False, False)
    assert (options.ecdh_protection, options.kdf_protection, options.io_protection_key) == (2, 3, 5)
    assert (SecureBootConfig(0x08).persist_enable, SecureBootConfig(0x10).rand_nonce) == (True, True)
    assert (UseLock(0x7A).enabled, UseLock(0x7A).slot, UseLock(0x75).enabled) == (True, 7, False)
    assert (X509Format(0x35).template_length, X509Format(0x35).public_position) == (3, 5)
    assert VolatileKeyPermission(0x04).enabled is False


@pytest.mark.parametrize(
    "chip_mode, user_extra_add, address",
    [(0x00, 0x6A, 0x60), (0x01, 0x00, 0x60), (0x01, 0x6A, 0x35)],
)
def test_user_extra_add_is_the_address_only_where_chip_mode_says_so(
    fresh: Configuration, chip_mode: int, user_extra_add: int, address: int
) -> None:
    configuration = fresh.replaced(19, bytes((chip_mode,))).replaced(85, bytes((user_extra_add,)))

    assert configuration.i2c_address == address


@pytest.mark.parametrize(
    "octets, value",
    [
        ("3fff00000020001f", 1026),
        ("00ff0000001f001e", 1000),
        ("0000000100000000", 31),
        ("0fffffff00000000", 4),
        ("ffffffff00000000", 0),
    ],
)
def test_the_counters_of_used_parts_have_their_values(octets: str, value: int) -> None:
    assert decode_counter(bytes.fromhex(octets)) == value
    assert encode_counter(value).hex() == octets


@given(st.integers(0, COUNTER_MAXIMUM))
def test_a_counter_decodes_to_what_was_encoded(value: int) -> None:
    assert decode_counter(encode_counter(value)) == value


@given(st.binary(min_size=8, max_size=8))
def test_any_eight_bytes_are_a_counter(octets: bytes) -> None:
    assert 0 <= decode_counter(octets) <= COUNTER_MAXIMUM


@pytest.mark.parametrize("value", [-1, COUNTER_MAXIMUM + 1])
def test_a_value_no_counter_holds_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match=f"a counter cannot hold {value}"):
        encode_counter(value)


@given(st.binary(min_size=128, max_size=128))
def test_any_image_is_described_with_a_line_for_each_slot(image: bytes) -> None:
    lines = decode(Configuration(image)).splitlines()

    assert [line.split()[1] for line in lines if line.startswith("slot ")] == [str(n) for n in range(16)]


@pytest.mark.parametrize(
    "profile, label, text",
    [
        (
            "mbedtls_examples_608",
            "slot 0",
            "208F 0033  P-256 private key; signs external; signs internal; ECDH;",
        ),
        ("mbedtls_examples_608", "slot 9", "44C4 003C  data; read under slot 4; written under slot 4;"),
        ("mbedtls_examples_608", "slot 15", "0F0F 0030  P-256 public key; clear read; clear write; lockable"),
        ("cal_test_608", "slot 14", "P-256 public key; clear read; clear write; validated by slot 15"),
        ("cal_test_608", "slot 6", "8F9F 001C  data; never read; never written; no MAC"),
        (
            "cal_test_608",
            "secure boot",
            "FullDig, digest in slot 12, key in slot 11, latch off, random nonce off",
        ),
        ("blank", "locks", "configuration unlocked, data and OTP unlocked"),
    ],
)
def test_a_configuration_is_described_in_words(profile: str, label: str, text: str) -> None:
    description = decode(Configuration(profiles.load(profile).configuration))
    lines = {line[:17].strip(): line[17:] for line in description.splitlines()}

    assert text in lines[label]


def test_every_profile_names_itself_and_its_source() -> None:
    loaded = [profiles.load(name) for name in profiles.names()]

    assert set(profiles.names()) == {
        "aws_zero_touch_608",
        "blank",
        "cal_test_608",
        "mbedtls_examples_608",
        "tflxtls",
        "tngtls",
    }
    assert [profile.name for profile in loaded] == list(profiles.names())
    assert all(len(profile.configuration) == 128 and profile.source for profile in loaded)


def test_an_unknown_profile_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        ValueError, match="there is no profile 'tnglora'; choose one of aws_zero_touch_608, blank"
    ):
        profiles.load("tnglora")


@pytest.mark.parametrize(
    "revision, number, byte_13",
    [(Revision.ATECC608A, "00006002", 0xC1), (Revision.ATECC608B, "00006003", 0x61)],
)
def test_a_part_is_numbered_and_enabled_as_its_model_is_delivered(
    revision: Revision, number: str, byte_13: int
) -> None:
    chip = Chip.unprovisioned("tngtls", bytes(9), model=DeviceModel(revision=revision))
    answer = chip.exchange(Command(Opcode.INFO, 0, 0).encode())

    assert decode_response(answer).hex() == number
    assert chip.configuration.rev_num.hex() == number
    assert chip.configuration.image[13] == byte_13
    assert chip.configuration.aes_enable
