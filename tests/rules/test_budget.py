"""The arithmetic of stops: periods that shrink alike, bounds that add up, time that is shared."""

from __future__ import annotations

from math import inf, isfinite

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fluid.rules.budget import Periods, Turns, in_order, together

seconds = st.floats(0, 1e6, allow_nan=False)
endless = st.one_of(seconds, st.just(inf))
periods = st.builds(Periods, endless, endless, endless)


# --- one worker ----------------------------------------------------------------------------------


def test_a_bound_is_the_grace_two_cancels_and_the_cleanup() -> None:
    assert Periods(10, 1, 5).bound == 17
    assert Periods(inf, 1, 5).bound == inf


@pytest.mark.parametrize(
    ("given_periods", "time_left", "shrunk"),
    [
        (Periods(10, 1, 5), 17, Periods(10, 1, 5)),
        (Periods(10, 1, 5), inf, Periods(10, 1, 5)),
        (Periods(10, 1, 5), 8.5, Periods(5, 0.5, 2.5)),
        (Periods(100, 1, 8), 11, Periods(10, 0.1, 0.8)),
        (Periods(10, 1, 5), 0, Periods(0, 0, 0)),
        (Periods(10, 1, 5), -3, Periods(0, 0, 0)),
        (Periods(0, 0, 0), -3, Periods(0, 0, 0)),
        (Periods(inf, 0, 0), 8, Periods(8, 0, 0)),
        (Periods(inf, 1, 6), 8, Periods(4, 0.5, 3)),
        (Periods(inf, inf, inf), 8, Periods(2, 2, 2)),
        (Periods(inf, 1, 5), inf, Periods(inf, 1, 5)),
        (Periods(inf, 1, 5), 0, Periods(0, 0, 0)),
    ],
)
def test_periods_shrink_by_one_factor_to_the_time_that_is_left(
    given_periods: Periods, time_left: float, shrunk: Periods
) -> None:
    """G17"""
    assert given_periods.within(time_left) == pytest.approx(shrunk)


@given(periods, endless)
def test_shrunk_periods_fit_are_never_negative_and_never_longer(
    given_periods: Periods, time_left: float
) -> None:
    """G17"""
    shrunk = given_periods.within(time_left)
    assert shrunk.bound <= time_left * (1 + 1e-9) + 1e-9
    assert all(0 <= new <= old for new, old in zip(shrunk, given_periods, strict=True))


@given(st.builds(Periods, seconds, seconds, seconds), seconds)
def test_finite_periods_keep_their_proportions(given_periods: Periods, time_left: float) -> None:
    assume(given_periods.bound > 1e-3)
    shrunk = given_periods.within(time_left)
    factor = shrunk.bound / given_periods.bound
    assert shrunk == pytest.approx([period * factor for period in given_periods])


@given(periods, seconds)
def test_the_time_that_is_left_is_used_when_it_is_short(
    given_periods: Periods, time_left: float
) -> None:
    assume(given_periods.bound > time_left)
    assert given_periods.within(time_left).bound == pytest.approx(time_left)


# --- several -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "longest", "total"),
    [([], 0, 0), ([17], 17, 17), ([1, 17, 5], 17, 23), ([1, inf], inf, inf)],
)
def test_bounds_are_the_longest_together_and_the_sum_in_order(
    bounds: list[float], longest: float, total: float
) -> None:
    assert together(bounds) == longest
    assert in_order(iter(bounds)) == total


@pytest.mark.parametrize(
    ("bounds", "time_left", "shares"),
    [
        ([], 10, []),
        ([4], 10, [4]),
        ([16, 4, 8], 28, [8, 4, 16]),
        ([16, 4, 8], 14, [4, 2, 8]),
        ([inf], 10, [10]),
        ([inf, 10, 10], 20, [5, 5, 10]),
        ([10, inf], 10, [5, 5]),
        ([0, 0], 0, [0, 0]),
        ([3, 3], 0, [0, 0]),
        ([3, inf], -1, [0, 0]),
    ],
)
def test_children_that_take_all_they_are_given_share_the_time_in_proportion(
    bounds: list[float], time_left: float, shares: list[float]
) -> None:
    """G17"""
    assert _shares(bounds, time_left, speed=1.0) == pytest.approx(shares)


def _shares(bounds: list[float], time_left: float, speed: float) -> list[float]:
    """Returns what each gets, last first, if all use this part of what they are given."""
    turns = Turns(bounds, time_left)
    shares = []
    for turn in reversed(range(len(bounds))):
        shares.append(turns.share(turn, time_left))
        time_left -= shares[-1] * speed
    return shares


@given(st.lists(endless, max_size=12), seconds, st.floats(0, 1))
def test_shares_are_never_negative_never_more_than_needed_and_never_more_than_there_is(
    bounds: list[float], time_left: float, speed: float
) -> None:
    """G17"""
    shares = _shares(bounds, time_left, speed)
    for share, bound in zip(shares, reversed(bounds), strict=True):
        assert 0 <= share <= (bound if isfinite(bound) else time_left) * (1 + 1e-9)
    assert sum(shares) * speed <= time_left * (1 + 1e-9) + 1e-6


@given(st.lists(seconds, min_size=1, max_size=12))
def test_whoever_needs_less_than_there_is_gets_all_they_need(bounds: list[float]) -> None:
    assert _shares(bounds, sum(bounds) + 1, speed=1.0) == list(reversed(bounds))


def test_what_others_leave_over_goes_to_those_whose_turn_is_still_to_come() -> None:
    """G17"""
    assert _shares([20, 10, 10], 20, speed=0.0) == pytest.approx([5, 20 / 3, 20])
