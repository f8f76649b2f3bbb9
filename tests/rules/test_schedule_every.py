"""A fixed rate: number n is at its beginning + n periods, whatever is asked and however often."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from math import inf, nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid import every
from fluid.rules.schedules.every import Steps
from fluid.rules.schedules.moment import Moment
from fluid.rules.schedules.schedule import Schedule

periods = st.one_of(
    st.sampled_from([0.001, 0.1, 0.3, 1 / 3, 0.7, 1, 1.1, 60, 86_400, 1e7]),
    st.floats(0.001, 1e6),
)
origins = st.one_of(st.sampled_from([0.0, 0.1, 1e-9, 1.7e9]), st.floats(0, 1e8))
numbers = st.one_of(st.integers(0, 1000), st.integers(0, 10**9))
lowest = st.sampled_from([0, 1])

GENTLE = settings(max_examples=80, deadline=None)


@GENTLE
@given(origins, periods, lowest, numbers)
def test_the_one_after_any_is_the_next_and_none_is_left_out_or_given_twice(
    origin: float, period: float, lowest: int, number: int
) -> None:
    """K01: also where floats round, and after a thousand million of them."""
    steps = Steps(origin, period, lowest)
    number += lowest
    this, following = origin + number * period, origin + (number + 1) * period
    assert steps.after(this) == following
    assert steps.after(nextafter(this, -inf)) == this
    assert steps.after(nextafter(following, -inf)) == following


@GENTLE
@given(origins, periods, lowest, numbers, numbers)
def test_the_count_is_that_of_whole_numbers(
    origin: float, period: float, lowest: int, first: int, second: int
) -> None:
    """K22: between two of them, and right before and after."""
    steps = Steps(origin, period, lowest)
    low, high = sorted((first + lowest, second + lowest))
    begin, end = origin + low * period, origin + high * period
    assert steps.count(begin, end) == high - low
    assert steps.count(nextafter(begin, -inf), end) == high - low + 1
    assert steps.count(begin, nextafter(end, -inf)) == max(high - low - 1, 0)
    assert steps.count(-inf, end) == high - lowest + 1
    assert steps.count(end, begin) == 0


@GENTLE
@given(origins, periods, lowest, st.floats(0, 1e9), st.floats(0, 1e6))
def test_what_is_said_of_any_time_agrees(
    origin: float, period: float, lowest: int, begin: float, length: float
) -> None:
    """Whatever is asked: the next one is later, the newest is not, and counts add up."""
    steps = Steps(origin, period, lowest)
    end = begin + length
    count, following = steps.count(begin, end), steps.after(begin)
    assert following > begin
    assert (following <= end) == (count > 0)
    if count:
        newest = steps.newest(begin, end)
        assert following <= newest <= end < steps.after(newest)
        assert steps.count(begin, newest) == count
    middle = (begin + end) / 2
    assert steps.count(begin, middle) + steps.count(middle, end) == count


@GENTLE
@given(periods, st.floats(0, 4e9))
def test_aligned_to_the_clock_is_a_multiple_of_the_period(period: float, now: float) -> None:
    """K07: of the time of day, and as near to the exact multiple as a float can be."""
    steps = every(period, first="aligned").series(Moment(5.0, now))
    found = steps.after(now)
    number = round(Fraction(found) / Fraction(period))
    assert found == number * period
    assert (number - 1) * period <= now < found


def test_one_by_one_is_the_same_as_all_at_once() -> None:
    """K01: a tenth of a second, which no float is; after 10000 of them nothing has drifted."""
    steps, at, seen = Steps(0.0, 0.1, 0), -inf, []
    for _ in range(10_001):
        at = steps.after(at)
        seen.append(at)
    assert seen == [number * 0.1 for number in range(10_001)]
    assert seen[-1] == 1000.0
    assert steps.count(-inf, 1000.0) == 10_001


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (every(10), [7.0, 17.0, 27.0]),
        (every(10, first="after"), [17.0, 27.0, 37.0]),
        (every(10, first="aligned"), [1010.0, 1020.0, 1030.0]),
        (every(timedelta(minutes=15), first="aligned"), [1800.0, 2700.0, 3600.0]),
        (every(0.25), [7.0, 7.25, 7.5]),
    ],
    ids=repr,
)
def test_where_the_first_one_is(schedule: Schedule, expected: list[float]) -> None:
    """K07: the loop's clock shows 7, and the time of day is 1000."""
    series = schedule.series(Moment(7.0, 1000.0))
    at, found = 1000.0 if schedule.by_wall_clock else -inf, []
    for _ in range(3):
        at = series.after(at)
        found.append(at)
    assert found == expected
