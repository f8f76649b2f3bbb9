"""Limits that make no sense, and limits that would never be reached, are refused."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fluid import Backoff, FluidValueError
from fluid.rules.limit import RestartLimit, check_limit, check_reachable

HUGE = pytest.param(10**400, id="huge")
"""More than any float."""

# --- limits that make no sense --------------------------------------------------------------------


@pytest.mark.parametrize("max_restarts", [-1, 1.0, 2.5, inf, nan, True, "5", None])
def test_a_bad_number_of_restarts_is_refused_by_subject_and_value(max_restarts: object) -> None:
    """I05"""
    with pytest.raises(FluidValueError) as refused:
        check_limit("supervisor 'app'", max_restarts, 60)  # type: ignore[arg-type]
    assert str(refused.value) == (
        f"max_restarts of supervisor 'app' is not a whole number, zero or more: {max_restarts!r}"
    )


@pytest.mark.parametrize("period", [-1, nan, -inf, True, "60", None, HUGE])
def test_a_period_that_is_no_number_of_seconds_is_refused_by_subject_and_value(
    period: object,
) -> None:
    """I05, I10"""
    with pytest.raises(FluidValueError) as refused:
        check_limit("supervisor 'app'", 5, period)  # type: ignore[arg-type]
    assert str(refused.value) == (
        f"period of supervisor 'app' is not a number of seconds, zero or more: {period!r}"
    )


@pytest.mark.parametrize("period", [0, 0.0, inf])
def test_a_period_of_nothing_or_for_ever_is_refused(period: float) -> None:
    """I05"""
    with pytest.raises(FluidValueError) as refused:
        check_limit("supervisor 'app'", 5, period)
    assert str(refused.value) == (
        f"period of supervisor 'app' has to be more than 0 seconds and finite: {period!r}"
    )


# --- limits that are never reached ----------------------------------------------------------------


def test_the_defaults_can_be_reached() -> None:
    check_reachable("supervisor 'app'", 5, 60.0, Backoff())


def test_a_limit_that_its_own_back_off_never_reaches_is_refused_with_the_arithmetic() -> None:
    """I05"""
    with pytest.raises(FluidValueError) as refused:
        check_reachable("supervisor 'app'", 7, 30.0, Backoff())
    assert str(refused.value) == (
        "supervisor 'app' would never give up: the waits before 7 restarts "
        "(0.5 + 1 + 2 + 4 + 8 + ... + 30 seconds, 20% less by jitter) take at least 49.2 seconds, "
        "and the limit is 7 restarts within 30; allow fewer restarts, a longer period (50 would "
        "do), or shorten the back-off"
    )


@pytest.mark.parametrize(
    ("max_restarts", "waits"),
    [(1, "(3"), (2, "(3 + 3"), (5, "(3 + 3 + 3 + 3 + 3"), (6, "3 + 3 + 3 + 3 + 3 + 3")],
)
def test_a_short_sum_is_written_out(max_restarts: int, waits: str) -> None:
    with pytest.raises(FluidValueError) as refused:
        check_reachable("it", max_restarts, 1, Backoff(initial=3, factor=1, jitter=0))
    assert f"{waits} seconds, 0% less by jitter)" in str(refused.value)


def restarts_until_given_up(max_restarts: int, period: float, backoff: Backoff) -> int | None:
    """Returns how many times a child that fails at once each time is restarted; None for ever."""
    limit, now = RestartLimit[None](max_restarts, period), 0.0
    for attempt in range(1, 3 * max_restarts + 60):
        if not limit.admit(now, None):
            return attempt - 1
        now += backoff.base(attempt) * (1 - backoff.jitter)
    return None


@settings(deadline=None)
@given(
    max_restarts=st.integers(0, 30),
    period=st.sampled_from([0.5, 1.0, 5.0, 30.0, 60.0, 600.0]),
    initial=st.sampled_from([0, 0.25, 0.5, 1, 4]),
    factor=st.sampled_from([1, 1.25, 2, 10]),
    maximum=st.sampled_from([4, 8, 30]),
    jitter=st.sampled_from([0, 0.25, 0.5, 1]),
)
def test_whatever_is_let_through_is_reached_by_one_child_that_fails_at_once_each_time(
    max_restarts: int, period: float, initial: float, factor: float, maximum: float, jitter: float
) -> None:
    backoff = Backoff(initial=initial, factor=factor, maximum=maximum, jitter=jitter)
    restarts = restarts_until_given_up(max_restarts, period, backoff)
    try:
        check_reachable("it", max_restarts, period, backoff)
    except FluidValueError:
        assume(max_restarts)
        assert restarts is None  # and nothing is refused that could be reached
    else:
        assert restarts == max_restarts
