"""Every row of the outcome table, brought about by a real worker."""

from __future__ import annotations

import asyncio

import pytest

from fluid import CleanupTimeoutError, StartTimeoutError, WorkerStartError, WorkerState
from tests.worker.fakes import at_once, deaf, deaf_to, forever, now, raising, worker_with

E = ValueError("broken")


async def end_of(worker) -> None:
    """Waits for the end of ``worker``, whatever it raises."""
    await asyncio.wait([asyncio.ensure_future(_quietly(worker))])


async def _quietly(worker) -> None:
    try:
        await worker.wait_for_shutdown()
    except BaseException:
        return


async def test_on_startup_raising_fails_the_start_with_that_error() -> None:
    """S15"""
    worker = worker_with(startup=raising(E))
    with pytest.raises(ValueError) as caught:
        await worker.startup()
    assert caught.value is E
    assert worker.worker_state is WorkerState.FAILED
    assert worker.diary == ["on_startup", ("broken", 2)]
    with pytest.raises(ValueError):
        await worker.wait_for_shutdown()


async def test_a_stop_before_on_startup_has_ended_is_a_clean_end() -> None:
    """S18"""
    worker = worker_with(startup=forever)
    asyncio.get_running_loop().call_later(3, worker.gracefully_stop)
    with pytest.raises(WorkerStartError, match="it was stopped"):
        await worker.startup()
    assert now() == 3
    assert worker.worker_state is WorkerState.STOPPED
    assert worker.diary == ["on_startup", ("stopped during start-up", 0)]
    await worker.wait_for_shutdown()


async def test_a_cancelled_starter_is_a_clean_end_and_is_cancelled_after_the_cleanup() -> None:
    released = []

    async def acquire(worker) -> None:
        worker.worker_exit_stack.callback(released.append, "resource")
        await forever(worker)

    worker = worker_with(startup=acquire)
    starter = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(1)
    starter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starter
    assert released == ["resource"]
    assert worker.worker_exit.reason == "stopped during start-up"
    assert worker.worker_state is WorkerState.STOPPED


async def test_a_stop_before_the_first_step_lets_no_hook_begin() -> None:
    """S19"""
    worker = worker_with()
    starter = asyncio.ensure_future(worker.startup())
    asyncio.get_running_loop().call_soon(worker.gracefully_stop)
    while not worker.has_started():
        await asyncio.sleep(0)
    worker.gracefully_stop()
    with pytest.raises(WorkerStartError):
        await starter
    assert "run" not in worker.diary
    assert worker.diary[-1] == ("stopped during start-up", 0)


async def test_a_start_over_its_limit_fails_with_the_place_where_it_waits() -> None:
    """S20"""
    worker = worker_with(startup=forever)
    worker.start_timeout = 4.0
    with pytest.raises(StartTimeoutError, match="not ready after 4 seconds") as caught:
        await worker.startup()
    assert now() == 4
    assert any("fakes.py" in line and "forever" in line for line in caught.value.stack)
    assert worker.worker_state is WorkerState.FAILED
    assert worker.worker_exit.code == 2


async def test_a_start_deaf_to_cancels_is_abandoned_in_bounded_time() -> None:
    """S21"""
    worker = worker_with(startup=deaf)
    worker.start_timeout = 4.0
    with pytest.raises(StartTimeoutError):
        await worker.startup()
    assert now() == 4 + 2 * worker.cancel_period
    assert worker.worker_exit.abandoned
    await asyncio.sleep(3600)


async def test_run_raising_fails_the_worker_after_its_cleanup() -> None:
    """G15, PEERS 23"""
    worker = worker_with(run=raising(E))
    await worker.startup()
    with pytest.raises(ValueError) as caught:
        await worker.wait_for_shutdown()
    assert caught.value is E
    assert worker.diary == ["on_startup", "run", "on_shutdown", ("broken", 2)]
    assert worker.worker_exit.exception is E


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), BaseException("odd")])
async def test_no_base_exception_leaves_the_task_other_than_to_waiters(error) -> None:
    """E04, E05"""
    worker = worker_with(run=raising(error))
    await worker.startup()
    with pytest.raises(type(error)) as caught:
        await worker.wait_for_shutdown()
    assert caught.value is error
    assert worker.worker_state is WorkerState.FAILED


async def test_run_raising_while_stopping_is_a_failure_all_the_same() -> None:
    """G13"""

    async def run(worker) -> None:
        await worker.sleep(100)
        raise E

    worker = worker_with(run=run)
    await worker.startup()
    with pytest.raises(ValueError):
        await worker.shutdown()
    assert worker.diary[-2:] == ["on_shutdown", ("broken", 2)]


async def test_a_foreign_cancel_fails_the_worker_and_reaches_a_direct_waiter() -> None:
    """C20"""
    tasks = []

    async def run(worker) -> None:
        tasks.append(asyncio.current_task())
        await forever(worker)

    worker = worker_with(run=run)
    await worker.startup()
    await asyncio.sleep(1)
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker.wait_for_shutdown()
    assert worker.worker_state is WorkerState.FAILED
    assert worker.diary[-2:] == ["on_shutdown", ("cancelled", 2)]
    assert asyncio.current_task().cancelling() == 0


async def test_a_run_that_raises_cancelled_by_itself_is_a_foreign_cancel() -> None:
    worker = worker_with(run=raising(asyncio.CancelledError()))
    await worker.startup()
    with pytest.raises(asyncio.CancelledError):
        await worker.wait_for_shutdown()
    assert worker.is_stopped()
    assert worker.diary[-1] == ("cancelled", 2)


async def test_a_worker_that_cancels_its_own_task_and_returns_was_cancelled() -> None:
    """C21: the cancel arrives after run() has returned, and must not hit on_shutdown."""

    async def run(worker) -> None:
        asyncio.current_task().cancel()

    async def shutdown(worker) -> None:
        await asyncio.sleep(1)
        worker.diary.append("cleaned up")

    worker = worker_with(run=run, shutdown=shutdown)
    await worker.startup()
    with pytest.raises(asyncio.CancelledError):
        await worker.wait_for_shutdown()
    assert worker.diary[-2:] == ["cleaned up", ("cancelled", 2)]


async def test_a_task_cancelled_before_its_first_step_has_an_outcome() -> None:
    """C08"""
    worker = worker_with()
    before = asyncio.all_tasks()
    starter = asyncio.ensure_future(worker.startup())
    while not worker.has_started():
        await asyncio.sleep(0)
    for task in asyncio.all_tasks() - before - {starter}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starter
    assert worker.worker_state is WorkerState.FAILED


async def test_a_worker_that_outlives_its_grace_is_force_stopped() -> None:
    worker = worker_with(run=forever)
    await worker.startup()
    await worker.shutdown()
    assert now() == 10
    assert worker.worker_state is WorkerState.FORCE_STOPPED
    assert worker.diary[-2:] == ["on_shutdown", ("forced shutdown", 1)]


async def test_a_worker_that_swallows_the_cancel_and_returns_was_forced() -> None:
    """C10"""

    async def run(worker) -> None:
        try:
            await forever(worker)
        except asyncio.CancelledError:
            return

    worker = worker_with(run=run)
    await worker.startup()
    await worker.shutdown()
    assert worker.worker_state is WorkerState.FORCE_STOPPED


async def test_a_worker_deaf_to_the_first_cancel_ends_with_the_second() -> None:
    """F03"""
    worker = worker_with(run=deaf_to(1))
    await worker.startup()
    await worker.shutdown()
    assert now() == 11
    assert worker.worker_state is WorkerState.FORCE_STOPPED
    assert not worker.worker_exit.abandoned


async def test_a_worker_deaf_to_every_cancel_is_abandoned_and_not_cleaned_up_beside_its_task() -> (
    None
):
    """F04, PEERS 20, 25"""
    worker = worker_with(run=deaf)
    await worker.startup()
    await worker.shutdown()
    assert now() == 12 <= worker.worker_stop_bound
    assert worker.worker_state is WorkerState.FORCE_STOPPED
    assert worker.worker_exit.abandoned
    assert worker.diary == ["on_startup", "run", ("forced shutdown", 1)]
    await asyncio.sleep(3600)
    assert worker.diary[-1] == "on_shutdown"
    assert worker.worker_state is WorkerState.FORCE_STOPPED


async def test_a_run_that_returns_is_a_normal_shutdown() -> None:
    worker = worker_with(run=at_once)
    await worker.startup()
    await worker.wait_for_shutdown()
    assert worker.worker_state is WorkerState.STOPPED
    assert worker.diary == ["on_startup", "run", "on_shutdown", ("normal shutdown", 0)]


async def test_a_graceful_stop_is_a_normal_shutdown() -> None:
    worker = worker_with()
    await worker.startup()
    await asyncio.sleep(1)
    await worker.shutdown()
    assert now() == 1
    assert worker.worker_state is WorkerState.STOPPED
    assert worker.diary[-1] == ("normal shutdown", 0)


# --- what the cleanup adds ----------------------------------------------------------------------


async def test_an_error_in_on_shutdown_fails_a_clean_end() -> None:
    """G14"""
    worker = worker_with(shutdown=raising(E))
    await worker.startup()
    with pytest.raises(ValueError):
        await worker.shutdown()
    assert worker.diary[-1] == ("broken", 2)


async def test_an_error_in_on_shutdown_fails_a_forced_end() -> None:
    worker = worker_with(run=forever, shutdown=raising(E))
    await worker.startup()
    with pytest.raises(ValueError):
        await worker.shutdown()
    assert worker.worker_state is WorkerState.FAILED


async def test_an_error_in_on_shutdown_stays_beside_that_of_run() -> None:
    """E14"""
    first = RuntimeError("first")
    worker = worker_with(run=raising(first), shutdown=raising(E))
    await worker.startup()
    with pytest.raises(RuntimeError) as caught:
        await worker.wait_for_shutdown()
    assert caught.value is first
    assert worker.worker_exit.errors == (E,)


async def test_an_on_shutdown_over_its_period_is_cut_and_fails_the_worker() -> None:
    worker = worker_with(shutdown=forever)
    await worker.startup()
    await asyncio.sleep(1)
    with pytest.raises(CleanupTimeoutError, match="still in on_shutdown when its cleanup period"):
        await worker.shutdown()
    assert now() == 1 + 5
    assert worker.worker_exit.code == 2


async def test_an_on_shutdown_within_its_period_is_not_cut() -> None:
    """F06"""

    async def shutdown(worker) -> None:
        await asyncio.sleep(4.9)
        worker.diary.append("done")

    worker = worker_with(run=forever, shutdown=shutdown)
    await worker.startup()
    await worker.shutdown()
    assert worker.diary[-2:] == ["done", ("forced shutdown", 1)]


async def test_an_on_shutdown_deaf_to_cancels_is_abandoned_within_the_bound() -> None:
    """F05"""
    worker = worker_with(run=deaf_to(1), shutdown=deaf)
    await worker.startup()
    with pytest.raises(CleanupTimeoutError):
        await worker.shutdown()
    assert now() == 11 + 5 + 1 <= worker.worker_stop_bound
    assert worker.worker_exit.abandoned
    await asyncio.sleep(3600)


async def test_a_foreign_cancel_during_cleanup_is_passed_on_after_the_exit_stack() -> None:
    """C06"""
    tasks, closed = [], []

    async def startup(worker) -> None:
        tasks.append(asyncio.current_task())
        worker.worker_exit_stack.callback(closed.append, True)

    worker = worker_with(startup=startup, shutdown=forever)
    await worker.startup()
    worker.gracefully_stop()
    await asyncio.sleep(1)
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker.wait_for_shutdown()
    assert closed == [True]
    assert worker.worker_exit.reason == "cancelled"


async def test_an_exception_from_after_shutdown_changes_nothing() -> None:
    class Grumpy(type(worker_with())):
        def after_shutdown(self, reason: str, code: int) -> None:
            raise E

    worker = Grumpy(name="grumpy")
    await worker.startup()
    await worker.shutdown()
    assert worker.worker_state is WorkerState.STOPPED
    assert [type(event).__name__ for event in worker.events][-1] == "SecondaryError"
