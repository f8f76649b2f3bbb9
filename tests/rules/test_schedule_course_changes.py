"""Another schedule while one runs: it counts from the last fire, and gives nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid import cron, every
from fluid.rules.schedules.schedule import Schedule
from tests.rules.schedule_course_cast import HOUR, NOON, Asker

TENS = every(10)
AFTER = every(10, first="after")
ALIGNED = every(600, first="aligned")
HALVES = cron("0,30 * * * *")


@pytest.mark.parametrize(
    ("first", "at", "second", "expected"),
    [
        # nothing has fired yet: it begins now
        (AFTER, 3, every(4), [3, 7, 11]),
        (AFTER, 3, every(4, first="after"), [4, 8, 12]),
        (HALVES, 3, every(4), [3, 7, 11]),
        (AFTER, 3, ALIGNED, [600, 1200, 1800]),
        # from the last fire on, and not in the past
        (TENS, 3, every(4), [4, 8, 12]),
        (TENS, 13, every(4), [14, 18, 22]),
        (TENS, 13, every(60), [70, 130, 190]),
        (TENS, 19, every(2), [20, 22, 24]),
        (TENS, 19, every(2, first="after"), [20, 22, 24]),
        (TENS, 20, every(20), [40, 60, 80]),
        (HALVES, 1810, every(60), [1860, 1920, 1980]),
        (HALVES, 1810, every(3600), [5400, 9000, 12_600]),
        # a time of day is what it is
        (TENS, 13, ALIGNED, [600, 1200, 1800]),
        (TENS, 13, HALVES, [1800, 3600, 5400]),
        (HALVES, 1810, ALIGNED, [2400, 3000, 3600]),
        (HALVES, 1800, ALIGNED, [2400, 3000, 3600]),
        # the same one
        (TENS, 13, TENS, [20, 30, 40]),
        (HALVES, 1810, HALVES, [3600, 5400, 7200]),
    ],
    ids=repr,
)
def test_another_schedule_counts_from_the_last_fire(
    first: Schedule, at: float, second: Schedule, expected: list[float]
) -> None:
    """K08: when the three fires after the change begin, in seconds since the start."""
    asker = Asker(first)
    asker.until(at)
    asker.course.change(second, asker.now)
    assert asker.until(expected[-1]) == expected
    assert asker.course.missed == 0


@pytest.mark.parametrize("keeps_one", [False, True])
def test_a_fire_that_overlapped_and_was_left_out_is_not_the_last_one(keeps_one: bool) -> None:
    """K08, K02: it fired at 0 and ran until 25; what was made up for by then was that of 20."""
    asker = Asker(TENS)
    asker.at(0)
    asker.pass_(25)
    asker.course.overlapped(asker.now, keeps_one=keeps_one)
    asker.course.change(every(60), asker.now)
    assert asker.course.next_at == (80 if keeps_one else 60)


@pytest.mark.parametrize("first", [TENS, HALVES], ids=repr)
def test_what_was_due_as_it_changed_is_not_lost(first: Schedule) -> None:
    """K08: whoever changes it again and again, each time too early, would keep it from firing."""
    asker = Asker(first)
    asker.until(1795)
    for _ in range(10):
        asker.pass_(1)
        asker.course.change(first, asker.now)
    assert asker.until(1806) == [1805]
    assert asker.fired[-1].scheduled == (1800 if first == TENS else NOON + 1800)


def test_the_number_of_fires_counts_from_the_start_whatever_the_schedule() -> None:
    """K08"""
    asker = Asker(every(10, max_fires=3))
    asker.until(15)
    asker.course.change(every(5, max_fires=4), asker.now)
    assert asker.until(100) == [20, 25]
    asker.course.change(every(5, max_fires=4), asker.now)
    assert asker.course.next_at is None


def test_a_schedule_that_is_over_may_be_followed_by_another() -> None:
    """K08"""
    asker = Asker(every(10, until=datetime.fromtimestamp(NOON + 15, UTC)))
    asker.until(12)
    assert asker.course.next_at is None
    asker.course.change(every(10), asker.now)
    assert asker.until(30) == [20, 30]


def test_a_change_is_no_step_of_the_clock() -> None:
    """K08, K10: noon was fired; what is noon once more, an hour and a half later, is not."""
    asker = Asker(cron("0 12 * * *"), wall=NOON - 60)
    assert asker.until(HOUR) == [60]
    asker.pass_(0.5 * HOUR)
    asker.course.change(cron("0 12,18 * * *"), asker.now)
    asker.set(-2.5 * HOUR)
    assert asker.until(9 * HOUR) == [8.5 * HOUR + 60]


@settings(max_examples=60, deadline=None)
@given(
    changes=st.lists(
        st.tuples(
            st.floats(0, 100),
            st.one_of(
                st.integers(1, 60).map(every),
                st.integers(1, 60).map(lambda period: every(period, first="after")),
                st.integers(1, 60).map(lambda period: every(period, first="aligned")),
                st.sampled_from([cron("* * * * *"), cron("*/7 * * * * *")]),
            ),
        ),
        max_size=10,
    )
)
def test_however_often_it_changes_nothing_fires_twice_or_is_missed(
    changes: list[tuple[float, Schedule]],
) -> None:
    """K08: each fire is an instant of the schedule that there was at the time, on the dot."""
    asker = Asker(TENS)
    began = []
    for seconds, schedule in changes:
        began += asker.until(asker.loop + seconds)
        asker.course.change(schedule, asker.now)
        asker.ask()
    began += asker.until(asker.loop + 61)
    assert all(earlier < later + 1e-6 for earlier, later in pairwise(began))
    instants = [slot.scheduled for slot in asker.fired]
    assert len(instants) == len(set(instants))
    assert asker.course.missed == 0
