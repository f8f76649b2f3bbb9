"""Chance makes a fire later, and nothing else: the schedule stays where it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from random import Random
from statistics import mean

import pytest

from fluid import cron, every
from fluid.rules.schedules.course import EARLY
from fluid.rules.schedules.schedule import Schedule
from tests.rules.schedule_course_cast import DAY, HOUR, MINUTE, NOON, Asker

JITTERY = [
    every(60, jitter=60),
    every(60, jitter=7),
    every(60, first="aligned", jitter=60),
    cron("* * * * *", jitter=30),
    cron("* * * * *", tz="Europe/Berlin", jitter=60),
]

by_its_call = pytest.mark.parametrize("schedule", JITTERY, ids=repr)


@by_its_call
def test_a_fire_comes_later_by_up_to_the_jitter_and_by_half_of_it_on_average(
    schedule: Schedule,
) -> None:
    """K06: and begins when it is due, as nobody keeps it."""
    asker = Asker(schedule)
    asker.until(DAY)
    delays = [slot.at - slot.scheduled for slot in asker.fired]
    assert len(delays) >= 1439
    assert min(delays) >= -EARLY
    assert max(delays) <= schedule.jitter + EARLY
    assert mean(delays) == pytest.approx(schedule.jitter / 2, rel=0.05)


@by_its_call
def test_the_instants_that_it_is_added_to_do_not_move(schedule: Schedule) -> None:
    """K06: each of them fires, and none counts as missed."""
    asker = Asker(schedule)
    asker.until(DAY)
    series, at, expected = schedule.series(asker.now), asker.start, []
    if not schedule.by_wall_clock:
        series, at = schedule.series(Asker(schedule).now), -inf
    for _ in asker.fired:
        at = series.after(at)
        expected.append(at)
    assert [slot.scheduled for slot in asker.fired] == expected
    assert asker.course.missed == 0


@by_its_call
def test_the_same_seed_gives_the_same_instants_and_another_one_others(schedule: Schedule) -> None:
    """K06"""
    first, again, other = (Asker(schedule, seed=seed).until(HOUR) for seed in (7, 7, 8))
    assert first == again
    assert not set(first) & set(other)


def test_each_fire_draws_once_from_the_chance_that_it_is_given() -> None:
    """K06"""
    asker, random = Asker(every(10, jitter=5), seed=7), Random(7)
    for number in range(10):
        assert asker.course.next_at == number * 10 + random.uniform(0, 5)
        asker.until(number * 10 + 5)


@pytest.mark.parametrize("seed", range(5))
@by_its_call
def test_floats_that_round_do_not_end_a_schedule_too_early(schedule: Schedule, seed: int) -> None:
    """K06: its delay, added to an instant and taken from it again, may lead to one before."""
    until = datetime.fromtimestamp(NOON, UTC) + timedelta(hours=2)
    asker = Asker(type(schedule)(**{**schedule.__dict__, "until": until}), seed=seed)
    asker.until(3 * HOUR)
    assert len(asker.fired) == 120 + (getattr(schedule, "first", "") == "now")


def test_no_fire_overlaps_before_its_chance_has_come() -> None:
    """K06: what is due at 10 comes at 14, and a call that ends in between does not know of it."""
    asker = Asker(every(10, jitter=9), seed=3)
    asker.until(9)
    at = asker.course.next_at
    assert at is not None
    assert at > 12
    asker.pass_(11.5 - asker.loop)
    assert asker.course.overlapped(asker.now, keeps_one=True) == []
    asker.pass_(at + 0.1 - asker.loop)
    assert [slot.scheduled for slot in asker.course.overlapped(asker.now, keeps_one=True)] == [10]


@pytest.mark.parametrize("seed", range(3))
def test_chance_makes_no_fire_later_than_the_next_one_is_due(seed: int) -> None:
    """K06: else those in between would count as missed, and nobody has kept them."""
    asker = Asker(cron("0,1,2,30 * * * *", jitter=300), seed=seed)
    asker.until(9 * HOUR)
    assert asker.course.missed == 0
    assert len(asker.fired) == 4 * 9 - 1
    late = [slot.at - slot.scheduled for slot in asker.fired]
    assert max(late) > 200
    first = [slot.at - slot.scheduled for slot in asker.fired if slot.scheduled % HOUR < MINUTE]
    assert 0 < max(first) <= MINUTE
