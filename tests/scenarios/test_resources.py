"""What a worker had is gone when it has ended: nothing is left to the loop or the collector."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress

import pytest

from fluid import FluidError, Worker, WorkerFunction, WorkerState, WrongLoopError
from fluid.testing import Simulation
from fluid.testing.belongings import garbage
from tests.exploring import explored
from tests.scenarios.cast import (
    Breakable,
    Planned,
    Watch,
    breakables,
    cancel_task_of,
    faults_of,
    group_of,
    starting,
    stop_at_last,
    tree_of,
)
from tests.worker.fakes import now
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import Recorder, Taker, bury, taking


class Generating(Breakable):
    """Takes what it works on from an async generator, which waits for it on a timer."""

    async def run(self) -> None:
        async with aclosing(self._ticks()) as ticks:
            async for tick in ticks:
                self.diary.append(tick)
        await super().run()

    async def _ticks(self) -> AsyncIterator[float]:
        for _ in range(2):
            await self.sleep(0.01)
            yield now()


@explored(faults="offered", swept=True)
async def test_nobody_leaves_a_task_or_a_timer_or_a_generator(sim: Simulation):
    """L01: whatever is left fails the scenario by itself."""
    consumer, taker = Recorder(taking(0.01)), Taker(taking(0.01))
    function = WorkerFunction(lambda: asyncio.sleep(0.01), heartbeat=0.01, name="function")
    generating = Generating(name="generating")
    group = group_of(generating, group_of(consumer, taker, name="inner"), function)
    watch = Watch(group)
    sim.offer("stop", group.gracefully_stop)
    sim.offer("force", group._worker.force)
    sim.offer("cancel one", lambda: cancel_task_of(generating))
    sim.offer("break", generating.break_)
    for receiver in (consumer, taker):
        receiver.send("message")
    await end_of(starting(sim, group))
    await asyncio.sleep(0.02)
    await stop_at_last(group)
    watch.assert_it_ended_well()


MADE: dict[str, Callable[[], Worker]] = {
    "worker": lambda: Breakable(name="a"),
    "group": lambda: group_of(*breakables("a"), Taker(name="b")),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@explored(faults="offered", swept=True, pairs=30)
async def test_all_is_freed_with_its_last_user_unless_it_failed(
    sim: Simulation, make: Callable[[], Worker]
):
    """L03, L04"""

    async def use() -> list[weakref.ref[object]]:
        root = make()
        faults_of(sim, root)
        # Not in a task, which asyncio keeps in a cycle with the error that ends it.
        with suppress(FluidError, asyncio.CancelledError, Planned):
            await root.startup()
        await asyncio.sleep(0.01)
        await stop_at_last(root)
        everybody = tree_of(root)
        if any(worker.worker_state is WorkerState.FAILED for worker in everybody):
            return []
        return [weakref.ref(thing) for each in everybody for thing in (each, each._worker)]

    gc.collect()
    left = await use()
    for fault in sim.offers:
        sim.offer(fault, gc.isenabled)  # in place of what would keep them alive
    await asyncio.sleep(0.01)
    sim.sometimes("it did not fail", bool(left))
    if left and not sim.schedule.eager:  # where frames of the loop may lead back to the task
        assert [thing() for thing in left if thing() is not None] == []
        assert garbage() == []


@explored(faults=["gc"], swept=True)
async def test_a_collection_takes_no_task_away(sim: Simulation):
    """L07"""
    ended: list[str] = []

    async def forget() -> None:
        group = group_of(Generating(name="a"), Recorder(taking(0.01), name="b"))
        group.subscribe(lambda event: ended.append(event.path))
        await group.startup()
        sim.loop.call_later(0.05, group.gracefully_stop)

    await forget()
    for _ in range(10):
        gc.collect()
        await asyncio.sleep(0.01)
    assert ended[-1] == "group"


def test_a_closed_loop_means_clear_errors_and_no_hang():
    """L08"""
    worker, consumer = Breakable(name="worker"), Recorder(name="consumer", maxsize=1)
    group = group_of(worker, consumer)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(group.startup())
    loop.run_until_complete(asyncio.sleep(0))
    tasks = asyncio.all_tasks(loop)
    loop.close()

    async def ask() -> None:
        for wait in (group.shutdown, group.wait_for_shutdown, worker.shutdown, consumer.join):
            with pytest.raises(WrongLoopError):
                await wait()
        with pytest.raises(WrongLoopError):
            await consumer.put("message")

    asyncio.run(ask())
    group.gracefully_stop()
    worker.gracefully_stop()
    assert group.worker_tree()["state"] == "stopping"
    for task in tasks:
        bury(task)
