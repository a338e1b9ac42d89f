"""What counts by the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitpbroker.mqtt import AWS_LIMITS, Limits
from jitpbroker.mqtt.quota import PerSecond, Throughput

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def test_a_second_bears_so_many_and_the_next_as_many_again() -> None:
    quota = PerSecond(2)
    first = [quota.take(NOW) for _ in range(3)]
    late = quota.take(NOW + timedelta(milliseconds=999))
    next_second = [quota.take(NOW + timedelta(seconds=1)) for _ in range(3)]

    assert (first, late, next_second) == ([True, True, False], False, [True, True, False])


def test_a_clock_that_was_set_back_begins_a_new_second() -> None:
    quota = PerSecond(1)

    assert [quota.take(NOW), quota.take(NOW - timedelta(hours=1))] == [True, True]


def test_without_a_limit_everything_is_allowed() -> None:
    assert all(PerSecond(None).take(NOW) for _ in range(1000))
    assert Throughput(None).spend(10**9, 0.0) == 0.0
    assert (Limits().publishes_per_second, Limits().throughput) == (None, None)
    assert (AWS_LIMITS.publishes_per_second, AWS_LIMITS.throughput) == (100, 512 * 1024)


@pytest.mark.parametrize(
    "spent, waits",
    [
        ([(100, 0.0)], [0.0]),
        ([(150, 0.0)], [0.5]),
        ([(100, 0.0), (100, 0.0)], [0.0, 1.0]),
        ([(100, 0.0), (100, 1.0)], [0.0, 0.0]),
        ([(100, 0.0), (60, 0.5)], [0.0, 0.1]),
        ([(100, 0.0), (100, 60.0), (50, 60.0)], [0.0, 0.0, 0.5]),
    ],
)
def test_bytes_beyond_the_limit_have_to_wait_until_they_have_flown_off(
    spent: list[tuple[int, float]], waits: list[float]
) -> None:
    bucket = Throughput(100)

    assert [bucket.spend(size, now) for size, now in spent] == pytest.approx(waits)


@given(st.lists(st.tuples(st.integers(0, 300), st.floats(0, 3)), max_size=30))
def test_who_waits_as_told_is_never_faster_than_the_limit_after_the_first_second(
    steps: list[tuple[int, float]],
) -> None:
    bucket, now, total = Throughput(100), 0.0, 0
    for size, pause in steps:
        now += pause
        now += bucket.spend(size, now)
        total += size

        assert total <= 100 * (now + 1) + 1e-6
