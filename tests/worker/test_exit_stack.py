"""The worker's own exit stack: closed in every case, in its own task, seeing what ended ``run``."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from fluid import CleanupTimeoutError, FluidError, WorkerState
from tests.worker.fakes import at_once, forever, now, raising, worker_with


def transaction(diary: list[object]):
    """Returns a resource that notes how it was closed."""

    @asynccontextmanager
    async def manager():
        task = asyncio.current_task()
        try:
            yield
        except BaseException as error:
            diary.append(f"rollback {type(error).__name__}")
            raise
        else:
            diary.append("commit")
        finally:
            diary.append(asyncio.current_task() is task)

    return manager()


async def enter(worker) -> None:
    await worker.worker_exit_stack.enter_async_context(transaction(worker.diary))


async def enter_and_fail(worker) -> None:
    await enter(worker)
    raise ValueError("half-way")


@pytest.mark.parametrize(
    ("hooks", "closing"),
    [
        ({"startup": enter, "run": at_once}, "commit"),
        ({"startup": enter, "run": raising(ValueError())}, "rollback ValueError"),
        ({"startup": enter, "run": forever}, "rollback CancelledError"),
        ({"startup": enter, "run": at_once, "shutdown": raising(ValueError())}, "commit"),
        ({"startup": enter_and_fail}, "commit"),
        ({"run": enter}, "commit"),
    ],
    ids=["returned", "failed", "forced", "failed cleanup", "failed start", "entered in run"],
)
async def test_the_stack_is_closed_in_the_workers_task_however_it_ends(hooks, closing) -> None:
    """G16"""
    worker = worker_with(**hooks)
    for step in (worker.startup, worker.shutdown):
        with suppress(ValueError):
            await step()
    assert worker.diary[-3:-1] == [closing, True]


async def test_the_stack_is_closed_after_on_shutdown_last_in_first_out() -> None:
    async def startup(worker) -> None:
        worker.worker_exit_stack.callback(worker.diary.append, "first in")
        worker.worker_exit_stack.callback(worker.diary.append, "last in")

    worker = worker_with(startup=startup)
    await worker.startup()
    await worker.shutdown()
    assert worker.diary[-4:-1] == ["on_shutdown", "last in", "first in"]


async def test_what_is_on_the_stack_is_closed_though_on_shutdown_overran() -> None:
    async def startup(worker) -> None:
        worker.worker_exit_stack.callback(worker.diary.append, "closed")

    worker = worker_with(startup=startup, shutdown=forever)
    await worker.startup()
    with pytest.raises(CleanupTimeoutError):
        await worker.shutdown()
    assert worker.diary[-2] == "closed"


async def test_an_error_of_the_stack_fails_the_worker() -> None:
    async def startup(worker) -> None:
        worker.worker_exit_stack.push_async_callback(raising(ValueError("stack")), worker)

    worker = worker_with(startup=startup)
    await worker.startup()
    with pytest.raises(ValueError, match="stack"):
        await worker.shutdown()
    assert worker.worker_state is WorkerState.FAILED


async def test_a_stack_over_the_cleanup_period_is_cut() -> None:
    async def startup(worker) -> None:
        worker.worker_exit_stack.push_async_callback(forever, worker)

    worker = worker_with(startup=startup)
    await worker.startup()
    await asyncio.sleep(1)
    with pytest.raises(CleanupTimeoutError, match="still in the exit stack"):
        await worker.shutdown()
    assert now() == 1 + worker.cleanup_period


async def test_there_is_no_stack_before_the_start_and_after_the_end() -> None:
    worker = worker_with(run=at_once)
    with pytest.raises(FluidError, match="has no exit stack: it is init"):
        _ = worker.worker_exit_stack
    await worker.startup()
    await worker.wait_for_shutdown()
    with pytest.raises(FluidError, match="has no exit stack: it is stopped"):
        _ = worker.worker_exit_stack


async def test_what_a_task_group_on_the_stack_has_to_say_is_what_ended_the_worker() -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise ValueError("child")

    async def startup(worker) -> None:
        tasks = await worker.worker_exit_stack.enter_async_context(asyncio.TaskGroup())
        tasks.create_task(fail())

    worker = worker_with(startup=startup)
    await worker.startup()
    with pytest.raises(ExceptionGroup) as caught:
        await worker.wait_for_shutdown()
    assert [str(error) for error in caught.value.exceptions] == ["child"]


async def test_a_time_out_on_the_stack_that_passes_is_what_ended_the_worker() -> None:
    async def startup(worker) -> None:
        await worker.worker_exit_stack.enter_async_context(asyncio.timeout(3))

    worker = worker_with(startup=startup, run=forever)
    await worker.startup()
    with pytest.raises(TimeoutError):
        await worker.wait_for_shutdown()
    assert now() == 3
