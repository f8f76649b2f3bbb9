"""When a fire was due, how late it is, and what a course makes of the clocks it is told of."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from fluid import cron, every
from fluid.rules.schedules.course import EARLY, Slot
from fluid.rules.schedules.moment import Moment
from tests.rules.schedule_course_cast import HOUR, NOON, Asker

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


@pytest.mark.parametrize(("after", "overlapped"), [(EARLY, 0), (3 * EARLY, 1)])
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
    asker = Asker(every(10, first="after", jitter=8), seed=1)
    first = asker.course.next_at
    assert first is not None
    asker.pass_(first + 1)
    (slot,) = asker.course.overlapped(asker.now, keeps_one=True)
    assert (slot.scheduled, slot.at) == (10, first)
