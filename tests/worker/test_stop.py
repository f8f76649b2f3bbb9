"""Stopping: who may ask, who waits, and how long it takes at the most."""

from __future__ import annotations

import asyncio
import signal
import threading
from math import inf

import pytest

from fluid import WorkerDeadlockError, WorkerState, WrongLoopError
from fluid.events import WorkerStopping
from tests.worker.fakes import at_once, deaf, deaf_to, forever, now, raising, worker_with


async def test_a_stop_reads_stopping_at_once() -> None:
    worker = worker_with()
    await worker.startup()
    worker.gracefully_stop()
    assert worker.worker_state is WorkerState.STOPPING
    assert worker.is_stopping()
    assert not worker.is_running()
    await worker.wait_for_shutdown()


async def test_a_stop_does_nothing_in_init_and_after_the_end() -> None:
    """N09"""
    worker = worker_with(run=at_once)
    worker.gracefully_stop()
    await worker.shutdown()
    assert worker.worker_state is WorkerState.INIT
    await worker.startup()
    await worker.wait_for_shutdown()
    worker.gracefully_stop()
    await worker.shutdown()
    assert worker.worker_state is WorkerState.STOPPED


async def test_a_hundred_callers_share_one_stop() -> None:
    """G09"""
    worker = worker_with(shutdown=lambda _: asyncio.sleep(1))
    await worker.startup()
    await asyncio.gather(*(worker.shutdown() for _ in range(100)))
    assert worker.diary.count("on_shutdown") == 1
    assert sum(isinstance(event, WorkerStopping) for event in worker.events) == 1


async def test_cancelling_a_caller_leaves_the_stop_running() -> None:
    """G10"""
    worker = worker_with(shutdown=lambda _: asyncio.sleep(3))
    await worker.startup()
    caller = asyncio.ensure_future(worker.shutdown())
    await asyncio.sleep(1)
    caller.cancel()
    await asyncio.wait([caller])
    await worker.wait_for_shutdown()
    assert now() == pytest.approx(3, abs=0.02)
    assert worker.worker_state is WorkerState.STOPPED


async def test_cancelling_a_waiter_touches_neither_the_worker_nor_other_waiters() -> None:
    """C14, PEERS 30"""
    worker = worker_with()
    await worker.startup()
    waiters = [asyncio.ensure_future(worker.wait_for_shutdown()) for _ in range(3)]
    await asyncio.sleep(1)
    waiters[1].cancel()
    await asyncio.sleep(1)
    assert worker.is_running()
    await worker.shutdown()
    await asyncio.wait(waiters)
    assert [waiter.cancelled() for waiter in waiters] == [False, True, False]


async def test_every_waiter_gets_the_error_before_and_long_after() -> None:
    error = ValueError("no")

    async def run(worker) -> None:
        await asyncio.sleep(1)
        raise error

    worker = worker_with(run=run)
    await worker.startup()
    early = await asyncio.gather(
        *(worker.wait_for_shutdown() for _ in range(3)), return_exceptions=True
    )
    assert early == [error] * 3
    await asyncio.sleep(3600)
    depths = []
    for _ in range(3):
        with pytest.raises(ValueError) as caught:
            await worker.wait_for_shutdown()
        depths.append(len(caught.traceback))
    assert len(set(depths)) == 1


async def test_ten_thousand_waiters_wake_in_the_step_of_the_end() -> None:
    """N07"""
    worker = worker_with()
    await worker.startup()
    waiters = [asyncio.ensure_future(worker.wait_for_shutdown()) for _ in range(10_000)]
    await asyncio.sleep(1)
    worker.gracefully_stop()
    await asyncio.gather(*waiters)
    assert now() == 1


@pytest.mark.parametrize("grace", [0, 0.5, 3])
async def test_the_grace_period_is_what_was_given(grace: float) -> None:
    worker = worker_with(run=forever, stopping_grace_period=grace)
    await worker.startup()
    await asyncio.sleep(1)
    await worker.shutdown()
    assert now() == 1 + grace
    assert worker.worker_state is WorkerState.FORCE_STOPPED


async def test_an_infinite_grace_never_cancels() -> None:
    async def run(worker) -> None:
        await asyncio.sleep(10**5)

    worker = worker_with(run=run, stopping_grace_period=inf)
    await worker.startup()
    await worker.shutdown()
    assert now() == 10**5
    assert worker.worker_state is WorkerState.STOPPED
    assert worker.worker_stop_bound == inf


HOOKS = {"mild": forever, "once": deaf_to(1), "twice": deaf_to(2), "deaf": deaf}


@pytest.mark.parametrize("run", HOOKS)
@pytest.mark.parametrize("shutdown", [None, *HOOKS])
async def test_a_stop_ends_within_its_bound_whatever_the_hooks_do(run: str, shutdown) -> None:
    worker = worker_with(run=HOOKS[run], shutdown=HOOKS.get(shutdown), stopping_grace_period=2)
    worker.cancel_period, worker.cleanup_period = 0.5, 1.5
    await worker.startup()
    assert worker.worker_stop_bound == 2 + 2 * 0.5 + 1.5
    await asyncio.sleep(1)
    await asyncio.wait([asyncio.ensure_future(_swallow(worker.shutdown()))])
    assert now() <= 1 + worker.worker_stop_bound
    assert worker.is_stopped()
    await asyncio.sleep(2 * 3600)


async def _swallow(awaitable) -> None:
    try:
        await awaitable
    except BaseException:
        return


async def test_nobody_has_to_wait_for_the_stop_to_be_bounded() -> None:
    worker = worker_with(run=forever)
    await worker.startup()
    worker.gracefully_stop()
    await asyncio.sleep(10.5)
    assert worker.worker_state is WorkerState.FORCE_STOPPED


async def test_the_cancel_that_ended_run_is_spent_when_cleanup_begins() -> None:
    """C03"""
    counts = []

    async def shutdown(_worker) -> None:
        counts.append(asyncio.current_task().cancelling())
        async with asyncio.timeout(1):
            await asyncio.sleep(0.5)

    worker = worker_with(run=deaf_to(1), shutdown=shutdown)
    await worker.startup()
    await worker.shutdown()
    assert counts == [0]
    assert worker.worker_state is WorkerState.FORCE_STOPPED


async def test_a_time_out_of_the_users_in_cleanup_works_as_ever() -> None:
    async def shutdown(worker) -> None:
        try:
            async with asyncio.timeout(1):
                await forever(worker)
        except TimeoutError:
            worker.diary.append("timed out")

    worker = worker_with(shutdown=shutdown)
    await worker.startup()
    await worker.shutdown()
    assert worker.diary[-2:] == ["timed out", ("normal shutdown", 0)]


# --- the body of async with ---------------------------------------------------------------------


async def test_async_with_starts_and_stops() -> None:
    async with worker_with() as worker:
        assert worker.is_ready()
    assert worker.worker_state is WorkerState.STOPPED


async def test_the_error_of_the_body_is_never_replaced_by_that_of_the_worker() -> None:
    body = RuntimeError("body")
    with pytest.raises(RuntimeError) as caught:
        async with worker_with(shutdown=raising(ValueError("worker"))):
            raise body
    assert caught.value is body
    assert "ValueError: worker" in "".join(caught.value.__notes__)


async def test_async_with_raises_what_ended_the_worker() -> None:
    with pytest.raises(ValueError, match="worker"):
        async with worker_with(run=raising(ValueError("worker"))):
            await asyncio.sleep(1)
    assert now() == 1


# --- from inside --------------------------------------------------------------------------------


async def test_shutdown_from_inside_asks_and_returns() -> None:
    """G11, PEERS 18"""

    async def run(worker) -> None:
        await worker.shutdown()
        worker.diary.append("goes on")

    worker = worker_with(run=run)
    await worker.startup()
    await worker.wait_for_shutdown()
    assert "goes on" in worker.diary
    assert worker.worker_state is WorkerState.STOPPED


async def test_waiting_for_oneself_is_refused_with_the_way_out() -> None:
    async def run(worker) -> None:
        with pytest.raises(WorkerDeadlockError, match="call self.gracefully_stop\\(\\)"):
            await worker.wait_for_shutdown()

    worker = worker_with(run=run)
    await worker.startup()
    await worker.wait_for_shutdown()


async def test_a_task_that_the_worker_created_is_inside_too() -> None:
    async def run(worker) -> None:
        await asyncio.ensure_future(worker.shutdown())

    worker = worker_with(run=run)
    await worker.startup()
    await worker.wait_for_shutdown()
    assert now() == 0


async def test_a_worker_that_a_worker_started_is_inside_both() -> None:
    async def outer_run(outer) -> None:
        async def inner_run(_inner) -> None:
            await outer.shutdown()

        async with worker_with(run=inner_run, name="inner"):
            await outer.sleep(100)

    outer = worker_with(run=outer_run, name="outer")
    await outer.startup()
    await outer.wait_for_shutdown()
    assert now() < 1


async def test_whoever_started_the_worker_is_not_inside_it() -> None:
    async with worker_with() as worker:
        await worker.shutdown()
    assert worker.is_stopped()


# --- from elsewhere -----------------------------------------------------------------------------


@pytest.mark.real
async def test_a_stop_may_come_from_any_thread() -> None:
    worker = worker_with()
    await worker.startup()
    thread = threading.Thread(target=worker.gracefully_stop)
    thread.start()
    await worker.wait_for_shutdown()
    thread.join()
    assert worker.worker_state is WorkerState.STOPPED


@pytest.mark.real
async def test_a_stop_may_come_from_a_signal_handler_while_the_loop_waits_for_io() -> None:
    worker = worker_with()
    before = signal.signal(signal.SIGALRM, lambda *_: worker.gracefully_stop())
    try:
        await worker.startup()
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        await worker.wait_for_shutdown()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert worker.worker_state is WorkerState.STOPPED


@pytest.mark.real
async def test_waiting_from_another_loop_is_refused_and_names_both() -> None:
    worker = worker_with()
    await worker.startup()

    def elsewhere() -> list[str]:
        texts = []
        for verb in (worker.wait_for_shutdown, worker.shutdown, worker.wait_ready):
            try:
                asyncio.run(verb())
            except WrongLoopError as error:
                texts.append(str(error))
        return texts

    texts = await asyncio.to_thread(elsewhere)
    assert [text.split("(")[0] for text in texts] == ["wait_for_shutdown", "shutdown"]
    assert worker.is_running()
    await worker.shutdown()


def test_a_stop_after_the_loop_was_closed_does_nothing() -> None:
    """X04"""
    worker = worker_with()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(worker.startup())
    task = next(iter(asyncio.all_tasks(loop)))
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    worker.gracefully_stop()
    assert worker.is_stopped()
