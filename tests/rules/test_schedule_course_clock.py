"""The clock is set, or the machine sleeps: what fires, what is missed, what does not come again."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid import Missed, cron, every
from fluid.rules.schedules.schedule import Schedule
from tests.rules.schedule_course_cast import DAY, HOUR, MINUTE, NOON, TEN_YEARS, Asker

APPOINTMENT = cron("0,30 0-23 * * *")
INTERVAL = cron("*/30 * * * *")
ALIGNED = every(1800, first="aligned")


# --- set back -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "back", "expected"),
    [
        (1800.5, 1, [1800, 3601, 5401, 7201, 9001]),
        (1860, 600, [1800, 4200, 6000, 7800, 9600]),
        (2700, 600, [1800, 4200, 6000, 7800, 9600]),
        (2700, HOUR, [1800, 7200, 9000, 10_800]),
        (1800, 3 * HOUR, [1800]),
        (1800, 3 * HOUR + 1, [1800, 1860, 3601, 5401, 7201, 9001]),
        (2700, 4 * HOUR, [1800, 3600, 5400, 7200, 9000, 10_800]),
        (2700, TEN_YEARS, [1800, 3600, 5400, 7200, 9000, 10_800]),
    ],
)
def test_what_says_when_waits_behind_a_clock_that_is_set_back_unless_that_was_wrong(
    at: float, back: float, expected: list[float]
) -> None:
    """K10, K13: it fires at full and at half hours, from noon on.

    The clock that was set to 9:29:59 is looked at a minute later, and half past nine is not lost.
    """
    asker = Asker(APPOINTMENT)
    began = asker.until(at)
    asker.set(-back)
    assert began + asker.until(3 * HOUR) == expected


@pytest.mark.parametrize("schedule", [INTERVAL, ALIGNED], ids=repr)
@pytest.mark.parametrize(
    ("at", "back", "expected"),
    [
        (1800.5, 1, [1800, 3601, 5401, 7201, 9001]),
        (1860, 600, [1800, 4200, 6000, 7800, 9600]),
        (2700, 600, [1800, 4200, 6000, 7800, 9600]),
        (3000, 1500, [1800, 3300, 5100, 6900, 8700, 10_500]),
        (2700, 2701, [1800, 2760, 4501, 6301, 8101, 9901]),
        (2700, HOUR, [1800, 3600, 5400, 7200, 9000, 10_800]),
        (2700, 4 * HOUR, [1800, 3600, 5400, 7200, 9000, 10_800]),
        (2700, TEN_YEARS, [1800, 3600, 5400, 7200, 9000, 10_800]),
    ],
)
def test_what_says_how_often_goes_on_at_once_but_for_half_of_its_time(
    schedule: Schedule, at: float, back: float, expected: list[float]
) -> None:
    """K10, K13"""
    asker = Asker(schedule)
    began = asker.until(at)
    asker.set(-back)
    assert began + asker.until(3 * HOUR) == expected


@pytest.mark.parametrize("schedule", [INTERVAL, ALIGNED, cron("@hourly")], ids=repr)
@settings(max_examples=30, deadline=None)
@given(at=st.floats(0, 2 * HOUR), back=st.floats(0, 3 * DAY))
def test_after_a_step_back_the_next_fire_is_not_far_nor_too_near(
    schedule: Schedule, at: float, back: float
) -> None:
    """K10: half of the usual time after the last one, and then no later than usual.

    Or a minute later, which is how long it may take until somebody looks at the clock.
    """
    asker, period = Asker(schedule), HOUR if schedule == cron("@hourly") else HOUR / 2
    before = asker.until(at)
    asker.set(-back)
    after = asker.until(at + 3 * period)
    soonest = before[-1] + period / 2 if before else 0.0
    assert soonest - 1e-3 <= after[0] <= max(at, soonest) + period + MINUTE
    assert all(later - earlier >= period / 2 - 1e-3 for earlier, later in pairwise(after))


def test_a_clock_that_is_set_back_twice_is_measured_by_the_last_fire_both_times() -> None:
    """K10: that was at 120. What comes at 153 is not too soon, however often the clock is set."""
    asker = Asker(cron("* * * * *"))
    began = asker.until(150)
    asker.set(-89)
    began += asker.until(151)
    asker.ask()
    asker.set(-4)
    asker.ask()
    assert began + asker.until(160) == [60, 120, 153]


def test_before_anything_has_fired_nothing_is_too_soon() -> None:
    """K10: the clock shows 12:10, then 11:55; noon is in five minutes."""
    asker = Asker(INTERVAL)
    asker.until(600)
    asker.set(-900)
    assert asker.until(HOUR) == [900, 2700]


# --- set forward, or asleep -----------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [APPOINTMENT, INTERVAL, ALIGNED], ids=repr)
@pytest.mark.parametrize(
    ("missed", "slots"),
    [
        (Missed.ONCE, [5400]),
        (Missed.SKIP, []),
        (Missed.all(5), [3600, 5400]),
        (Missed.all(1), [5400]),
    ],
    ids=repr,
)
def test_what_was_passed_over_is_missed(
    schedule: Schedule, missed: Missed, slots: list[float]
) -> None:
    """K11, K14: at 12:45 the clock is set to 13:45, or the machine sleeps for an hour."""
    asker = Asker(schedule, missed)
    asker.until(2700)
    asker.set(HOUR)
    assert [slot.scheduled - NOON for slot in asker.ask()] == slots
    assert asker.course.missed == 2 - len(slots)
    assert asker.until(2 * HOUR) == [3600, 5400, 7200]


def test_a_wrong_clock_that_is_put_right_fires_what_is_due_by_the_right_one() -> None:
    """K11: ten years ahead for an hour, and back."""
    asker = Asker(APPOINTMENT)
    asker.set(TEN_YEARS)
    assert asker.until(HOUR) == [0, 1800, 3600]
    asker.set(-TEN_YEARS)
    assert asker.until(2 * HOUR) == [5400, 7200]
    assert asker.course.missed == 3652 * 48 - 1


@settings(max_examples=40, deadline=None)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(["pass", "set"]), st.floats(0, 5 * HOUR)), min_size=1, max_size=12
    ),
    schedule=st.sampled_from([APPOINTMENT, INTERVAL, ALIGNED]),
    missed=st.sampled_from([Missed.ONCE, Missed.SKIP, Missed.all(3)]),
)
def test_forward_in_whatever_way_every_fire_is_given_or_missed(
    moves: list[tuple[str, float]], schedule: Schedule, missed: Missed
) -> None:
    """K11, K14"""
    asker = Asker(schedule, missed)
    for move, seconds in moves:
        asker.pass_(seconds) if move == "pass" else asker.set(seconds)
        asker.ask()
    fires = [slot.scheduled for slot in asker.fired]
    assert fires == sorted(set(fires))
    count = int(asker.wall // 1800 - asker.start // 1800)
    assert len(fires) + asker.course.missed == count
