"""The configuration bit by bit, and what a bit of it means to the chip."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softatecc import profiles
from softatecc.config import Configuration
from softatecc.describe.configuration import Field, fields

IMAGES = st.binary(min_size=128, max_size=128).map(Configuration)


def named(configuration: Configuration, name: str, slot: int | None = None) -> Field:
    (found,) = (each for each in fields(configuration) if (each.name, each.slot) == (name, slot))
    return found


@settings(deadline=None)
@given(IMAGES)
def test_every_bit_of_the_zone_is_in_exactly_one_field(configuration: Configuration) -> None:
    covered = [
        8 * each.offset + bit for each in fields(configuration) for bit in range(each.low, each.high + 1)
    ]

    assert sorted(covered) == list(range(8 * 128))


@settings(deadline=None)
@given(IMAGES)
def test_the_values_of_the_fields_are_the_zone(configuration: Configuration) -> None:
    image = bytearray(128)
    for each in fields(configuration):
        whole = each.value << each.low
        for at, octet in enumerate(whole.to_bytes(each.size, "little")):
            image[each.offset + at] |= octet

    assert bytes(image) == configuration.image


@settings(deadline=None)
@given(IMAGES)
def test_every_field_has_words_a_place_and_digits(configuration: Configuration) -> None:
    for each in fields(configuration):
        assert each.words
        assert str(each.offset) in each.place
        assert each.digits
        assert set(asdict(each)) >= {"offset", "name", "value", "words", "slot"}


@pytest.mark.parametrize(
    "profile, name, slot, words",
    [
        ("blank", "LockConfig", None, "configuration zone unlocked"),
        ("blank", "SN[4:8]", None, "(standard part)"),
        ("blank", "I2C_Address", None, "7-bit address 0x60"),
        ("blank", "UserExtra", None, "not set yet"),
        ("cal_test_608", "CountMatchKey", None, "the limit is in slot 10"),
        ("cal_test_608", "SecureBootMode", None, "FullDig"),
        ("cal_test_608", "WriteConfig", 3, "encrypted writes only; DeriveKey from its WriteKey with a MAC"),
        ("cal_test_608", "WriteConfig", 9, "encrypted writes only; DeriveKey from itself"),
        (
            "cal_test_608",
            "WriteConfig",
            7,
            "GenKey may make a new key; encrypted PrivWrite after the data lock",
        ),
        ("cal_test_608", "ReadKey.3", 0, "ECDH puts its secret into slot 1"),
        ("cal_test_608", "PersistentDisable", 5, "usable only while the latch is set"),
        ("mbedtls_examples_608", "ReadKey", 9, "slot 4"),
        ("mbedtls_examples_608", "KeyType", 0, "P-256 key"),
    ],
)
def test_a_published_configuration_is_told_as_its_publisher_means_it(
    profile: str, name: str, slot: int | None, words: str
) -> None:
    configuration = Configuration(profiles.load(profile).configuration)

    assert words in named(configuration, name, slot).words


def test_what_is_reserved_and_not_zero_is_said_to_be_so() -> None:
    image = bytearray(profiles.load("blank").configuration)
    image[80] = 1

    (found,) = (each for each in fields(Configuration(bytes(image))) if each.offset == 75)
    assert found.words == "not 0, meaning unknown"


def test_an_address_moved_to_user_extra_add_is_told() -> None:
    image = bytearray(profiles.load("blank").configuration)
    image[19], image[85], image[12] = 0x01, 0x6A, 0x01
    configuration = Configuration(bytes(image))

    assert "UserExtraAdd is used instead" in named(configuration, "I2C_Address").words
    assert "set for good" in named(configuration, "UserExtraAdd").words
    assert "(Trust part)" in named(configuration, "SN[4:8]").words
