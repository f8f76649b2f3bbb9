"""The waits before restarts: they grow, they have a cap, and chance spreads them evenly."""

from __future__ import annotations

from math import inf, isfinite, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid import Backoff, FluidValueError

HUGE = pytest.param(10**400, id="huge")
"""More than any float."""


@st.composite
def backoffs(draw: st.DrawFn, *, jitter: st.SearchStrategy[float] | None = None) -> Backoff:
    """Any back-off there can be."""
    initial, maximum = sorted(draw(st.tuples(seconds, seconds)))
    return Backoff(
        initial=initial,
        factor=draw(st.one_of(st.just(1), st.floats(1, 1.01), st.floats(1, 1e300))),
        maximum=maximum,
        jitter=draw(st.floats(0, 1) if jitter is None else jitter),
    )


seconds = st.one_of(st.just(0), st.floats(0, 1e6), st.floats(1e-9, 1))
attempts = st.one_of(st.integers(1, 20), st.integers(1, 10**6))


# --- how they grow --------------------------------------------------------------------------------


def test_waits_double_from_half_a_second_up_to_half_a_minute_unless_told_otherwise() -> None:
    """P17"""
    waits = [Backoff().base(number) for number in range(1, 10)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_its_defaults_can_be_read_back() -> None:
    """S26"""
    backoff = Backoff()
    assert (backoff.initial, backoff.factor, backoff.maximum) == (0.5, 2.0, 30.0)
    assert (backoff.jitter, backoff.reset_after) == (0.2, 60.0)


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        (Backoff(initial=0), [0, 0, 0]),
        (Backoff(initial=0, maximum=0), [0, 0, 0]),
        (Backoff(initial=2, factor=1), [2, 2, 2]),
        (Backoff(initial=3, factor=1.5, maximum=100), [3, 4.5, 6.75]),
        (Backoff(initial=1, factor=10, maximum=5), [1, 5, 5]),
        (Backoff(initial=7, maximum=7), [7, 7, 7]),
    ],
)
def test_each_wait_is_the_one_before_times_the_factor_up_to_the_maximum(
    backoff: Backoff, waits: list[float]
) -> None:
    """P17"""
    assert [backoff.base(number) for number in (1, 2, 3)] == waits


@given(backoffs(), attempts)
def test_waits_never_shrink_and_never_exceed_the_maximum(backoff: Backoff, attempt: int) -> None:
    """P17"""
    assert backoff.base(1) == backoff.initial
    assert backoff.base(attempt) <= backoff.base(attempt + 1) <= backoff.maximum


@pytest.mark.timeout(5)  # whole numbers have powers without end
@pytest.mark.parametrize("factor", [1.0001, 2, 2.0, pytest.param(10**300, id="huge"), 1e308])
def test_a_child_that_has_failed_a_million_times_waits_the_maximum(factor: float) -> None:
    assert Backoff(factor=factor).base(10**6) == 30
    assert Backoff(factor=factor, initial=1e-300).base(10**6) <= 30
    assert Backoff(factor=factor, initial=0).base(10**6) == 0


# --- chance ---------------------------------------------------------------------------------------


@given(backoffs(), attempts, st.integers())
def test_jitter_makes_a_wait_longer_or_shorter_by_that_part_of_it_at_most(
    backoff: Backoff, attempt: int, seed: int
) -> None:
    """P17"""
    base, wait = backoff.base(attempt), backoff.wait(attempt, Random(seed))
    assert base * (1 - backoff.jitter) <= wait <= base * (1 + backoff.jitter) * (1 + 1e-12)


@given(backoffs(jitter=st.just(0.0)), attempts, st.integers())
def test_without_jitter_a_wait_is_exact(backoff: Backoff, attempt: int, seed: int) -> None:
    assert backoff.wait(attempt, Random(seed)) == backoff.base(attempt)


def test_jitter_spreads_waits_evenly_and_favours_neither_side() -> None:
    """P18"""
    backoff, random = Backoff(initial=10, jitter=0.5), Random(1)
    waits = [backoff.wait(1, random) for _ in range(10_000)]
    assert sum(waits) / len(waits) == pytest.approx(10, rel=0.01)
    for tenth in range(10):
        lowest = 5 + tenth
        assert sum(lowest <= wait < lowest + 1 for wait in waits) == pytest.approx(1000, rel=0.15)


def test_the_same_seed_gives_the_same_waits() -> None:
    """P18"""
    once, again, other = Random(7), Random(7), Random(8)
    waits = [Backoff().wait(number, once) for number in range(1, 9)]
    assert waits == [Backoff().wait(number, again) for number in range(1, 9)]
    assert waits != [Backoff().wait(number, other) for number in range(1, 9)]


# --- together -------------------------------------------------------------------------------------


@given(backoffs(), st.integers(0, 300))
def test_the_least_that_waits_take_together_is_their_sum_with_the_luckiest_jitter(
    backoff: Backoff, number: int
) -> None:
    total = sum(backoff.base(attempt) for attempt in range(1, number + 1))
    assert backoff.least(number) == pytest.approx(total * (1 - backoff.jitter), rel=1e-9)


@pytest.mark.timeout(5)
@pytest.mark.parametrize(("factor", "each"), [(1, 0.5), (1.5, 30), (2, 30)])
def test_the_sum_of_very_many_waits_takes_no_time(factor: float, each: float) -> None:
    assert Backoff(factor=factor, jitter=0).least(10**9) == pytest.approx(each * 10**9)
    assert Backoff(factor=factor, initial=0).least(10**9) == 0


# --- what cannot work -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["initial", "maximum", "reset_after"])
@pytest.mark.parametrize("value", [-1, -0.001, nan, -inf, True, "5", None, HUGE])
def test_a_bad_duration_is_refused_by_name_and_value(name: str, value: object) -> None:
    """I01, I10"""
    with pytest.raises(FluidValueError) as refused:
        Backoff(**{name: value})
    assert str(refused.value) == (
        f"{name} of a back-off is not a number of seconds, zero or more: {value!r}"
    )


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"initial": inf}, "cannot grow from inf to 30.0 seconds"),
        ({"maximum": inf}, "cannot grow from 0.5 to inf seconds"),
        ({"initial": 31}, "cannot grow from 31 to 30.0 seconds"),
        ({"maximum": 0.4}, "cannot grow from 0.5 to 0.4 seconds"),
    ],
)
def test_waits_that_cannot_grow_to_their_maximum_are_refused(
    bad: dict[str, float], said: str
) -> None:
    """I01"""
    with pytest.raises(FluidValueError) as refused:
        Backoff(**bad)
    assert said in str(refused.value)
    assert "initial has to be at most maximum, and both finite" in str(refused.value)


@pytest.mark.parametrize("factor", [0.99, 0, -2, inf, nan, True, "2", None, HUGE])
def test_a_factor_with_which_waits_would_shrink_or_never_end_is_refused(factor: object) -> None:
    """I01"""
    with pytest.raises(FluidValueError) as refused:
        Backoff(factor=factor)
    assert str(refused.value) == f"factor of a back-off is not a number, 1 or more: {factor!r}"


@pytest.mark.parametrize("jitter", [-0.1, 1.1, inf, nan, True, "0.2", None])
def test_a_jitter_that_is_no_part_is_refused(jitter: object) -> None:
    """I01"""
    with pytest.raises(FluidValueError) as refused:
        Backoff(jitter=jitter)
    assert str(refused.value) == f"jitter of a back-off is not a number from 0 to 1: {jitter!r}"


def test_the_edges_of_what_can_work_are_accepted() -> None:
    """I02"""
    assert Backoff(initial=0, factor=1, maximum=0, jitter=0, reset_after=0).base(5) == 0
    assert Backoff(initial=30, maximum=30, jitter=1, reset_after=inf).base(5) == 30
    assert isfinite(Backoff(initial=1e308, maximum=1e308).base(5))


def test_a_back_off_is_frozen_and_equal_to_its_like() -> None:
    assert Backoff(initial=1) == Backoff(initial=1) != Backoff(initial=2)
    with pytest.raises(AttributeError):
        Backoff().initial = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "backoff",
    [
        Backoff(5e-324, jitter=0),
        Backoff(1e-10, 1e200, 1e300, jitter=0),
        Backoff(2, 1e308, jitter=0),
        Backoff(30, 2, 30, jitter=0),
        Backoff(1, 1.0000001, 30, jitter=0),
    ],
    ids=repr,
)
def test_the_least_is_a_number_whatever_is_accepted(backoff: Backoff) -> None:
    assert backoff.least(0) == 0
    total = sum(backoff.base(number) for number in range(1, 6))
    assert backoff.least(5) == pytest.approx(total, rel=1e-6)
    assert backoff.least(10**9) > 0
