"""How many may begin: never more than was said in any period, and as many as that in the long run.

The bucket is held against the definition: the beginnings themselves, counted in every period.
"""

from __future__ import annotations

from bisect import bisect_right
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid import FluidValueError, RateLimit
from fluid.rules.rate import Bucket

limits = st.builds(
    RateLimit,
    st.one_of(st.integers(1, 50), st.floats(0.01, 50)),
    per=st.floats(0.1, 100),
    burst=st.integers(1, 10),
)
pauses = st.lists(st.one_of(st.just(0), st.floats(0, 0.5), st.floats(0, 100)), max_size=60)

ROUNDED = 1e-6
"""The part of a period by which computing in floats may be off."""


def beginnings(limit: RateLimit, asked: list[float]) -> list[float]:
    """Returns when those begin who ask at these instants."""
    bucket = Bucket(limit)
    return [bucket.take(at) for at in asked]


def instants(after: list[float], start: float = 0.0) -> list[float]:
    """Returns the instants that are so many seconds after one another."""
    found = [start]
    for seconds in after:
        found.append(found[-1] + seconds)
    return found


# --- the rate -------------------------------------------------------------------------------------


@given(limits, pauses)
def test_in_any_period_no_more_begin_than_the_count_and_the_burst(
    limit: RateLimit, after: list[float]
) -> None:
    began = beginnings(limit, instants(after))
    for number, at in enumerate(began):
        in_period = bisect_right(began, at + limit.per * (1 - ROUNDED)) - number
        assert in_period <= limit.count + limit.burst


@given(limits, pauses)
def test_nobody_begins_before_having_asked_nor_before_those_who_asked_earlier(
    limit: RateLimit, after: list[float]
) -> None:
    asked = instants(after)
    began = beginnings(limit, asked)
    assert all(at >= when for at, when in zip(began, asked, strict=True))
    assert began == sorted(began)


@given(limits, st.integers(0, 200), st.floats(0, 1e6))
def test_in_the_long_run_as_many_begin_as_the_count_allows(
    limit: RateLimit, more: int, start: float
) -> None:
    """Those who ask all at once: first the burst, then one in each interval."""
    began = beginnings(limit, [start] * (limit.burst + more))
    assert began[limit.burst - 1] == pytest.approx(start, abs=1e-6)
    assert began[-1] - start == pytest.approx(more * limit.interval, rel=1e-6, abs=1e-6)


@given(limits, st.floats(1, 100))
def test_whoever_asks_less_often_than_that_never_waits(limit: RateLimit, slower: float) -> None:
    asked = instants([limit.interval * slower * (1 + ROUNDED)] * 20)
    assert beginnings(limit, asked) == pytest.approx(asked, abs=1e-6)


def test_after_a_rest_a_burst_may_begin_again_but_no_more_than_one() -> None:
    limit = RateLimit(1, per=10, burst=3)
    asked = [0.0] * 4 + [1000.0] * 4
    assert beginnings(limit, asked) == [0, 0, 0, 10, 1000, 1000, 1000, 1010]


@given(limits, st.integers(1, 20), st.integers(0, 20))
def test_what_was_not_used_is_there_for_the_next(limit: RateLimit, used: int, unused: int) -> None:
    bucket, other = Bucket(limit), Bucket(limit)
    for _ in range(used):
        assert bucket.take(0) == other.take(0)
    for _ in range(unused):
        bucket.take(0)
    for _ in range(unused):
        bucket.give_back()
    assert bucket.take(0) == pytest.approx(other.take(0), abs=1e-6)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (RateLimit(10), [0, 0.1, 0.2]),
        (RateLimit(4, per=60), [0, 15, 30]),
        (RateLimit(0.5), [0, 2, 4]),
        (RateLimit(1, 5, 2), [0, 0, 5]),
    ],
    ids=repr,
)
def test_beginnings_are_evenly_spread(limit: RateLimit, expected: list[float]) -> None:
    assert beginnings(limit, [0.0] * 3) == pytest.approx(expected)


# --- its numbers ----------------------------------------------------------------------------------


def test_a_second_and_no_burst_unless_told_otherwise() -> None:
    limit = RateLimit(10)
    assert (limit.count, limit.per, limit.burst, limit.interval) == (10, 1, 1, 0.1)


@pytest.mark.parametrize("value", [0, -1, inf, -inf, nan, True, "10", None], ids=repr)
@pytest.mark.parametrize("name", ["count", "per"])
def test_a_rate_is_of_two_numbers_above_zero(name: str, value: object) -> None:
    """B09"""
    with pytest.raises(FluidValueError, match=f"^{name} of a rate limit") as caught:
        RateLimit(**{"count": 1, name: value})  # type: ignore[arg-type]
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", [0, -1, 1.0, inf, nan, True, "1", None], ids=repr)
def test_a_burst_is_a_whole_number_from_one(value: object) -> None:
    """B09"""
    with pytest.raises(FluidValueError, match="burst of a rate limit") as caught:
        RateLimit(1, burst=value)  # type: ignore[arg-type]
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("count", "per", "burst"),
    [
        (1e300, 1e-300, 1),
        (1e-300, 1e300, 1),
        (10**400, 1, 1),
        (1, 10**400, 1),
        (1, 1e300, 10**10),
        (1, 1, 10**400),
    ],
    ids=["none between", "for ever between", "huge count", "huge period", "late", "huge burst"],
)
def test_a_rate_beyond_what_numbers_can_say_is_refused(
    count: float, per: float, burst: int
) -> None:
    """B09: without an error of arithmetic, and without a limit that is none."""
    with pytest.raises(FluidValueError, match="cannot be kept"):
        RateLimit(count, per, burst)
