"""When a periodic worker fires: exactly, as the clock of the test is exact."""

from __future__ import annotations

import asyncio
from statistics import mean

import pytest

from fluid import Overlap, PeriodicWorker, Workers, cron, every
from tests.scenarios.timer_calendar import DAY
from tests.scenarios.timer_cast import Timed, counted_timers, ticks, wall
from tests.worker.fakes import now


@pytest.mark.parametrize("period_ns", [10**9, 10**8 + 1, 333_333_333])
async def test_no_tick_is_a_nanosecond_early_or_late(period_ns: int) -> None:
    """K01: also where no float is the period; 100,000 of them: see ``timer_cast``."""
    await ticks(10_000 if period_ns == 10**9 else 500, period_ns)


@pytest.mark.parametrize(
    ("overlap", "began", "skipped"),
    [
        (Overlap.SKIP, [0, 3, 6, 9], 6),
        (Overlap.QUEUE_ONE, [0, 2.5, 5, 7.5], 4),
        (Overlap.concurrent(1), [0, 3, 6, 9], 6),
        (Overlap.concurrent(2), [0, 1, 3, 4, 6, 7, 9], 3),
        (Overlap.concurrent(3), [*range(10)], 0),
        (Overlap.concurrent(9), [*range(10)], 0),
    ],
    ids=repr,
)
async def test_fires_that_overlap_are_skipped_made_up_for_or_begun_beside(
    overlap: Overlap, began: list[float], skipped: int
) -> None:
    """K02: a call of 2.5 seconds, each second."""
    async with Timed(every(1), takes=2.5, overlap=overlap) as timed:
        await asyncio.sleep(9.9)
        assert timed.began == began
    assert timed.most <= max(overlap.at_once, 1)
    assert await timed.counts() == (len(began), skipped, 0)
    assert not timed.losses


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.concurrent(2)])
async def test_a_fire_at_the_very_instant_at_which_the_call_ends_has_not_overlapped(
    overlap: Overlap,
) -> None:
    """K02"""
    async with Timed(every(1), takes=1, overlap=overlap) as timed:
        await asyncio.sleep(5.5)
    assert timed.began == [0, 1, 2, 3, 4, 5]
    assert await timed.counts() == (6, 0, 0)


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.concurrent(2)])
async def test_one_slow_call_moves_no_later_fire(overlap: Overlap) -> None:
    """K02"""
    timed = Timed(every(1), takes=lambda number: 2.25 if number == 2 else 0.25, overlap=overlap)
    async with timed:
        await asyncio.sleep(6.5)
    assert [at for at in timed.began if at >= 4] == [4, 5, 6]
    assert sum(await timed.counts()) == 7


@pytest.mark.parametrize(
    ("schedule", "began"),
    [
        (every(10), [0, 10, 20]),
        (every(10, first="after"), [10, 20, 30]),
        (every(10, first="aligned"), [7, 17, 27]),
        (cron("*/10 * * * * *"), [7, 17, 27]),
        (every(25, first="aligned"), [22, 47, 72]),
        (cron("* * * * *"), [57, 117, 177]),
    ],
    ids=str,
)
async def test_the_first_fire_is_at_once_after_a_period_or_when_the_clock_says_so(
    schedule, began: list[float]
) -> None:
    """K07: it is three seconds past a full minute."""
    wall().step(3)
    async with Timed(schedule) as timed:
        await asyncio.sleep(began[-1] + 1)
    assert timed.began == began


@pytest.mark.parametrize("schedule", [cron("* * * * *"), every(60, first="aligned")], ids=str)
async def test_a_time_of_day_at_which_the_worker_starts_is_not_fired(schedule) -> None:
    """K07"""
    async with Timed(schedule) as timed:
        await asyncio.sleep(100)
    assert timed.began == [60]


@pytest.mark.parametrize(
    "schedule", [every(100, jitter=20), cron("* * * * *", jitter=20)], ids=["rate", "time of day"]
)
async def test_jitter_stays_in_its_bounds_favours_nothing_and_comes_again_with_its_seed(
    schedule,
) -> None:
    """K06"""

    async def lateness(seed: int) -> list[float]:
        timed, begin = Timed(schedule, seed=seed), now()
        period = 100 if schedule.jitter and not schedule.by_wall_clock else 60
        begin += -begin % period if schedule.by_wall_clock else 0
        async with timed:
            await asyncio.sleep(period * 1000)
        return [round((at - begin) % period, 6) for at in timed.began]

    first, again, other = await lateness(1), await lateness(1), await lateness(2)
    assert first[:900] == again[:900]
    assert first != other
    assert 0 <= min(first) < 1
    assert 19 < max(first) <= 20
    assert mean(first) == pytest.approx(10, abs=0.6)  # three standard errors


async def test_what_a_fire_is_told_of_its_time_has_no_jitter() -> None:
    """K06"""
    async with Timed(every(10, jitter=5), seed=3) as timed:
        await asyncio.sleep(26)
    assert timed.dues == ["00:00:00", "00:00:10", "00:00:20"]
    assert timed.began != [0, 10, 20]


# --- long waits ----------------------------------------------------------------------------------


@pytest.mark.virtual(horizon=400 * DAY)
@pytest.mark.parametrize("period", [DAY, 1.5 * DAY, 30 * DAY])
async def test_a_wait_of_more_than_a_day_ends_at_the_right_instant(period: float) -> None:
    """K20"""
    async with Timed(every(period, first="after")) as timed:
        await asyncio.sleep(5 * period + 1)
    assert timed.began == [period * number for number in range(1, 6)]


@pytest.mark.virtual(horizon=400 * DAY)
async def test_whoever_waits_for_a_time_of_day_asks_the_loop_for_a_minute_at_most() -> None:
    """K20: so that no loop has a wait of weeks to cut short."""
    timed = Timed(cron("0 0 1 * *"))
    with counted_timers() as delays:
        async with timed:
            await asyncio.sleep(31 * DAY + 1)
    delays.remove(31 * DAY + 1)
    assert timed.began == [31 * DAY]
    assert max(delays) <= 60


# --- ties ----------------------------------------------------------------------------------------


async def test_all_that_is_due_at_one_instant_fires_in_the_order_of_the_starts() -> None:
    """K17"""
    fired: list[tuple[float, str]] = []

    def named(name: str, schedule) -> PeriodicWorker:
        async def fire() -> None:
            fired.append((now(), name))

        return PeriodicWorker(fire, schedule, name=name)

    schedules = [every(60, first="after"), cron("* * * * *"), every(60, first="aligned")]
    group = Workers(*(named(f"w{number}", schedules[number % 3]) for number in range(9)))
    async with group:
        await asyncio.sleep(150)
    by_clock = [name for kind in ((0,), (1, 2)) for name in _names(9, kind)]
    assert fired == [(at, name) for at in (60, 120) for name in by_clock]


def _names(number: int, kinds: tuple[int, ...]) -> list[str]:
    return [f"w{each}" for each in range(number) if each % 3 in kinds]
