"""Alarms by the time of day, which may be set: looked at once a minute, and never early."""

from __future__ import annotations

import asyncio

import pytest

from fluid.worker.timers.alarms import LOOK_AGAIN
from tests.worker.timers.alarm_cast import Sleepers
from tests.worker.timers.firing_cast import until


async def looks(sleepers: Sleepers, seconds: float) -> int:
    """Returns how often the time of day is looked at while so many seconds go by."""
    count, before = 0, sleepers.alarms.clocks.wall_time

    def counted() -> float:
        nonlocal count
        count += 1
        return before()

    sleepers.alarms.clocks.wall_time = counted
    await asyncio.sleep(seconds)
    return count


async def test_the_time_of_day_is_looked_at_once_a_minute_for_all_who_wait_for_one() -> None:
    sleepers = Sleepers()
    alarms = [sleepers.set(86_400, by_wall_clock=True) for _ in range(100)]
    assert await looks(sleepers, 3600 - 1) == 3600 / LOOK_AGAIN - 1
    for alarm in alarms:
        sleepers.drop(alarm, by_wall_clock=True)


async def test_nobody_looks_at_the_time_of_day_if_nobody_waits_for_one() -> None:
    sleepers = Sleepers()
    sleepers.drop(sleepers.set(5000, by_wall_clock=True), by_wall_clock=True)
    by_loop = sleepers.set(10_000)
    assert await looks(sleepers, 3600) == 0
    assert sleepers.timers == [10_000]
    sleepers.drop(by_loop)


async def test_a_step_forward_is_noticed_within_a_minute() -> None:
    sleepers = Sleepers()
    sleepers.set(3600, "noon", by_wall_clock=True)
    sleepers.loop.wall.step(3600, at=90)
    await until(200)
    assert sleepers.woken == [(120, "noon")]


async def test_a_clock_that_is_fast_or_slow_makes_nobody_early() -> None:
    """K12: late by what the clock gains from one look to the next."""
    for ppm in (500, -500):
        sleepers = Sleepers()
        begin = sleepers.loop.wall.time()
        sleepers.loop.wall.slew(ppm)
        sleepers.alarms.set(
            begin + 7200, waiter := sleepers.loop.create_future(), by_wall_clock=True
        )
        await waiter
        assert 0 <= sleepers.loop.wall.time() - (begin + 7200) < LOOK_AGAIN * 500e-6


async def test_a_clock_that_is_set_back_wakes_all_who_wait_for_a_time_of_day() -> None:
    sleepers = Sleepers()
    for name in ("noon", "night"):
        sleepers.set(43_200, name, by_wall_clock=True)
    sleepers.set(130, "loop")
    sleepers.loop.wall.step(-2, at=90)
    await until(200)
    assert sleepers.woken == [(120, "noon"), (120, "night"), (130, "loop")]


async def test_a_clock_that_is_set_back_by_less_than_a_second_wakes_nobody_early() -> None:
    sleepers = Sleepers()
    sleepers.set(300, "five past", by_wall_clock=True)
    sleepers.loop.wall.step(-0.9, at=90)
    await until(400)
    assert sleepers.woken == [(pytest.approx(300.9), "five past")]


async def test_who_begins_to_wait_after_a_step_is_not_woken_by_it() -> None:
    sleepers = Sleepers()
    sleepers.drop(sleepers.set(3600, "before", by_wall_clock=True), by_wall_clock=True)
    sleepers.loop.wall.step(-3600)
    sleepers.set(-3500, "after", by_wall_clock=True)
    await until(150)
    assert sleepers.woken == [(100, "after")]


async def test_a_wait_of_months_ends_at_the_right_instant() -> None:
    """K20: asyncio's own selector would wait for no longer than a day."""
    sleepers = Sleepers()
    sleepers.set(6 * 86_400, "loop")
    sleepers.set(6 * 86_400 + 1, "wall", by_wall_clock=True)
    await until(6 * 86_400 + 2)
    assert sleepers.woken == [(6 * 86_400, "loop"), (6 * 86_400 + 1, "wall")]
