"""Addresses and the places they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softatecc.status import Rejected, Status
from softatecc.zones import SLOT_SIZES, Location, Zone, address, locate, zone_size


def test_the_slots_have_their_true_sizes() -> None:
    sizes = [zone_size(Zone.DATA, slot) for slot in range(16)]

    assert sizes == [36] * 8 + [416] + [72] * 7
    assert (zone_size(Zone.CONFIG), zone_size(Zone.OTP)) == (128, 64)


@given(st.sampled_from(Zone), st.integers(0, 15), st.integers(0, 103))
def test_every_word_inside_a_zone_is_found_again(zone: Zone, slot: int, word: int) -> None:
    slot = slot if zone is Zone.DATA else 0
    offset = 4 * word % zone_size(zone, slot)

    assert locate(zone, address(zone, slot, offset), 4) == Location(zone, slot, offset, 4, 4)


@pytest.mark.parametrize("slot", range(16))
def test_the_last_block_of_a_slot_is_as_long_as_the_slot_ends(slot: int) -> None:
    last = (SLOT_SIZES[slot] - 1) // 32

    location = locate(Zone.DATA, address(Zone.DATA, slot, 32 * last), 32)

    assert location.length == {36: 4, 72: 8, 416: 32}[SLOT_SIZES[slot]]
    assert location.block == last


def test_an_access_of_32_bytes_does_not_look_at_the_word() -> None:
    assert locate(Zone.CONFIG, 0x0D, 32).offset == 32


@pytest.mark.parametrize(
    "zone, param2, size",
    [
        (3, 0, 4),
        (Zone.CONFIG, 0x20, 4),
        (Zone.CONFIG, 0x20, 32),
        (Zone.OTP, 0x10, 4),
        (Zone.DATA, 0x0080, 4),
        (Zone.DATA, 0x0101, 4),
        (Zone.DATA, 0x0200, 32),
        (Zone.DATA, 0x024A, 4),
        (Zone.DATA, 0x0D40, 32),
        (Zone.DATA, 0xFFFF, 4),
    ],
)
@pytest.mark.parametrize("status", [Status.PARSE_ERROR, Status.EXECUTION_ERROR])
def test_an_address_outside_its_zone_is_refused_as_the_model_says(
    zone: int, param2: int, size: int, status: Status
) -> None:
    with pytest.raises(Rejected, match=r"no zone|names") as caught:
        locate(zone, param2, size, status)

    assert caught.value.status is status
