"""Working, and ending without a word from outside: what is told then, to whom, and what is left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from fluid import Worker, WorkerState
from fluid.events import WorkerEnded, WorkerEvent
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    LATE,
    Breakable,
    Planned,
    Watch,
    breakables,
    faults_of,
    group_of,
    starting,
    stop_at_last,
    tree_of,
)
from tests.worker.fakes import Recorded, now
from tests.worker.group_cast import Idle, end_of

# --- sub-tasks -----------------------------------------------------------------------------------


class Delegating(Recorded):
    """Has three jobs done for it: in a task group, in a wait that a stop ends, and in that one."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.begun = 0
        self.at_work = 0
        self.left: list[int] = []
        self.subscribe(self.count)

    def count(self, event: WorkerEvent) -> None:
        """Counts, when it ends, who is still at work."""
        if isinstance(event, WorkerEnded):
            self.left.append(self.at_work)

    async def work(self, seconds: float, inner: Callable[[], object] | None = None) -> None:
        """Takes so long, and a while more to tidy up."""
        self.begun += 1
        self.at_work += 1
        try:
            if inner is not None:
                await self.wait_or_stop(inner())
            await asyncio.sleep(seconds)
        finally:
            try:
                await asyncio.sleep(0.1)
            finally:
                self.at_work -= 1

    async def on_startup(self) -> None:
        await super().on_startup()
        self.jobs = await self.worker_exit_stack.enter_async_context(asyncio.TaskGroup())

    async def run(self) -> None:
        self.diary.append("run")
        self.jobs.create_task(self.work(0.3))
        await self.wait_or_stop(self.work(60, lambda: self.work(60)))


@explored(faults="offered", swept=True, pairs=100)
async def test_tasks_that_a_worker_has_work_for_it_have_ended_when_it_has(sim: Simulation):
    """N05"""
    worker = Delegating(name="delegating")
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    await asyncio.sleep(0.2)
    await stop_at_last(worker)
    assert now() <= 0.5 + LATE
    watch.assert_it_ended_well()
    assert worker.left == [0] * worker.has_started()
    sim.sometimes("all of them began", worker.begun == 3)
    sim.sometimes("one never began", worker.begun < 3)
    assert worker.begun == 3 or sim.schedule.strikes


# --- one outcome ---------------------------------------------------------------------------------


@explored(faults="offered", swept=True, pairs=100)
async def test_every_waiter_is_told_the_one_outcome_before_the_end_and_long_after_it(
    sim: Simulation,
):
    """N06: unless the wait was cancelled, which nobody else notices."""
    worker = Breakable(name="told")
    group = group_of(worker)
    watch = Watch(group)
    faults_of(sim, worker)
    await end_of(starting(sim, group))

    async def wait() -> BaseException | None:
        return await end_of(worker.wait_for_shutdown())

    early = [asyncio.ensure_future(wait()) for _ in range(3)]
    sim.offer("cancel a waiter", early[0].cancel)
    sim.loop.call_later(0.1, worker.break_)
    error = await end_of(worker.wait_for_shutdown())
    await asyncio.wait(early)
    record = worker.worker_exit
    await stop_at_last(group)
    await asyncio.sleep(3600)
    watch.assert_it_ended_well()
    told = [waiter.result() for waiter in early[1:]]
    told += [await end_of(worker.wait_for_shutdown()), await end_of(worker.shutdown())]
    assert all(each is error for each in told)
    if record is not None:
        assert worker.worker_exit is record
        assert record.exception is error
        assert worker.diary[-1] == (record.reason, record.code)
    sim.sometimes("an error", isinstance(error, Planned))
    sim.sometimes("none", error is None)


async def test_ten_thousand_waiters_cost_one_wake_up_each():
    """N07"""
    costs = [await _wake_ups_of(number) for number in (100, 10_000)]
    assert costs == [1, 1]


async def _wake_ups_of(number: int) -> int:
    """Returns how many callbacks each of so many waiters costs when the worker ends."""
    worker = Idle()
    await worker.startup()
    waiters = [asyncio.ensure_future(worker.wait_for_shutdown()) for _ in range(number)]
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    calls, call_soon = 0, loop.call_soon

    def counting(*args, **kwargs):
        nonlocal calls
        calls += 1
        return call_soon(*args, **kwargs)

    loop.call_soon = counting
    worker.gracefully_stop()
    while not all(waiter.done() for waiter in waiters):
        await asyncio.sleep(0)
    del loop.call_soon
    return calls // number


@pytest.mark.lazy_only("for time")
async def test_waiters_leave_at_a_cost_that_does_not_grow_with_their_number():
    """N07"""
    each = []
    for number in (250, 10_000, 250):
        worker = Idle()
        await worker.startup()
        waiters = [asyncio.ensure_future(worker.wait_for_shutdown()) for _ in range(number)]
        await asyncio.sleep(0)
        began = time.process_time()
        for waiter in reversed(waiters):
            waiter.cancel()
        await asyncio.wait(waiters)
        each.append((time.process_time() - began) / number)
        await worker.shutdown()
    assert each[1] < 6 * max(each[0], each[2])


# --- a stop of what does not run -----------------------------------------------------------------


@explored(faults="offered", swept=True, pairs=50)
async def test_a_stop_of_what_has_ended_or_never_started_changes_nothing(sim: Simulation):
    """N09: however it ended, by whatever verb, and however often."""
    group = group_of(*breakables("ab"))
    watch, everybody = Watch(group), tree_of(group)
    for worker in everybody:
        worker.gracefully_stop()
        await worker.shutdown()
        assert worker.worker_state is WorkerState.INIT
    faults_of(sim, everybody[1])
    sim.offer("stop", group.gracefully_stop)
    sim.offer("force", group._worker.force)
    await end_of(starting(sim, group))
    await asyncio.sleep(0.1)
    await stop_at_last(group)
    watch.assert_it_ended_well()
    before = [what_is_known_of(worker) for worker in everybody]
    for worker in everybody:
        record = worker.worker_exit
        for stop in (worker.gracefully_stop, worker._worker.force, worker.gracefully_stop):
            stop()
            assert await end_of(worker.shutdown()) is (record and record.exception)
    await asyncio.sleep(100)
    assert [what_is_known_of(worker) for worker in everybody] == before
    states = {worker.worker_state for worker in everybody}
    sim.sometimes("one failed", WorkerState.FAILED in states)
    sim.sometimes("one was forced", WorkerState.FORCE_STOPPED in states)


def what_is_known_of(worker: Worker) -> tuple[object, ...]:
    """Returns what would show that something has happened to a worker."""
    told = (*worker.diary, *worker.events) if isinstance(worker, Recorded) else ()
    return (worker.worker_state, worker.worker_exit, *told)
