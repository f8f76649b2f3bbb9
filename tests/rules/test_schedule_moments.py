"""When a fire was due, how late it is, and what a course makes of the clocks it is told of."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from fluid import Missed, cron, every
from fluid.rules.schedules.course import EARLY, Course, Slot
from fluid.rules.schedules.moment import Moment
from tests.rules.schedule_course_cast import HOUR, MINUTE, NOON, Asker

INTERVAL = cron("*/30 * * * *")
NOW = Moment(loop=100.0, wall=5000.0)


@pytest.mark.parametrize(("by_wall", "due"), [(True, 4990.0), (False, 9890.0)])
def test_a_fire_is_scheduled_for_a_time_of_day_whatever_clock_it_goes_by(
    by_wall: bool, due: float
) -> None:
    assert Slot(4990.0, 4995.0, 0, by_wall).due(NOW) == due


@pytest.mark.parametrize(("at", "late"), [(98.0, 2.0), (100.0, 0.0), (100.5, 0.0)])
def test_a_fire_is_late_by_what_has_passed_since_and_never_early(at: float, late: float) -> None:
    assert Slot(90.0, at, 0, by_wall_clock=False).lateness(NOW) == late
    assert Slot(90.0, at + 4900, 0, by_wall_clock=True).lateness(NOW) == late


def test_a_schedule_of_no_place_goes_by_utc() -> None:
    assert every(5).zone is UTC
    assert every(5).is_local is False


def test_only_a_local_schedule_moves_with_the_machine() -> None:
    there = ZoneInfo("Asia/Tokyo")
    placed, local = (Asker(cron("0 15 * * *", tz=tz), zone=UTC) for tz in ("UTC", "local"))
    for asker in (placed, local):
        asker.zone = there
        asker.ask()
    assert placed.course.next_at == NOON + 3 * HOUR
    assert local.course.next_at == NOON + 18 * HOUR  # 15 o'clock there, tomorrow


def test_a_machine_that_moves_twice_is_followed_twice() -> None:
    asker = Asker(cron("0 15 * * *", tz="local"), zone=UTC)
    for zone, hours in ((ZoneInfo("Asia/Tokyo"), 18), (UTC, 3)):
        asker.zone = zone
        asker.ask()
        assert asker.course.next_at == NOON + hours * HOUR


@pytest.mark.parametrize("tz", ["UTC", "local"])
def test_a_look_leaves_what_chance_has_chosen(tz: str) -> None:
    asker = Asker(cron("0 15 * * *", tz=tz, jitter=600), zone=UTC)
    chosen = asker.course.next_at
    asker.zone = UTC if tz == "local" else ZoneInfo("Asia/Tokyo")
    asker.ask()
    assert asker.course.next_at == chosen


@pytest.mark.parametrize(("after", "overlapped"), [(0.5 * EARLY, 0), (1.5 * EARLY, 1)])
def test_a_fire_that_is_due_as_the_one_before_ends_has_not_overlapped(
    after: float, overlapped: int
) -> None:
    asker = Asker(every(10))
    asker.ask()
    asker.pass_(10 + after)
    assert len(asker.course.overlapped(asker.now, keeps_one=True)) == overlapped


def test_nothing_overlaps_what_has_fired_as_often_as_it_may() -> None:
    asker = Asker(every(10, max_fires=1))
    asker.ask()
    asker.pass_(100)
    assert asker.course.overlapped(asker.now, keeps_one=True) == []


def test_with_jitter_what_overlaps_is_due_at_its_own_time() -> None:
    asker = Asker(every(10, first="after", jitter=8), seed=0)  # late by 6.8 seconds
    first = asker.course.next_at
    assert first is not None
    asker.pass_(first + 1)
    (slot,) = asker.course.overlapped(asker.now, keeps_one=True)
    assert (slot.scheduled, slot.at, slot.missed) == (10, first, 0)


def test_a_clock_that_is_slewed_before_the_first_look_was_not_set_back() -> None:
    asker = Asker(cron("* * * * *"), wall=NOON - 1000)
    asker.pass_(1000)  # the loop is older than the course
    asker.course = Course(cron("* * * * *"), Missed.ONCE, Random(0), asker.now)
    asker.pass_(30)
    asker.set(-0.5)
    asker.ask()
    assert asker.course.next_at == NOON + MINUTE


def test_an_end_that_a_clock_set_forward_has_passed_leaves_nothing_to_make_up_for() -> None:
    """However it overlapped: the fire would have been later than the schedule lasts."""
    end = datetime.fromtimestamp(NOON + 60, UTC)
    asker = Asker(every(50, first="after", until=end))
    asker.pass_(51)
    asker.set(HOUR)
    assert asker.course.overlapped(asker.now, keeps_one=True) == []
    assert asker.course.skipped == 0


@pytest.mark.parametrize("set_back", [2.0, 600.0])
def test_a_change_notices_that_the_clock_was_set_back(set_back: float) -> None:
    asker = Asker(INTERVAL)
    asker.until(HOUR)
    asker.set(-set_back - HOUR)
    asker.course.change(cron("*/15 * * * *"), asker.now)
    assert asker.course.next_at is not None
    assert asker.course.next_at - asker.wall <= 30 * MINUTE


def test_a_clock_that_is_set_back_after_a_change_is_noticed_all_the_same() -> None:
    asker = Asker(INTERVAL)
    asker.until(HOUR + 60)
    asker.course.change(cron("*/20 * * * *"), asker.now)
    asker.set(-HOUR)
    asker.ask()
    assert asker.course.next_at is not None
    assert asker.course.next_at - asker.wall <= 20 * MINUTE


def test_a_fire_that_is_due_at_this_very_instant_is_due() -> None:
    assert Asker(every(10, first="aligned")).at(20) == [(20, 1)]
