"""Starting: when ``startup()`` returns, what it raises, and what is true then."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from contextlib import nullcontext

import pytest

from fluid import FluidValueError, StartTimeoutError, Worker, WorkerStartError, WorkerState
from fluid.events import StillStarting
from tests.worker.fakes import at_once, forever, now, raising, worker_with


async def test_startup_returns_when_on_startup_has_ended() -> None:
    """S14, PEERS 22"""
    worker = worker_with(startup=lambda _: asyncio.sleep(7))
    await worker.startup()
    assert now() == 7
    assert worker.is_ready()
    await worker.shutdown()


async def test_startup_of_an_announcing_worker_returns_when_it_says_so() -> None:
    async def run(worker) -> None:
        await asyncio.sleep(3)
        worker.set_ready()
        await worker.sleep(100)

    worker = worker_with(run=run)
    type(worker).announces_readiness = True
    starting = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(2)
    assert worker.is_running()
    assert not worker.is_ready()
    await starting
    assert now() == 3
    assert worker.is_ready()
    await worker.shutdown()


async def test_an_announcing_worker_that_fails_before_it_is_ready_fails_its_start() -> None:
    error = ValueError("no")
    worker = worker_with(run=raising(error))
    type(worker).announces_readiness = True
    with pytest.raises(ValueError) as caught:
        await worker.startup()
    assert caught.value is error
    assert worker.diary[-2:] == ["on_shutdown", ("no", 2)]


async def test_an_announcing_worker_that_returns_before_it_is_ready_has_not_started() -> None:
    worker = worker_with(run=at_once)
    type(worker).announces_readiness = True
    with pytest.raises(WorkerStartError, match="its run\\(\\) ended before it was ready"):
        await worker.startup()
    assert worker.worker_state is WorkerState.STOPPED


async def test_an_announcing_worker_over_its_start_limit_is_stopped_and_cleaned_up() -> None:
    worker = worker_with()
    type(worker).announces_readiness = True
    worker.start_timeout = 2.0
    with pytest.raises(StartTimeoutError):
        await worker.startup()
    assert now() == 2
    assert worker.diary[-2] == "on_shutdown"
    assert worker.worker_state is WorkerState.FAILED


async def test_a_start_within_its_limit_is_left_alone_afterwards() -> None:
    worker = worker_with(startup=lambda _: asyncio.sleep(1))
    worker.start_timeout = 2.0
    await worker.startup()
    await asyncio.sleep(10)
    assert worker.is_running()
    await worker.shutdown()


async def test_running_is_true_right_after_startup_even_of_the_shortest_run() -> None:
    for hook in (at_once, raising(ValueError("at once"))):
        worker = worker_with(run=hook)
        await worker.startup()
        assert worker.worker_state is WorkerState.RUNNING
        with pytest.raises(ValueError) if hook is not at_once else nullcontext():
            await worker.wait_for_shutdown()


async def test_a_worker_without_hooks_of_its_own_is_ready_without_a_step_of_the_loop() -> None:
    class Plain(Worker):
        async def run(self) -> None:
            await self.sleep(100)

    worker = Plain()
    with pytest.raises(StopIteration):
        worker.startup().send(None)
    assert worker.is_ready()
    await worker.shutdown()


@pytest.mark.parametrize("state", list(WorkerState))
async def test_a_second_start_is_refused_in_every_state(state: WorkerState) -> None:
    """S16, S22"""
    hooks = {
        WorkerState.FORCE_STOPPED: {"run": forever},
        WorkerState.FAILED: {"run": raising(ValueError())},
        WorkerState.STOPPED: {"run": at_once},
    }
    worker = worker_with(**hooks.get(state, {}))
    await worker.startup()
    if state is WorkerState.STOPPING:
        worker.gracefully_stop()
    elif state is not WorkerState.RUNNING and state is not WorkerState.INIT:
        worker.gracefully_stop()
        await asyncio.wait([asyncio.ensure_future(_swallow(worker.wait_for_shutdown()))])
    if state is not WorkerState.INIT:
        assert worker.worker_state is state
        with pytest.raises(WorkerStartError, match=f"cannot start: it is {state.value[:5]}") as no:
            await worker.startup()
        assert ("make another" in str(no.value)) is worker.is_stopped()
    if not worker.is_stopped():
        await worker.shutdown()


async def _swallow(awaitable) -> None:
    try:
        await awaitable
    except BaseException:
        return


async def test_of_two_concurrent_starts_one_wins() -> None:
    """S16"""
    worker = worker_with(startup=lambda _: asyncio.sleep(1))
    results = await asyncio.gather(worker.startup(), worker.startup(), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "WorkerStartError"]
    assert worker.diary.count("on_startup") == 1
    await worker.shutdown()


async def test_a_start_is_refused_while_the_last_stop_goes_on() -> None:
    """S17"""
    worker = worker_with(shutdown=lambda _: asyncio.sleep(2))
    await worker.startup()
    stopping = asyncio.ensure_future(worker.shutdown())
    await asyncio.sleep(1)
    with pytest.raises(WorkerStartError, match="it is stopping"):
        await worker.startup()
    await stopping


async def test_a_start_that_takes_long_is_reported_every_ten_seconds_with_its_place() -> None:
    worker = worker_with(startup=lambda _: asyncio.sleep(35))
    await worker.startup()
    reports = [event for event in worker.events if isinstance(event, StillStarting)]
    assert [report.elapsed for report in reports] == [10, 20, 30]
    assert "sleep" in reports[0].stack[-1]
    await asyncio.sleep(60)
    assert sum(isinstance(event, StillStarting) for event in worker.events) == 3
    await worker.shutdown()


async def test_a_cancelled_starter_waits_for_the_cleanup_however_often_it_is_cancelled() -> None:
    """C07"""

    async def startup(worker) -> None:
        worker.worker_exit_stack.push_async_callback(asyncio.sleep, 2)
        await forever(worker)

    worker = worker_with(startup=startup)
    starter = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(1)
    for _ in range(3):
        starter.cancel()
        await asyncio.sleep(0.1)
    with pytest.raises(asyncio.CancelledError):
        await starter
    assert now() == pytest.approx(3)
    assert worker.is_stopped()


async def test_on_startup_that_completes_in_spite_of_a_stop_is_cleaned_up_after() -> None:
    async def startup(worker) -> None:
        try:
            await forever(worker)
        except asyncio.CancelledError:
            return

    worker = worker_with(startup=startup)
    starter = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(1)
    worker.gracefully_stop()
    with pytest.raises(WorkerStartError):
        await starter
    assert worker.diary == ["on_startup", "on_shutdown", ("stopped during start-up", 0)]


async def test_hooks_share_one_task_and_one_context_and_see_that_of_the_starter() -> None:
    """S28"""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen = []

    async def startup(_worker) -> None:
        seen.append((asyncio.current_task(), variable.get()))
        variable.set("changed")

    async def later(_worker) -> None:
        seen.append((asyncio.current_task(), variable.get()))

    variable.set("starter")
    worker = worker_with(startup=startup, run=later, shutdown=later)
    await worker.startup()
    await worker.wait_for_shutdown()
    tasks, values = zip(*seen, strict=True)
    assert len(set(tasks)) == 1
    assert values == ("starter", "changed", "changed")
    assert variable.get() == "starter"


async def test_a_cancel_scope_may_be_opened_in_one_hook_and_closed_in_another() -> None:
    async def startup(worker) -> None:
        worker.group = await worker.worker_exit_stack.enter_async_context(asyncio.TaskGroup())
        worker.group.create_task(asyncio.sleep(1))

    worker = worker_with(startup=startup)
    await worker.startup()
    worker.gracefully_stop()
    await worker.wait_for_shutdown()
    assert now() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("option", ["cancel_period", "cleanup_period", "start_timeout"])
@pytest.mark.parametrize("value", [-1, float("nan"), "3", True])
async def test_an_option_that_is_no_duration_is_refused_at_start(option: str, value) -> None:
    """I10"""
    worker = worker_with()
    setattr(worker, option, value)
    with pytest.raises(FluidValueError, match=f"{option} of worker 'made'"):
        await worker.startup()
    assert not worker.has_started()


def test_a_start_outside_of_a_loop_is_refused_and_leaves_the_worker_as_it_was() -> None:
    """S24"""
    worker = worker_with()
    starting = worker.startup()
    with pytest.raises(RuntimeError, match="no running event loop"):
        starting.send(None)
    assert worker.worker_state is WorkerState.INIT


async def test_a_crash_is_logged_once_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """E01"""
    worker = worker_with(run=raising(ValueError("broken")))
    with caplog.at_level(logging.WARNING):
        await worker.startup()
        with pytest.raises(ValueError):
            await worker.wait_for_shutdown()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "worker made failed after 0.0 seconds (ValueError: broken)" in record.message
    assert record.exc_info is not None


async def test_a_start_limit_that_passes_while_a_stop_goes_on_changes_nothing() -> None:
    async def startup(worker) -> None:
        worker.worker_exit_stack.push_async_callback(asyncio.sleep, 3)
        await forever(worker)

    worker = worker_with(startup=startup)
    worker.start_timeout = 2.0
    starter = asyncio.ensure_future(worker.startup())
    await asyncio.sleep(1)
    worker.gracefully_stop()
    with pytest.raises(WorkerStartError, match="it was stopped"):
        await starter
    assert worker.worker_exit.reason == "stopped during start-up"
