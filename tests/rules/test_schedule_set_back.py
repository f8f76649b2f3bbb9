"""A clock that was set back, seen by hand: up to when all has been seen to."""

from __future__ import annotations

from datetime import UTC

import pytest

from fluid.rules.schedules.every import Steps
from fluid.rules.schedules.moment import Moment
from fluid.rules.schedules.set_back import LOOK_AGAIN, SET_BACK, WRONG_CLOCK, seen_to
from fluid.rules.schedules.times import times_of

INTERVAL = Steps(0.0, 600.0, 0)
APPOINTMENT = times_of("30 2 * * *", UTC)
LAST = 9600.0


def seen(series, wall: float, *, by: float, passed: float = 30.0, fired: float = -10_000.0):
    """Returns it for a look at ``wall``, so many seconds after the one at which ``LAST`` was it."""
    now = Moment(loop=500.0, wall=wall)
    return seen_to(series, now, by=by, last=LAST, last_loop=500.0 - passed, fired=fired)


@pytest.mark.parametrize("wall", [LAST, LAST + 10, LAST + 29])
def test_a_clock_that_fell_back_by_a_second_has_been_slewed(wall: float) -> None:
    assert seen(INTERVAL, wall, by=SET_BACK) is None


def test_a_clock_that_fell_back_by_more_and_has_caught_up_was_set_all_the_same() -> None:
    assert seen(INTERVAL, LAST + 10, by=SET_BACK + 0.5) == LAST + 10 - 30


def test_a_clock_that_shows_what_it_should_was_not_set() -> None:
    assert seen(INTERVAL, LAST + 30, by=SET_BACK + 0.5) is None


def test_a_clock_that_is_behind_the_last_look_was_set_however_little() -> None:
    assert seen(INTERVAL, LAST - 0.5, by=0.5) is not None


def test_that_was_at_the_last_look_but_no_more_than_a_minute_ago() -> None:
    assert seen(INTERVAL, LAST - 900, by=1000, passed=40) == LAST - 900 - 40
    assert seen(INTERVAL, LAST - 900, by=1000, passed=4000) == LAST - 900 - LOOK_AGAIN
    assert seen(INTERVAL, LAST - 900, by=1000, passed=-5) == LAST - 900


def test_what_says_when_waits_until_three_hours_and_not_longer() -> None:
    assert seen(APPOINTMENT, LAST - WRONG_CLOCK, by=WRONG_CLOCK) is None
    wall = LAST - WRONG_CLOCK
    assert seen(APPOINTMENT, wall, by=WRONG_CLOCK + 1) == wall - 30


def test_of_what_says_how_often_no_two_come_closer_than_half_their_distance() -> None:
    # the next one would be 100 seconds from now: 150, 299 and 300 after the last
    assert seen(INTERVAL, 9500.0, by=600, fired=450.0) == 9600.0
    assert seen(INTERVAL, 9500.0, by=600, fired=301.0) == 9600.0
    assert seen(INTERVAL, 9500.0, by=600, fired=300.0) == 9470.0
