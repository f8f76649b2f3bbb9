"""Timers on real loops, with real clocks: never early, never restless, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref

import pytest

from fluid import Fire, Overlap, PeriodicWorker, cron, every
from fluid.rules.schedules.course import EARLY
from fluid.worker.timers.alarms import Alarms, alarms_of

pytestmark = pytest.mark.real

FIRES = 8


@pytest.mark.parametrize("period", [0.001, 0.0025, 0.0033])
@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.concurrent(2)], ids=repr)
async def test_a_fire_by_the_loops_clock_is_never_early_and_nobody_looks_too_soon_for_long(
    period: float, overlap: Overlap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uvloop rounds to milliseconds: who is woken half of one too early would turn in circles."""
    loop = asyncio.get_running_loop()
    times: list[float] = []
    rings, ring = [], Alarms._ring
    monkeypatch.setattr(Alarms, "_ring", lambda alarms: (rings.append(1), ring(alarms)))

    async def tick(fire: Fire) -> None:
        times.append(loop.time())

    timer = PeriodicWorker(tick, every(period, max_fires=FIRES), overlap=overlap)
    await timer.startup()
    await timer.wait_for_shutdown()
    assert len(times) == FIRES
    course = timer._worker.tally.course  # type: ignore[union-attr]
    begin: float = course._series._origin  # type: ignore[attr-defined]
    # Some may be missed where the machine is busy: number n is never before n periods.
    early = [begin + number * period - at for number, at in enumerate(times)]
    assert max(early) <= EARLY
    assert len(rings) <= 2 * FIRES


async def test_a_fire_by_the_time_of_day_is_never_early() -> None:
    late: list[float] = []

    async def tick(fire: Fire) -> None:
        late.append(time.time() - fire.due.timestamp())

    timer = PeriodicWorker(tick, every(0.003, first="aligned", max_fires=FIRES))
    await timer.startup()
    await timer.wait_for_shutdown()
    assert len(late) == FIRES
    assert min(late) > -1e-6  # a datetime has whole microseconds


async def test_a_stop_does_not_wait_for_the_next_fire() -> None:
    before = time.monotonic()
    async with PeriodicWorker(nothing, every(3600, first="after")):
        await asyncio.sleep(0.002)
    assert time.monotonic() - before < 5


async def nothing() -> None:
    """Is called when it is time."""


@pytest.mark.parametrize("by_wall_clock", [False, True], ids=["loop", "wall"])
async def test_setting_and_dropping_again_and_again_leaves_few_timers_in_the_loop(
    *, by_wall_clock: bool
) -> None:
    """K19: a loop that never waits never looks at its timers that were cancelled either."""
    loop = asyncio.get_running_loop()
    alarms, waiter = alarms_of(loop), loop.create_future()
    begin = time.time() if by_wall_clock else loop.time()
    most = 0
    for number in range(5000):
        alarm = alarms.set(begin + 50 - number % 7, waiter, by_wall_clock=by_wall_clock)
        alarms.drop(alarm, by_wall_clock=by_wall_clock)
        if number % 50 == 0:
            await asyncio.sleep(0)
            most = max(most, len(getattr(loop, "_scheduled", ())))
    assert most < 200
    assert not any(not timer.cancelled() for timer in getattr(loop, "_scheduled", ()))


def test_a_real_loop_that_is_closed_is_freed_with_all_its_alarms() -> None:
    kept: list[weakref.ref[object]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with PeriodicWorker(nothing, every(10)), PeriodicWorker(nothing, cron("@daily")):
            await asyncio.sleep(0.001)
            kept.extend((weakref.ref(loop), weakref.ref(alarms_of(loop))))

    asyncio.run(main())
    gc.collect()
    assert [reference() for reference in kept] == [None, None]
