"""Each loop has alarms of its own, shared by its workers, for as long as one needs them."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import fluid.testing
from fluid import PeriodicWorker, every
from fluid.testing import VirtualLoop
from fluid.worker.timers.alarms import Alarms, alarms_of
from tests.worker.timers.firing_cast import until, virtual_loop


async def test_all_workers_of_a_loop_share_its_alarms() -> None:
    timers = [PeriodicWorker(nothing, every(10)) for _ in range(3)]
    for timer in timers:
        await timer.startup()
    await until(5)
    alarms = alarms_of(virtual_loop())
    assert len(alarms._by_loop._alarms) == 3
    assert len(virtual_loop().live_timers()) == 1
    for timer in timers:
        await timer.shutdown()
    assert not virtual_loop().live_timers()


async def nothing() -> None:
    """Is called when it is time."""


def test_a_loop_that_is_closed_is_freed_with_all_its_alarms() -> None:
    kept: list[weakref.ref[object]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with PeriodicWorker(nothing, every(10)):
            await asyncio.sleep(25)
            kept.extend((weakref.ref(loop), weakref.ref(alarms_of(loop))))

    fluid.testing.run(main)
    gc.collect()
    assert [reference() for reference in kept] == [None, None]


async def test_alarms_live_as_long_as_somebody_needs_them() -> None:
    loop = virtual_loop()
    first = alarms_of(loop)
    assert alarms_of(loop) is first
    reference = weakref.ref(first)
    del first
    gc.collect()
    assert reference() is None


def test_loops_in_several_threads_have_nothing_to_do_with_each_other() -> None:
    counts: dict[int, int] = {}

    def run(number: int) -> None:
        async def tick() -> None:
            counts[number] += 1

        async def main() -> None:
            counts[number] = 0
            async with PeriodicWorker(tick, every(number)):
                await asyncio.sleep(599.5)

        fluid.testing.run(main)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {number: 599 // number + 1 for number in range(1, 6)}


def test_a_loop_rings_its_own_alarms_only() -> None:
    first, second = VirtualLoop(), VirtualLoop()
    alarms = [Alarms(loop) for loop in (first, second)]
    waiters = [loop.create_future() for loop in (first, second)]
    for alarm, waiter in zip(alarms, waiters, strict=True):
        alarm.set(5, waiter, by_wall_clock=False)
    first.run_until_complete(asyncio.sleep(6))
    assert [waiter.done() for waiter in waiters] == [True, False]
    first.close()
    second.close()
