"""Many timers: one heap, one timer of the loop, and nothing left of those that are no more."""

from __future__ import annotations

import asyncio
from math import log2

import pytest

from fluid import PeriodicWorker, Workers, cron, every
from fluid.testing import VirtualLoop
from fluid.worker.timers.alarms import Heap, alarms_of
from tests.scenarios.timer_cast import Timed, a_hundred_schedules
from tests.worker.fakes import now


class Instant(float):
    """Counts how often two of them are compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Instant.compared += 1
        return float(self) == other

    def __lt__(self, other: float) -> bool:
        return float(self) < other

    __hash__ = float.__hash__


def virtual_loop() -> VirtualLoop:
    """Returns the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


@pytest.mark.parametrize("number", [100, 10_000])
async def test_an_alarm_costs_as_many_comparisons_as_the_number_of_alarms_has_digits(
    number: int,
) -> None:
    """K18"""
    heap, loop = Heap(), asyncio.get_running_loop()
    Instant.compared = 0
    waiters = [loop.create_future() for _ in range(number)]
    for place, waiter in enumerate(waiters):
        heap.push([Instant(place * 7919 % number), place, waiter])
    for instant in range(number):
        assert heap.first() == instant
        heap.ring(instant)
    assert all(waiter.done() for waiter in waiters)
    assert not heap
    assert Instant.compared < 3 * number * log2(number)


@pytest.mark.parametrize("schedule", [every(3600), cron("0 0 1 1 *")], ids=str)
async def test_all_timers_of_a_loop_have_one_timer_of_the_loop_and_a_stop_takes_it_away(
    schedule,
) -> None:
    """K18"""

    async def nothing() -> None:
        """Is called at once, if at all."""

    loop = virtual_loop()
    group = Workers(*(PeriodicWorker(nothing, schedule, name=f"w{n}") for n in range(500)))
    async with group:
        await asyncio.sleep(0.1)
        assert len(loop.live_timers()) == 1
    assert not loop.live_timers()
    assert not alarms_of(loop)._by_loop
    assert not alarms_of(loop)._by_wall


async def test_timers_that_are_cancelled_and_set_again_leave_nothing_in_the_loop() -> None:
    """K19: each of these is due earlier than all before it."""
    loop, alarms = virtual_loop(), alarms_of(virtual_loop())
    most = 0
    for number in range(30_000):
        waiter = loop.create_future()
        by_wall_clock = bool(number % 2)
        at = 10**6 - number + by_wall_clock * 10**9
        alarm = alarms.set(at, waiter, by_wall_clock=by_wall_clock)
        alarms.drop(alarm, by_wall_clock=by_wall_clock)
        if number % 20 == 0:  # a loop that never waits has no time to clear them away
            await asyncio.sleep(0.001)
            most = max(most, len(loop._timers))
    assert most <= 50
    assert not loop.live_timers()
    assert not alarms._by_loop._alarms
    assert not alarms._by_wall._alarms


async def test_a_schedule_that_changes_again_and_again_leaves_nothing_in_the_loop() -> None:
    """K19, K08: beside others that wait for long."""
    loop = virtual_loop()
    others = [Timed(every(10**5), name=f"w{number}") for number in range(3)]
    restless, most = Timed(every(10**5), name="restless"), 0
    async with Workers(*others, restless):
        for number in range(3000):
            restless.reschedule(every(10**5 - number))
            await asyncio.sleep(0.001)
            most = max(most, len(loop._timers), len(alarms_of(loop)._by_loop._alarms))
        assert most <= 10
        await asyncio.sleep(10**5 - 2999 + 0.5 - now())
        assert restless.began == [0, 10**5 - 2999]
    assert not loop.live_timers()


async def test_workers_come_and_go_beside_one_that_stays() -> None:
    """K18, K19"""
    loop = virtual_loop()
    async with Timed(every(1000, first="after")) as patient:
        for _ in range(300):
            async with Timed(every(0.5), name="short") as short:
                await asyncio.sleep(1.2)
            assert len(short.began) == 3
            assert len(loop.live_timers()) == 1
        assert now() == 360
        await asyncio.sleep(1000 - 360 + 0.1)
        assert patient.began == [1000]


async def test_a_hundred_schedules_fire_as_often_as_a_calendar_says() -> None:
    """K22: a year of them: see ``timer_cast``."""
    await a_hundred_schedules(days=6)
