"""Timers that share a loop and a clock: what befalls one, or the clock, at any step."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from fluid import Overlap, Workers, cron, every
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import faults_of_each, stop_at_last
from tests.scenarios.supervised_cast import supervisor_of
from tests.scenarios.timer_calendar import HOUR, MINUTE
from tests.scenarios.timer_cast import Timed, seconds_of_day, wall
from tests.worker.fakes import now
from tests.worker.group_cast import end_of

LATE = 0.2
"""Seconds that a handful of late timers may add up to."""


@pytest.mark.parametrize("schedule", [every(1), cron("* * * * * *")], ids=str)
@explored(faults="offered", swept=True, seeds=10)
async def test_whatever_strikes_one_timer_the_others_fire_in_time(
    sim: Simulation, schedule
) -> None:
    """K17, K18: they wait for the same instants, and one timer of the loop wakes them all."""
    victim = Timed(schedule, takes=0.3, name="victim", overlap=Overlap.concurrent(2))
    others = [Timed(schedule, name=name) for name in ("first", "second")]
    faults_of_each(sim, victim)
    app = supervisor_of(others[0], victim, others[1], max_restarts=1)
    await app.startup()
    await asyncio.sleep(2.6)
    for other in others:
        expected = [*range(3)][schedule.by_wall_clock :]
        if other.is_running():  # else a start that failed has ended all of them
            assert other.began == [pytest.approx(at, abs=LATE) for at in expected]
    sim.sometimes("the victim had to start again", app.children()[1].restarts > 0)
    await end_of(app.shutdown())
    assert not sim.loop.live_timers()


@pytest.mark.parametrize("takes", [0, 700], ids=["quick", "slow"])
@explored(faults=["wall-back"], swept=True, seeds=10)
async def test_a_clock_that_is_put_back_at_any_step_stops_no_rate(
    sim: Simulation, takes: float
) -> None:
    """K10: a fire comes after half a period at least, and a period and a half at most."""
    timed = Timed(cron("*/20 * * * *"), takes=takes)
    async with Workers(timed):
        await asyncio.sleep(1.4 * HOUR)
    timed.assert_nothing_is_left()
    assert [fire.number for fire in timed.fires] == [*range(1, len(timed.fires) + 1)]
    gaps = [b - a for a, b in zip(timed.began, timed.began[1:], strict=False)]
    assert all(600 - LATE <= gap <= 1800 + MINUTE + LATE for gap in gaps), gaps
    assert await timed.counts() == (len(timed.fires), 0, 0)
    sim.sometimes("a time came twice", len({*timed.dues}) < len(timed.dues))


@explored(faults="offered", swept=True, seeds=10, pairs=20)
async def test_an_appointment_is_kept_or_missed_once_wherever_the_clock_goes(
    sim: Simulation,
) -> None:
    """K10, K11, K14: by the furthest time that it has shown for longer than a minute."""
    timed = Timed(cron("5,25,45 0-23 * * *"))
    shown: list[float] = []
    changed_at = -HOUR

    def change(hours: int) -> None:
        nonlocal changed_at
        if now() - changed_at > MINUTE + LATE and now() < HOUR:
            changed_at = now()
            shown.append(seconds_of_day())
            wall().step(hours * HOUR)
            shown.append(seconds_of_day())

    await timed.startup()
    await asyncio.sleep(1)  # its course begins here
    sim.offer("put it back", partial(change, -1))
    sim.offer("put it forward", partial(change, 1))
    await asyncio.sleep(HOUR + 2 * MINUTE)
    shown.append(seconds_of_day())
    await timed.shutdown()
    timed.assert_in_order()
    fires, skipped, lost = await timed.counts()
    slots = range(5 * MINUTE, 9 * HOUR, 20 * MINUTE)
    least, most = (sum(at <= max(shown) - late for at in slots) for late in (LATE, 0))
    assert fires == len(timed.fires)
    assert least <= fires + skipped + lost <= most
    sim.sometimes("some were passed over", bool(lost))
    sim.sometimes("some were not kept again", len(shown) > 1 and most < 3)


@explored(seeds=10)
async def test_workers_that_end_at_the_instants_of_others_take_no_timer_with_them(
    sim: Simulation,
) -> None:
    """K18, K19"""
    short = [Timed(every(1, max_fires=n), name=f"short-{n}") for n in range(1, 5)]
    long = Timed(every(1), name="long")
    for worker in (*short, long):
        await worker.startup()
    await asyncio.sleep(5.5)
    assert [len(worker.began) for worker in (*short, long)] == [1, 2, 3, 4, 6]
    assert all(worker.is_stopped() for worker in short)
    assert len(sim.loop.live_timers()) == 1
    await stop_at_last(long)
    long.assert_nothing_is_left()
