"""How many restarts are too many: a true window, which stands still, held against a plain list."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid.rules.limit import RestartLimit


def admits(limit: RestartLimit[str], *times: float) -> list[bool]:
    return [limit.admit(at, f"at {at}") for at in times]


# --- the window -----------------------------------------------------------------------------------


def test_one_restart_more_than_the_limit_is_too_many() -> None:
    """W02"""
    assert admits(RestartLimit(3, 10), 0, 1, 2, 3) == [True, True, True, False]


def test_with_a_limit_of_zero_the_first_restart_is_too_many() -> None:
    """W05"""
    limit = RestartLimit[str](0, 10)
    assert limit.left(0) == 0
    assert admits(limit, 0) == [False]


def test_restarts_that_are_further_apart_than_the_period_are_never_too_many() -> None:
    """W01"""
    assert all(admits(RestartLimit(1, 1), *(2.1 * number for number in range(50))))


@pytest.mark.parametrize(("second", "admitted"), [(9.5, False), (10, False), (10.5, True)])
def test_a_restart_that_is_exactly_as_old_as_the_period_counts(
    second: float, admitted: bool
) -> None:
    """W03"""
    assert admits(RestartLimit(1, 10), 0, second) == [True, admitted]


def test_the_window_slides_and_has_no_bins() -> None:
    """W01: PEERS, a period that begins anew every so often would allow twice as many."""
    assert admits(RestartLimit(2, 10), 9, 9.5, 10.5) == [True, True, False]


def test_how_many_are_left_grows_as_time_passes_and_is_never_negative() -> None:
    limit = RestartLimit[str](2, 10)
    admits(limit, 0, 4)
    assert [limit.left(at) for at in (4, 10, 10.5, 14, 14.5)] == [0, 0, 1, 1, 2]
    admits(limit, 20, 20, 20)
    assert limit.left(20) == 0


def test_its_history_is_what_counts_in_order() -> None:
    limit = RestartLimit[str](2, 10)
    admits(limit, 0, 4, 12, 13)
    assert limit.history == ("at 4", "at 12", "at 13")


# --- while it stands still ------------------------------------------------------------------------


def test_time_in_which_the_window_stands_still_makes_nothing_older() -> None:
    limit = RestartLimit[str](1, 10)
    admits(limit, 0)
    limit.stand_still(5, 105)
    assert limit.left(110) == 0  # 10 seconds old
    assert limit.left(110.5) == 1


def test_times_that_overlap_are_taken_out_once() -> None:
    limit = RestartLimit[str](1, 10)
    admits(limit, 0)
    limit.stand_still(1, 5)
    limit.stand_still(2, 4)
    limit.stand_still(3, 8)
    limit.stand_still(20, 20)
    limit.stand_still(inf, 21)  # of one that has never been
    assert [limit.left(at) for at in (17, 17.5)] == [0, 1]


def test_a_long_stop_counts_whole_although_shorter_ones_have_ended_meanwhile() -> None:
    """PEERS: a slow stop lets old restarts fall out of the window."""
    limit = RestartLimit[str](1, 10)
    admits(limit, 0)
    limit.stand_still(4, 5)
    limit.stand_still(6, 7)
    limit.stand_still(2, 8)
    assert [limit.left(at) for at in (16, 16.5)] == [0, 1]


def test_a_restart_that_was_decided_meanwhile_ages_by_what_has_passed_since() -> None:
    limit = RestartLimit[str](1, 10)
    admits(limit, 3)
    limit.stand_still(1, 5)
    assert [limit.left(at) for at in (15, 15.5)] == [0, 1]


# --- other limits ---------------------------------------------------------------------------------


def test_what_was_counted_stays_when_the_limit_is_changed_down_and_up_again() -> None:
    """D22"""
    limit = RestartLimit[str](4, 10)
    admits(limit, 0, 1, 2, 3)
    limit.change(1, 10)
    assert limit.left(3) == 0
    limit.change(5, 10)
    assert limit.left(3) == 1
    assert admits(limit, 4, 5) == [True, False]


def test_a_history_says_all_that_was_counted_after_the_limit_was_lowered() -> None:
    """D22"""
    limit = RestartLimit[str](4, 10)
    admits(limit, 0, 1, 2)
    limit.change(0, 10)
    assert admits(limit, 3) == [False]
    assert limit.history == ("at 0", "at 1", "at 2", "at 3")


# --- against a plain list -------------------------------------------------------------------------

STEPS = st.one_of(
    st.tuples(st.just("pass"), st.sampled_from([0, 0.25, 0.5, 1, 2, 3, 7])),
    st.tuples(st.just("admit"), st.just(0)),
    st.tuples(st.just("admit"), st.just(0)),
    st.tuples(st.just("still"), st.sampled_from([0, 0.5, 1, 4])),
    st.tuples(st.just("change"), st.tuples(st.integers(0, 5), st.sampled_from([1, 2, 5]))),
)


class Plainly:
    """The same by brute force: every instant that ever was still, and every decision there is."""

    QUARTER = 0.25

    def __init__(self, max_restarts: int, period: float) -> None:
        self.max_restarts, self.period = max_restarts, period
        self.decisions: list[float] = []
        self.still: set[float] = set()
        """The beginnings of those quarters of a second in which the window stood still."""

    def stand_still(self, since: float, until: float) -> None:
        self.still |= {at for at in _quarters(since, until) if at >= since}

    def age(self, decision: float, now: float) -> float:
        moved = [at for at in _quarters(decision, now) if at not in self.still]
        return len(moved) * self.QUARTER

    def counted(self, now: float) -> list[float]:
        return [at for at in self.decisions if self.age(at, now) <= self.period]

    def forget(self, now: float, most: int) -> None:
        self.decisions = self.counted(now)[-most - 1 :]


def _quarters(since: float, until: float) -> list[float]:
    number = round((until - since) / Plainly.QUARTER)
    return [since + Plainly.QUARTER * each for each in range(number)]


@settings(deadline=None)
@given(st.integers(0, 5), st.sampled_from([1, 2, 5]), st.lists(STEPS, max_size=40))
def test_it_is_a_true_sliding_window_whatever_happens_in_it(
    max_restarts: int, period: float, steps: list[tuple[str, object]]
) -> None:
    """W01, W02, W03, W11"""
    limit, plain, now, most = (
        RestartLimit[float](max_restarts, period),
        Plainly(max_restarts, period),
        0.0,
        max_restarts,
    )
    for what, value in steps:
        match what, value:
            case "pass", float() | int():
                now += value
            case "still", float() | int():  # it may reach back to before what was counted
                since = max(now - value, 0.0)
                limit.stand_still(since, now)
                plain.stand_still(since, now)
            case "change", (int() as max_restarts, int() as period):
                limit.change(max_restarts, period)
                plain.max_restarts, plain.period = max_restarts, period
                most = max(most, max_restarts)
            case _:
                plain.decisions.append(now)
                plain.forget(now, most)
                assert limit.admit(now, now) == (len(plain.decisions) <= plain.max_restarts)
        plain.forget(now, most)
        assert limit.left(now) == max(plain.max_restarts - len(plain.decisions), 0)
        assert list(limit.history) == plain.decisions


def test_it_keeps_one_more_than_the_limit_whatever_it_is_told() -> None:
    """W11"""
    limit = RestartLimit[str](5, 1e9)
    for number in range(100_000):
        limit.admit(number, "")
        assert len(limit.history) <= 6
    assert limit.left(100_000) == 0


def test_a_million_restarts_within_the_limit_leave_no_more_than_that_behind() -> None:
    """W11"""
    limit = RestartLimit[str](5, 60)
    assert all(limit.admit(15.0 * number, "") for number in range(100_000))
    assert len(limit.history) == 5


def test_times_that_are_too_old_to_matter_are_forgotten_also_while_nobody_is_counted() -> None:
    limit: RestartLimit[int] = RestartLimit(5, 0.5)
    limit.admit(0.0, 0)
    for second in range(1, 1000):
        limit.stand_still(second, second + 0.1)
    assert len(limit._still) < 10
