"""Another schedule at run time: from now on, counted from the last fire, and nothing twice."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Missed, Overlap, cron, every
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import LATE
from tests.scenarios.timer_cast import Timed, wall
from tests.worker.fakes import now


@pytest.mark.parametrize(
    ("old", "new", "began"),
    [
        (every(10), every(10), [0, 10, 20, 30, 40, 50]),
        (every(10), every(8), [0, 10, 20, 28, 36, 44, 52]),
        (every(10), every(3), [0, 10, 20, 26, 29, 32, 35, 38, 41, 44, 47, 50, 53]),
        (every(10), every(30), [0, 10, 20, 50]),
        (every(10), every(30, first="after"), [0, 10, 20, 50]),
        (every(50), every(5), [0, 30, 35, 40, 45, 50]),
        (every(10), every(15, first="aligned"), [0, 10, 20, 30, 45]),
        (every(10), cron("*/20 * * * * *"), [0, 10, 20, 40]),
        (cron("*/20 * * * * *"), every(10), [20, 30, 40, 50]),
        (cron("*/20 * * * * *"), cron("*/10 * * * * *"), [20, 30, 40, 50]),
        (cron("0 0 1 * *"), every(10), [25, 35, 45]),
        (cron("0 0 1 * *"), every(10, first="after"), [30, 40, 50]),
    ],
    ids=repr,
)
async def test_another_schedule_counts_from_the_last_fire_but_never_in_the_past(
    old, new, began: list[float]
) -> None:
    """K08: the change is at 25 seconds."""
    async with Timed(old) as timed:
        await asyncio.sleep(25)
        timed.reschedule(new)
        await asyncio.sleep(30)
    assert timed.began[: len(began)] == began
    assert len(timed.began) - len(began) in (0, 1)
    assert await timed.counts() == (len(timed.began), 0, 0)


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.concurrent(3)])
@pytest.mark.parametrize("period", [0.1, 0.3, 0.7, 1 / 3])
async def test_a_call_that_changes_the_schedule_is_not_called_twice_for_one_instant(
    overlap: Overlap, period: float
) -> None:
    """K08: also where the sum of floats is a little later than the instant that a clock shows."""

    class Restless(Timed):
        async def work(self, fire) -> None:
            if fire.number % 2:
                self.reschedule(every(period))

    async with Restless(every(period), overlap=overlap) as timed:
        await asyncio.sleep(20.5 * period)
    assert timed.began == pytest.approx([number * period for number in range(21)])
    assert await timed.counts() == (21, 0, 0)


async def test_a_change_while_a_call_runs_counts_from_that_call() -> None:
    """K08: what would have been due since is past, and neither skipped nor missed."""
    async with Timed(every(10), takes=4) as timed:
        await asyncio.sleep(12.5)
        timed.reschedule(every(1))
        await asyncio.sleep(7)
        assert timed.began == [0, 10, 14, 18]
        assert await timed.counts() == (4, 1 + 3, 0)


@pytest.mark.parametrize("schedule", [every(10), cron("*/10 * * * * *")], ids=str)
@pytest.mark.parametrize("pause", [0.1, 0.3, 2, 10])
async def test_changes_again_and_again_keep_no_fire_from_coming(schedule, pause: float) -> None:
    """K08: whoever makes them, also at the very instant at which it is due."""
    async with Timed(schedule) as timed:
        while now() < 45:
            await asyncio.sleep(pause)
            timed.reschedule(schedule)
    assert timed.began == [0, 10, 20, 30, 40][schedule.by_wall_clock :]


async def test_a_change_while_jitter_delays_a_fire_does_not_lose_it() -> None:
    """K08, K06"""
    async with Timed(every(10, jitter=9), seed=1) as timed:
        for number in range(1, 20):
            await asyncio.sleep(10 * number + 0.5 - now())
            timed.reschedule(every(10, jitter=9))
        await asyncio.sleep(9)
    assert len(set(timed.dues)) == len(timed.dues) == 20


async def test_a_change_behind_a_clock_that_was_put_back_fires_nothing_twice() -> None:
    """K08, K10: half past had been fired; it comes again, and the next one is at eleven."""
    wall().step(9 * 3600)
    async with Timed(cron("30 9 * * *")) as timed:
        await asyncio.sleep(2000)
        wall().step(-1800)
        timed.reschedule(cron("0,30 9,10 * * *"))
        await asyncio.sleep(7200)
    assert timed.dues == ["09:30:00", "10:00:00", "10:30:00"]


@explored()
async def test_a_change_at_the_instant_of_a_fire_comes_before_it_or_after_it(
    sim: Simulation,
) -> None:
    """K08: there is one fire or none at that instant, never two, and then the new rate."""
    async with Timed(every(10)) as timed:
        asyncio.get_running_loop().call_later(20, timed.reschedule, every(4))
        await asyncio.sleep(31)
    timed.assert_in_order()
    at_that = [at for at in timed.began if 20 <= at < 20 + LATE]
    sim.sometimes("the fire was first", len(at_that) == 1)
    sim.sometimes("the change was first", not at_that)
    assert len(at_that) <= 1
    offset = 20 if at_that else 22
    later = [at for at in timed.began if at >= 20 + LATE]
    assert later == [pytest.approx(offset + 4 * n, abs=0.1) for n in range(bool(at_that), 3)]


@pytest.mark.parametrize("missed", [Missed.ONCE, Missed.SKIP, Missed.all(3)], ids=repr)
async def test_a_schedule_that_came_to_its_end_is_over_also_after_a_change(missed: Missed) -> None:
    """K08: what fired before a change counts for ``max_fires``."""
    timed = Timed(every(10), missed=missed)
    await timed.startup()
    await asyncio.sleep(25)
    timed.reschedule(every(5, max_fires=3))
    await timed.wait_for_shutdown()
    assert now() == 25
    timed.assert_nothing_is_left()


async def test_the_same_schedule_again_and_again_silences_nobody() -> None:
    """K08: as a service does that reads its configuration once in a while."""
    async with Timed(every(60, first="after")) as timed:
        for _ in range(12):
            await asyncio.sleep(25)
            timed.reschedule(every(60, first="after"))
        await asyncio.sleep(1)
    assert timed.began == [60, 120, 180, 240, 300]
