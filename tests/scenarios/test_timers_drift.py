"""A time of day that drifts, and one with a second that comes twice: each time comes once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from fluid import cron, every
from tests.scenarios.timer_calendar import DAY
from tests.scenarios.timer_cast import Timed, drifting, wall


@pytest.mark.virtual(horizon=400 * DAY)
@pytest.mark.parametrize("ppm", [500, -500])
async def test_each_time_comes_once_on_a_clock_that_drifts(ppm: float) -> None:
    """K12: a year of it: see ``timer_cast``."""
    await drifting(ppm, days=6)


@pytest.mark.parametrize("ppm", [500, -500, 0.001, -0.001, -900_000])
@pytest.mark.parametrize("phase", [0.0, 0.1234567, 0.9999999, 1e-7])
async def test_no_phase_of_a_clock_makes_the_loop_spin(ppm: float, phase: float) -> None:
    """K12: where time goes slowly, the last look comes before the instant again and again."""
    wall().step(phase)
    wall().slew(ppm)
    async with Timed(every(1, first="aligned")) as timed:
        await asyncio.sleep(20)
    first = timed.fires[0].due
    expected = [first + timedelta(seconds=number) for number in range(len(timed.fires))]
    assert [fire.due for fire in timed.fires] == expected
    assert timed.fires


@pytest.mark.parametrize("late", [0.0, 0.25, 0.5, 0.75])
@pytest.mark.parametrize(
    ("schedule", "dues"),
    [
        (cron("0 0 * * *"), ["00:00:00"]),
        (cron("59 23 * * *"), ["23:59:00"]),
        (cron("0,1,2 0 * * *"), ["00:00:00", "00:01:00", "00:02:00"]),
        (cron("* * * * *"), ["23:59:00", "00:00:00", "00:01:00", "00:02:00"]),
        (cron("59 59 23 * * *"), ["23:59:59"]),
        (cron("0 0 0 * * *"), ["00:00:00"]),
    ],
    ids=str,
)
async def test_a_time_before_in_or_after_a_second_that_comes_twice_is_fired_once(
    schedule, dues: list[str], late: float
) -> None:
    """K13: the clock is put back when the last second of the day is over, or soon after."""
    wall().set(datetime(1999, 12, 31, 23, 58, 30, tzinfo=UTC))
    wall().step(-1, at=90 + late)
    async with Timed(schedule) as timed:
        await asyncio.sleep(240)
    assert timed.dues == dues


@pytest.mark.parametrize("schedule", [cron("* * * * * *"), every(1, first="aligned")], ids=str)
@pytest.mark.parametrize("late", [0.0, 0.25, 0.5, 0.75])
async def test_a_rate_of_seconds_goes_on_through_a_second_that_comes_twice(
    schedule, late: float
) -> None:
    """K13: it hears of it no sooner than of a second's pause, and none of its times comes twice."""
    wall().step(-90)
    wall().step(-1, at=90 + late)
    async with Timed(schedule) as timed:
        await asyncio.sleep(100.9)
    assert len(set(timed.dues)) == len(timed.dues) == 99
    assert max(b - a for a, b in zip(timed.began, timed.began[1:], strict=False)) == 2
