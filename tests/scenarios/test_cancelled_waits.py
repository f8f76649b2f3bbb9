"""What a worker was waiting for when it was stopped or cancelled, and what becomes of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from math import inf

import pytest

from fluid import Worker, WorkerState
from fluid.events import WorkerEnded
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    LATE,
    Watch,
    cancel_task_of,
    faults_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import Recorded, forever, worker_with
from tests.worker.group_cast import end_of
from tests.worker.queue_cast import Taker

STOPPED, FORCED, FAILED = WorkerState.STOPPED, WorkerState.FORCE_STOPPED, WorkerState.FAILED


@pytest.mark.parametrize("how", ["stop", "force"])
@pytest.mark.parametrize("own", [forever, lambda worker: worker.sleep(inf)], ids=["deaf", "fluid"])
@explored()
async def test_a_time_out_in_the_instant_of_a_stop_is_one_outcome_and_stays_a_time_out(
    sim: Simulation, how: str, own: Callable[[Worker], Awaitable[object]]
) -> None:
    """C16"""

    async def limited(worker: Recorded) -> None:
        async with asyncio.timeout_at(5):
            await own(worker)

    worker = worker_with(name="worker", run=limited, stopping_grace_period=0)
    watch = Watch(worker)
    await worker.startup()
    verbs = {"stop": worker.gracefully_stop, "force": worker._worker.force}
    asyncio.get_running_loop().call_at(5, verbs[how])
    error = await end_of(worker.wait_for_shutdown())
    if error is None:
        assert worker.worker_state in (STOPPED, FORCED)
    else:
        assert type(error) is TimeoutError
        assert worker.worker_state is FAILED
        assert (worker.worker_exit.reason, worker.worker_exit.errors) == (str(error), ())
    sim.sometimes("the time-out came first", error is not None)
    sim.sometimes("the stop came first", error is None)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_no_message_is_lost_when_a_cancel_meets_the_one_that_was_awaited(
    sim: Simulation,
) -> None:
    """C09"""
    taker = Taker(stopping_grace_period=0)
    watch = Watch(taker)
    faults_of(sim, taker)
    await end_of(starting(sim, taker))
    sent = []
    for number in range(3):
        if taker.is_running():
            taker.send(number)
            sent.append(number)
        await asyncio.sleep(sim.random().choice((0, 0, 0.5)))
    cancelled = sim.random().random() < 0.5
    if cancelled:
        cancel_task_of(taker)
    await stop_at_last(taker)
    left = [*taker.worker_mailbox.messages]
    lost = taker.worker_mailbox.account().dropped
    assert taker.handled + left == sent[: len(sent) - lost]
    assert taker.worker_mailbox.account().adds_up
    # FORCED if the stop, which has no grace, came before the task had the step for the cancel.
    assert not cancelled or taker.worker_state in (FAILED, FORCED) or sim.schedule.strikes
    sim.sometimes("it was cancelled", cancelled)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_no_item_is_lost_when_a_cancel_meets_the_one_that_was_awaited(
    sim: Simulation,
) -> None:
    """C09"""
    # In source:5+cancel worker@8 the first item has been taken and not been handed over.
    queue: asyncio.Queue[int] = asyncio.Queue()
    taken: list[int] = []

    async def take(worker: Recorded) -> None:
        while worker.is_running():
            item = await worker.wait_or_stop(queue.get())
            if item is not None:
                taken.append(item)

    worker = worker_with(name="worker", run=take, stopping_grace_period=0)
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    for number in range(3):
        queue.put_nowait(number)
        await asyncio.sleep(sim.random().choice((0, 0, 0.5)))
    cancelled = sim.random().random() < 0.5
    if cancelled:
        cancel_task_of(worker)
    await stop_at_last(worker)
    left = [queue.get_nowait() for _ in range(queue.qsize())]
    assert taken + left == [0, 1, 2]
    assert not cancelled or worker.worker_state in (FAILED, FORCED) or sim.schedule.strikes
    sim.sometimes("cancelled with something left", cancelled and bool(left))
    watch.assert_it_ended_well()


@pytest.mark.parametrize("seconds", [3, 30])
@explored(faults="offered", swept=True)
async def test_a_shielded_section_has_the_grace_to_end_in_and_no_more(
    sim: Simulation, seconds: float
) -> None:
    """C13"""
    sections: list[asyncio.Task[None]] = []

    async def shielded(worker: Recorded) -> None:
        section = asyncio.ensure_future(asyncio.sleep(seconds))
        sections.append(section)
        await asyncio.shield(section)

    worker = worker_with(name="worker", run=shielded, stopping_grace_period=10)
    watch = Watch(worker)
    sim.offer("stop", worker.gracefully_stop)
    await end_of(starting(sim, worker))
    await asyncio.sleep(1)
    await stop_at_last(worker)
    watch.assert_it_ended_well()
    if sections:
        is_short = seconds < 10
        assert worker.worker_state is (STOPPED if is_short else FORCED)
        assert sections[0].done() is is_short
        assert watch.ended_at - watch.stopping_at <= min(seconds, 10) + LATE
        sim.sometimes("it was in the section")
        await sections[0]


async def amid_gather(worker: Worker) -> None:
    await asyncio.gather(forever(worker), asyncio.sleep(3))


async def amid_timeout(worker: Worker) -> None:
    async with asyncio.timeout(3):
        await forever(worker)


async def amid_wait_for(worker: Worker) -> None:
    await asyncio.wait_for(forever(worker), 3)


async def amid_task_group(worker: Worker) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(forever(worker))
        await asyncio.sleep(3)


async def amid_wait_or_stop(worker: Worker) -> None:
    await worker.wait_or_stop(amid_gather(worker))


@pytest.mark.parametrize(
    "amid",
    [amid_gather, amid_timeout, amid_wait_for, amid_task_group, amid_wait_or_stop],
)
@explored(faults="offered", swept=True)
async def test_a_stop_amid_a_wait_leaves_no_task(
    sim: Simulation, amid: Callable[[Worker], Awaitable[None]]
) -> None:
    """C15: a task that is left fails the scenario by itself."""
    worker = worker_with(name="worker", run=amid, stopping_grace_period=1)
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    await asyncio.sleep(1)
    error = await end_of(worker.shutdown())
    assert error is None or isinstance(error, (TimeoutError, asyncio.CancelledError))
    watch.assert_it_ended_well()
    await asyncio.sleep(0.1)  # gather() ends with the first of its tasks, a step before the others


async def test_the_tasks_that_asyncio_wait_leaves_are_the_users() -> None:
    """C15"""
    tasks: list[asyncio.Task[None]] = []

    async def run(worker: Recorded) -> None:
        tasks.extend(asyncio.ensure_future(asyncio.sleep(seconds)) for seconds in (100, 200))
        await asyncio.wait(tasks)

    worker = worker_with(run=run, stopping_grace_period=1)
    await worker.startup()
    await worker.shutdown()
    assert worker.worker_state is FORCED
    assert [task.done() for task in tasks] == [False, False]
    await asyncio.wait(tasks)


@explored(faults="offered", swept=True, pairs=20)
async def test_what_run_has_opened_is_closed_once_and_before_the_end(sim: Simulation) -> None:
    """C18"""
    opened, closed = [], []

    @asynccontextmanager
    async def resource() -> AsyncIterator[None]:
        opened.append("resource")
        try:
            yield
        finally:
            closed.append("resource")

    async def items() -> AsyncIterator[int]:
        opened.append("items")
        try:
            for number in range(3):
                await asyncio.sleep(0.1)
                yield number
        finally:
            closed.append("items")
            await asyncio.sleep(0)

    async def run(worker: Recorded) -> None:
        async with resource(), aclosing(items()) as numbers:
            async for _ in numbers:
                await asyncio.sleep(0.1)

    worker = worker_with(name="worker", run=run)
    closed_at_the_end: list[str] = []
    worker.subscribe(
        lambda event: closed_at_the_end.extend(closed) if isinstance(event, WorkerEnded) else None
    )
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    await end_of(worker.wait_for_shutdown())
    assert closed == closed_at_the_end == opened[::-1]
    sim.sometimes("it was cut short", worker.has_started() and worker.worker_exit.code > 0)
    watch.assert_it_ended_well()
