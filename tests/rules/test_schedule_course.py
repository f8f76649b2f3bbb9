"""What a course says is due, missed or skipped, if it is asked at these instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid import Missed, cron, every
from fluid.rules.schedules.course import EARLY
from fluid.rules.schedules.schedule import Schedule
from tests.rules.schedule_course_cast import HOUR, MINUTE, NOON, TEN_YEARS, Asked, Asker

TENS = every(10)
MINUTES = cron("* * * * *")


def at_noon_and(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOON, UTC) + timedelta(seconds=seconds)


# --- when it is asked -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missed", "asked", "expected"),
    [
        (Missed.ONCE, [0, 5, 10, 19.9, 20], [[(0, 0)], [], [(10, 0)], [], [(20, 0)]]),
        (Missed.ONCE, [0, 9.9, 29.9, 30], [[(0, 0)], [], [(20, 1)], [(30, 0)]]),
        (Missed.ONCE, [55, 55, 60], [[(50, 5)], [], [(60, 0)]]),
        # late, and within half the time until the next one, or not
        (Missed.SKIP, [0, 15, 25.5, 30], [[(0, 0)], [(10, 0)], [], [(30, 0)]]),
        (Missed.SKIP, [34, 46], [[(30, 3)], []]),
        (Missed.skip(2), [2, 12.5, 22], [[(0, 0)], [], [(20, 0)]]),
        (Missed.skip(0.001), [0, 10, 20.1, 30], [[(0, 0)], [(10, 0)], [], [(30, 0)]]),
        (Missed.skip(inf), [9, 39], [[(0, 0)], [(30, 2)]]),
        (Missed.all(1), [0, 39], [[(0, 0)], [(30, 2)]]),
        (Missed.all(2), [0, 39], [[(0, 0)], [(20, 1), (30, 0)]]),
        (Missed.all(3), [0, 39], [[(0, 0)], [(10, 0), (20, 0), (30, 0)]]),
        (Missed.all(9), [39, 40], [[(0, 0), (10, 0), (20, 0), (30, 0)], [(40, 0)]]),
    ],
    ids=repr,
)
def test_what_is_due_is_given_once_and_what_was_missed_as_the_policy_says(
    missed: Missed, asked: list[float], expected: list[list[object]]
) -> None:
    """K07, K21: (when it was scheduled, how many were missed before it)."""
    asker = Asker(TENS, missed)
    assert [asker.at(seconds) for seconds in asked] == expected


@pytest.mark.parametrize("missed", [Missed.SKIP, Missed.ONCE, Missed.all(2)], ids=repr)
@pytest.mark.parametrize("schedule", [TENS, every(10, first="aligned"), MINUTES], ids=repr)
@settings(max_examples=15, deadline=None)
@given(waits=st.lists(st.floats(0, 300), min_size=1, max_size=12))
def test_every_fire_is_either_given_or_missed(
    schedule: Schedule, missed: Missed, waits: list[float]
) -> None:
    """K21: in order, and never twice; and their number is that of the schedule."""
    asker = Asker(schedule, missed)
    series = schedule.series(asker.now)
    for wait in waits:
        asker.pass_(wait)
        asker.ask()
    fires = [slot.scheduled for slot in asker.fired]
    assert fires == sorted(set(fires))
    begin, end = (asker.start, asker.wall) if schedule.by_wall_clock else (-inf, asker.loop + EARLY)
    assert len(fires) + asker.course.missed == series.count(begin, end)
    assert asker.course.next_at == series.after(end)


@pytest.mark.parametrize(("missed", "tolerance"), [(Missed.SKIP, MINUTE), (Missed.skip(5), 5.0)])
def test_a_fire_of_each_hour_has_been_missed_when_it_is_later_than_a_minute_or_the_tolerance(
    missed: Missed, tolerance: float
) -> None:
    """K14: the longest that it may take until a change of the clock is noticed."""
    hourly = Asker(cron("@hourly"), missed)
    assert hourly.at(HOUR + tolerance) == [(HOUR, 0)]
    assert hourly.at(2 * HOUR + tolerance + 0.5) == []
    assert hourly.course.missed == 1


@pytest.mark.parametrize(("seconds", "fires"), [(59, 1), (61, 0)])
def test_the_last_fire_that_there_will_ever_be_may_be_a_minute_late(
    seconds: float, fires: int
) -> None:
    """K14: there is no next one whose distance could be halved."""
    last = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
    asker = Asker(cron("0 0 1 1 *"), Missed.SKIP, wall=last - 1)
    asker.pass_(1 + seconds)
    assert len(asker.ask()) == fires


# --- overlaps -------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [TENS, every(10, first="aligned")], ids=repr)
@pytest.mark.parametrize(
    ("ended", "skipped", "made_up_for"),
    [(0, 0, []), (9, 0, []), (10, 0, []), (10.5, 1, [10]), (20, 1, [10]), (35, 3, [30])],
)
def test_fires_that_came_due_while_one_ran_have_overlapped(
    schedule: Schedule, ended: float, skipped: int, made_up_for: list[float]
) -> None:
    """K02: one that is due at the very instant of the end has not."""
    for keeps_one in (False, True):
        asker = Asker(schedule)
        asker.at(0)
        asker.pass_(ended)
        left = asker.course.overlapped(asker.now, keeps_one=keeps_one)
        first = asker.start if schedule.by_wall_clock else 0
        assert [slot.scheduled - first for slot in left] == (made_up_for if keeps_one else [])
        assert asker.course.skipped == skipped - len(left)
        assert asker.course.missed == 0
        assert len(asker.ask()) == (ended in (10, 20))


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [10, 100, 1000])
@pytest.mark.parametrize("period", [0.1, 0.3, 1 / 3, 0.7])
def test_a_fire_that_is_due_at_the_very_end_comes_and_none_later(
    period: float, number: int
) -> None:
    """K22: the end is a time of day, the rate goes by another clock, and floats round them."""
    asker = Asker(every(period, until=at_noon_and(number * period)))
    assert len(asker.until((number + 5) * period)) == number + 1
    assert asker.course.next_at is None


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (every(10, until=at_noon_and(30)), [0, 10, 20, 30]),
        (every(10, until=at_noon_and(29)), [0, 10, 20]),
        (every(10, until=at_noon_and(0)), [0]),
        (every(10, until=at_noon_and(-1)), []),
        (every(10, first="after", until=at_noon_and(9)), []),
        (cron("*/5 * * * *", until=at_noon_and(600)), [300, 600]),
        (cron("*/5 * * * *", until=at_noon_and(599)), [300]),
        (every(10, max_fires=1), [0]),
        (every(10, max_fires=3), [0, 10, 20]),
        (every(10, max_fires=3, until=at_noon_and(15)), [0, 10]),
        (cron("*/5 * * * *", max_fires=2), [300, 600]),
    ],
    ids=repr,
)
def test_a_schedule_is_over_when_it_says(schedule: Schedule, expected: list[float]) -> None:
    asker = Asker(schedule)
    assert asker.until(HOUR) == expected
    assert asker.course.next_at is None
    assert asker.ask() == []


def test_what_was_due_before_the_end_is_given_after_it_too() -> None:
    """K21: as one that was missed; what would have been later never was."""
    asker = Asker(every(10, until=at_noon_and(35)), Missed.all(9))
    assert asker.at(15) == [(0, 0), (10, 0)]
    assert asker.at(100) == [(20, 0), (30, 0)]
    assert (asker.course.next_at, asker.course.missed) == (None, 0)


def test_a_clock_set_forward_beyond_the_end_ends_it() -> None:
    """K11: what was next would be later than that, by the time of day."""
    asker = Asker(every(10, first="after", until=at_noon_and(35)))
    asker.set(HOUR)
    assert asker.at(10) == []
    assert asker.course.next_at is None


# --- ten years ------------------------------------------------------------------------------------


@pytest.mark.parametrize("missed", [Missed.ONCE, Missed.SKIP, Missed.all(3)], ids=repr)
@pytest.mark.parametrize(
    ("schedule", "forward", "expected"),
    [
        (MINUTES, HOUR, 60),
        (MINUTES, TEN_YEARS, 3652 * 1440),
        (every(60, first="aligned"), TEN_YEARS, 3652 * 1440),
        (cron("*/5 * * * * *"), TEN_YEARS, 3652 * 17_280),
        (cron("30 2 * * *"), HOUR, 1),
        (cron("30 2 * * *", tz="Europe/Berlin"), TEN_YEARS, 3652),
    ],
    ids=repr,
)
def test_a_clock_set_forward_costs_as_much_for_ten_years_as_for_an_hour(
    schedule: Schedule, forward: float, expected: int, missed: Missed
) -> None:
    """K11: and each fire that was passed over is counted."""
    asker = Asker(schedule, missed, wall=NOON - 10 * HOUR)
    asker.course._series = asked = Asked(asker.course._series)
    asker.pass_(1)
    asker.set(forward)
    slots = asker.ask()
    assert asked.times <= 10
    assert len(slots) <= 3
    assert len(slots) + asker.course.missed == expected
