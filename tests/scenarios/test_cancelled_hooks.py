"""What a worker does when it is cancelled: at any step, in any of its hooks, by whomever."""

from __future__ import annotations

import asyncio
import logging

import pytest

from fluid import Worker, WorkerCancelled, WorkerState
from fluid.events import WorkerAbandoned
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    LATE,
    Breakable,
    Planned,
    Watch,
    faults_of,
    faults_of_each,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import Recorded, forever, now, worker_with
from tests.worker.group_cast import end_of

STOPPED, FORCED, FAILED = WorkerState.STOPPED, WorkerState.FORCE_STOPPED, WorkerState.FAILED


def cancel_by_name(name: str, message: str | None = None) -> bool:
    """Cancels the task of that name, begun or not; returns whether there was one to cancel."""
    tasks = (task for task in asyncio.all_tasks() if task.get_name() == name)
    return any(task.cancel(message) for task in tasks)


# --- what it answers -----------------------------------------------------------------------------


@explored(faults="offered", swept=True, pairs=20)
async def test_a_worker_that_answers_its_cancel_with_an_error_fails_with_that_error(
    sim: Simulation,
) -> None:
    """C05"""

    async def retort(worker: Recorded) -> None:
        try:
            await forever(worker)
        except asyncio.CancelledError:
            worker.diary.append("retort")
            raise Planned(worker.worker_name) from None

    async def count(worker: Recorded) -> None:
        levels.append(asyncio.current_task().cancelling())

    levels: list[int] = []
    worker = worker_with(name="worker", run=retort, shutdown=count, stopping_grace_period=1)
    group = group_of(Breakable(name="sibling"), worker)
    watch = Watch(group)
    faults_of_each(sim, worker)
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    error = await stop_at_last(group)
    if "retort" in worker.diary:
        assert type(error) is Planned
        assert error is worker.worker_exit.exception
        assert worker.worker_state is FAILED
        assert levels == [0] or sim.schedule.strikes  # one may strike just then
    sim.sometimes("it was cancelled", "retort" in worker.diary)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_a_worker_that_swallows_its_cancel_and_returns_has_not_failed(
    sim: Simulation,
) -> None:
    """C10"""

    async def swallow(worker: Recorded) -> None:
        try:
            await forever(worker)
        except asyncio.CancelledError:
            worker.diary.append("swallowed")

    worker = worker_with(name="worker", run=swallow, stopping_grace_period=1)
    group = group_of(Breakable(name="sibling"), worker)
    watch = Watch(group)
    # Only once: a second cancel would hit what is not there to swallow it.
    sim.offer("cancel it", lambda: "swallowed" in worker.diary or cancel_by_name("worker"))
    sim.offer("force it", worker._worker.force)
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    error = await stop_at_last(group)
    if "swallowed" in worker.diary:
        was_forced = worker.worker_exit.code == 1
        assert worker.worker_state is (FORCED if was_forced else STOPPED)
        assert not worker.worker_exit.abandoned
        assert error is None
        sim.sometimes("it was forced", was_forced)
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_a_loop_that_catches_exceptions_can_be_stopped(sim: Simulation) -> None:
    """C11"""

    async def stubborn(worker: Recorded) -> None:
        while True:
            try:
                await asyncio.sleep(0.3)
                raise Planned
            except Exception:
                worker.diary.append(now())

    worker = worker_with(name="worker", run=stubborn, stopping_grace_period=1)
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    await asyncio.sleep(1)
    await stop_at_last(worker)
    if worker.has_started():
        assert not worker.worker_exit.abandoned
        assert watch.ended_at - watch.stopping_at <= 1 + LATE
        sim.sometimes("it was forced", worker.worker_state is FORCED)
    watch.assert_it_ended_well()


async def deaf_loop(worker: Worker) -> None:
    """Catches whatever comes, for a minute."""
    while now() < 60:
        try:
            await asyncio.sleep(60)  # the line that the log names
        except BaseException:
            continue


HERE = deaf_loop.__code__.co_firstlineno + 4


async def test_the_log_names_the_line_of_a_loop_that_catches_everything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """C12"""
    worker = worker_with(run=deaf_loop)
    with caplog.at_level(logging.WARNING):
        await worker.startup()
        await worker.shutdown()
    assert worker.worker_exit.abandoned
    *cancelled, abandoned, _ = caplog.messages
    assert len(cancelled) == 2
    for line in (*cancelled, abandoned):
        assert f"at {__file__}:{HERE} in deaf_loop" in line
    assert "refuses to end and was abandoned in run" in abandoned
    await asyncio.sleep(100)


@explored(faults="offered", swept=True, pairs=20)
async def test_a_loop_that_catches_everything_is_abandoned_and_holds_nobody_up(
    sim: Simulation,
) -> None:
    """C12"""
    worker = worker_with(name="worker", run=deaf_loop, stopping_grace_period=1)
    sibling = Breakable(name="sibling")
    group = group_of(sibling, worker)
    watch = Watch(group)
    faults_of_each(sim, worker)
    await end_of(starting(sim, group))
    await asyncio.sleep(1)
    await stop_at_last(group)
    assert now() <= 1 + group.worker_stop_bound + LATE
    watch.assert_it_ended_well()
    if "run" in worker.diary:
        assert worker.worker_exit.abandoned
        (told,) = (event for event in worker.events if type(event) is WorkerAbandoned)
        assert any(line.endswith(f":{HERE} in deaf_loop") for line in told.stack)
        sim.sometimes("it was abandoned")
    await asyncio.sleep(100)


# --- when it comes -------------------------------------------------------------------------------


@explored(faults="offered", swept=True, pairs=20)
async def test_a_worker_that_is_cancelled_before_its_first_step_runs_nothing_and_has_failed(
    sim: Simulation,
) -> None:
    """C08"""
    workers = [worker_with(name="worker"), Breakable(name="sibling")]
    group = group_of(*workers)
    watch = Watch(group)
    early: list[Recorded] = []

    def cancel(worker: Recorded) -> None:
        if cancel_by_name(worker.worker_name) and not worker.diary:
            early.append(worker)

    for worker in workers:
        sim.offer(f"cancel {worker.worker_name}", lambda worker=worker: cancel(worker))
    await end_of(starting(sim, group))
    await stop_at_last(group)
    for worker in early:
        assert worker.diary == [("cancelled", 2)]
        assert worker.worker_state is FAILED
        assert type(group.worker_exit.exception) is WorkerCancelled
    sim.sometimes("before its first step", bool(early))
    watch.assert_it_ended_well()


@explored(faults="offered", swept=True, pairs=20)
async def test_a_cancel_during_the_cleanup_is_raised_when_that_is_over(sim: Simulation) -> None:
    """C06"""

    async def acquire(worker: Recorded) -> None:
        worker.worker_exit_stack.push_async_callback(release, worker)

    async def release(worker: Recorded) -> None:
        try:
            await asyncio.sleep(0.1)
        finally:
            worker.diary.append("released")

    async def tidy(worker: Recorded) -> None:
        await asyncio.sleep(1)
        worker.diary.append("tidied")

    first, second = (worker_with(name=n, startup=acquire, shutdown=tidy) for n in "ab")
    group = group_of(first, second)
    watch = Watch(group)
    sim.offer("cancel the first", lambda: cancel_by_name("a"))
    sim.offer("cancel the group", lambda: cancel_by_name("group"))
    await end_of(group.startup())
    await asyncio.sleep(1)
    group.gracefully_stop()
    await asyncio.sleep(0.5)
    was_cleaning = cancel_by_name("a")
    was_stopping = cancel_by_name("group")
    error = await stop_at_last(group)
    for worker in (first, second):
        assert worker.diary.count("released") == ("on_startup" in worker.diary)
    assert ("tidied" in second.diary) == ("on_shutdown" in second.diary)
    if was_cleaning:
        assert (first.worker_state, first.worker_exit.reason) == (FAILED, "cancelled")
        sim.sometimes("it was cut short", "tidied" not in first.diary)
    if was_stopping:
        assert type(error) in (asyncio.CancelledError, WorkerCancelled)
    watch.assert_it_ended_well()


@pytest.mark.parametrize("message", ["enough", "fluid: worker 'worker' has to end now"])
@explored(faults="offered", swept=True)
async def test_the_message_of_a_cancel_is_kept_and_means_nothing(
    sim: Simulation, message: str
) -> None:
    """C17: a cancel that speaks as fluid's own do is a foreign one like any other."""
    # In fifo+cancel it@4 it comes before the worker's first step.
    worker = worker_with(name="worker")
    group = group_of(Breakable(name="sibling"), worker)
    sim.offer("cancel it", lambda: cancel_by_name("worker", message))
    await end_of(group.startup())
    await asyncio.sleep(1)
    cancel_by_name("worker", message)
    error = await stop_at_last(group)
    assert type(error) is WorkerCancelled
    assert error.__cause__ is worker.worker_exit.exception
    assert error.__cause__.args == (message,)
    assert worker.worker_exit.reason == "cancelled"
