"""Nobody who waits is forgotten, nothing that was awaited is lost, whoever is cancelled meanwhile.

A result changes hands in two steps: it is there, and it is taken. Each scenario strikes between the
two, as it does everywhere else. A timer or a task that is left fails a scenario by itself. How
messages change hands is in ``test_handovers_of_messages.py``, and who closes what was opened in
``test_handovers_of_resources.py``.
"""

from __future__ import annotations

import asyncio
from math import inf

from fluid import Worker, WorkerStartError, WorkerState, tasks
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    LATE,
    Planned,
    Watch,
    breakables,
    faults_of,
    faults_of_each,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import worker_with
from tests.worker.group_cast import end_of, history_of

with_faults = explored(faults="offered", swept=True, pairs=30)


# --- sleep, wait_or_stop -------------------------------------------------------------------------


@with_faults
async def test_a_sleep_that_is_cut_short_leaves_no_timer_and_nobody_who_waits(sim: Simulation):
    async def doze(worker: Worker) -> None:
        while await worker.sleep(0.01):
            pass

    async def run(worker: Worker) -> None:
        sleepers = [asyncio.ensure_future(doze(worker)) for _ in range(2)]
        sim.offer("cancel a sleeper", sleepers[0].cancel)
        try:
            await worker.sleep(inf)
        finally:
            for sleeper in sleepers:
                sleeper.cancel()
            await asyncio.wait(sleepers)

    worker = worker_with(name="worker", run=run)
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    await asyncio.sleep(0.05)
    if worker.is_running():
        assert len(worker._worker.life.stopping._futures) <= 3
    await stop_at_last(worker)
    await asyncio.sleep(1)  # a second cancel may have cut short the wait for the sleepers
    watch.assert_it_ended_well()


class Shelf:
    """Plenty of things to take, each of which takes a moment."""

    def __init__(self) -> None:
        self.left = [*range(30)]

    async def take(self) -> int:
        """Takes the next thing, in two steps."""
        await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        return self.left.pop(0)


@with_faults
async def test_what_a_coroutine_took_is_never_lost_between_it_and_whoever_waits(sim: Simulation):
    """C09"""
    shelf, taken = Shelf(), []

    async def take(worker: Worker) -> None:
        while (thing := await worker.wait_or_stop(shelf.take())) is not None:
            taken.append(thing)
        assert not asyncio.current_task().cancelling()

    async def run(worker: Worker) -> None:
        helper = asyncio.ensure_future(take(worker))
        sim.offer("cancel the helper", helper.cancel)
        try:
            await take(worker)
        finally:
            helper.cancel()
            await asyncio.wait([helper])

    worker = worker_with(name="worker", run=run)
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    await asyncio.sleep(0.05)
    await stop_at_last(worker)
    watch.assert_it_ended_well()
    assert taken + shelf.left == [*range(30)]
    sim.sometimes("something was taken", bool(taken))


@with_faults
async def test_a_task_that_is_waited_for_keeps_its_result_when_the_wait_is_cut(sim: Simulation):
    shelf, taken = Shelf(), []
    jobs: list[asyncio.Task[int]] = []

    async def run(worker: Worker) -> None:
        while worker.is_running():
            jobs.append(asyncio.ensure_future(shelf.take()))
            if (thing := await worker.wait_or_stop(jobs[-1])) is not None:
                taken.append(thing)
                jobs.pop()

    worker = worker_with(name="worker", run=run)
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    await asyncio.sleep(0.025)
    await stop_at_last(worker)
    watch.assert_it_ended_well()
    taken += [await job for job in jobs]
    assert taken + shelf.left == [*range(30)]
    sim.sometimes("the wait was cut", bool(jobs))


# --- those who wait for a worker -----------------------------------------------------------------


@with_faults
async def test_every_waiter_is_served_or_cancelled_and_none_is_kept(sim: Simulation):
    group = group_of(*breakables("ab"))
    watch, was_ready = Watch(group), history_of(group, "ready")
    faults_of_each(sim, group)
    start = asyncio.ensure_future(group.startup())
    while not group.has_started():  # nobody waits for the end of what has not begun
        await asyncio.sleep(0)
    core, waiters = group._worker, {}
    for wait in (group.wait_ready, group.wait_for_shutdown, group.shutdown):
        waiters[wait] = [asyncio.ensure_future(wait()) for _ in range(2)]
        sim.offer(f"cancel one in {wait.__name__}", waiters[wait][1].cancel)
        await asyncio.sleep(0.01)
    await end_of(start)
    await stop_at_last(group)
    watch.assert_it_ended_well()
    outcome = group.worker_exit.exception
    for wait, (patient, cancelled) in waiters.items():
        error, other = await end_of(patient), await end_of(cancelled)
        sim.sometimes("a waiter was cancelled", is_cancel(other))
        if wait == group.wait_ready:
            assert isinstance(error, WorkerStartError) or (error is None and was_ready)
            assert isinstance(other, WorkerStartError) or is_cancel(other) or was_ready
        else:
            assert error is outcome
            assert other is outcome or is_cancel(other)
    assert not core.readied.are_waiting
    assert core.life.ended is None or not core.life.ended.are_waiting


def is_cancel(error: BaseException | None) -> bool:
    """Returns whether a wait ended because it was cancelled."""
    return isinstance(error, asyncio.CancelledError)


@with_faults
async def test_async_with_ends_its_worker_wherever_its_user_is_cancelled(sim: Simulation):
    group = group_of(*breakables("ab"))
    watch = Watch(group)
    faults_of(sim, group)

    async def use() -> None:
        async with group:
            await asyncio.sleep(0.01)

    user = asyncio.ensure_future(use())
    sim.offer("cancel the user", user.cancel)
    error = await end_of(user)
    sim.sometimes("the user was cancelled", is_cancel(error))
    assert group.worker_state is WorkerState.INIT or group.is_stopping() or group.is_stopped()
    await end_of(group.wait_for_shutdown())
    watch.assert_it_ended_well()


# --- tasks of fluid's own ------------------------------------------------------------------------


@with_faults
async def test_works_that_run_together_all_end_and_none_of_their_errors_is_lost(sim: Simulation):
    opened, closed, raised = [], [], []

    async def work(name: str, error: BaseException | None) -> None:
        opened.append(name)
        try:
            await asyncio.sleep(0.01 if error is not None else 100)
            if error is not None:
                raised.append(error)
                raise error
        finally:
            closed.append(name)

    errors = [None, Planned("b"), SystemExit("c")]

    async def call() -> list[BaseException | None]:
        works = [work(name, error) for name, error in zip("abc", errors, strict=True)]
        return await tasks.gather_settled(works, name="work")

    def cancel() -> None:
        cancelled_at.append(sim.loop.time())
        caller.cancel()

    cancelled_at: list[float] = []
    caller = asyncio.ensure_future(call())
    sim.offer("cancel the caller", cancel)
    sim.offer("cancel one of the works", lambda: cancel_task_named("work 2"))
    found = await end_of(caller)
    assert found is None or sim.loop.time() < cancelled_at[0] + LATE
    assert sorted(opened) == sorted(closed)
    if found is None:
        told = {error for error in caller.result() if not is_cancel(error)} - {None}
    else:
        assert is_cancel(found)
        told = {*errors_in(found.__cause__)}
        sim.sometimes("it was cancelled after some had failed", bool(told))
    assert told == {*raised}


def cancel_task_named(name: str) -> None:
    """Cancels a task that is neither the caller's nor the scenario's."""
    for task in asyncio.all_tasks():
        if task.get_name() == name:
            task.cancel()


def errors_in(error: BaseException | None) -> list[BaseException]:
    """Returns the errors of a group, an only error, or nothing."""
    if isinstance(error, BaseExceptionGroup):
        return [*error.exceptions]
    return [] if error is None else [error]
