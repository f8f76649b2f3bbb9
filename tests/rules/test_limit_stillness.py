"""Times in which the window of restarts stands still: several of them, and what came in between."""

from __future__ import annotations

from fluid import Backoff
from fluid.rules.limit import RestartLimit, check_limit, check_reachable


def left(limit: RestartLimit[str], *times: float) -> list[int]:
    return [limit.left(at) for at in times]


def test_two_times_that_are_apart_are_both_taken_out_and_what_is_between_them_is_not() -> None:
    limit = RestartLimit[str](1, 10)
    limit.admit(0, "first")
    limit.stand_still(1, 2)
    limit.stand_still(5, 7)
    assert left(limit, 13, 13.5) == [0, 1]


def test_a_time_that_overlaps_the_last_of_several_is_taken_out_once() -> None:
    limit = RestartLimit[str](1, 10)
    limit.admit(0, "first")
    limit.stand_still(1, 2)
    limit.stand_still(5, 7)
    limit.stand_still(6, 8)
    assert left(limit, 14, 14.5) == [0, 1]


def test_a_restart_ages_by_what_stood_still_after_it_and_not_by_what_did_before() -> None:
    limit = RestartLimit[str](2, 10)
    limit.admit(0, "first")
    limit.stand_still(1, 2)
    limit.admit(3, "second")
    limit.stand_still(4, 6)
    assert left(limit, 13, 13.5, 15, 15.5) == [0, 1, 1, 2]


def test_a_restart_within_the_first_of_several_times_ages_by_the_rest_of_that_one() -> None:
    limit = RestartLimit[str](1, 10)
    limit.admit(0, "before")
    limit.stand_still(1, 3)
    limit.admit(1.5, "within")
    limit.stand_still(5, 6)
    assert left(limit, 14, 14.5) == [0, 1]


def test_a_limit_of_no_restart_at_all_is_one() -> None:
    """I02"""
    check_limit("supervisor 'app'", 0, 60)


def test_a_limit_whose_last_restart_is_exactly_as_old_as_the_period_can_be_reached() -> None:
    check_reachable("supervisor 'app'", 5, 5, Backoff(initial=1, factor=1, jitter=0))
